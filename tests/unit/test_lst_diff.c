/* Lists compared by what they mean: cases, and every row told exactly once whatever the lists. */
#include "lists/diff.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "-" removed, "+" added, then index, labels, path of pairs, by line. */
static void assert_diff(const char *a, const char *b, const char *want)
{
    struct lst_diff d;
    struct buf got;

    buf_init(&got, SIZE_MAX);
    assert_int_equal(buf_append_str(&got, ""), 0);
    assert_int_equal(lst_diff(span_of(a), span_of(b), false, &d), 0);
    for (size_t i = 0; i < d.removed_n; i++)
        assert_int_equal(buf_appendf(&got, "-%c", a[d.removed[i]]), 0);
    for (size_t i = 0; i < d.added_n; i++)
        assert_int_equal(buf_appendf(&got, "+%c", b[d.added[i]]), 0);
    for (size_t i = 0; i < d.pair_n; i++)
        assert_int_equal(buf_appendf(&got, "%s%s%s%c%c",
                                     d.pairs[i].differ & LST_DIFF_INDEX ? "i" : "",
                                     d.pairs[i].differ & LST_DIFF_LABELS ? "l" : "",
                                     d.pairs[i].differ & LST_DIFF_PATH ? "p" : "", a[d.pairs[i].a],
                                     b[d.pairs[i].b]),
                         0);
    assert_string_equal(got.data, want);
    buf_release(&got);
    lst_diff_release(&d);
}

static void test_cases(void **state)
{
    static const char base[] = "1\t0\ta\n2\t1\tb\n3\t2\tc\n";

    (void)state;
    assert_diff(base, base, "");
    assert_diff("", "", "");
    assert_diff(base, "3\t2\tc\n1\t0\ta\n2\t1\tb\n", "");
    assert_diff(base, "1\t0.000\t./a\r\n+2\t1e0\tb\n03\t2\tc", "");
    assert_diff(base, "1\t0\ta\n3\t2\tc\n", "-2");
    assert_diff(base, "1\t0\ta\n2\t1\tb\n4\t1\td\n3\t2\tc\n", "+4");
    assert_diff(base, "1\t0\ta\n2\t5\tb\n3\t2\tc\n", "l22");
    assert_diff(base, "1\t0\ta\n7\t1\tb\n3\t2\tc\n", "i27");
    assert_diff(base, "1\t0\ta\n7\t5\tb\n3\t2\tc\n", "il27");
    assert_diff(base, "1\t0\ta\n2\t1\tz\n3\t2\tc\n", "p22");
    assert_diff(base, "1\t0\ta\n2\t2\tz\n3\t2\tc\n", "-2+2");
    assert_diff("1\t0\ta\n2\t1\tb\n", "1\t0\tb\n2\t1\ta\n", "il21il12"); /* a swap is by path */
    assert_diff("", base, "+1+2+3");
    assert_diff(base, "", "-1-2-3");
    assert_diff("# x\n1\t0\ta\n", "1\t0\ta\n\n# y\n", "");
}

/* The same path in several rows: those that are the same find each other. */
static void test_many_of_one_path(void **state)
{
    struct buf a;
    struct buf b;
    struct lst_diff d;

    (void)state;
    assert_diff("1\t0\ta\n2\t0\ta\n3\t0\ta\n", "3\t0\ta\n1\t0\ta\n", "-2");
    buf_init(&a, SIZE_MAX);
    buf_init(&b, SIZE_MAX);
    for (unsigned i = 0; i < 100000; i++) {
        assert_int_equal(buf_appendf(&a, "%u\t0\tx\n", i), 0);
        assert_int_equal(buf_appendf(&b, "%u\t1\tx\n", i + 1), 0);
    }
    assert_int_equal(
        lst_diff((struct span){a.data, a.len}, (struct span){b.data, b.len}, false, &d), 0);
    assert_int_equal(d.pair_n, 100000);
    assert_int_equal(d.added_n + d.removed_n, 0);
    lst_diff_release(&d);
    buf_release(&a);
    buf_release(&b);
}

/* A random list: small numbers, so that rows meet in every way. */
static void make_list(struct buf *list, unsigned *seed, unsigned rows)
{
    buf_reset(list);
    assert_int_equal(buf_append_str(list, ""), 0);
    for (unsigned i = 0; i < rows; i++) {
        unsigned r;

        *seed = *seed * 1103515245u + 12345u;
        r = *seed >> 8;
        if (r % 29 == 0)
            assert_int_equal(buf_append_str(list, "# note\n"), 0);
        else
            assert_int_equal(buf_appendf(list, "%u\t%u\tp%u\n", r % 11, r / 11 % 3, r / 33 % 13),
                             0);
    }
}

static unsigned images(struct span text)
{
    struct lst_cursor c = {.in = text};
    struct lst_row row;
    unsigned n = 0;

    while (lst_row_next(&c, &row))
        n += row.kind == LST_ROW_IMAGE;
    return n;
}

/* Mark one place; it must not be marked. */
static void mark(bool *marks, uint64_t at)
{
    assert_false(marks[at]);
    marks[at] = true;
}

static void check_complete(struct span a, struct span b)
{
    bool *in_a = calloc(a.n + 1, 1);
    bool *in_b = calloc(b.n + 1, 1);
    struct lst_diff d;
    struct lst_row x;
    struct lst_row y;

    assert_non_null(in_a);
    assert_non_null(in_b);
    assert_int_equal(lst_diff(a, b, true, &d), 0);
    for (size_t i = 0; i < d.removed_n; i++)
        mark(in_a, d.removed[i]);
    for (size_t i = 0; i < d.added_n; i++)
        mark(in_b, d.added[i]);
    for (size_t i = 0; i < d.pair_n; i++) {
        mark(in_a, d.pairs[i].a);
        mark(in_b, d.pairs[i].b);
        lst_row_begin(a, d.pairs[i].a, &x);
        lst_row_begin(b, d.pairs[i].b, &y);
        assert_int_equal(lst_row_differ(&x, &y), d.pairs[i].differ);
    }
    assert_int_equal(d.pair_n + d.removed_n, images(a));
    assert_int_equal(d.pair_n + d.added_n, images(b));
    lst_diff_release(&d);
    free(in_a);
    free(in_b);
}

static void test_every_row_once(void **state)
{
    unsigned seed = 7;
    struct buf a;
    struct buf b;

    (void)state;
    buf_init(&a, SIZE_MAX);
    buf_init(&b, SIZE_MAX);
    for (unsigned i = 0; i < 500; i++) {
        make_list(&a, &seed, i % 40);
        make_list(&b, &seed, (i * 7) % 40);
        check_complete((struct span){a.data, a.len}, (struct span){b.data, b.len});
    }
    buf_release(&a);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases),
                                       cmocka_unit_test(test_many_of_one_path),
                                       cmocka_unit_test(test_every_row_once)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
