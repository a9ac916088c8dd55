/* Sizes and times for people. */
#include "tests/unit/unit.h"

#include "agent/core/amount.h"

static void test_bytes(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0 bytes"},           {1023, "1023 bytes"}, {1024, "1.0 KiB"},
        {102399, "99.9 KiB"},     {102400, "100 KiB"},  {UINT64_C(1649267441664), "1.5 TiB"},
        {UINT64_MAX, "15.9 EiB"},
    };
    char out[AMOUNT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(amount_bytes(cases[i].bytes, out), cases[i].text);
}

static void test_times(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {
        {-3, "-3 s"},  {0, "0 s"},      {119, "119 s"},   {120, "2 min"},  {7199, "119 min"},
        {7200, "2 h"}, {86400, "24 h"}, {172799, "47 h"}, {172800, "2 d"}, {8640000, "100 d"},
    };
    char out[AMOUNT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(amount_time(cases[i].seconds, out), cases[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bytes), cmocka_unit_test(test_times)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
