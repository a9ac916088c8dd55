/* Time. */
#include "base/clock.h"
#include "base/err.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define NOW_US INT64_C(1767323045123456) /* 2026-01-02T03:04:05.123456Z */
#define MIN_US (60 * US_PER_S)
#define DAY_US (86400 * US_PER_S)

static void test_clocks_go_forward(void **state)
{
    int64_t mono = clock_mono_ms();

    (void)state;
    assert_true(clock_real_us() / US_PER_S - (int64_t)time(NULL) <= 1);
    assert_true(clock_real_us() / US_PER_S >= NOW_US / US_PER_S);
    assert_true(clock_mono_ms() >= mono);
}

static void test_iso(void **state)
{
    static const struct {
        int64_t us;
        const char *iso;
        const char *amz;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000000Z", "19700101T000000Z"},
        {NOW_US, "2026-01-02T03:04:05.123456Z", "20260102T030405Z"},
        {951782399 * US_PER_S + 999999, "2000-02-28T23:59:59.999999Z", "20000228T235959Z"},
        {951782400 * US_PER_S, "2000-02-29T00:00:00.000000Z", "20000229T000000Z"},
        {INT64_C(4107542400) * US_PER_S, "2100-03-01T00:00:00.000000Z", "21000301T000000Z"},
        {INT64_C(253402300799) * US_PER_S + 999999, "9999-12-31T23:59:59.999999Z",
         "99991231T235959Z"},
        {-1, "1970-01-01T00:00:00.000000Z", "19700101T000000Z"},
        {INT64_MIN, "1970-01-01T00:00:00.000000Z", "19700101T000000Z"},
        {INT64_MAX, "9999-12-31T23:59:59.999999Z", "99991231T235959Z"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char iso[CLOCK_ISO_SIZE];
        char amz[CLOCK_AMZ_SIZE];

        assert_string_equal(clock_iso(cases[i].us, iso), cases[i].iso);
        assert_string_equal(clock_amz(cases[i].us, amz), cases[i].amz);
    }
}

static void test_every_day_agrees_with_the_library(void **state)
{
    (void)state;
    for (int64_t day = 0; day < 300000; day++) { /* until the year 2791 */
        time_t t = (time_t)(day * 86400 + day % 86400);
        char iso[CLOCK_ISO_SIZE];
        char want[64];
        int64_t us = -1;
        struct tm tm;

        gmtime_r(&t, &tm);
        (void)snprintf(want, sizeof(want), "%04d-%02d-%02dT%02d:%02d:%02d.000000Z",
                       tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
                       tm.tm_sec);
        clock_iso((int64_t)t * US_PER_S, iso);
        if (strcmp(iso, want) != 0)
            fail_msg("%s is not %s", iso, want);
        if (clock_parse(iso, 0, &us) != 0 || us != (int64_t)t * US_PER_S)
            fail_msg("%s does not parse back", iso);
    }
}

static void test_parse(void **state)
{
    static const struct {
        const char *text;
        int64_t us;
    } cases[] = {
        {"2026-01-02", NOW_US - 11045123456},
        {"2026-01-02T03:04", NOW_US - 5123456},
        {"2026-01-02T03:04Z", NOW_US - 5123456},
        {"2026-01-02T03:04:05", NOW_US - 123456},
        {"2026-01-02T03:04:05Z", NOW_US - 123456},
        {"2026-01-02T03:04:05.123456Z", NOW_US},
        {"2026-01-02T03:04:05.123456", NOW_US},
        {"2026-01-02T03:04:05.123456999Z", NOW_US},
        {"2026-01-02T03:04:05.1Z", NOW_US - 23456},
        {"2026-01-02T05:04:05.123456+02:00", NOW_US},
        {"2026-01-01T21:34:05.123456-05:30", NOW_US},
        {"2026-01-02T03:04+00:00", NOW_US - 5123456},
        {"1970-01-01", 0},
        {"1970-01-01T02:00+02:00", 0},
        {"2016-12-31T23:59:60Z", INT64_C(1483228800) * US_PER_S},
        {"2024-02-29", INT64_C(1709164800) * US_PER_S},
        {"9999-12-31T23:59:59.999999Z", INT64_C(253402300799) * US_PER_S + 999999},
        {"@0", 0},
        {"@1767323045", NOW_US - 123456},
        {"@1767323045.123456", NOW_US},
        {"@1767323045.5", NOW_US - 123456 + 500000},
        {"0s", NOW_US},
        {"90s", NOW_US - 90 * US_PER_S},
        {"15m", NOW_US - 15 * MIN_US},
        {"2h", NOW_US - 120 * MIN_US},
        {"3d", NOW_US - 3 * DAY_US},
        {"2026s", NOW_US - 2026 * US_PER_S},
        {"999999999999999999d", 0}, /* before 1970 is 1970 */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t us = -1;

        if (clock_parse(cases[i].text, NOW_US, &us) != 0 || us != cases[i].us)
            fail_msg("%s gives %lld", cases[i].text, (long long)us);
    }
}

static void test_parse_refuses(void **state)
{
    static const char *const bad[] = {
        "",
        " ",
        "now",
        "2026",
        "2026-01",
        "2026-1-2",
        "2026-01-02 ",
        " 2026-01-02",
        "2026-01-02Z",
        "2026-01-02T",
        "2026-01-02T03",
        "2026-01-02T03:4",
        "2026-01-02T03:04:",
        "2026-01-02T03:04:5",
        "2026-01-02T03:04:05.",
        "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05.1234x",
        "2026-01-02T03:04:05Zx",
        "2026-01-02T03:04.5",
        "2026-01-02T03:04+2:00",
        "2026-01-02T03:04+0200",
        "2026-01-02T03:04+24:00",
        "2026-01-02T03:04+02:60",
        "2026-01-02T24:00",
        "2026-01-02T23:60",
        "2026-01-02T23:59:61",
        "2026-00-01",
        "2026-13-01",
        "2026-01-00",
        "2026-01-32",
        "2026-04-31",
        "2026-02-29",
        "2100-02-29",
        "1969-12-31",
        "1970-01-01T00:00+00:01",
        "9999-12-31T23:59-00:01",
        "10000-01-01",
        "@",
        "@x",
        "@-1",
        "@1.",
        "@1x",
        "@253402300800",
        "@99999999999999999999",
        "90",
        "s",
        "-90s",
        "90 s",
        "90S",
        "90ss",
        "1h30m",
        "1.5h",
        "9999999999999999999s",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int64_t us = -7;

        if (clock_parse(bad[i], NOW_US, &us) != ERR_SYNTAX || us != -7)
            fail_msg("\"%s\" was taken", bad[i]);
    }
}

static void test_parse_http(void **state)
{
    static const struct {
        const char *text;
        int64_t s;
    } cases[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"Sun Nov  6 08:49:37 1994", 784111777},
        {"Wed Nov 16 08:49:37 1994", 784975777},
        {"Fri, 02 Jan 2026 03:04:05 GMT", 1767323045},
        {"Friday, 02-Jan-26 03:04:05 GMT", 1767323045},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Thursday, 01-Jan-70 00:00:00 GMT", 0},
        {"Thu, 29 Feb 2024 00:00:00 GMT", 1709164800},
    };
    static const char *const bad[] = {
        "",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Xyz, 06 Nov 1994 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:49 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov  6 08:49:37 1994 GMT",
        "Wed, 31 Dec 1969 23:59:59 GMT",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t us = -7;

        if (clock_parse_http(cases[i].text, &us) != 0 || us != cases[i].s * US_PER_S)
            fail_msg("%s gives %lld", cases[i].text, (long long)us);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int64_t us = -7;

        if (clock_parse_http(bad[i], &us) != ERR_SYNTAX || us != -7)
            fail_msg("\"%s\" was taken", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clocks_go_forward),
        cmocka_unit_test(test_iso),
        cmocka_unit_test(test_every_day_agrees_with_the_library),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_parse_http),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
