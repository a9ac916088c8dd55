/* Three lists made one: cases, and what must hold for any three. */
#include "lists/diff.h"
#include "lists/merge.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static void merge(const char *base, const char *ours, const char *theirs, bool renumber,
                  struct buf *out, struct lst_merge_stats *stats)
{
    const struct lst_merge_options opt = {.renumber = renumber};

    buf_reset(out);
    assert_int_equal(buf_append_str(out, ""), 0);
    assert_int_equal(lst_merge(span_of(base), span_of(ours), span_of(theirs), &opt, out, stats), 0);
}

#define BASE        "1\t0\ta\n2\t1\tb\n3\t2\tc\n"
#define OURS        "<<<<<<< ours\n"
#define MIDDLE      "=======\n"
#define THEIRS      ">>>>>>> theirs\n"
#define CLASH(o, t) OURS o MIDDLE t THEIRS

static void test_cases(void **state)
{
    static const struct {
        const char *ours;
        const char *theirs;
        const char *merged;
        unsigned conflicts;
    } cases[] = {
        {BASE, BASE, BASE, 0},
        {BASE, "1\t0\ta\n3\t2\tc\n", "1\t0\ta\n3\t2\tc\n", 0},
        {"3\t2\tc\n2\t1\tb\n1\t0\ta\n", "1\t0\ta\n2\t7\tb\n3\t2\tc\n",
         "3\t2\tc\n2\t7\tb\n1\t0\ta\n", 0},
        /* Another field of the same row. */
        {"1\t0\ta\n2\t1\tmoved/b\n3\t2\tc\n", "1\t0\ta\n2\t7\tb\n3\t2\tc\n",
         "1\t0\ta\n2\t7\tmoved/b\n3\t2\tc\n", 0},
        /* The same field: the same way, and not. */
        {"1\t0\ta\n2\t7\tb\n3\t2\tc\n", "1\t0\ta\n2\t7.0\tb\n3\t2\tc\n",
         "1\t0\ta\n2\t7\tb\n3\t2\tc\n", 0},
        {"1\t0\ta\n2\t7\tb\n3\t2\tc\n", "1\t0\ta\n2\t8\tb\n3\t2\tc\n",
         "1\t0\ta\n" CLASH("2\t7\tb\n", "2\t8\tb\n") "3\t2\tc\n", 1},
        /* Removed on one side. */
        {"1\t0\ta\n3\t2\tc\n", BASE, "1\t0\ta\n3\t2\tc\n", 0},
        {"1\t0\ta\n3\t2\tc\n", "1\t0\ta\n2\t8\tb\n3\t2\tc\n",
         "1\t0\ta\n3\t2\tc\n" CLASH("", "2\t8\tb\n"), 1},
        {"1\t0\ta\n2\t8\tb\n3\t2\tc\n", "1\t0\ta\n3\t2\tc\n",
         "1\t0\ta\n" CLASH("2\t8\tb\n", "") "3\t2\tc\n", 1},
        {"1\t0\ta\n3\t2\tc\n", "1\t0\ta\n3\t2\tc\n", "1\t0\ta\n3\t2\tc\n", 0},
        /* Added. */
        {BASE "4\t0\td\n", BASE "5\t0\te\n", BASE "4\t0\td\n5\t0\te\n", 0},
        {BASE "4\t0\td\n", BASE "4\t0\td\n", BASE "4\t0\td\n", 0},
        {BASE "4\t0\td\n", BASE "4\t1\td\n", BASE "4\t0\td\n" CLASH("", "4\t1\td\n"), 1},
        {BASE "4\t0\td\n", BASE "4\t0\te\n", BASE "4\t0\td\n" CLASH("", "4\t0\te\n"), 1},
        {BASE "4\t0\td", BASE "5\t0\te", BASE "4\t0\td\n5\t0\te\n", 0},
        /* What is no row. */
        {BASE "# ours\n", "# theirs\n" BASE, BASE "# ours\n# theirs\n", 0},
    };
    struct lst_merge_stats stats;
    struct buf out;

    (void)state;
    buf_init(&out, SIZE_MAX);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        merge(BASE, cases[i].ours, cases[i].theirs, false, &out, &stats);
        assert_string_equal(out.data, cases[i].merged);
        assert_int_equal(stats.conflicts, cases[i].conflicts);
    }
    merge(BASE, BASE "4\t0\td\n", BASE "4\t0\te\n4\t1\tf\n", true, &out, &stats);
    assert_string_equal(out.data, BASE "4\t0\td\n5\t0\te\n6\t1\tf\n");
    assert_int_equal(stats.renumbered, 2);
    buf_release(&out);
}

