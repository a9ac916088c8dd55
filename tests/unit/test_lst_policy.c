/* Lists rewritten as their policies want it, and taken back. */
#include "lists/lists.h"
#include "lists/make.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

/* a is renamed within its directory, b to another class, c and gone/ are removed, u goes where no
 * class is, r to the root. */
static struct lst_changes *batch(void)
{
    struct lst_changes *c;

    assert_int_equal(lst_changes_new(&c), 0);
    assert_int_equal(lst_changes_rename(c, "cat/a", "cat/A"), 0);
    assert_int_equal(lst_changes_rename(c, "cat/b", "dog/b"), 0);
    assert_int_equal(lst_changes_remove(c, "cat/c"), 0);
    assert_int_equal(lst_changes_remove(c, "gone"), 0);
    assert_int_equal(lst_changes_rename(c, "cat/u", "bird/u"), 0);
    assert_int_equal(lst_changes_rename(c, "cat/r", "r"), 0);
    assert_int_equal(lst_changes_rename(c, "cat/-", "-"), 0);
    return c;
}

static struct lst_class_map *classes(void)
{
    struct lst_class_map *m;
    uint64_t line;

    assert_int_equal(lst_class_map_parse(SPAN("0\tcat\n3\tdog\n7\t.\n"), &m, &line), 0);
    return m;
}

static size_t count_text(const struct buf *b, const char *what)
{
    size_t n = 0;

    for (const char *at = b->len ? strstr(b->data, what) : NULL; at; at = strstr(at + 1, what))
        n++;
    return n;
}

/* Each row of one side is a row of the list. */
static void assert_rows_of(const struct buf *side, const char *list)
{
    struct lst_cursor c = {.in = {side->data, side->len}};
    struct lst_row row;

    while (side->len && lst_row_next(&c, &row)) {
        char *line = strndup(row.line.p, row.line.n - 1);

        if (!strstr(list, line))
            fail_msg("\"%s\" is no row of \"%s\"", line, list);
        free(line);
    }
}

/* The undo text tells of rows as they were and are. */
static void assert_sides(const struct buf *undo, const char *was, const char *is)
{
    struct buf before, after;

    buf_init(&before, SIZE_MAX);
    buf_init(&after, SIZE_MAX);
    assert_int_equal(lst_undo_sides((struct span){undo->data, undo->len}, &before, &after), 0);
    assert_rows_of(&before, was);
    assert_rows_of(&after, is);
    buf_release(&before);
    buf_release(&after);
}

/* Rewrite by a policy, and take it back. */
static void rewrite(const struct lst_policy *policy, const char *in, const char *expected,
                    struct lst_rewrite_stats *ret)
{
    struct lst_changes *c = batch();
    struct buf out, undo, back;
    size_t made, lines = 0;

    buf_init(&out, SIZE_MAX);
    buf_init(&undo, SIZE_MAX);
    buf_init(&back, SIZE_MAX);
    assert_int_equal(lst_rewrite_by(policy, span_of(in), c, &out, &undo, ret), 0);
    assert_string_equal(out.len ? out.data : "", expected);
    for (size_t i = 0; i < undo.len; i++)
        lines += undo.data[i] == '\n';
    lines += undo.len && undo.data[undo.len - 1] != '\n';
    made = count_text(&undo, "\t=\t");
    assert_int_equal(lines, ret->changed + made);
    assert_sides(&undo, in, expected);
    assert_int_equal(
        lst_undo((struct span){out.data, out.len}, (struct span){undo.data, undo.len}, &back), 0);
    assert_string_equal(back.len ? back.data : "", in);
    buf_release(&out);
    buf_release(&undo);
    buf_release(&back);
    lst_changes_free(c);
}

static void test_rows_of_removed_images_may_stay(void **state)
{
    const struct lst_policy policy = {.keep_removed = true};
    struct lst_rewrite_stats s;

    (void)state;
    rewrite(&policy, "1\t0\tcat/c\n2\t0\tcat/a\n3\t0\tgone/x\ncat/c\n",
            "1\t0\tcat/c\n2\t0\tcat/A\n3\t0\tgone/x\ncat/c\n", &s);
    assert_int_equal(s.kept, 2);
    assert_int_equal(s.dropped, 0);
    assert_int_equal(s.changed, 1);
    rewrite(&policy, "1\t0\tcat/c\n", "1\t0\tcat/c\n", &s);
    assert_int_equal(s.kept, 1);
    assert_int_equal(s.changed, 0);
}

static void test_rows_of_renamed_images_may_go(void **state)
{
    const struct lst_policy policy = {.drop_renamed = true};
    struct lst_rewrite_stats s;

    (void)state;
    rewrite(&policy, "1\t0\tcat/c\n2\t0\t./cat/a\n3\t0\tcat/z\n4\t0\tcat/b\n", "3\t0\tcat/z\n", &s);
    assert_int_equal(s.dropped, 3);
    assert_int_equal(s.unfollowed, 2);
    assert_int_equal(s.renamed, 0);
}

