/* What is found in lists, by the rule's name and the line. */
#include "lists/check.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define LISTS_MAX 3

/* Findings as "list:line rule", one a line. */
static void assert_findings(const struct lst_findings *f, const char *want)
{
    struct buf got;

    buf_init(&got, SIZE_MAX);
    assert_int_equal(buf_append_str(&got, ""), 0);
    for (size_t i = 0; i < f->n; i++)
        assert_int_equal(buf_appendf(&got, "%u:%u %s\n", f->items[i].list,
                                     (unsigned)f->items[i].line,
                                     lst_rule_info(f->items[i].rule)->id),
                         0);
    assert_string_equal(got.data ? got.data : "", want);
    buf_release(&got);
}

/* All that is found. */
static void assert_found(const struct lst_check_options *opt, const char *const *texts,
                         const char *want)
{
    struct lst_list lists[LISTS_MAX];
    struct lst_findings f = {0};
    size_t n = 0;

    for (; texts[n]; n++)
        lists[n] = (struct lst_list){"x.lst", span_of(texts[n])};
    assert_int_equal(lst_check(lists, n, opt, &f), 0);
    lst_findings_sort(&f, lists, n);
    assert_findings(&f, want);
    lst_findings_release(&f);
}

static void one(const char *text, const char *want)
{
    const struct lst_check_options opt = {.imbalance = 20};
    const char *const texts[] = {text, NULL};

    assert_found(&opt, texts, want);
}

#define GOOD "0\t0\ta/x.jpg\n1\t1\tb/y.jpg\n"

/* Each case of what readers do is a row of its own behind two good ones. */
static void test_rows(void **state)
{
    static const struct {
        const char *row;
        const char *rule;
    } cases[] = {
        {"\n", "blank-row"},
        {" \t\n", "space-row"},
        {"# comment\n", "comment"},
        {"# a\tb\tc\n", "comment"},
        {"5.0\t0\ta/z.jpg\n", "index-fraction"},
        {"1e3\t0\ta/z.jpg\n", "index-fraction"},
        {"-1\t0\ta/z.jpg\n", "index-negative"},
        {"9223372036854775808\t0\ta/z.jpg\n", "index-large"},
        {"5 0 a/z.jpg\n", "spaces"},
        {"5\ta/z.jpg\n", "two-columns"},
        {"x\t0\ta/z.jpg\n", "index-text"},
        {"5\tcat\ta/z.jpg\n", "label-text"},
        {"5\t\ta/z.jpg\n", "label-text"},
        {"5\tnan\ta/z.jpg\n", "label-text"},
        {"5\t0\t a/z.jpg\n", "path-blanks"},
        {"5\t0\ta/z.jpg\xc2\xa0\n", "path-blanks"},
        {"5\t0\t/a/z.jpg\n", "path-outside"},
        {"5\t0\ta/../z.jpg\n", "path-outside"},
        {"5\t0\t\n", "path-outside"},
        {"5\t0\ta/\xc3\xa9\n", "path-last-byte"},
        {"5\t0\ta/\xff.jpg\n", "path-not-utf8"},
        {"5\t0\ta\rb.jpg\n", "cr-inside"},
        {"5\t0\ta/z.jpg\r\n", "crlf"},
        {"5\t0\ta/z.jpg", "no-newline"},
        {"5\t0\t1\ta/z.jpg\n", "label-count"},
        {"5\t0.5\ta/z.jpg\n", "label-no-class"},
        {"5\t-1\ta/z.jpg\n", "label-no-class"},
        {"1\t0\ta/z.jpg\n", "index-twice"},
        {"+01\t0\ta/z.jpg\n", "index-twice"},
        {"5\t0\ta/x.jpg\n", "path-twice"},
        {"5\t0.000\t./a//x.jpg\n", "path-twice"},
        {"5\t1\ta/x.jpg\n", "path-two-labels"},
    };
    char text[256];
    char want[512];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        bool cut = strcmp(cases[i].rule, "path-blanks") == 0 && strstr(cases[i].row, "\xa0");

        snprintf(text, sizeof(text), GOOD "%s", cases[i].row);
        snprintf(want, sizeof(want), "0:3 %s\n%s", cases[i].rule,
                 cut ? "0:3 path-last-byte\n" : "");
        one(text, want);
    }
    one(GOOD, "");
}

static void test_first_rows(void **state)
{
    (void)state;
    one("\xef\xbb\xbf" GOOD, "0:1 byte-order-mark\n");
    one("\n" GOOD, "0:1 blank-row\n");
    one("", "0:0 no-rows\n");
    one("# nothing\n", "0:1 comment\n0:0 no-rows\n");
}

