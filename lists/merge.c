/* Three lists made one, row by row. Pure. See merge.h. */
#include "lists/merge.h"

#include "base/map.h"
#include "lists/diff.h"
#include "lists/internal.h"
#include "lists/keys.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MARKER_DEFAULT 7
#define MARKER_MAX     64
#define NOWHERE        UINT64_MAX

/* A row of ours that is a row of base, and what became of that in theirs. */
struct fate {
    uint64_t base;
    uint64_t ours;        /* NOWHERE: removed there */
    uint64_t theirs;      /* the same */
    unsigned ours_differ; /* LST_DIFF_... from base */
    unsigned theirs_differ;
};

struct merging {
    struct span base;
    struct span ours;
    struct span theirs;
    const struct lst_merge_options *opt;
    struct buf *out;
    struct lst_merge_stats stats;
    struct fate *fates; /* by base, then by ours */
    size_t n;
    struct lst_diff to_ours;
    struct lst_diff to_theirs;
    bool *settled;       /* of each row that theirs added: it is in out already */
    uint64_t next_index; /* that none of them has */
};

/* The row of a list that begins there. */
static struct lst_row row_of(struct span text, uint64_t at)
{
    struct lst_row row;

    lst_row_begin(text, at, &row);
    return row;
}

/* A row, ending in LF whatever it ended in: it may have been the last. */
static int put_line(struct buf *out, struct span line)
{
    int rc = buf_append_span(out, line);

    if (rc == 0 && line.n > 0 && line.p[line.n - 1] != '\n')
        rc = buf_append_byte(out, '\n');
    return rc;
}

static int put_marker(struct merging *m, char c, const char *label)
{
    unsigned n = m->opt->marker ? m->opt->marker : MARKER_DEFAULT;
    char marker[MARKER_MAX + 1];

    n = n < MARKER_MAX ? n : MARKER_MAX;
    memset(marker, c, n);
    marker[n] = '\0';
    return buf_appendf(m->out, "%s%s%s\n", marker, *label ? " " : "", label);
}

/* Both rows between markers; either may be empty. */
static int put_conflict(struct merging *m, struct span ours, struct span theirs)
{
    int rc = put_marker(m, '<', m->opt->ours ? m->opt->ours : "ours");

    m->stats.conflicts++;
    if (rc == 0)
        rc = put_line(m->out, ours);
    if (rc == 0)
        rc = put_marker(m, '=', "");
    if (rc == 0)
        rc = put_line(m->out, theirs);
    return rc < 0 ? rc : put_marker(m, '>', m->opt->theirs ? m->opt->theirs : "theirs");
}

static int by_base(const void *a, const void *b)
{
    uint64_t x = ((const struct fate *)a)->base;
    uint64_t y = ((const struct fate *)b)->base;

    return x < y ? -1 : x > y;
}

static int by_ours(const void *a, const void *b)
{
    uint64_t x = ((const struct fate *)a)->ours;
    uint64_t y = ((const struct fate *)b)->ours;

    return x < y ? -1 : x > y;
}

/* Where every row of base is in ours. */
static int begin_fates(struct merging *m)
{
    const struct lst_diff *d = &m->to_ours;
    size_t n = d->pair_n + d->removed_n;

    m->fates = n ? reallocarray(NULL, n, sizeof(*m->fates)) : NULL;
    if (n && !m->fates)
        return -ENOMEM;
    /* NOLINTBEGIN(clang-analyzer-core.NullDereference): there are n */
    for (size_t i = 0; i < d->pair_n; i++)
        m->fates[m->n++] = (struct fate){.base = d->pairs[i].a,
                                         .ours = d->pairs[i].b,
                                         .theirs = NOWHERE,
                                         .ours_differ = d->pairs[i].differ};
    for (size_t i = 0; i < d->removed_n; i++)
        m->fates[m->n++] = (struct fate){.base = d->removed[i], .ours = NOWHERE, .theirs = NOWHERE};
    /* NOLINTEND(clang-analyzer-core.NullDereference) */
    if (n > 1)
        qsort(m->fates, n, sizeof(*m->fates), by_base);
    return 0;
}

/* And in theirs. Every row of base has a fate. */
static void end_fates(struct merging *m)
{
    for (size_t i = 0; i < m->to_theirs.pair_n; i++) {
        const struct lst_pair *p = &m->to_theirs.pairs[i];
        struct fate key = {.base = p->a};
        struct fate *f = bsearch(&key, m->fates, m->n, sizeof(key), by_base);

        if (!f)
            continue;
        f->theirs = p->b;
        f->theirs_differ = p->differ;
    }
    if (m->n > 1)
        qsort(m->fates, m->n, sizeof(*m->fates), by_ours);
}

