/*
 * A list rewritten by a batch of changes, with the text that undoes it. Pure.
 *
 * Rows between affected ones are never looked at twice and are copied in one piece:
 *
 *   in   [ ......... | affected | ............... | affected | ....... ]
 *         \ one copy/              \  one copy   /             \ rest /
 */
#include "lists/internal.h"

#include "base/map.h"
#include "base/path.h"
#include "lists/make.h"

#include <errno.h>
#include <string.h>

/* A rewrite under way. */
struct rewrite {
    const struct lst_policy *policy;
    struct span in;
    const struct lst_changes *changes;
    struct buf *out;
    struct buf *undo; /* or NULL */
    size_t copied;    /* bytes of `in` that are dealt with */
    bool reindex;     /* some row goes, and the others are to be numbered: */
    uint64_t next;    /* index of the next image row then */
    struct map *kept; /* of the paths that images came over: those of rows that stay; or NULL */
    struct map *came; /* paths to which rows come; NULL where nobody asks */
    struct lst_rewrite_stats stats;
    char scratch[PATH_BYTES_MAX + 1];
    char fresh[PATH_BYTES_MAX + 1]; /* the new path */
};

#define NUMBER_SIZE 20 /* digits of 2^64 - 1 */

/* Append a number. Where many rows are affected, printf would take a third of the time. */
static int put_number(struct buf *out, uint64_t number)
{
    char digits[NUMBER_SIZE];
    size_t at = sizeof(digits);

    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    return buf_append(out, digits + at, sizeof(digits) - at);
}

/* Append one undo line: number, the new path as spelled or "-", the old row with its ending. */
static int put_undo(struct rewrite *w, struct span line, struct span lead, struct span path)
{
    int rc;

    w->stats.changed++;
    if (!w->undo)
        return 0;
    rc = put_number(w->undo, w->stats.rows);
    if (rc == 0)
        rc = buf_append_byte(w->undo, '\t');
    if (rc == 0 && lead.n == 0 && (span_equal(path, SPAN("-")) || span_equal(path, SPAN("="))))
        rc = buf_append_str(w->undo, "./"); /* a file of this name is not a marker */
    if (rc == 0)
        rc = buf_append_span(w->undo, lead);
    if (rc == 0)
        rc = path.p ? buf_append_span(w->undo, path) : buf_append_byte(w->undo, '-');
    if (rc == 0)
        rc = buf_append_byte(w->undo, '\t');
    if (rc == 0)
        rc = buf_append_span(w->undo, line);
    return rc;
}

/* Of a row whose index or label is another now, the undo text has the new row, too. */
static int put_made(struct rewrite *w, const struct lst_row *row, const uint64_t *index,
                    const uint64_t *label, struct span path)
{
    const char *labels_end = row->labels.p + row->labels.n;
    size_t lead = path_lead(row->path);
    int rc;

    if (!w->undo || (!index && !label))
        return 0;
    rc = put_number(w->undo, w->stats.rows);
    if (rc == 0)
        rc = buf_append_str(w->undo, "\t=\t");
    if (rc == 0 && index)
        rc = put_number(w->undo, *index);
    else if (rc == 0)
        rc = buf_append_span(w->undo, row->index);
    if (rc == 0)
        rc = buf_append_byte(w->undo, '\t');
    if (rc == 0)
        rc =
            label ? label_put(w->undo, *label, row->labels) : buf_append_span(w->undo, row->labels);
    if (rc == 0)
        rc = buf_append(w->undo, labels_end, (size_t)(row->path.p + lead - labels_end));
    if (rc == 0)
        rc = buf_append_span(w->undo, path);
    return rc ? rc : buf_append_byte(w->undo, '\n');
}

/* Append what lies between the last affected bytes and these, which are dealt with elsewhere. */
static int copy_before(struct rewrite *w, struct span old)
{
    struct span kept = {w->in.p + w->copied, (size_t)(old.p - (w->in.p + w->copied))};

    w->copied = (size_t)(old.p + old.n - w->in.p);
    return buf_append_span(w->out, kept);
}

/* Leave a row out. */
static int drop_row(struct rewrite *w, struct span line)
{
    int rc = copy_before(w, line);

    if (rc == 0)
        rc = put_undo(w, line, (struct span){line.p, 0}, (struct span){NULL, 0});
    w->stats.dropped++;
    return rc;
}

