/* Everything that can be said of lists without their images. Pure. See check.h. */
#include "lists/check.h"

#include "lists/directories.h"
#include "lists/internal.h"
#include "lists/keys.h"
#include "lists/tally.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define GAPS_SHOWN 8 /* classes that are named, of those that have no image */

/* What is known of one list. */
struct known {
    struct lst_tally tally;
    struct refs paths;
    struct directories *directories;
};

struct check {
    const struct lst_list *lists;
    size_t n;
    const struct lst_check_options *opt;
    struct lst_findings *f;
    struct known *known;
    uint32_t list;  /* that is looked at */
    uint32_t other; /* that it is held against */
};

static uint64_t place_in(const struct lst_list *list, const struct lst_row *row)
{
    return (uint64_t)(row->line.p - list->text.p);
}

/* How rows end: told once a list, at the first that is meant. */
struct endings {
    uint64_t crlf;
    uint64_t crlf_at;
    uint64_t open_at; /* the row without an ending, or LST_NOWHERE */
};

static void note_ending(struct endings *e, struct span line, uint64_t at)
{
    if (line.p[line.n - 1] != '\n') {
        e->open_at = at;
    } else if (line.n > 1 && line.p[line.n - 2] == '\r') {
        e->crlf_at = e->crlf == 0 ? at : e->crlf_at;
        e->crlf++;
    }
}

static int tell_endings(struct check *c, const struct endings *e)
{
    int rc = 0;

    if (e->crlf > 0)
        rc = lst_findings_add(c->f, LST_CRLF, c->list, e->crlf_at, "%" PRIu64 " rows", e->crlf);
    if (rc == 0 && e->open_at != LST_NOWHERE)
        rc = lst_findings_add(c->f, LST_NO_NEWLINE, c->list, e->open_at, "%s", "");
    return rc;
}

/* A label beyond the classes. */
static int check_range(struct check *c, const struct lst_row *row, uint64_t at)
{
    uint64_t label;

    if (c->opt->classes == 0 || row->kind != LST_ROW_IMAGE || !label_class(row->labels, &label) ||
        label < c->opt->classes)
        return 0;
    return lst_findings_add(c->f, LST_LABEL_RANGE, c->list, at,
                            "%" PRIu64 " of %" PRIu64 " classes", label, c->opt->classes);
}

/* Judge one row. */
static int check_row(struct check *c, const struct lst_row *row, uint64_t at)
{
    enum lst_rule found[LST_JUDGED_MAX];
    size_t n = lst_judge(row, at == 0, found);
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = lst_findings_add(c->f, found[i], c->list, at, "%s", "");
    return rc < 0 ? rc : check_range(c, row, at);
}

/* Every row of a list. */
static int check_rows(struct check *c)
{
    const struct lst_list *list = &c->lists[c->list];
    struct known *k = &c->known[c->list];
    struct lst_cursor cursor = {.in = list->text};
    struct endings endings = {.open_at = LST_NOWHERE};
    struct lst_row row;
    int rc = 0;

    refs_init(&k->paths, list->text);
    while (rc == 0 && lst_row_next(&cursor, &row)) {
        uint64_t at = place_in(list, &row);

        note_ending(&endings, row.line, at);
        rc = lst_tally_add(&k->tally, &row);
        if (rc == 0)
            rc = check_row(c, &row, at);
        if (rc == 0 && row.kind == LST_ROW_IMAGE)
            rc = refs_add(&k->paths, &row, ROW_KEY_PATH);
    }
    return rc < 0 ? rc : tell_endings(c, &endings);
}