/* Each field from who changed it: put a line that begins and ends as ours does. */
static int put_fields(struct merging *m, const struct fate *f)
{
    struct lst_row ours = row_of(m->ours, f->ours);
    struct lst_row theirs = row_of(m->theirs, f->theirs);
    struct span head = {ours.line.p, (size_t)(ours.index.p - ours.line.p)};
    struct span tail = {ours.path.p + ours.path.n,
                        ours.line.n - (size_t)(ours.path.p + ours.path.n - ours.line.p)};
    int rc = buf_append_span(m->out, head);

    m->stats.changed++;
    if (rc == 0)
        rc = buf_append_span(m->out, f->theirs_differ & LST_DIFF_INDEX ? theirs.index : ours.index);
    if (rc == 0)
        rc = buf_append_byte(m->out, '\t');
    if (rc == 0)
        rc = buf_append_span(m->out,
                             f->theirs_differ & LST_DIFF_LABELS ? theirs.labels : ours.labels);
    if (rc == 0)
        rc = buf_append_byte(m->out, '\t');
    if (rc == 0)
        rc = buf_append_span(m->out, f->theirs_differ & LST_DIFF_PATH ? theirs.path : ours.path);
    return rc < 0 ? rc : put_line(m->out, tail);
}

/* A row of ours that was in base. */
static int merge_row(struct merging *m, const struct fate *f, struct span line)
{
    struct lst_row ours;
    struct lst_row theirs;
    unsigned both;

    if (f->theirs == NOWHERE && f->ours_differ == 0) {
        m->stats.dropped++;
        return 0;
    }
    if (f->theirs == NOWHERE)
        return put_conflict(m, line, (struct span){"", 0});
    if (f->theirs_differ == 0)
        return put_line(m->out, line);
    ours = row_of(m->ours, f->ours);
    theirs = row_of(m->theirs, f->theirs);
    both = f->ours_differ & f->theirs_differ & lst_row_differ(&ours, &theirs);
    if (both != 0)
        return put_conflict(m, line, theirs.line);
    return lst_row_differ(&ours, &theirs) == 0 ? put_line(m->out, line) : put_fields(m, f);
}

/* Ours, with what theirs did to its rows. */
static int merge_ours(struct merging *m)
{
    struct lst_cursor c = {.in = m->ours};
    struct lst_row row;
    size_t i = 0;
    int rc = 0;

    while (rc == 0 && lst_row_next(&c, &row)) {
        uint64_t at = (uint64_t)(row.line.p - m->ours.p);

        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): there are n */
        while (i < m->n && m->fates[i].ours < at)
            i++;
        if (i < m->n && m->fates[i].ours == at)
            rc = merge_row(m, &m->fates[i], row.line);
        else
            rc = put_line(m->out, row.line);
    }
    return rc;
}

/* Rows that ours removed and theirs changed. */
static int merge_gone(struct merging *m)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < m->n; i++) {
        const struct fate *f = &m->fates[i];

        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): there are n */
        if (f->ours == NOWHERE && f->theirs != NOWHERE && f->theirs_differ != 0)
            rc = put_conflict(m, (struct span){"", 0}, row_of(m->theirs, f->theirs).line);
    }
    return rc;
}

/* What theirs added, held against the merged list. */
struct meeting {
    struct merging *m;
    struct span merged;
    enum row_key key;
    bool *taken; /* of each added row: the merged list has its key */
};

