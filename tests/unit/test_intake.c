/* How much is taken in at once, and until when. */
#include "tests/unit/unit.h"

#include "agent/service/agent.h"

#define NOW_MS 1000000

static struct agent agent_with(size_t moving)
{
    struct agent a = {.now_ms = NOW_MS};
    char key[32];

    a.pending = pending_new();
    assert_non_null(a.pending);
    for (size_t i = 0; i < moving; i++) {
        snprintf(key, sizeof key, "%zu.jpg", i);
        assert_non_null(pending_get(a.pending, 0, key, 0, NOW_MS));
    }
    return a;
}

static void test_there_is_room_for_so_many_where_nothing_is_renamed(void **state)
{
    struct agent a = agent_with(AGENT_PENDING_MAX - 1);

    (void)state;
    assert_true(intake_wants_listings(&a) && intake_wants_many(&a));
    assert_int_equal(intake_deadline(&a), INT64_MAX);
    assert_non_null(pending_get(a.pending, 0, "one more", 0, NOW_MS));
    assert_false(intake_has_room(&a) || intake_wants_listings(&a) || intake_wants_many(&a));
    pending_free(a.pending);
}

static void test_there_is_for_fewer_while_a_directory_is_renamed(void **state)
{
    struct agent a = agent_with(AGENT_MOVING_MAX / 2);

    (void)state;
    a.renamed_ms = NOW_MS - 1;
    assert_true(intake_wants_listings(&a));
    assert_false(intake_wants_many(&a)); /* not by ones */
    a.renaming = AGENT_RENAMING_MAX;
    assert_false(intake_wants_listings(&a));
    assert_true(intake_has_room(&a)); /* what does not wait for listings goes on */
    a.renaming = 0;
    for (size_t i = 0; i < AGENT_MOVING_MAX / 2; i++) {
        char key[32];

        snprintf(key, sizeof key, "more %zu", i);
        assert_non_null(pending_get(a.pending, 0, key, 0, NOW_MS));
    }
    assert_false(intake_wants_listings(&a));
    pending_free(a.pending);
}

static void test_what_does_not_get_on_keeps_nobody_waiting(void **state)
{
    struct agent a = agent_with(AGENT_MOVING_MAX);

    (void)state;
    a.renaming = AGENT_RENAMING_MAX;
    a.renamed_ms = NOW_MS - AGENT_PASS_MAX_MS + 1;
    assert_false(intake_wants_listings(&a));
    assert_int_equal(intake_deadline(&a), NOW_MS + 1);
    a.now_ms++;
    assert_true(intake_wants_listings(&a));
    assert_int_equal(intake_deadline(&a), INT64_MAX);
    pending_free(a.pending);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_is_room_for_so_many_where_nothing_is_renamed),
        cmocka_unit_test(test_there_is_for_fewer_while_a_directory_is_renamed),
        cmocka_unit_test(test_what_does_not_get_on_keeps_nobody_waiting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