/* Rows whose labels are not like those of the first: their number, or that they are no class. */
static int check_labels(struct check *c)
{
    const struct lst_list *list = &c->lists[c->list];
    const struct lst_tally *t = &c->known[c->list].tally;
    struct lst_cursor cursor = {.in = list->text};
    struct lst_row row;
    size_t first = 0;
    int rc = 0;

    if (lst_tally_is_detection(t) || (t->label_fewest == t->label_most && t->label_most != 1))
        return 0;
    while (rc == 0 && lst_row_next(&cursor, &row)) {
        size_t n = row.kind == LST_ROW_IMAGE ? label_count(row.labels) : 0;
        double value;
        uint64_t label;

        first = first ? first : n;
        if (n > 0 && n != first)
            rc = lst_findings_add(c->f, LST_LABEL_COUNT, c->list, place_in(list, &row),
                                  "%zu, the first has %zu", n, first);
        else if (n == 1 && !label_class(row.labels, &label) && label_number(row.labels, &value))
            return lst_findings_add(c->f, LST_LABEL_NO_CLASS, c->list, place_in(list, &row),
                                    "%.*s; %" PRIu64 " rows of this list are like it",
                                    (int)row.labels.n, row.labels.p, t->no_class);
    }
    return rc;
}

/* The list as a whole. */
static int check_whole(struct check *c)
{
    const struct lst_tally *t = &c->known[c->list].tally;
    struct lst_extremes x = lst_tally_extremes(t);
    int rc = 0;

    if (t->images == 0)
        rc = lst_findings_add(c->f, LST_NO_ROWS, c->list, LST_NOWHERE, "%s", "");
    else if (t->images < c->opt->mini_batch)
        rc = lst_findings_add(c->f, LST_FEW_ROWS, c->list, LST_NOWHERE,
                              "%" PRIu64 ", a mini-batch has %" PRIu64, t->images,
                              c->opt->mini_batch);
    if (rc == 0 && strpbrk(c->lists[c->list].name, ";#?"))
        rc = lst_findings_add(c->f, LST_LIST_NAME, c->list, LST_NOWHERE, "%s", "");
    if (rc == 0 && c->opt->imbalance > 0 && x.used > 1 && x.most / x.fewest > c->opt->imbalance)
        rc = lst_findings_add(c->f, LST_IMBALANCE, c->list, LST_NOWHERE,
                              "class %zu has %" PRIu64 " images, class %zu has %" PRIu64,
                              x.most_class, x.most, x.fewest_class, x.fewest);
    return rc;
}

/* A finding about two rows. */
static int tell_pair(struct check *c, enum lst_rule rule, uint64_t at, uint32_t other_list,
                     uint64_t other, const char *detail)
{
    int rc = lst_findings_add(c->f, rule, c->list, at, "%s", detail);

    if (rc == 0) {
        c->f->items[c->f->n - 1].other = other;
        c->f->items[c->f->n - 1].other_list = other_list;
    }
    return rc;
}

/* Rows of one list with the same index. */
/* NOLINTNEXTLINE(readability-non-const-parameter): other joins order the rows */
static int same_index(void *arg, uint64_t *a, size_t a_n, uint64_t *b, size_t b_n)
{
    struct check *c = arg;
    int rc = 0;

    (void)b;
    (void)b_n;
    for (size_t i = 1; rc == 0 && i < a_n; i++)
        rc = tell_pair(c, LST_INDEX_TWICE, ref_place(a[i]), c->list, ref_place(a[0]), "");
    return rc;
}

/* Rows of one list with the same path. */
/* NOLINTNEXTLINE(readability-non-const-parameter): other joins order the rows */
static int same_path(void *arg, uint64_t *a, size_t a_n, uint64_t *b, size_t b_n)
{
    struct check *c = arg;
    struct lst_row first;
    struct lst_row row;
    int rc = 0;

    (void)b;
    (void)b_n;
    if (a_n < 2)
        return 0;
    lst_row_begin(c->lists[c->list].text, ref_place(a[0]), &first);
    for (size_t i = 1; rc == 0 && i < a_n; i++) {
        lst_row_begin(c->lists[c->list].text, ref_place(a[i]), &row);
        rc = tell_pair(c,
                       labels_same(first.labels, row.labels) ? LST_PATH_TWICE : LST_PATH_TWO_LABELS,
                       ref_place(a[i]), c->list, ref_place(a[0]), "");
    }
    return rc;
}

