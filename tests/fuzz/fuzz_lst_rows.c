/*
 * Any bytes as a list. The rows tile the input; a rewrite touches only rows that name a changed
 * path, and can be taken back; any bytes as an undo text do no harm.
 */
#include "base/path.h"
#include "lists/lists.h"
#include "lists/make.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* End the run: something that must hold does not. */
static void must(bool holds)
{
    if (!holds)
        abort();
}

/* A batch with all kinds of change: short names, so that random rows meet them. */
static struct lst_changes *make_changes(void)
{
    struct lst_changes *c = NULL;

    must(lst_changes_new(&c) == 0);
    must(lst_changes_rename(c, "a", "b") == 0);
    must(lst_changes_rename(c, "b", "a") == 0);
    must(lst_changes_rename(c, "dash", "-") == 0);
    must(lst_changes_rename_directory(c, "d", "e/f") == 0);
    must(lst_changes_rename(c, "d/k", "d/k") == 0);
    must(lst_changes_remove(c, "d/g") == 0);
    must(lst_changes_remove(c, "g") == 0);
    return c;
}

/* What becomes of a row, found the plain way. */
static enum lst_fate fate_of(const struct lst_changes *c, const struct lst_row *row, char *to)
{
    char path[PATH_BYTES_MAX + 1];

    if (row->kind != LST_ROW_IMAGE || lst_path_normal(row->path, path, sizeof(path)) < 0)
        return LST_KEEP;
    must(path_check(path) == 0 || strlen(path) > PATH_COMPONENT_MAX);
    return lst_changes_fate(c, path, to, PATH_BYTES_MAX + 1);
}

/* A renamed row: the same but for its path. */
static void check_renamed(const struct lst_row *was, struct span is, const char *to)
{
    size_t head = (size_t)(was->path.p - was->line.p);
    size_t tail = was->line.n - head - was->path.n;
    size_t to_n = strlen(to);

    must(is.n >= head + to_n + tail);
    must(memcmp(is.p, was->line.p, head) == 0);
    must(memcmp(is.p + is.n - tail, was->line.p + was->line.n - tail, tail) == 0);
    must(memcmp(is.p + is.n - tail - to_n, to, to_n) == 0);
}

/* Both lists side by side. */
static void check_rows(struct span in, struct span out, const struct lst_changes *c,
                       const struct lst_rewrite_stats *stats)
{
    struct lst_cursor old = {.in = in};
    struct lst_cursor new = {.in = out};
    uint64_t dropped = 0;
    uint64_t renamed = 0;
    struct lst_row was;
    struct lst_row is;
    char to[PATH_BYTES_MAX + 1];
    size_t bytes = 0;

    while (lst_row_next(&old, &was)) {
        enum lst_fate fate = fate_of(c, &was, to);

        must(was.line.p == in.p + bytes && was.line.n > 0);
        bytes += was.line.n;
        dropped += fate == LST_DROP;
        renamed += fate == LST_RENAME;
        if (fate == LST_DROP)
            continue;
        must(lst_row_next(&new, &is));
        if (fate == LST_KEEP)
            must(span_equal(was.line, is.line));
        else
            check_renamed(&was, is.line, to);
    }
    must(bytes == in.n && !lst_row_next(&new, &is));
    must(stats->rows == old.line_number && stats->dropped == dropped && stats->renamed == renamed);
}

/* The policy that the input's size chooses. */
static struct lst_policy policy_of(size_t size)
{
    static struct lst_class_map *classes;
    uint64_t line;

    if (!classes)
        must(lst_class_map_parse(SPAN("0\t.\n7\te/f\n9\td\n"), &classes, &line) == 0);
    return (struct lst_policy){.keep_removed = size & 1,
                               .drop_renamed = size >> 1 & 1,
                               .reindex = size >> 2 & 1,
                               .classes = size >> 3 & 1 ? classes : NULL};
}

/* Whatever a policy makes of it can be taken back, and every changed row is told of. */
static void check_policy(struct span in, const struct lst_changes *changes)
{
    struct lst_policy policy = policy_of(in.n);
    struct lst_rewrite_stats stats;
    struct buf out, undo, before, after;
    struct span made, text;

    buf_init(&out, SIZE_MAX);
    buf_init(&undo, SIZE_MAX);
    buf_init(&before, SIZE_MAX);
    buf_init(&after, SIZE_MAX);
    must(lst_rewrite_by(&policy, in, changes, &out, &undo, &stats) == 0);
    made = (struct span){out.data, out.len};
    text = (struct span){undo.data, undo.len};
    must(!(policy.keep_removed && !policy.drop_renamed) || stats.dropped == 0);
    must(!policy.drop_renamed || stats.renamed == 0);
    must(lst_undo_sides(text, &before, &after) == 0);
    must(!stats.changed == !before.len);
    before.len = 0;
    must(lst_undo(made, text, &before) == 0);
    must(span_equal((struct span){before.data, before.len}, in));
    (void)lst_undo_sides(in, &before, &after); /* whatever it says */
    buf_release(&out);
    buf_release(&undo);
    buf_release(&before);
    buf_release(&after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lst_changes *changes;
    struct span in = {(const char *)data, size};
    struct lst_rewrite_stats stats;
    struct buf out, undo, back;
    struct span made;

    if (!changes)
        changes = make_changes();
    buf_init(&out, SIZE_MAX);
    buf_init(&undo, SIZE_MAX);
    buf_init(&back, SIZE_MAX);
    must(lst_rewrite(in, changes, &out, &undo, &stats) == 0);
    made = (struct span){out.data, out.len};
    check_rows(in, made, changes, &stats);
    must(lst_undo(made, (struct span){undo.data, undo.len}, &back) == 0);
    must(span_equal((struct span){back.data, back.len}, in));
    (void)lst_undo(made, in, &back); /* whatever it says */
    check_policy(in, changes);
    buf_release(&out);
    buf_release(&undo);
    buf_release(&back);
    return 0;
}
