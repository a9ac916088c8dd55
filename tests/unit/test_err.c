/* Errors as values. */
#include "base/err.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

static void test_set_fills_and_returns_the_code(void **state)
{
    struct err e;

    (void)state;
    assert_int_equal(err_set(&e, ERR_SYNTAX, "a.conf:3", "use a number", "port is '%s'", "x"),
                     ERR_SYNTAX);
    assert_int_equal(e.code, ERR_SYNTAX);
    assert_string_equal(e.where, "a.conf:3");
    assert_string_equal(e.what, "port is 'x'");
    assert_string_equal(e.right, "use a number");
}

static void test_set_without_err(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, -EIO, "w", "r", "x"), -EIO);
}

static void test_long_texts_are_cut(void **state)
{
    char text[2000];
    struct err e;

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(err_set(&e, -EIO, text, text, "%s", text), -EIO);
    assert_int_equal(strlen(e.where), ERR_TEXT_MAX - 1);
    assert_int_equal(strlen(e.what), ERR_TEXT_MAX - 1);
    assert_int_equal(strlen(e.right), ERR_TEXT_MAX - 1);
}

static void test_text_joins_what_is_there(void **state)
{
    struct err e;
    char text[100];

    (void)state;
    err_set(&e, -EIO, "here", "do that", "it broke");
    assert_string_equal(err_text(&e, text, sizeof(text)), "here: it broke; do that");
    err_set(&e, -EIO, NULL, "do that", "it broke");
    assert_string_equal(err_text(&e, text, sizeof(text)), "it broke; do that");
    err_set(&e, -EIO, "here", "", "it broke");
    assert_string_equal(err_text(&e, text, sizeof(text)), "here: it broke");
    assert_string_equal(err_text(&e, text, 5), "here");
    text[0] = '#';
    err_text(&e, text, 0);
    assert_int_equal(text[0], '#');
}

static void test_names(void **state)
{
    static const int ours[] = {0,           ERR_CORRUPT, ERR_SYNTAX,  ERR_LIMIT,
                               ERR_CHANGED, ERR_REFUSED, ERR_VERSION, ERR_NOT_FILE};

    (void)state;
    assert_string_equal(err_name(-ENOENT), "No such file or directory");
    assert_string_equal(err_name(-99999), "unknown error");
    assert_string_equal(err_name(-5000), "unknown error");
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(err_name(ours[i]), err_name(ours[j]));
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        assert_string_not_equal(err_name(ours[i]), "unknown error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_fills_and_returns_the_code),
        cmocka_unit_test(test_set_without_err),
        cmocka_unit_test(test_long_texts_are_cut),
        cmocka_unit_test(test_text_joins_what_is_there),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
