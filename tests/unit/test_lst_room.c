/* Whatever call fails under it, and wherever the room for its output ends, what works on lists in
 * memory says so: what was to be appended is there, or nothing. */
#include "base/err.h"
#include "lists/channels.h"
#include "lists/check.h"
#include "lists/diff.h"
#include "lists/edit.h"
#include "lists/make.h"
#include "lists/manifest.h"
#include "lists/mentions.h"
#include "lists/merge.h"
#include "tests/unit/failing_calls.h"
#include "tests/unit/lst_texts.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define ROOM (1u << 20)

static struct buf out, more;

/* No output yet, and room for so much of it. */
static void output_of(size_t room, size_t more_room)
{
    buf_release(&out);
    buf_release(&more);
    buf_init(&out, room);
    buf_init(&more, more_room);
}

static void no_output(void)
{
    output_of(ROOM, ROOM);
}

static char wanted[4096]; /* what comes where nothing fails */
static size_t wanted_n;

static void as_wanted(int rc)
{
    if (rc == 0) {
        assert_int_equal(out.len, wanted_n);
        assert_memory_equal(out.data, wanted, wanted_n);
    }
}

/* What comes where nothing fails. How much there is of `more`. */
static size_t want(int (*act)(void))
{
    no_output();
    assert_int_equal(act(), 0);
    wanted_n = out.len;
    assert_true(wanted_n <= sizeof wanted);
    memcpy(wanted, out.data, wanted_n);
    return more.len;
}

/* Whatever fails: the output of a success is the same. Where there is no room for all of it that is
 * told, wherever it ends. */
static void each_fails(int (*act)(void), unsigned least)
{
    const struct deed deed = {no_output, act, as_wanted, least};
    const size_t more_n = want(act);

    each_call_fails(&deed);
    for (size_t room = 0; room <= wanted_n; room++) {
        output_of(room, ROOM);
        assert_int_equal(act(), room < wanted_n ? ERR_LIMIT : 0);
    }
    for (size_t room = 0; room < more_n; room++) {
        output_of(ROOM, room);
        assert_int_equal(act(), ERR_LIMIT);
    }
    no_output();
}

/* Findings as text: their rules. (Lines are not told where there is no memory to count them.) */
static int render(const struct lst_findings *f)
{
    int rc = 0;

    for (size_t i = 0; i < f->n; i++)
        rc = also(rc, buf_appendf(&out, "%u %s\n", f->items[i].list,
                                  lst_rule_info(f->items[i].rule)->id));
    return rc;
}

static int check(void)
{
    const struct lst_list lists[] = {{"a.lst", text(OLD)},
                                     {"b.lst", text(NEW "9\t0.5\tq\n9\t1 2\tq/\n")}};
    const struct lst_check_options opt = {.mini_batch = 8, .classes = 2, .imbalance = 2};
    struct lst_findings f = {0};
    int rc = lst_check(lists, 2, &opt, &f);

    if (rc == 0) {
        lst_findings_sort(&f, lists, 2);
        rc = render(&f);
    }
    lst_findings_release(&f);
    return rc;
}

static int novel(void)
{
    const struct lst_list list = {"a.lst", text(OLD "\n9\t0\t../q\n\n")};
    const struct lst_check_options opt = {0};
    struct lst_findings f = {0};
    int rc = lst_check(&list, 1, &opt, &f);

    if (rc == 0)
        rc = lst_findings_novel(&f, list.text, text(OLD));
    if (rc == 0) {
        lst_findings_sort(&f, &list, 1);
        rc = render(&f);
    }
    lst_findings_release(&f);
    return rc;
}

static int fix(void)
{
    uint64_t changes;

    return lst_fix(text(OLD), &out, &changes);
}

static int diff(void)
{
    struct lst_diff d = {0};
    int rc = lst_diff(text(OLD), text(NEW), true, &d);

    if (rc == 0)
        rc = buf_appendf(&out, "%zu %zu %zu", d.pair_n, d.removed_n, d.added_n);
    lst_diff_release(&d);
    return rc;
}

static bool to_nine(void *arg, const struct lst_row *row, uint64_t was, uint64_t *ret)
{
    (void)arg, (void)row;
    *ret = was + 9;
    return true;
}

static int edit(void)
{
    static const uint64_t classes[] = {0, 1};
    static const char *const patterns[] = {"a/*", "b/*"};
    struct lst_append_stats stats;
    struct lst_paths *paths = NULL;
    uint64_t n;
    int rc = lst_relabel(text(OLD), to_nine, NULL, &out, &n);

    if (rc == 0)
        rc = lst_paths_new(text(NEW), &paths);
    if (rc == 0) {
        const struct lst_selection some = {classes, 2, patterns, 2, paths, NULL};

        rc = lst_subset(text(OLD), &some, 1, 7, &out, &n);
    }
    if (rc == 0)
        rc = lst_append(text(OLD), text(NEW), &out, &stats);
    lst_paths_free(paths);
    return rc;
}

static struct span first_byte(void *arg, struct span path)
{
    (void)arg;
    return (struct span){path.p, 1};
}

