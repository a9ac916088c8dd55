/*
 * Waiting until all is in S3: which stage follows which, and that none is left early.
 */
#include "tests/unit/unit.h"

#include "agent/core/wait.h"

static void test_each_stage_waits_for_its_condition(void **state)
{
    static const struct {
        enum wait_stage from;
        struct wait_facts facts;
        enum wait_stage to;
    } cases[] = {
        /* everything else may hold: before the mark is back nothing is known */
        {WAIT_MARKING, {.whole = true, .in_step = true}, WAIT_MARKING},
        {WAIT_MARKING, {.marked = true}, WAIT_SEEING},
        {WAIT_SEEING, {.marked = true, .in_step = true}, WAIT_SEEING},
        {WAIT_SEEING, {.whole = true}, WAIT_OPEN},
        {WAIT_OPEN, {.open = true}, WAIT_OPEN},
        {WAIT_OPEN, {.open = false, .lists = true}, WAIT_LISTS},
        {WAIT_OPEN, {.in_step = true}, WAIT_DONE},
        {WAIT_LISTS, {.lists = true}, WAIT_LISTS},
        {WAIT_LISTS, {.lists = false}, WAIT_LAST},
        {WAIT_LAST, {.open = true}, WAIT_LAST},
        {WAIT_LAST, {.open = false, .lists = true}, WAIT_DONE},
        {WAIT_DONE, {.open = true, .lists = true}, WAIT_DONE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (wait_next(cases[i].from, &cases[i].facts) != cases[i].to)
            fail_msg("case %zu", i);
}

/* Whatever holds, a stage is followed by itself, the next one or the end. */
static void test_no_stage_is_passed_over(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 32; bits++)
        for (enum wait_stage s = WAIT_MARKING; s < WAIT_DONE; s++) {
            struct wait_facts facts = {.marked = bits & 1,
                                       .whole = bits & 2,
                                       .open = bits & 4,
                                       .lists = bits & 8,
                                       .in_step = bits & 16};
            enum wait_stage next = wait_next(s, &facts);

            assert_true(next == s || next == s + 1 ||
                        (next == WAIT_DONE && s >= WAIT_OPEN && facts.in_step));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_stage_waits_for_its_condition),
        cmocka_unit_test(test_no_stage_is_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