/* A random descendant of a list: rows go, change a field, come. */
static void descend(const char *base, unsigned *seed, unsigned own, struct buf *out)
{
    struct lst_cursor c = {.in = span_of(base)};
    struct lst_row row;

    buf_reset(out);
    assert_int_equal(buf_append_str(out, ""), 0);
    while (lst_row_next(&c, &row)) {
        unsigned r;

        *seed = *seed * 1103515245u + 12345u;
        r = *seed >> 16;
        if (r % 10 == 0)
            continue;
        if (r % 10 == 1)
            assert_int_equal(buf_appendf(out, "%.*s\t%u\t%.*s\n", (int)row.index.n, row.index.p,
                                         r / 10 % 5, (int)row.path.n, row.path.p),
                             0);
        else if (r % 10 == 2)
            assert_int_equal(buf_appendf(out, "%.*s\t%.*s\tm%u/%.*s\n", (int)row.index.n,
                                         row.index.p, (int)row.labels.n, row.labels.p, own,
                                         (int)row.path.n, row.path.p),
                             0);
        else
            assert_int_equal(buf_append_span(out, row.line), 0);
        if (r % 10 == 3)
            assert_int_equal(buf_appendf(out, "%u\t0\tnew%u/%u\n", own * 1000 + r % 1000, own, r),
                             0);
    }
}

static void assert_same_meaning(const char *a, const char *b)
{
    struct lst_diff d;

    assert_int_equal(lst_diff(span_of(a), span_of(b), false, &d), 0);
    assert_int_equal(d.pair_n + d.added_n + d.removed_n, 0);
    lst_diff_release(&d);
}

static void test_any_three(void **state)
{
    struct buf base;
    struct buf ours;
    struct buf theirs;
    struct buf out;
    struct buf other;
    struct lst_merge_stats stats;
    struct lst_merge_stats back;
    unsigned seed = 3;
    unsigned clean = 0;

    (void)state;
    buf_init(&base, SIZE_MAX);
    buf_init(&ours, SIZE_MAX);
    buf_init(&theirs, SIZE_MAX);
    buf_init(&out, SIZE_MAX);
    buf_init(&other, SIZE_MAX);
    for (unsigned i = 0; i < 12; i++)
        assert_int_equal(buf_appendf(&base, "%u\t%u\tp%u\n", i, i % 3, i), 0);
    for (unsigned round = 0; round < 500; round++) {
        descend(base.data, &seed, 1, &ours);
        descend(base.data, &seed, 2, &theirs);
        merge(base.data, ours.data, base.data, false, &out, &stats);
        assert_string_equal(out.data, ours.data);
        merge(base.data, ours.data, ours.data, false, &out, &stats);
        assert_string_equal(out.data, ours.data);
        merge(base.data, base.data, theirs.data, false, &out, &stats);
        assert_int_equal(stats.conflicts, 0);
        assert_same_meaning(out.data, theirs.data);
        merge(base.data, ours.data, theirs.data, false, &out, &stats);
        merge(base.data, theirs.data, ours.data, false, &other, &back);
        assert_int_equal(stats.conflicts, back.conflicts);
        if (stats.conflicts == 0)
            assert_same_meaning(out.data, other.data);
        clean += stats.conflicts == 0;
    }
    assert_true(clean > 50 && clean < 450);
    buf_release(&base);
    buf_release(&ours);
    buf_release(&theirs);
    buf_release(&out);
    buf_release(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases),
                                       cmocka_unit_test(test_any_three)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