/* The same indices, the same paths within a list. */
static int check_twice(struct check *c)
{
    struct known *k = &c->known[c->list];
    struct span text = c->lists[c->list].text;
    struct refs none = {0};
    struct refs indices;
    int rc;

    refs_init(&indices, text);
    rc = refs_add_all(&indices, 0, text.n, ROW_KEY_INDEX);
    refs_sort(&indices);
    if (rc == 0)
        rc = refs_join(&indices, &none, ROW_KEY_INDEX, same_index, c);
    refs_release(&indices);
    refs_sort(&k->paths);
    return rc < 0 ? rc : refs_join(&k->paths, &none, ROW_KEY_PATH, same_path, c);
}

/* An image of both lists. */
static int in_two_lists(void *arg, uint64_t *a, size_t a_n, uint64_t *b, size_t b_n)
{
    struct check *c = arg;

    if (a_n == 0 || b_n == 0)
        return 0;
    return tell_pair(c, LST_IN_TWO_LISTS, ref_place(b[0]), c->other, ref_place(a[0]), "");
}

/* directories_fn: a class directory with two labels. */
static int two_labels(void *arg, const char *name, const struct directory *in_a,
                      const struct directory *in_b)
{
    struct check *c = arg;
    int rc = tell_pair(c, LST_CLASS_MAP, in_b->at, c->other, in_a->at, "");
    struct lst_finding *f = c->f->items + c->f->n - 1;
    struct buf detail;

    if (rc < 0)
        return rc;
    buf_init(&detail, LST_ROW_BYTES_MAX);
    rc = buf_appendf(&detail, "%s is %" PRIu64 " here, %" PRIu64 " there", name, in_b->label,
                     in_a->label);
    f->detail = buf_take(&detail);
    return rc;
}

/* Two lists beside each other. */
static int check_pair(struct check *c)
{
    struct known *a = &c->known[c->other];
    struct known *b = &c->known[c->list];
    int rc = refs_join(&a->paths, &b->paths, ROW_KEY_PATH, in_two_lists, c);

    return rc < 0 ? rc : directories_clash(a->directories, b->directories, two_labels, c);
}

/* Classes that have no image in any list. */
static int check_gaps(struct check *c)
{
    struct lst_tally all = {0};
    struct lst_extremes x;
    struct buf names;
    size_t shown = 0;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < c->n; i++)
        if (!lst_tally_is_detection(&c->known[i].tally))
            rc = lst_tally_merge(&all, &c->known[i].tally);
    x = lst_tally_extremes(&all);
    buf_init(&names, LST_ROW_BYTES_MAX);
    for (size_t i = 0; rc == 0 && i < all.class_n && shown < GAPS_SHOWN; i++)
        if (all.classes[i] == 0)
            rc = buf_appendf(&names, "%s%zu", shown++ ? ", " : "", i);
    if (rc == 0 && x.empty > 0)
        rc = lst_findings_add(c->f, LST_LABEL_GAP, 0, LST_NOWHERE, "%s%s (%zu of %zu)", names.data,
                              x.empty > shown ? ", ..." : "", x.empty, all.class_n);
    buf_release(&names);
    lst_tally_release(&all);
    return rc;
}

/* Each list alone, then each beside those before it. */
static int check_all(struct check *c)
{
    int rc = 0;

    for (c->list = 0; rc == 0 && c->list < c->n; c->list++) {
        rc = check_rows(c);
        if (rc == 0)
            rc = check_labels(c);
        if (rc == 0)
            rc = check_whole(c);
        if (rc == 0)
            rc = check_twice(c);
        if (rc == 0 && c->n > 1)
            rc = directories_new(c->lists[c->list].text, &c->known[c->list].directories);
        for (c->other = 0; rc == 0 && c->other < c->list; c->other++)
            rc = check_pair(c);
    }
    return rc < 0 ? rc : check_gaps(c);
}

int lst_check(const struct lst_list *lists, size_t n, const struct lst_check_options *opt,
              struct lst_findings *f)
{
    struct check c = {.lists = lists, .n = n, .opt = opt, .f = f};
    int rc;

    if (n == 0)
        return 0;
    c.known = calloc(n, sizeof(*c.known));
    if (!c.known)
        return -ENOMEM;
    rc = check_all(&c);
    for (size_t i = 0; i < n; i++) {
        lst_tally_release(&c.known[i].tally);
        refs_release(&c.known[i].paths);
        directories_free(c.known[i].directories);
    }
    free(c.known);
    return rc;
}
