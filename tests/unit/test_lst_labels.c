/* Labels and indices as numbers: what counts as one, and what is the same. */
#include "lists/check.h"
#include "lists/internal.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *text;
    bool is_number;
    bool is_class;
} fields[] = {
    {"0", true, true},
    {"7.000", true, true},
    {"1e1", true, true},
    {" 3 ", true, true},
    {"0.5", true, false},
    {"-1", true, false},
    {"1e300", true, false}, /* more than a class can be */
    {"", false, false},
    {"-", false, false},
    {"1 2", false, false},
    {"nan", false, false},
    {"0x10", false, false},
    {"1\t2", false, false},
    {"0000000000000000000000000000000000000000000000000000000000000000", false, false},
};

static void test_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const struct span field = span_of(fields[i].text);
        uint64_t class;
        double number;

        if (label_number(field, &number) != fields[i].is_number ||
            label_class(field, &class) != fields[i].is_class)
            fail_msg("'%s'", fields[i].text);
    }
}

static const struct {
    const char *a, *b;
    bool same;
} pairs[] = {
    {"1", "1", true},       {"1", "1.0", true},           {"1", "2", false},
    {"2", "1", false},      {"1\t2", "1.0\t2.0", true},   {"1\t2", "1\t3", false},
    {"1", "1\t1", false},   {"cat", "cat", true},         {"cat", "1", false},
    {"1", "cat", false},    {"cat\t1", "cat\t1.0", true}, {"\t1", "\t1.0", true},
    {"1\t", "1.0\t", true},
};

static void test_the_same_labels(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (labels_same(span_of(pairs[i].a), span_of(pairs[i].b)) != pairs[i].same)
            fail_msg("'%s' and '%s'", pairs[i].a, pairs[i].b);
}

static void test_indices(void **state)
{
    uint64_t index;

    (void)state;
    assert_true(index_number(SPAN("9223372036854775799"), &index));
    assert_true(index == UINT64_C(9223372036854775799));
    assert_false(index_number(SPAN("9223372036854775800"), &index));
    assert_false(index_number(SPAN(""), &index));
    assert_false(index_number(SPAN("-1"), &index));
    assert_false(index_number(SPAN("1:"), &index));
    assert_true(lst_next_index(SPAN("")) == 0);
    assert_true(lst_next_index(SPAN("7\t0\ta\n3\t0\tb\n-9\t0\tc\n# 12\n")) == 8);
}

static const struct {
    const char *labels;
    bool is_detection;
} heads[] = {
    {"2\t5\t1\t.1\t.1\t.2\t.2", true},     {"3\t5\t9\t1\t.1\t.1\t.2\t.2", true},
    {"2\t5\t1\t.1\t.1\t.2", false},        /* fewer than one object */
    {"2\t5\t1\t.1\t.1\t.2\t.2\t3", false}, /* half of another */
    {"1\t5\t1\t.1\t.1\t.2\t.2", false},    /* a head is of two */
    {"2\t4\t1\t.1\t.1\t.2\t.2", false},    /* an object of five */
    {"8\t5\t1\t.1\t.1\t.2\t.2", false},    {"2\t9\t1\t.1\t.1\t.2\t.2", false},
    {"2.5\t5\t1\t.1\t.1\t.2\t.2", false},  {"2\t5.5\t1\t.1\t.1\t.2\t.2", false},
    {"a\t5\t1\t.1\t.1\t.2\t.2", false},    {"2\ta\t1\t.1\t.1\t.2\t.2", false},
};

static void test_boxes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        if (labels_detect(span_of(heads[i].labels)) != heads[i].is_detection)
            fail_msg("'%s'", heads[i].labels);
}

/* One row that is the second of its list, and the rules that it breaks. */
static const struct {
    const char *row;
    enum lst_rule rules[3];
    size_t n;
} rows[] = {
    {"1\t0\ta.jpg\n", {0}, 0},
    {" 1 \t0\ta.jpg\n", {0}, 0},
    {"+1\t0\ta.jpg\n", {0}, 0},
    {"-1\t0\ta.jpg\n", {LST_INDEX_NEGATIVE}, 1},
    {"1.5\t0\ta.jpg\n", {LST_INDEX_FRACTION}, 1},
    {"9223372036854775808\t0\ta.jpg\n", {LST_INDEX_LARGE}, 1},
    {"09223372036854775807\t0\ta.jpg\n", {0}, 0},
    {"-1.5\tcat\t/a.jpg\n", {LST_INDEX_FRACTION, LST_INDEX_NEGATIVE, LST_LABEL_TEXT}, 4},
    {"1\t0\ta.jpg \n", {LST_PATH_BLANKS}, 1},
    {"1\t0\ta\xe9\n", {LST_PATH_LAST_BYTE, LST_PATH_NOT_UTF8}, 2},
    {"\n", {LST_BLANK_ROW}, 1},
    {"\r\n", {LST_BLANK_ROW}, 1},
    {"  \n", {LST_SPACE_ROW}, 1},
    {"  # what follows\n", {LST_COMMENT}, 1},
    {"# the end", {LST_COMMENT}, 1},
    {"1 0 a.jpg\r\n", {LST_SPACES}, 1},
    {"1\ta.jpg\n", {LST_TWO_COLUMNS}, 1},
    {"x\t0\ta.jpg\n", {LST_INDEX_TEXT}, 1},
    {"1 0\ra.jpg\n", {LST_CR_INSIDE}, 1},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum lst_rule found[LST_JUDGED_MAX];
        struct lst_row row;
        size_t n;

        row_classify(span_of(rows[i].row), false, &row);
        n = lst_judge(&row, false, found);
        for (size_t k = 0; k < n && k < 3 && n == rows[i].n; k++)
            if (found[k] != rows[i].rules[k])
                fail_msg("'%s': %s", rows[i].row, lst_rule_info(found[k])->id);
        if (n != rows[i].n)
            fail_msg("'%s': %zu", rows[i].row, n);
    }
}

/* A row that is longer than any reader's: that alone is said. */
static void test_long_rows(void **state)
{
    char *text = malloc(LST_ROW_BYTES_MAX + 2);
    enum lst_rule found[LST_JUDGED_MAX];
    struct lst_row row;

    (void)state;
    assert_non_null(text);
    memset(text, 'a', LST_ROW_BYTES_MAX + 1);
    memcpy(text, "1\t0\t", 4);
    text[LST_ROW_BYTES_MAX + 1] = '\n';
    row_classify((struct span){text, LST_ROW_BYTES_MAX + 2}, false, &row);
    assert_int_equal(lst_judge(&row, false, found), 1);
    assert_int_equal(found[0], LST_ROW_LONG);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_the_same_labels),
        cmocka_unit_test(test_indices), cmocka_unit_test(test_boxes),
        cmocka_unit_test(test_rows),    cmocka_unit_test(test_long_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