static int divide(void)
{
    struct lst_parts_options opt = {.shares = {2, 1}, .n = 2, .seed = 3};
    struct buf parts[2];
    uint64_t rows[2];
    int rc;

    for (size_t i = 0; i < 2; i++)
        buf_init(&parts[i], 1u << 16);
    rc = lst_parts(text(OLD), &opt, parts, rows);
    opt.group = first_byte;
    rc = also(rc, rc ? 0 : lst_parts(text(NEW), &opt, parts, rows));
    for (size_t i = 0; i < 2; i++) {
        rc = also(rc, rc ? 0 : buf_append(&out, parts[i].data, parts[i].len));
        buf_release(&parts[i]);
    }
    return also(rc, rc ? 0 : lst_shuffle(text(OLD), 5, &out));
}

static int manifest(void)
{
    const struct lst_list list = {"a.lst", text(NEW)};
    struct manifest_options opt = {.prefix = "s3://bucket/images/", .attribute = "class"};
    struct err e = {0};
    uint64_t n;
    int rc = manifest_write(&list, &opt, &out, &n, &e);

    opt.augmented = true;
    return also(rc, rc ? 0 : manifest_write(&list, &opt, &out, &n, &e));
}

static int merge(void)
{
    const struct lst_merge_options opt = {.renumber = true};
    struct lst_merge_stats stats;

    /* Of b/m.jpg one side changes the label, the other the index. */
    return lst_merge(
        text(OLD "\n8\t1\tb/m.jpg\n"), text(NEW "8\t2\tb/m.jpg\n6\t0\ta/ours.jpg\n4\t9\ta/v.jpg\n"),
        text(OLD "\n9\t1\tb/m.jpg\n6\t0\ta/theirs.jpg\n4\t8\ta/v.jpg\n"), &opt, &out, &stats);
}

/* An image goes to another directory, and then all of that directory; one is gone. */
static int note_changes(struct lst_changes **ret)
{
    int rc = lst_changes_new(ret);

    if (rc == 0)
        rc = lst_changes_rename(*ret, "a/x.jpg", "b/x.jpg");
    if (rc == 0)
        rc = lst_changes_rename_directory(*ret, "b", "c");
    if (rc == 0)
        rc = lst_changes_remove(*ret, "a/v.jpg");
    return rc;
}

/* A map of classes, rows that follow by it, and all of it taken back. */
static int rewrite(void)
{
    struct lst_class_map *map = NULL;
    struct lst_changes *changes = NULL;
    struct lst_rewrite_stats stats;
    struct buf undo;
    uint64_t line, id;
    int rc = lst_class_map_parse(text("0\ta\n1\tb\n"), &map, &line);

    buf_init(&undo, 1u << 16);
    if (rc == 0)
        rc = lst_class_map_id(map, "c", &id);
    if (rc == 0)
        rc = lst_class_map_render(map, &out);
    if (rc == 0)
        rc = note_changes(&changes);
    if (rc == 0) {
        const struct lst_policy policy = {.reindex = true, .classes = map};

        rc = lst_rewrite_by(&policy, text(OLD), changes, &more, &undo, &stats);
    }
    if (rc == 0)
        rc = buf_append(&out, more.data, more.len);
    if (rc == 0)
        rc = lst_undo((struct span){more.data, more.len}, (struct span){undo.data, undo.len}, &out);
    if (rc == 0)
        rc = lst_undo_sides((struct span){undo.data, undo.len}, &out, &more);
    lst_changes_free(changes);
    lst_class_map_free(map);
    buf_release(&undo);
    return rc;
}

static int mention(void)
{
    struct lst_changes *changes = NULL;
    struct mentions *m = NULL;
    uint64_t *sought = NULL;
    size_t n = 0;
    int rc = mentions_new(4096, &m);

    for (size_t i = 0; i < IMAGES && rc == 0; i++)
        rc = mentions_add(m, images[i]);
    if (rc == 0)
        rc = mentions_add_all(m, text(NEW));
    if (rc == 0)
        rc = mentions_end(m);
    if (rc == 0)
        rc = note_changes(&changes);
    if (rc == 0)
        rc = mentions_sought(changes, &sought, &n);
    if (rc == 0)
        rc = buf_appendf(&out, "%zu", n);
    free(sought);
    lst_changes_free(changes);
    mentions_free(m);
    return rc;
}

static int training(void)
{
    const struct lst_list train = {"a.lst", text(NEW)};
    const struct lst_list validation = {"b.lst",
                                        text("0\t1\tb/q.jpg\n1\t0\tb/r.jpg\n2\t2\tb/s.jpg\n")};
    struct training_numbers numbers;
    struct err e = {0};
    int rc = training_numbers(&train, &validation, 1, &numbers, &e);

    return also(rc, rc ? 0 : buf_appendf(&out, "%u", (unsigned)numbers.samples));
}

static void test_pure_ones(void **state)
{
    (void)state;
    each_fails(check, 5);
    each_fails(novel, 5);
    each_fails(fix, 0);
    each_fails(diff, 3);
    each_fails(edit, 3);
    each_fails(divide, 3);
    each_fails(manifest, 0);
    each_fails(merge, 3);
    each_fails(rewrite, 5);
    each_fails(mention, 3);
    each_fails(training, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pure_ones)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
