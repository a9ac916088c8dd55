/* How long small requests are waited for. */
#include "tests/unit/unit.h"
#include "uploaders/patience.h"

#include <string.h>

static void note(struct patience *p, unsigned times, int64_t took_ms)
{
    for (unsigned i = 0; i < times; i++)
        patience_note(p, took_ms);
}

static void test_nothing_is_given_up_unknown(void **state)
{
    (void)state;
    struct patience p = {.count = 0};
    for (unsigned i = 0; i < PATIENCE_KNOWN; i++) {
        assert_true(patience_bound_ms(&p, 0) == INT64_MAX);
        patience_note(&p, 10);
    }
    assert_int_equal(patience_bound_ms(&p, 0), 2000);
}

static void test_two_seconds_then_four(void **state)
{
    (void)state;
    struct patience p = {.count = 0};
    note(&p, 200, 30);
    assert_int_equal(patience_bound_ms(&p, 0), 2000);
    assert_int_equal(patience_bound_ms(&p, 1), 4000);
    assert_true(patience_bound_ms(&p, 2) == INT64_MAX);
    assert_true(patience_bound_ms(&p, 1000) == INT64_MAX);
}

/* One in twenty that stalls does not move the bound, one in eight does. */
static void test_few_stand_out(void **state)
{
    (void)state;
    struct patience p = {.count = 0};
    for (int i = 0; i < 500; i++) {
        patience_note(&p, i % 20 == 7 ? 2000 : 50);
        if (i > 20)
            assert_int_equal(patience_bound_ms(&p, 0), 2000);
    }
    for (int i = 0; i < 500; i++)
        patience_note(&p, i % 8 == 7 ? 2000 : 50);
    assert_int_equal(patience_bound_ms(&p, 0), 8000);
}

/* A server that is slow is waited for, and one that becomes slow soon is. */
static void test_a_slow_server_is_waited_for(void **state)
{
    (void)state;
    struct patience p = {.count = 0};
    note(&p, 16, 3000);
    assert_int_equal(patience_bound_ms(&p, 0), 12000);
    memset(&p, 0, sizeof(p));
    note(&p, 64, 20);
    unsigned given_up = 0;
    while (patience_bound_ms(&p, 0) < 5000 && given_up < 100) { /* each takes 5 s from now on */
        patience_note(&p, patience_bound_ms(&p, 0));
        given_up++;
    }
    assert_in_range(given_up, 7, 14); /* a tenth of the window and the pause between two looks */
    note(&p, 64, 20);                 /* and back */
    assert_int_equal(patience_bound_ms(&p, 0), 2000);
}

static void test_odd_durations(void **state)
{
    (void)state;
    struct patience p = {.count = 0};
    note(&p, 64, -5);
    assert_int_equal(patience_bound_ms(&p, 0), 2000);
    note(&p, 64, INT64_MAX);
    assert_true(patience_bound_ms(&p, 1) == ((int64_t)UINT32_MAX * PATIENCE_FACTOR) << 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_given_up_unknown),
        cmocka_unit_test(test_two_seconds_then_four),
        cmocka_unit_test(test_few_stand_out),
        cmocka_unit_test(test_a_slow_server_is_waited_for),
        cmocka_unit_test(test_odd_durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
