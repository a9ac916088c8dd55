/* A journal in numbers: counts by day, reasons, times from an intent to its end. */
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "journal/tally.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_US (86400 * (int64_t)US_PER_S)

static void add(struct tally *t, struct journal_record r)
{
    assert_int_equal(tally_add(t, &r), 0);
}

static struct tally *fresh(void)
{
    struct tally *t = tally_new();

    assert_non_null(t);
    return t;
}

/* Counts, and days in order although a clock was set back. */
static void test_counts_by_day(void **state)
{
    static const int64_t days[] = {5, 7, 6, 5, 7, 3};
    static const int64_t in_order[] = {3, 5, 6, 7};
    struct tally *t = fresh();
    const struct tally_day *found;
    size_t n;

    (void)state;
    for (size_t i = 0; i < sizeof(days) / sizeof(*days); i++)
        add(t, (struct journal_record){.time_us = days[i] * DAY_US + (int64_t)i,
                                       .op = JOURNAL_PUT,
                                       .state = JOURNAL_DONE,
                                       .has = JOURNAL_HAS_FILE,
                                       .size = 10 * (i + 1)});
    add(t, (struct journal_record){.time_us = 8 * DAY_US - 1, .op = JOURNAL_LST, .size = 99});
    assert_int_equal(tally_all(t)->records, 7);
    assert_int_equal(tally_all(t)->of[JOURNAL_PUT][JOURNAL_DONE], 6);
    assert_int_equal(tally_all(t)->of[JOURNAL_LST][JOURNAL_INTENT], 1);
    assert_int_equal(tally_all(t)->bytes, 210);
    found = tally_days(t, &n);
    assert_int_equal(n, 4);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(found[i].day, in_order[i]);
    assert_int_equal(found[1].counts.bytes, 10 + 40);
    assert_int_equal(found[3].counts.records, 3);
    tally_free(t);
    tally_free(NULL);
}

static void test_causes(void **state)
{
    struct tally *t = fresh();
    const struct tally_cause *found;
    char why[32];
    size_t n;

    (void)state;
    for (int i = 0; i < 5; i++)
        add(t, (struct journal_record){.time_us = i,
                                       .op = JOURNAL_PUT,
                                       .state = JOURNAL_FAILED,
                                       .why = i % 2 ? "AccessDenied" : "SlowDown"});
    add(t, (struct journal_record){.op = JOURNAL_PUT, .state = JOURNAL_FAILED});
    add(t, (struct journal_record){.op = JOURNAL_PUT, .state = JOURNAL_DONE, .why = "none"});
    found = tally_causes(t, &n);
    assert_int_equal(n, 3);
    assert_string_equal(found[0].why, "SlowDown");
    assert_int_equal(found[0].count, 3);
    assert_int_equal(found[0].last_us, 4);
    assert_string_equal(found[1].why, "AccessDenied");
    assert_string_equal(found[2].why, "");
    for (int i = 0; i < 2000; i++) { /* memory is bounded */
        (void)snprintf(why, sizeof(why), "reason %d", i);
        add(t, (struct journal_record){.op = JOURNAL_PUT, .state = JOURNAL_FAILED, .why = why});
    }
    found = tally_causes(t, &n);
    assert_int_equal(n, 1001);
    assert_string_equal(found[0].why, "(others)");
    assert_int_equal(found[0].count, 2000 - 997);
    tally_free(t);
}

/* An intent, and how it ended after so many milliseconds. */
static void transaction(struct tally *t, uint64_t tx, enum journal_op op, int64_t ms,
                        struct journal_record end)
{
    add(t, (struct journal_record){.time_us = 1000, .op = op, .tx = tx});
    end.time_us = 1000 + ms * 1000;
    end.tx = tx;
    add(t, end);
}

static void test_times(void **state)
{
    struct tally *t = fresh();
    struct tally_times times = tally_times(t);

    (void)state;
    assert_int_equal(times.count, 0);
    assert_int_equal(times.ninety_nine_ms, 0);
    for (int i = 1; i <= 1000; i++)
        transaction(t, (uint64_t)i, JOURNAL_ADD, i,
                    (struct journal_record){.op = JOURNAL_PUT, .state = JOURNAL_DONE});
    times = tally_times(t);
    assert_int_equal(times.count, 1000);
    assert_in_range(times.half_ms, 500, 500 + 500 / 16);
    assert_in_range(times.ninety_ms, 900, 900 + 900 / 16);
    assert_in_range(times.ninety_nine_ms, 990, 1000);
    assert_int_equal(times.most_ms, 1000);
    transaction(t, 2000, JOURNAL_ADD, INT64_C(1) << 40,
                (struct journal_record){.op = JOURNAL_PUT, .state = JOURNAL_DONE});
    transaction(t, 2001, JOURNAL_ADD, -5, /* a clock was set back */
                (struct journal_record){.op = JOURNAL_PUT, .state = JOURNAL_DONE});
    assert_int_equal(tally_times(t).most_ms, INT64_C(1) << 40);
    transaction(t, 2002, JOURNAL_EDIT, 7,
                (struct journal_record){.op = JOURNAL_PUT, .state = JOURNAL_DONE});
    assert_int_equal(tally_times_of(t, JOURNAL_ADD).count, 1002);
    assert_int_equal(tally_times_of(t, JOURNAL_EDIT).count, 1);
    assert_int_equal(tally_times_of(t, JOURNAL_EDIT).ninety_nine_ms, 7);
    assert_int_equal(tally_times_of(t, JOURNAL_REMOVE).count, 0);
    assert_int_equal(tally_open(t), 0);
    tally_free(t);
}

