/* Rows of a list: what readers take for an image row, and which path it names. */
#include "base/path.h"
#include "lists/lists.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void assert_span(struct span got, const char *want)
{
    if (got.n != strlen(want) || memcmp(got.p, want, got.n) != 0)
        fail_msg("\"%.*s\" is not \"%s\"", (int)got.n, got.p, want);
}

/* One row, alone in its file. */
struct row_case {
    const char *line;
    enum lst_row_kind kind;
    const char *index;
    const char *labels;
    const char *path;
};

static void test_kinds(void **state)
{
    static const struct row_case cases[] = {
        {"0\t3\tcat/a.jpg\n", LST_ROW_IMAGE, "0", "3", "cat/a.jpg"},
        {"0\t3\tcat/a.jpg\r\n", LST_ROW_IMAGE, "0", "3", "cat/a.jpg"},
        {"0\t3\tcat/a.jpg\r\r\n", LST_ROW_IMAGE, "0", "3", "cat/a.jpg"},
        {"0\t3\tcat/a.jpg", LST_ROW_IMAGE, "0", "3", "cat/a.jpg"},
        {"0\t3.000000\ta.jpg\n", LST_ROW_IMAGE, "0", "3.000000", "a.jpg"},
        {"9223372036854775808\t1\ta.jpg\n", LST_ROW_IMAGE, "9223372036854775808", "1", "a.jpg"},
        {"-1\t1\ta.jpg\n", LST_ROW_IMAGE, "-1", "1", "a.jpg"},
        {"5.0\t1\ta.jpg\n", LST_ROW_IMAGE, "5.0", "1", "a.jpg"},
        {"1e+05\t1\ta.jpg\n", LST_ROW_IMAGE, "1e+05", "1", "a.jpg"},
        {" 7 \t1\ta.jpg\n", LST_ROW_IMAGE, " 7 ", "1", "a.jpg"},
        {"7\t0\t1\t0\t1\ta.jpg\n", LST_ROW_IMAGE, "7", "0\t1\t0\t1", "a.jpg"},
        {"7\t2\t5\t1\t.1\t.2\t.3\t.4\ta.jpg\n", LST_ROW_IMAGE, "7", "2\t5\t1\t.1\t.2\t.3\t.4",
         "a.jpg"},
        {"7\t\ta.jpg\n", LST_ROW_IMAGE, "7", "", "a.jpg"},
        {"7\t1\t\n", LST_ROW_IMAGE, "7", "1", ""},
        {"7\t1\ta b.jpg\n", LST_ROW_IMAGE, "7", "1", "a b.jpg"},
        {"7\t1\t a.jpg \n", LST_ROW_IMAGE, "7", "1", " a.jpg "},
        {"7\t1\t\xff\xfe.jpg\n", LST_ROW_IMAGE, "7", "1", "\xff\xfe.jpg"},
        {"\xef\xbb\xbf"
         "0\t1\ta.jpg\n",
         LST_ROW_IMAGE, "0", "1", "a.jpg"},
        {"", LST_ROW_BLANK, NULL, NULL, NULL}, /* never a row: see test_cursor */
        {"\n", LST_ROW_BLANK, NULL, NULL, NULL},
        {"\r\n", LST_ROW_BLANK, NULL, NULL, NULL},
        {" \t\t \v\f\n", LST_ROW_BLANK, NULL, NULL, NULL},
        {"\xef\xbb\xbf\n", LST_ROW_BLANK, NULL, NULL, NULL},
        {"# comment\n", LST_ROW_OTHER, NULL, NULL, NULL},
        {"# a\t1\tb.jpg\n", LST_ROW_OTHER, NULL, NULL, NULL},
        {"0 3 cat/a.jpg\n", LST_ROW_OTHER, NULL, NULL, NULL},
        {"0,3,cat/a.jpg\n", LST_ROW_OTHER, NULL, NULL, NULL},
        {"0\tcat/a.jpg\n", LST_ROW_OTHER, NULL, NULL, NULL},
        {"\t1\ta.jpg\n", LST_ROW_OTHER, NULL, NULL, NULL},
        {"x\t1\ta.jpg\n", LST_ROW_OTHER, NULL, NULL, NULL},
        {"1x\t1\ta.jpg\n", LST_ROW_OTHER, NULL, NULL, NULL},
        {"1e\t1\ta.jpg\n", LST_ROW_OTHER, NULL, NULL, NULL},
        {"-\t1\ta.jpg\n", LST_ROW_OTHER, NULL, NULL, NULL},
        {".5\t1\ta.jpg\n", LST_ROW_OTHER, NULL, NULL, NULL},
        {"1 2\t1\ta.jpg\n", LST_ROW_OTHER, NULL, NULL, NULL},
        {"0\t1\ta.jpg\r1\t1\tb.jpg\n", LST_ROW_OTHER, NULL, NULL, NULL}, /* CR alone ends no row */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct lst_cursor c = {.in = span_of(cases[i].line)};
        struct lst_row row;

        if (cases[i].line[0] == '\0')
            continue;
        assert_true(lst_row_next(&c, &row));
        if (row.kind != cases[i].kind)
            fail_msg("row %zu: kind %d", i, row.kind);
        assert_span(row.line, cases[i].line);
        if (row.kind == LST_ROW_IMAGE) {
            assert_span(row.index, cases[i].index);
            assert_span(row.labels, cases[i].labels);
            assert_span(row.path, cases[i].path);
        }
        assert_false(lst_row_next(&c, &row));
    }
}