static void test_rows_are_numbered_where_some_went(void **state)
{
    const struct lst_policy policy = {.reindex = true};
    const struct lst_policy keeps = {.reindex = true, .keep_removed = true};
    struct lst_rewrite_stats s;

    (void)state;
    rewrite(&policy, "7\t0\tcat/z\n8\t0\tcat/a\n", "7\t0\tcat/z\n8\t0\tcat/A\n", &s);
    assert_int_equal(s.reindexed, 0);
    rewrite(&policy,
            "\xef\xbb\xbf"
            "07\t0\tcat/z\r\n# 5\n8\t0\tcat/a\n9\t0\tgone/x\n2\t0\t1\t.//cat/z\n"
            "5.0\t0\t../out\n5\t0\t-",
            "\xef\xbb\xbf"
            "0\t0\tcat/z\r\n# 5\n1\t0\tcat/A\n2\t0\t1\t.//cat/z\n3\t0\t../out\n"
            "4\t0\t-",
            &s);
    assert_int_equal(s.dropped, 1);
    assert_int_equal(s.reindexed, 4); /* one was right already */
    assert_int_equal(s.renamed, 1);
    rewrite(&policy, "7\t0\tcat/c\n8\t0\t\n9\t0\tz\n", "8\t0\t\n0\t0\tz\n", &s);
    rewrite(&keeps, "7\t0\tcat/c\n", "7\t0\tcat/c\n", &s);
    rewrite(&policy, "7\t0\tcat/c\n", "", &s);
}

static void test_a_row_gets_the_class_of_its_new_directory(void **state)
{
    struct lst_class_map *map = classes();
    const struct lst_policy policy = {.classes = map, .reindex = true};
    struct lst_rewrite_stats s;

    (void)state;
    rewrite(&policy,
            "1\t0\tcat/a\n2\t0.000\tcat/b\n3\t3\t./cat/b\n4\t0\tcat/u\n5\t1\t2\tcat/b\n"
            "6\t0\tcat/r\n7\t0\tcat/-\n",
            "1\t0\tcat/A\n2\t3.000\tdog/b\n3\t3\t./dog/b\n4\t0\tbird/u\n5\t1\t2\tdog/b\n"
            "6\t7\tr\n7\t7\t-\n",
            &s);
    assert_int_equal(s.relabelled, 3);
    assert_int_equal(s.renamed, 7);
    assert_int_equal(s.strangers, 2);
    assert_string_equal(s.stranger, "bird/u");
    assert_int_equal(s.reindexed, 0);
    rewrite(&policy, "1\t0\tcat/c\n2\t0.0\tcat/b\n", "0\t3.0\tdog/b\n", &s);
    assert_int_equal(s.relabelled + s.reindexed, 2);
    assert_int_equal(s.changed, 2);
    lst_class_map_free(map);
}

/* lst_undo_fn: how many. */
static int count(void *arg, const char *from, const char *to)
{
    if (to)
        assert_string_not_equal(from, to);
    ++((int *)arg)[to == NULL];
    return 0;
}

static void test_only_other_paths_are_told_of_an_undo_text(void **state)
{
    const struct lst_policy policy = {.reindex = true};
    struct lst_rewrite_stats s;
    struct lst_changes *c = batch();
    struct buf out, undo;
    int told[] = {0, 0};

    (void)state;
    buf_init(&out, SIZE_MAX);
    buf_init(&undo, SIZE_MAX);
    assert_int_equal(lst_rewrite_by(&policy,
                                    SPAN("7\t0\tcat/c\n8\t0\t../out\n9\t0\tcat/a\n6\t0\t-\n"
                                         "5\t0\tcat/-\n"),
                                    c, &out, &undo, &s),
                     0);
    assert_int_equal(lst_undo_each((struct span){undo.data, undo.len}, count, told), 0);
    assert_int_equal(told[false], 2);
    assert_int_equal(told[true], 1);
    /* A name that is as the mark of a row that goes is a name all the same. */
    undo.len = 0;
    assert_int_equal(lst_changes_remove(c, "-"), 0);
    assert_int_equal(lst_rewrite_by(NULL, SPAN("6\t0\t-\n5\t0\tx\n"), c, &out, &undo, &s), 0);
    assert_int_equal(lst_undo_each((struct span){undo.data, undo.len}, count, told), 0);
    assert_int_equal(told[false], 2);
    assert_int_equal(told[true], 2);
    buf_release(&out);
    buf_release(&undo);
    lst_changes_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_of_removed_images_may_stay),
        cmocka_unit_test(test_rows_of_renamed_images_may_go),
        cmocka_unit_test(test_rows_are_numbered_where_some_went),
        cmocka_unit_test(test_a_row_gets_the_class_of_its_new_directory),
        cmocka_unit_test(test_only_other_paths_are_told_of_an_undo_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
