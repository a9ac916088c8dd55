/* What may be shown of text from outside. */
#include "base/err.h"
#include "base/visible.h"
#include "tests/unit/unit.h"

#include <string.h>

static const struct {
    const char *text;
    const char *shown;
} cases[] = {
    {"", ""},
    {"plain/name.png", "plain/name.png"},
    {"\"quoted\" \\ back", "\"quoted\" \\ back"},
    {"tab\tline\nend", "tab\\x09line\\x0aend"},
    {"\x1b[2Jclear", "\\x1b[2Jclear"},
    {"del\x7f", "del\\x7f"},
    {"caf\xc3\xa9 \xe4\xb8\xad \xf0\x9f\x90\x88", "caf\xc3\xa9 \xe4\xb8\xad \xf0\x9f\x90\x88"},
    {"c1 \xc2\x9b", "c1 \\xc2\\x9b"},
    {"\xff\xfe", "\\xff\\xfe"},
    {"cut \xe4\xb8", "cut \\xe4\\xb8"},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out;

        buf_init(&out, 1000);
        assert_int_equal(buf_append_str(&out, "> "), 0);
        assert_int_equal(visible_append(&out, cases[i].text), 0);
        assert_string_equal(out.data + 2, cases[i].shown);
        buf_release(&out);
    }
}

static void test_a_full_buffer_is_told(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 5);
    assert_int_equal(visible_append(&out, "ab\x01"), ERR_LIMIT);
    assert_true(out.len <= 5);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_a_full_buffer_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
