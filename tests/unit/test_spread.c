/* Which address is next. */
#include "tests/unit/unit.h"
#include "uploaders/spread.h"

#include <string.h>

static const char three[][SPREAD_TEXT_MAX] = {"10.0.0.1", "10.0.0.2", "10.0.0.3"};

/* The last byte of the next address; 0: no choice. */
static char pick(struct spread *s, int64_t now_ms)
{
    char out[SPREAD_TEXT_MAX];
    return spread_pick(s, now_ms, out) ? out[strlen(out) - 1] : '0';
}

static void test_in_turn(void **state)
{
    (void)state;
    struct spread s = {.count = 0};
    assert_int_equal(pick(&s, 0), '0');
    spread_set(&s, three, 1);
    assert_int_equal(pick(&s, 0), '0'); /* one is no choice */
    spread_set(&s, three, 3);
    for (int i = 0; i < 9; i++)
        assert_int_equal(pick(&s, 0), '1' + i % 3);
}

static void test_what_failed_is_left_out_for_a_while(void **state)
{
    (void)state;
    struct spread s = {.count = 0};
    spread_set(&s, three, 3);
    spread_failed(&s, "10.0.0.2", 1000);
    spread_failed(&s, "10.0.0.2", 1001); /* one that began before */
    assert_false(spread_is_good(&s, "10.0.0.2", 1000 + SPREAD_AVOID_MS - 1));
    assert_true(spread_is_good(&s, "10.0.0.2", 1000 + SPREAD_AVOID_MS));
    assert_int_equal(pick(&s, 2000), '1');
    assert_int_equal(pick(&s, 2000), '3');
    assert_int_equal(pick(&s, 2000), '1');
    spread_failed(&s, "10.0.0.2", 100000); /* again: twice as long */
    assert_false(spread_is_good(&s, "10.0.0.2", 100000 + 2 * SPREAD_AVOID_MS - 1));
    assert_true(spread_is_good(&s, "10.0.0.2", 100000 + 2 * SPREAD_AVOID_MS));
    spread_worked(&s, "10.0.0.2");
    spread_failed(&s, "10.0.0.2", 900000);
    assert_true(spread_is_good(&s, "10.0.0.2", 900000 + SPREAD_AVOID_MS));
    spread_failed(&s, "10.0.0.1", 900000);
    spread_failed(&s, "10.0.0.3", 900000);
    assert_int_equal(pick(&s, 900001), '0'); /* all are avoided */
    spread_failed(&s, "10.9.9.9", 0);        /* nobody we know */
    assert_false(spread_is_good(&s, "10.9.9.9", 0));
}

static void test_the_time_has_a_ceiling(void **state)
{
    (void)state;
    struct spread s = {.count = 0};
    int64_t now = 0;
    spread_set(&s, three, 3);
    for (int i = 0; i < 100; i++) {
        spread_failed(&s, "10.0.0.1", now);
        now += (int64_t)SPREAD_AVOID_MS << SPREAD_AVOID_TIMES;
        assert_true(spread_is_good(&s, "10.0.0.1", now));
    }
}

static void test_a_new_answer_keeps_what_is_known(void **state)
{
    (void)state;
    static const char other[][SPREAD_TEXT_MAX] = {"10.0.0.4", "10.0.0.2", "[fd00::1]", "10.0.0.4"};
    struct spread s = {.count = 0};
    spread_set(&s, three, 3);
    spread_failed(&s, "10.0.0.2", 0);
    spread_set(&s, other, 4);
    assert_int_equal(s.count, 2); /* of the first one's family, each once */
    assert_false(spread_is_good(&s, "10.0.0.1", 5));
    assert_false(spread_is_good(&s, "10.0.0.2", 5));
    assert_true(spread_is_good(&s, "10.0.0.4", 5));
    assert_int_equal(pick(&s, 5), '4');
    assert_int_equal(pick(&s, 5), '4');
}

static void test_more_than_there_is_room_for(void **state)
{
    (void)state;
    char many[SPREAD_ADDRESSES_MAX + 5][SPREAD_TEXT_MAX] = {{0}};
    struct spread s = {.count = 0};
    for (size_t i = 0; i < SPREAD_ADDRESSES_MAX + 5; i++)
        many[i][0] = (char)('a' + i);
    spread_set(&s, (const char(*)[SPREAD_TEXT_MAX])many, SPREAD_ADDRESSES_MAX + 5);
    assert_int_equal(s.count, SPREAD_ADDRESSES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_turn),
        cmocka_unit_test(test_what_failed_is_left_out_for_a_while),
        cmocka_unit_test(test_the_time_has_a_ceiling),
        cmocka_unit_test(test_a_new_answer_keeps_what_is_known),
        cmocka_unit_test(test_more_than_there_is_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