/* A row by this path, to which images came over others, stays. */
static bool stays(const struct rewrite *w, struct span normal)
{
    struct change_hit hit;
    char to[PATH_BYTES_MAX + 1];

    return changes_come_over(w->changes, normal) &&
           (!changes_find(w->changes, CHANGES_ANY, normal, to, &hit) ||
            change_fate(&hit, to, sizeof(to)) == LST_KEEP);
}

/* Find the paths of such rows. 0 or -ENOMEM. */
static int find_kept(struct rewrite *w)
{
    struct lst_cursor c = {.in = w->in};
    struct lst_row row;
    int rc = 0;

    w->kept = map_new();
    if (!w->kept)
        return -ENOMEM;
    while (rc == 0 && lst_row_next(&c, &row)) {
        if (row.kind != LST_ROW_IMAGE ||
            lst_path_normal(row.path, w->scratch, sizeof(w->scratch)) < 0)
            continue;
        if (stays(w, span_of(w->scratch)))
            rc = map_put_str(w->kept, w->scratch, w, NULL);
    }
    return rc;
}

/* What becomes of a row's path in this list. */
static enum lst_fate fate_here(const struct rewrite *w, const struct change_hit *hit, char *fresh)
{
    enum lst_fate fate = change_fate(hit, fresh, PATH_BYTES_MAX + 1);
    bool has_other = w->kept && change_is_over(hit) && map_get_str(w->kept, fresh);

    if (change_yields(hit) && w->came && !map_get(w->came, hit->normal.p, hit->normal.n))
        return LST_KEEP;
    return fate == LST_RENAME && has_other ? LST_DROP : fate;
}

/* Find the paths to which rows come. 0 or -ENOMEM. */
static int find_came(struct rewrite *w)
{
    struct lst_cursor c = {.in = w->in};
    struct map *came = map_new();
    struct change_hit hit;
    struct lst_row row;
    int rc = came ? 0 : -ENOMEM;

    while (rc == 0 && lst_row_next(&c, &row))
        if (row.kind == LST_ROW_IMAGE &&
            changes_find(w->changes, CHANGES_ANY, row.path, w->scratch, &hit) &&
            fate_here(w, &hit, w->fresh) == LST_RENAME)
            rc = map_put_str(came, w->fresh, w, NULL);
    w->came = came;
    return rc;
}

/* The same, as the list wants it. */
static enum lst_fate fate_of(const struct rewrite *w, const struct change_hit *hit, char *fresh)
{
    enum lst_fate fate = fate_here(w, hit, fresh);

    if (fate == LST_RENAME && w->policy->drop_renamed)
        return LST_DROP;
    return fate == LST_DROP && w->policy->keep_removed ? LST_KEEP : fate;
}

/* The directory of a path; "" where it lies in the root. */
static struct span directory_of(struct span path)
{
    const char *slash = memrchr(path.p, '/', path.n);

    return (struct span){path.p, slash ? (size_t)(slash - path.p) : 0};
}

/* The image comes to another directory: which class do its rows get? False: they keep theirs. */
static bool new_class(struct rewrite *w, const struct lst_row *row, struct span old, uint64_t *ret)
{
    struct span fresh = span_of(w->fresh);
    uint64_t was;

    if (!w->policy->classes || span_equal(directory_of(old), directory_of(fresh)))
        return false;
    if (label_class(row->labels, &was) &&
        lst_class_map_find(w->policy->classes, directory_of(fresh), ret))
        return *ret != was;
    if (!w->stats.strangers++)
        snprintf(w->stats.stranger, sizeof(w->stats.stranger), "%.*s", LST_STRANGER_MAX - 1,
                 w->fresh);
    return false;
}

/* Write what is other in a row: the path (renamed), its label, its index. */
static int change_row(struct rewrite *w, const struct lst_row *row, const struct change_hit *hit,
                      bool renamed)
{
    struct span lead = {row->path.p, path_lead(row->path)};
    struct span path = {row->path.p + lead.n, row->path.n - lead.n};
    uint64_t index = w->next++;
    uint64_t was;
    uint64_t label;
    bool reindexed = w->reindex && !(index_number(row->index, &was) && was == index);
    bool relabelled = renamed && new_class(w, row, hit->normal, &label);
    int rc = 0;

    if (!renamed && !reindexed)
        return 0;
    if (reindexed)
        rc = copy_before(w, row->index);
    if (rc == 0 && reindexed)
        rc = put_number(w->out, index);
    if (rc == 0 && relabelled)
        rc = copy_before(w, row->labels);
    if (rc == 0 && relabelled)
        rc = label_put(w->out, label, row->labels);
    if (rc == 0 && renamed)
        rc = copy_before(w, path); /* the line ending comes with the next copy */
    if (rc == 0 && renamed)
        rc = buf_append_str(w->out, w->fresh);
    if (renamed)
        path = span_of(w->fresh);
    if (rc == 0)
        rc = put_made(w, row, reindexed ? &index : NULL, relabelled ? &label : NULL, path);
    if (rc == 0)
        rc = put_undo(w, row->line, lead, path);
    w->stats.renamed += renamed;
    w->stats.relabelled += relabelled;
    w->stats.reindexed += reindexed;
    return rc;
}