/* Which of the added rows begins there. */
static size_t added_at(const struct merging *m, uint64_t at)
{
    size_t low = 0;
    size_t high = m->to_theirs.added_n;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (m->to_theirs.added[middle] <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* refs_join_fn: merged and added rows of one key. */
static int meet(void *arg, uint64_t *a, size_t a_n, uint64_t *b, size_t b_n)
{
    struct meeting *t = arg;

    for (size_t i = 0; a_n > 0 && i < b_n; i++) {
        uint64_t at = ref_place(b[i]);
        size_t which = added_at(t->m, at);
        struct lst_row x = row_of(t->merged, ref_place(a[0]));
        struct lst_row y = row_of(t->m->theirs, at);

        if (t->key == ROW_KEY_PATH && lst_row_differ(&x, &y) == 0)
            t->m->settled[which] = true; /* both added it */
        else
            t->taken[which] = true;
    }
    return 0;
}

/* Which of the added rows have a rival by one key. */
static int meet_all(struct meeting *t, enum row_key key)
{
    const struct lst_diff *d = &t->m->to_theirs;
    struct refs merged;
    struct refs added;
    int rc;

    t->key = key;
    refs_init(&merged, t->merged);
    refs_init(&added, t->m->theirs);
    rc = refs_add_all(&merged, 0, t->merged.n, key);
    for (size_t i = 0; rc == 0 && i < d->added_n; i++) {
        struct lst_row row = row_of(t->m->theirs, d->added[i]);

        if (!t->m->settled[i])
            rc = refs_add(&added, &row, key);
    }
    refs_sort(&merged);
    refs_sort(&added);
    if (rc == 0)
        rc = refs_join(&merged, &added, key, meet, t);
    refs_release(&merged);
    refs_release(&added);
    return rc;
}

/* The first index behind all that any of them has. */
static uint64_t next_of_three(const struct merging *m)
{
    uint64_t a = lst_next_index(m->base);
    uint64_t b = lst_next_index(m->ours);
    uint64_t c = lst_next_index(m->theirs);

    a = a > b ? a : b;
    return a > c ? a : c;
}

/* An added row under another index. */
static int put_renumbered(struct merging *m, const struct lst_row *row)
{
    struct span rest = {row->index.p + row->index.n,
                        row->line.n - (size_t)(row->index.p + row->index.n - row->line.p)};
    int rc = buf_appendf(m->out, "%" PRIu64, m->next_index++);

    m->stats.renumbered++;
    return rc < 0 ? rc : put_line(m->out, rest);
}

/* One row that theirs added, at the end. Its rival stands in the list already, and stays there. */
static int put_added(struct merging *m, uint64_t at, bool path_taken, bool index_taken)
{
    struct lst_row row = row_of(m->theirs, at);

    if (path_taken || (index_taken && !m->opt->renumber))
        return put_conflict(m, (struct span){"", 0}, row.line);
    m->stats.added++;
    return index_taken ? put_renumbered(m, &row) : put_line(m->out, row.line);
}

/* What theirs added. */
static int merge_added(struct merging *m)
{
    size_t n = m->to_theirs.added_n;
    struct meeting by_path = {.m = m, .merged = {m->out->data ? m->out->data : "", m->out->len}};
    struct meeting by_index = by_path;
    int rc = 0;

    if (n == 0)
        return 0;
    m->settled = calloc(n, sizeof(*m->settled));
    by_path.taken = calloc(n, sizeof(*by_path.taken));
    by_index.taken = calloc(n, sizeof(*by_index.taken));
    if (!m->settled || !by_path.taken || !by_index.taken)
        rc = -ENOMEM;
    if (rc == 0)
        rc = meet_all(&by_path, ROW_KEY_PATH);
    if (rc == 0)
        rc = meet_all(&by_index, ROW_KEY_INDEX);
    m->next_index = next_of_three(m);
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (!m->settled[i])
            rc = put_added(m, m->to_theirs.added[i], by_path.taken[i], by_index.taken[i]);
    free(by_path.taken);
    free(by_index.taken);
    return rc;
}

/* Comments and the like that theirs has, and base has not: they are no images, and go with the
 * rest. */
static int merge_others(struct merging *m)
{
    struct lst_cursor c = {.in = m->base};
    struct map *known = map_new();
    struct lst_row row;
    int rc = known ? 0 : -ENOMEM;

    while (rc == 0 && lst_row_next(&c, &row))
        if (row.kind == LST_ROW_OTHER)
            rc = map_put(known, row.line.p, row.line.n, m, NULL);
    for (c = (struct lst_cursor){.in = m->ours}; rc == 0 && lst_row_next(&c, &row);)
        if (row.kind == LST_ROW_OTHER)
            rc = map_put(known, row.line.p, row.line.n, m, NULL);
    for (c = (struct lst_cursor){.in = m->theirs}; rc == 0 && lst_row_next(&c, &row);)
        if (row.kind == LST_ROW_OTHER && !map_get(known, row.line.p, row.line.n))
            rc = put_line(m->out, row.line);
    map_free(known);
    return rc;
}

int lst_merge(struct span base, struct span ours, struct span theirs,
              const struct lst_merge_options *opt, struct buf *out, struct lst_merge_stats *ret)
{
    struct merging m = {.base = base, .ours = ours, .theirs = theirs, .opt = opt, .out = out};
    size_t before = out->len;
    int rc = lst_diff(base, ours, true, &m.to_ours);

    if (rc == 0)
        rc = lst_diff(base, theirs, true, &m.to_theirs);
    if (rc == 0)
        rc = begin_fates(&m);
    if (rc == 0) {
        end_fates(&m);
        rc = merge_ours(&m);
    }
    if (rc == 0)
        rc = merge_added(&m);
    if (rc == 0)
        rc = merge_gone(&m);
    if (rc == 0)
        rc = merge_others(&m);
    lst_diff_release(&m.to_ours);
    lst_diff_release(&m.to_theirs);
    free(m.fates);
    free(m.settled);
    if (rc < 0)
        out->len = before;
    else
        *ret = m.stats;
    return rc;
}
