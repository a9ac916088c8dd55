/*
 * Looks and barriers, and how long a failed item rests.
 */
#include "tests/unit/unit.h"

#include "agent/core/order.h"

static void test_a_later_look_frees_the_barrier(void **state)
{
    struct order o = {0};
    struct item list = {0};
    uint64_t before, barrier;

    (void)state;
    before = order_look(&o);
    list.looked = list.live = before;
    barrier = order_barrier(&o);
    assert_true(order_blocks(&list, barrier)); /* put from a look before the rewrite */
    list.looked = order_look(&o);
    assert_true(order_blocks(&list, barrier)); /* looked at, but not live yet */
    list.live = list.looked;
    assert_false(order_blocks(&list, barrier));
}

static void test_a_list_never_put_blocks(void **state)
{
    struct order o = {0};
    const struct item list = {0};

    (void)state;
    assert_true(order_blocks(&list, order_barrier(&o)));
}

static void test_each_barrier_asks_for_its_own_look(void **state)
{
    struct order o = {0};
    struct item list = {0};
    uint64_t first = order_barrier(&o), second;

    (void)state;
    list.live = order_look(&o);
    second = order_barrier(&o);
    assert_false(order_blocks(&list, first));
    assert_true(order_blocks(&list, second));
    assert_true(first < list.live && list.live < second);
}

/* The bounds: 1 s doubling to 5 min, and up to a quarter more. */
static void test_the_rest_doubles_up_to_five_minutes(void **state)
{
    static const int64_t least[] = {1000,  1000,  2000,   4000,   8000,   16000,
                                    32000, 64000, 128000, 256000, 300000, 300000};

    (void)state;
    for (unsigned n = 0; n < sizeof least / sizeof *least; n++) {
        int64_t low = INT64_MAX, high = 0;

        for (uint64_t seed = 0; seed < 5000; seed++) {
            int64_t ms = order_backoff_ms(n, seed);

            low = ms < low ? ms : low;
            high = ms > high ? ms : high;
        }
        assert_true(low >= least[n]);
        assert_true(high <= least[n] + least[n] / 4);
        /* The jitter uses its room: five thousand seeds reach both ends' neighbourhood. */
        assert_true(low <= least[n] + least[n] / 50);
        assert_true(high >= least[n] + least[n] / 4 - least[n] / 50);
    }
}

static void test_the_rest_has_a_ceiling_for_any_count(void **state)
{
    (void)state;
    assert_in_range(order_backoff_ms(1000000, 1), 300000, 375000);
    assert_in_range(order_backoff_ms(UINT32_MAX, UINT64_MAX), 300000, 375000);
    assert_int_equal(order_backoff_ms(3, 42), order_backoff_ms(3, 42));
}

static void test_what_fails_with_each_edit_rests_for_no_longer_than_it_failed(void **state)
{
    static const struct {
        unsigned failures;
        int64_t failing_ms, least;
    } cases[] = {
        {1, 0, 1000},
        {2, 0, 1000},
        {50, 0, 1000},
        {50, 999, 1000},
        {50, 1000, 2000},
        {50, 2999, 2000},
        {50, 3000, 4000},
        {50, 70000, 64000},
        {3, 70000, 4000},
        {50, 3600000, 300000},
        {UINT32_MAX, INT64_MAX, 300000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_in_range(order_rest_ms(cases[i].failures, cases[i].failing_ms, 7), cases[i].least,
                        cases[i].least + cases[i].least / 4);
    /* Who rests after each failure waits as order_backoff_ms says. */
    for (unsigned n = 1, ms = 0; n <= 12; ms += (unsigned)order_backoff_ms(n++, 0))
        assert_int_equal(order_rest_ms(n, ms, 7), order_backoff_ms(n, 7));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_later_look_frees_the_barrier),
        cmocka_unit_test(test_a_list_never_put_blocks),
        cmocka_unit_test(test_each_barrier_asks_for_its_own_look),
        cmocka_unit_test(test_the_rest_doubles_up_to_five_minutes),
        cmocka_unit_test(test_the_rest_has_a_ceiling_for_any_count),
        cmocka_unit_test(test_what_fails_with_each_edit_rests_for_no_longer_than_it_failed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
