/*
 * A list rewritten by a batch of changes, with the text that undoes it. Pure.
 *
 * Rows between affected ones are never looked at twice and are copied in one piece:
 *
 *   in   [ ......... | affected | ............... | affected | ....... ]
 *         \ one copy/              \  one copy   /             \ rest /
 */
#include "lists/internal.h"

#include "base/path.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* A rewrite under way. */
struct rewrite {
    struct span in;
    const struct lst_changes *changes;
    struct buf *out;
    struct buf *undo; /* or NULL */
    size_t copied;    /* bytes of `in` that are dealt with */
    struct lst_rewrite_stats stats;
    char scratch[PATH_BYTES_MAX + 1];
    char fresh[PATH_BYTES_MAX + 1]; /* the new path */
};

/* Append one undo line: number, the new path as spelled or "-", the old row with its ending. */
static int put_undo(struct rewrite *w, struct span line, struct span lead, const char *fresh)
{
    int rc;

    if (!w->undo)
        return 0;
    rc = buf_appendf(w->undo, "%" PRIu64 "\t", w->stats.rows);
    if (rc == 0 && lead.n == 0 && fresh && strcmp(fresh, "-") == 0)
        rc = buf_append_str(w->undo, "./"); /* a file of this name is not a dropped row */
    if (rc == 0)
        rc = buf_append_span(w->undo, lead);
    if (rc == 0)
        rc = buf_append_str(w->undo, fresh ? fresh : "-");
    if (rc == 0)
        rc = buf_append_byte(w->undo, '\t');
    if (rc == 0)
        rc = buf_append_span(w->undo, line);
    return rc;
}

/* Append what lies between the last affected row and the bytes at `end`. */
static int copy_until(struct rewrite *w, const char *end)
{
    struct span kept = {w->in.p + w->copied, (size_t)(end - (w->in.p + w->copied))};

    return buf_append_span(w->out, kept);
}

/* Write a row with another path. */
static int rename_row(struct rewrite *w, struct span line, struct span path)
{
    struct span lead = {path.p, path_lead(path)};
    const char *path_end = path.p + path.n;
    int rc = copy_until(w, path.p + lead.n);

    if (rc == 0)
        rc = buf_append_str(w->out, w->fresh);
    if (rc == 0)
        rc = put_undo(w, line, lead, w->fresh);
    w->copied = (size_t)(path_end - w->in.p); /* the line ending comes with the next copy */
    w->stats.renamed++;
    return rc;
}

/* Leave a row out. */
static int drop_row(struct rewrite *w, struct span line)
{
    int rc = copy_until(w, line.p);

    if (rc == 0)
        rc = put_undo(w, line, (struct span){line.p, 0}, NULL);
    w->copied = (size_t)(line.p + line.n - w->in.p);
    w->stats.dropped++;
    return rc;
}

/* Deal with a row whose last field is a path that has a change. */
static int affect_row(struct rewrite *w, struct span line, const struct change_hit *hit)
{
    enum lst_fate fate;
    struct lst_row row;

    row_classify(line, line.p == w->in.p, &row);
    if (row.kind != LST_ROW_IMAGE)
        return 0;
    fate = change_fate(hit, w->fresh, sizeof(w->fresh));
    if (fate == LST_RENAME)
        return rename_row(w, line, row.path);
    if (fate == LST_DROP)
        return drop_row(w, line);
    return 0;
}

int rewrite_affected(struct span in, const struct lst_changes *changes, struct buf *out,
                     struct buf *undo, size_t *ret_rest, struct lst_rewrite_stats *ret)
{
    struct rewrite w = {.in = in, .changes = changes, .out = out, .undo = undo};
    struct change_hit hit;
    struct span path;
    int rc = 0;

    for (size_t at = 0; rc == 0 && at < in.n;) {
        struct span line = row_line(in, at);

        at += line.n;
        w.stats.rows++;
        if (row_path(line, &path) && changes_find(changes, path, w.scratch, &hit))
            rc = affect_row(&w, line, &hit);
    }
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

int lst_rewrite(struct span in, const struct lst_changes *changes, struct buf *out,
                struct buf *undo, struct lst_rewrite_stats *ret)
{
    struct lst_rewrite_stats stats;
    size_t out_n = out->len;
    size_t undo_n = undo ? undo->len : 0;
    size_t rest = 0;
    int rc = buf_reserve(out, in.n < out->max - out_n ? in.n : 0);

    if (rc == 0)
        rc = rewrite_affected(in, changes, out, undo, &rest, &stats);
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