static void test_what_ends_an_intent(void **state)
{
    struct tally *t = fresh();

    (void)state;
    transaction(t, 1, JOURNAL_RENAME, 1,
                (struct journal_record){.op = JOURNAL_COPY, .state = JOURNAL_DONE});
    assert_int_equal(tally_open(t), 1); /* more images may follow */
    add(t, (struct journal_record){.op = JOURNAL_RENAME, .state = JOURNAL_DONE, .tx = 1});
    assert_int_equal(tally_open(t), 0);
    transaction(t, 2, JOURNAL_ADD, 1,
                (struct journal_record){.op = JOURNAL_PUT, .state = JOURNAL_FAILED});
    assert_int_equal(tally_open(t), 1); /* nobody answered: it may have been done */
    add(t, (struct journal_record){
               .op = JOURNAL_PUT, .state = JOURNAL_FAILED, .http_status = 403, .tx = 2});
    assert_int_equal(tally_open(t), 0);
    transaction(t, 3, JOURNAL_REMOVE, 1,
                (struct journal_record){.op = JOURNAL_TRASH, .state = JOURNAL_DONE});
    assert_int_equal(tally_open(t), 1);
    add(t, (struct journal_record){.op = JOURNAL_REMOVE, .state = JOURNAL_ABORT, .tx = 3});
    assert_int_equal(tally_open(t), 0);
    assert_int_equal(tally_times(t).count, 1); /* of all these one was done */
    tally_free(t);
}

/* A change that took so long. */
static void add_time(struct tally *t, uint64_t tx, int64_t ms)
{
    add(t, (struct journal_record){.tx = tx, .op = JOURNAL_ADD, .state = JOURNAL_INTENT});
    add(t, (struct journal_record){
               .tx = tx, .time_us = ms * 1000, .op = JOURNAL_PUT, .state = JOURNAL_DONE});
}

/* Bands begin with the first and end with the last that has times. */
static void test_bands(void **state)
{
    static const int64_t times[] = {32, 33, 63, 64, 511, 511};
    static const struct tally_band expected[] = {{64, 3}, {128, 1}, {256, 0}, {512, 2}};
    struct tally_band bands[TALLY_BANDS];
    struct tally *t = fresh();

    (void)state;
    assert_int_equal(tally_bands(t, bands), 0);
    for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++)
        add_time(t, i + 1, times[i]);
    assert_int_equal(tally_bands(t, bands), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(bands[i].below_ms, expected[i].below_ms);
        assert_int_equal(bands[i].count, expected[i].count);
    }
    add_time(t, 100, 0);
    assert_int_equal(tally_bands(t, bands), 6);
    assert_int_equal(bands[0].below_ms, 16);
    tally_free(t);
}

/* What several journals have together: the sum of all, of each day, reason and time. */
static void test_sum_of_several(void **state)
{
    struct tally *all = fresh();
    const struct tally_cause *causes;
    const struct tally_day *days;
    size_t n;

    (void)state;
    for (int host = 0; host < 2; host++) {
        struct tally *t = fresh();

        add(t, (struct journal_record){.time_us = (3 - host) * DAY_US,
                                       .op = JOURNAL_PUT,
                                       .state = JOURNAL_FAILED,
                                       .why = "SlowDown"});
        add(t, (struct journal_record){.time_us = 3 * DAY_US,
                                       .op = JOURNAL_PUT,
                                       .state = JOURNAL_DONE,
                                       .has = JOURNAL_HAS_FILE,
                                       .size = 5});
        add(t, (struct journal_record){
                   .time_us = 3 * DAY_US, .op = JOURNAL_ADD, .state = JOURNAL_INTENT, .tx = 7});
        add_time(t, 100, host ? 900 : 3);
        assert_int_equal(tally_sum(all, t), 0);
        tally_free(t);
    }
    assert_int_equal(tally_all(all)->of[JOURNAL_PUT][JOURNAL_FAILED], 2);
    assert_int_equal(tally_all(all)->bytes, 10);
    assert_int_equal(tally_open(all), 2);
    assert_int_equal(tally_times(all).count, 2);
    assert_int_equal(tally_times(all).most_ms, 900);
    assert_int_equal(tally_times(all).half_ms, 3);
    assert_int_equal(tally_times_of(all, JOURNAL_ADD).count, 2);
    assert_int_equal(tally_times_of(all, JOURNAL_ADD).most_ms, 900);
    days = tally_days(all, &n);
    for (size_t i = 0; i < n; i++)
        if (days[i].day == 3)
            assert_int_equal(days[i].counts.bytes, 10);
    causes = tally_causes(all, &n);
    assert_int_equal(n, 1);
    assert_int_equal(causes[0].count, 2);
    assert_int_equal(causes[0].last_us, 3 * DAY_US);
    tally_free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bands),  cmocka_unit_test(test_counts_by_day),
        cmocka_unit_test(test_causes), cmocka_unit_test(test_sum_of_several),
        cmocka_unit_test(test_times),  cmocka_unit_test(test_what_ends_an_intent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
