/* Lists changed as a person asks for it: only what is meant changes, byte for byte. */
#include "lists/edit.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define MIXED                                                                                      \
    "\xef\xbb\xbf"                                                                                 \
    "7\t1\tcat/a.jpg\r\n# note\n\n3\t2.000000\tdog/b.jpg\n4\t1\t./cat//c.jpg\n5\t1\t2\tx\n"        \
    "6\t1.0\tfox/d.jpg"

/* lst_relabel_fn: the rows that are selected become class 12. */
static bool to_twelve(void *arg, const struct lst_row *row, uint64_t was, uint64_t *ret)
{
    (void)was;
    *ret = 12;
    return lst_selected(arg, row);
}

static void relabelled(const struct lst_selection *s, const char *want, unsigned changed)
{
    struct lst_selection copy = *s;
    uint64_t got;
    struct buf out;

    buf_init(&out, SIZE_MAX);
    assert_int_equal(lst_relabel(span_of(MIXED), to_twelve, &copy, &out, &got), 0);
    assert_string_equal(out.data, want);
    assert_int_equal(got, changed);
    buf_release(&out);
}

static void test_relabel(void **state)
{
    static const uint64_t two[] = {2};
    static const char *const cats[] = {"cat/*", "nothing/**"};
    const struct lst_selection none = {
        .classes = two, .class_n = 1, .patterns = cats, .pattern_n = 2};
    const struct lst_selection dogs = {.classes = two, .class_n = 1};
    const struct lst_selection of_cats = {.patterns = cats, .pattern_n = 2};
    const struct lst_selection all = {0};

    (void)state;
    relabelled(&none, MIXED, 0);
    relabelled(
        &dogs,
        "\xef\xbb\xbf"
        "7\t1\tcat/a.jpg\r\n# note\n\n3\t12.000000\tdog/b.jpg\n4\t1\t./cat//c.jpg\n5\t1\t2\tx\n"
        "6\t1.0\tfox/d.jpg",
        1);
    relabelled(
        &of_cats,
        "\xef\xbb\xbf"
        "7\t12\tcat/a.jpg\r\n# note\n\n3\t2.000000\tdog/b.jpg\n4\t12\t./cat//c.jpg\n5\t1\t2\tx\n"
        "6\t1.0\tfox/d.jpg",
        2);
    relabelled(&all,
               "\xef\xbb\xbf"
               "7\t12\tcat/a.jpg\r\n# note\n\n3\t12.000000\tdog/b.jpg\n4\t12\t./cat//c.jpg\n"
               "5\t1\t2\tx\n6\t12.0\tfox/d.jpg",
               4);
}

static void test_paths(void **state)
{
    struct lst_paths *p;
    struct lst_row row;
    struct lst_selection in = {0};
    struct lst_selection out = {0};

    (void)state;
    assert_int_equal(lst_paths_new(span_of("1\t0\tcat/c.jpg\n2\t5\tcat/c.jpg\n"), &p), 0);
    assert_true(lst_paths_find(p, span_of(".//cat/c.jpg"), &row));
    assert_true(span_equal(row.index, span_of("1")));
    assert_false(lst_paths_find(p, span_of("cat/c.jp"), &row));
    assert_false(lst_paths_find(p, span_of("/cat/c.jpg"), &row));
    in.in = p;
    out.not_in = p;
    relabelled(
        &in,
        "\xef\xbb\xbf"
        "7\t1\tcat/a.jpg\r\n# note\n\n3\t2.000000\tdog/b.jpg\n4\t12\t./cat//c.jpg\n5\t1\t2\tx\n"
        "6\t1.0\tfox/d.jpg",
        1);
    relabelled(&out,
               "\xef\xbb\xbf"
               "7\t12\tcat/a.jpg\r\n# note\n\n3\t12.000000\tdog/b.jpg\n4\t1\t./cat//c.jpg\n"
               "5\t1\t2\tx\n6\t12.0\tfox/d.jpg",
               3);
    lst_paths_free(p);
    lst_paths_free(NULL);
}

static void test_subset(void **state)
{
    const struct lst_selection all = {0};
    struct buf list;
    struct buf first;
    struct buf again;
    struct buf other;
    uint64_t kept;

    (void)state;
    buf_init(&list, SIZE_MAX);
    buf_init(&first, SIZE_MAX);
    buf_init(&again, SIZE_MAX);
    buf_init(&other, SIZE_MAX);
    for (unsigned i = 0; i < 300; i++)
        assert_int_equal(buf_appendf(&list, "%u\t%u\td/%u\n", i, i % 3, i), 0);
    assert_int_equal(lst_subset((struct span){list.data, list.len}, &all, 0, 0, &first, &kept), 0);
    assert_string_equal(first.data, list.data);
    buf_reset(&first);
    assert_int_equal(lst_subset((struct span){list.data, list.len}, &all, 10, 1, &first, &kept), 0);
    assert_int_equal(kept, 30);
    assert_int_equal(lst_subset((struct span){list.data, list.len}, &all, 10, 1, &again, &kept), 0);
    assert_int_equal(lst_subset((struct span){list.data, list.len}, &all, 10, 2, &other, &kept), 0);
    assert_string_equal(first.data, again.data);
    assert_string_not_equal(first.data, other.data);
    for (unsigned label = 0; label < 3; label++) {
        struct lst_cursor c = {.in = {first.data, first.len}};
        struct lst_row row;
        unsigned n = 0;
        uint64_t got;

        while (lst_row_next(&c, &row))
            n += lst_row_class(&row, &got) && got == label;
        assert_int_equal(n, 10);
    }
    buf_release(&list);
    buf_release(&first);
    buf_release(&again);
    buf_release(&other);
}

static void test_append(void **state)
{
    struct lst_append_stats stats;
    struct buf out;

    (void)state;
    buf_init(&out, SIZE_MAX);
    assert_int_equal(lst_append(span_of("9\t0\ta\n2\t1\tb"),
                                span_of("0\t0\t./a\n1\t7\tb\n2\t3\tc\r\n# no\n2\t4\td\n3\t3\tc\n"),
                                &out, &stats),
                     0);
    assert_string_equal(out.data, "9\t0\ta\n2\t1\tb\n10\t3\tc\n11\t4\td\n");
    assert_int_equal(stats.added, 2);
    assert_int_equal(stats.known, 2);
    assert_int_equal(stats.clashes, 1);
    buf_reset(&out);
    assert_int_equal(lst_append(span_of(""), span_of("5\t0\ta\n"), &out, &stats), 0);
    assert_string_equal(out.data, "0\t0\ta\n");
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_relabel), cmocka_unit_test(test_paths),
                                       cmocka_unit_test(test_subset),
                                       cmocka_unit_test(test_append)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