static void test_cursor(void **state)
{
    static const char text[] = "\xef\xbb\xbf"
                               "0\t1\ta\n\n1\t1\tb\r\n\xef\xbb\xbf"
                               "2\t1\tc\n3\t1\td";
    struct lst_cursor c = {.in = SPAN(text)};
    struct lst_cursor none = {.in = {NULL, 0}};
    struct lst_row row;
    size_t bytes = 0;

    (void)state;
    assert_false(lst_row_next(&none, &row));
    for (uint64_t i = 1; i <= 5; i++) {
        static const enum lst_row_kind want[] = {LST_ROW_IMAGE, LST_ROW_BLANK, LST_ROW_IMAGE,
                                                 LST_ROW_OTHER, LST_ROW_IMAGE};

        assert_true(lst_row_next(&c, &row));
        assert_int_equal(c.line_number, i);
        assert_int_equal(row.kind, want[i - 1]); /* a mark in the middle is no byte order mark */
        bytes += row.line.n;
    }
    assert_false(lst_row_next(&c, &row));
    assert_int_equal(c.line_number, 5);
    assert_int_equal(bytes, sizeof(text) - 1);
}

static void test_long_row(void **state)
{
    struct buf text;
    struct lst_cursor c;
    struct lst_row row;

    (void)state;
    buf_init(&text, SIZE_MAX);
    assert_int_equal(buf_append_str(&text, "0"), 0);
    while (text.len < LST_ROW_BYTES_MAX - 5)
        assert_int_equal(buf_append_str(&text, "\t1"), 0);
    assert_int_equal(buf_append_str(&text, "\ta"), 0);
    while (text.len < LST_ROW_BYTES_MAX - 1)
        assert_int_equal(buf_append_str(&text, "b"), 0);
    assert_int_equal(buf_append_str(&text, "\n"), 0);
    c = (struct lst_cursor){.in = {text.data, text.len}};
    assert_true(lst_row_next(&c, &row));
    assert_int_equal(row.line.n, LST_ROW_BYTES_MAX);
    assert_int_equal(row.kind, LST_ROW_IMAGE);
    text.data[text.len - 1] = 'b';
    assert_int_equal(buf_append_str(&text, "\n"), 0);
    c = (struct lst_cursor){.in = {text.data, text.len}};
    assert_true(lst_row_next(&c, &row));
    assert_int_equal(row.kind, LST_ROW_OTHER);
    buf_release(&text);
}

static void test_normal(void **state)
{
    static const struct {
        const char *path;
        const char *want; /* NULL: ERR_SYNTAX */
    } cases[] = {
        {"a", "a"},
        {"a/b.jpg", "a/b.jpg"},
        {"./a/b", "a/b"},
        {"././/./a", "a"},
        {"a//b///c", "a/b/c"},
        {".hidden/..b/c..", ".hidden/..b/c.."},
        {" a ", " a "},
        {"a\\b", "a\\b"},
        {"\xff/\xfe", "\xff/\xfe"},
        {"", NULL},
        {".", NULL},
        {"./", NULL},
        {"..", NULL},
        {"../a", NULL},
        {"./../a", NULL},
        {"a/..", NULL},
        {"a/../b", NULL},
        {"a/./b", NULL},
        {"/a", NULL},
        {"//a", NULL},
        {"a/", NULL},
        {"a//", NULL},
    };
    char out[PATH_BYTES_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int rc = lst_path_normal(span_of(cases[i].path), out, sizeof(out));

        if (rc != (cases[i].want ? 0 : ERR_SYNTAX))
            fail_msg("\"%s\": %d", cases[i].path, rc);
        if (cases[i].want) {
            assert_string_equal(out, cases[i].want);
            assert_int_equal(path_check(out), 0);
        }
    }
    assert_int_equal(lst_path_normal(SPAN("a\0b"), out, sizeof(out)), ERR_SYNTAX);
    assert_int_equal(lst_path_normal(SPAN("abc"), out, 3), -ENAMETOOLONG);
    assert_int_equal(lst_path_normal(SPAN("abc"), out, 4), 0);
    assert_int_equal(lst_path_normal(SPAN("./a//c"), out, 4), 0);
}

static void test_is_list(void **state)
{
    (void)state;
    assert_true(lst_is_list("a.lst"));
    assert_true(lst_is_list("x/y/train_1.lst"));
    assert_false(lst_is_list("a.lst~"));
    assert_false(lst_is_list("a.LST"));
    assert_false(lst_is_list("a.lst/b"));
    assert_false(lst_is_list("lst"));
    assert_false(lst_is_list(""));
    assert_false(lst_is_list("x/.lockstep-0123456789abcdef.tmp"));
    assert_false(lst_is_list("train.lst.kept-01234567"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),    cmocka_unit_test(test_cursor),
        cmocka_unit_test(test_long_row), cmocka_unit_test(test_normal),
        cmocka_unit_test(test_is_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