static void test_labels(void **state)
{
    const char *const gaps[] = {"0\t0\ta/x\n1\t3\tb/y\n", "0\t1\tc/z\n", NULL};
    const char *const range[] = {"0\t0\ta/x\n1\t1\tb/y\n2\t2\tc/z\n", NULL};
    const char *const uneven[] = {"0\t0\ta/1\n1\t0\ta/2\n2\t0\ta/3\n3\t1\tb/4\n", NULL};
    const struct lst_check_options two_classes = {.classes = 2, .mini_batch = 4};
    const struct lst_check_options even = {.imbalance = 2};

    (void)state;
    assert_found(&(struct lst_check_options){0}, gaps, "0:0 label-gap\n");
    assert_found(&two_classes, range, "0:3 label-range\n0:0 few-rows\n");
    assert_found(&even, uneven, "0:0 imbalance\n");
    /* Lists for several labels, and for detection. */
    one("0\t0\t1\ta/x\n1\t1\t0\tb/y\n", "");
    one("0\t2\t5\t1\t.1\t.2\t.3\t.4\ta/x\n"
        "1\t2\t5\t0\t.1\t.2\t.3\t.4\t1\t.1\t.2\t.3\t.4\tb/y\n",
        "");
}

static void test_two_lists(void **state)
{
    const char *const leak[] = {"0\t0\ta/x.jpg\n1\t1\tb/y.jpg\n", "0\t0\t./a/x.jpg\n", NULL};
    const char *const classes[] = {"0\t0\ttrain/cat/x\n1\t1\ttrain/dog/y\n",
                                   "0\t1\tval/cat/z\n1\t0\tval/dog/w\n", NULL};
    const char *const same[] = {"0\t0\ta/x\n1\t1\tb/y\n", "0\t1\ta/z\n1\t0\tb/w\n", NULL};
    const char *const flat[] = {"0\t0\tall/x\n1\t1\tall/y\n", "0\t1\tall/z\n", NULL};

    (void)state;
    assert_found(&(struct lst_check_options){0}, leak, "1:1 in-two-lists\n");
    assert_found(&(struct lst_check_options){0}, classes, "1:1 class-map\n1:2 class-map\n");
    assert_found(&(struct lst_check_options){0}, same, "1:1 class-map\n1:2 class-map\n");
    assert_found(&(struct lst_check_options){0}, flat, "");
}

static void test_fix(void **state)
{
    static const struct {
        const char *in;
        const char *out;
        unsigned changes;
    } cases[] = {
        {GOOD, GOOD, 0},
        {"", "", 0},
        {"\xef\xbb\xbf" GOOD, GOOD, 1},
        {"0\t0\ta\r\n\n \t\n1\t0\tb\r\r\n# kept \n5.0\t1\t c",
         "0\t0\ta\n1\t0\tb\n# kept \n5.0\t1\t c\n", 5},
        {"0\t0\ta\rb\n", "0\t0\ta\rb\n", 0},
        {"0\t0\ta\r", "0\t0\ta\n", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct buf out;
        uint64_t changes;

        buf_init(&out, SIZE_MAX);
        assert_int_equal(lst_fix(span_of(cases[i].in), &out, &changes), 0);
        assert_string_equal(out.data ? out.data : "", cases[i].out);
        assert_int_equal(changes, cases[i].changes);
        buf_release(&out);
    }
}

/* What an edit of `was` into `now` brought. */
static void brought(const char *was, const char *now, const char *want)
{
    const struct lst_check_options opt = {0};
    const struct lst_list list = {"x.lst", span_of(now)};
    struct lst_findings f = {0};

    assert_int_equal(lst_check(&list, 1, &opt, &f), 0);
    assert_int_equal(lst_findings_novel(&f, list.text, span_of(was)), 0);
    lst_findings_sort(&f, &list, 1);
    assert_findings(&f, want);
    lst_findings_release(&f);
}

static void test_what_an_edit_brought(void **state)
{
    (void)state;
    brought(GOOD "5\tz\n# c\n", GOOD "# c\n5\tz\n", "");
    brought(GOOD "5\tz\n", GOOD "5\tz\n6\tz\n", "0:4 two-columns\n");
    brought(GOOD, GOOD "0\t0\ta/x.jpg\n", "0:3 index-twice\n0:3 path-twice\n");
    brought(GOOD, "1\t0\ta/x.jpg\n1\t1\tb/y.jpg\n", "0:2 index-twice\n");
    brought(GOOD GOOD, GOOD GOOD, "");
    brought(GOOD, "", "0:0 no-rows\n");
    brought("", "", "");
}

static void test_rules_have_words(void **state)
{
    (void)state;
    for (int rule = 0; rule < LST_RULE_COUNT; rule++) {
        const struct lst_rule_info *info = lst_rule_info((enum lst_rule)rule);

        assert_non_null(info->id);
        assert_non_null(info->text);
        for (int other = 0; other < rule; other++)
            assert_string_not_equal(info->id, lst_rule_info((enum lst_rule)other)->id);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows),
                                       cmocka_unit_test(test_first_rows),
                                       cmocka_unit_test(test_labels),
                                       cmocka_unit_test(test_two_lists),
                                       cmocka_unit_test(test_fix),
                                       cmocka_unit_test(test_what_an_edit_brought),
                                       cmocka_unit_test(test_rules_have_words)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