/* Deal with a row whose last field is a path that has a change, or (hit: NULL) an index to get. */
static int affect_row(struct rewrite *w, struct span line, const struct change_hit *hit)
{
    enum lst_fate fate;
    struct lst_row row;

    row_classify(line, line.p == w->in.p, &row);
    if (row.kind != LST_ROW_IMAGE || row.path.n == 0)
        return 0; /* an empty path names nothing */
    fate = hit ? fate_of(w, hit, w->fresh) : LST_KEEP;
    if (fate == LST_DROP) {
        w->stats.unfollowed += fate_here(w, hit, w->fresh) == LST_RENAME;
        return drop_row(w, line);
    }
    w->stats.kept += fate == LST_KEEP && hit && fate_here(w, hit, w->fresh) == LST_DROP;
    return change_row(w, &row, hit, fate == LST_RENAME);
}

/* Does any row go? */
static bool loses_rows(struct rewrite *w)
{
    struct change_hit hit;
    struct lst_row row;
    struct span path;

    for (size_t at = 0; at < w->in.n;) {
        struct span line = row_line(w->in, at);

        at += line.n;
        if (!row_path(line, &path) ||
            !changes_find(w->changes, CHANGES_ANY, path, w->scratch, &hit) ||
            fate_of(w, &hit, w->fresh) != LST_DROP)
            continue;
        row_classify(line, line.p == w->in.p, &row);
        if (row.kind == LST_ROW_IMAGE)
            return true;
    }
    return false;
}

int rewrite_affected(const struct lst_policy *policy, struct span in,
                     const struct lst_changes *changes, struct buf *out, struct buf *undo,
                     size_t *ret_rest, struct lst_rewrite_stats *ret)
{
    static const struct lst_policy plain = {0};
    struct rewrite w = {
        .policy = policy ? policy : &plain, .in = in, .changes = changes, .out = out, .undo = undo};
    struct change_hit hit;
    struct span path;
    int rc = changes_any_over(changes) ? find_kept(&w) : 0;

    if (rc == 0 && changes_any_yield(changes))
        rc = find_came(&w);
    w.reindex = rc == 0 && w.policy->reindex && loses_rows(&w);
    for (size_t at = 0; rc == 0 && at < in.n;) {
        struct span line = row_line(in, at);
        unsigned reach = changes_reach(changes, in, line);
        bool found;

        at += line.n;
        w.stats.rows++;
        if ((!w.reindex && !reach) || !row_path(line, &path))
            continue;
        found = changes_find(changes, reach, path, w.scratch, &hit);
        if (found || w.reindex)
            rc = affect_row(&w, line, found ? &hit : NULL);
    }
    map_free(w.kept);
    map_free(w.came);
    if (rc < 0)
        return rc;
    *ret_rest = w.copied;
    *ret = w.stats;
    return 0;
}

/* Take back what was appended since the buffer had this length. */
static void cut(struct buf *b, size_t len)
{
    if (b->len > len)
        b->data[len] = '\0';
    b->len = len;
}

int lst_rewrite_by(const struct lst_policy *policy, struct span in,
                   const struct lst_changes *changes, struct buf *out, struct buf *undo,
                   struct lst_rewrite_stats *ret)
{
    struct lst_rewrite_stats stats;
    size_t out_n = out->len;
    size_t undo_n = undo ? undo->len : 0;
    size_t rest = 0;
    int rc = buf_reserve(out, in.n < out->max - out_n ? in.n : 0);

    if (rc == 0)
        rc = rewrite_affected(policy, in, changes, out, undo, &rest, &stats);
    if (rc == 0 && rest < in.n)
        rc = buf_append(out, in.p + rest, in.n - rest);
    if (rc < 0) {
        cut(out, out_n);
        if (undo)
            cut(undo, undo_n);
        return rc;
    }
    *ret = stats;
    return 0;
}

int lst_rewrite(struct span in, const struct lst_changes *changes, struct buf *out,
                struct buf *undo, struct lst_rewrite_stats *ret)
{
    return lst_rewrite_by(NULL, in, changes, out, undo, ret);
}
