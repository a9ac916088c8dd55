/* Keys of the trash. */
#include "tests/unit/unit.h"

#include "agent/core/trash.h"

#include <stdio.h>
#include <string.h>

#define US INT64_C(1000000)

static void test_stamps_and_back(void **state)
{
    (void)state;
    static const struct {
        int64_t us;
        const char *stamp;
    } cases[] = {
        {0, "1970-01-01T00-00-00.000Z"},
        {951782399 * US + 999999, "2000-02-28T23-59-59.999Z"},
        {951782400 * US, "2000-02-29T00-00-00.000Z"},
        {1795738353 * US + 7000, "2026-11-27T00-12-33.007Z"},
        {4107542399 * US, "2100-02-28T23-59-59.000Z"},
        {4107542400 * US, "2100-03-01T00-00-00.000Z"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char stamp[TRASH_STAMP_SIZE], key[TRASH_KEY_MAX + 1], want[TRASH_KEY_MAX + 1];
        int64_t us;

        trash_stamp(cases[i].us, stamp);
        assert_string_equal(stamp, cases[i].stamp);
        trash_key("a/.trash/", stamp, "b/c.png", key);
        snprintf(want, sizeof want, "a/.trash/%s/b/c.png", stamp);
        assert_string_equal(key, want);
        assert_true(trash_time("a/.trash/", key, &us));
        assert_int_equal(us, cases[i].us - cases[i].us % 1000);
    }
}

static void test_what_is_no_key_of_the_trash(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "",
        ".trash/",
        ".trash/2026-01-31T08-15-00.000Z",
        ".trash/2026-01-31T08-15-00.000Z/",
        ".trash/2026-01-31T08:15:00.000Z/a",
        ".trash/2026-13-31T08-15-00.000Z/a",
        ".trash/2026-00-31T08-15-00.000Z/a",
        ".trash/2026-01-32T08-15-00.000Z/a",
        ".trash/2026-01-31T24-15-00.000Z/a",
        ".trash/2026-01-31T08-15-00.000/a",
        ".trash/x026-01-31T08-15-00.000Z/a",
        ".trash/ 026-01-31T08-15-00.000Z/a",
        ".trash/1969-01-31T08-15-00.000Z/a",
        "images/2026-01-31T08-15-00.000Z/a",
        ".trashy2026-01-31T08-15-00.000Z/a",
    };
    int64_t us = 5;

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        assert_false(trash_time(".trash/", keys[i], &us));
        assert_int_equal(us, 5);
    }
}

static void test_long_keys(void **state)
{
    (void)state;
    static const char stamp[] = "2026-01-31T08-15-00.000Z";
    char a[1025], b[1025], key[TRASH_KEY_MAX + 1], other[TRASH_KEY_MAX + 1];
    int64_t us;

    for (size_t n = 900; n <= 1024; n++) {
        for (size_t i = 0; i + 1 < n; i += 2)
            memcpy(a + i, "\xc3\xa9", 2);
        if (n % 2)
            a[n - 1] = 'x';
        a[n] = '\0';
        memcpy(b, a, n + 1);
        b[n - 1 - (n % 2 ? 0 : 1)] = 'y';
        if (n % 2 == 0)
            b[n - 1] = 'y';
        trash_key(".trash/", stamp, a, key);
        trash_key(".trash/", stamp, b, other);
        assert_true(strlen(key) <= TRASH_KEY_MAX);
        assert_string_not_equal(key, other);
        assert_true(trash_time(".trash/", key, &us));
        if (n + 32 <= TRASH_KEY_MAX)
            assert_string_equal(key + 32, a);
        else
            assert_int_equal(key[strlen(key) - 65], '~');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stamps_and_back),
        cmocka_unit_test(test_what_is_no_key_of_the_trash),
        cmocka_unit_test(test_long_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
