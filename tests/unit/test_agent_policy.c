/* What a list's policies did, in words. */
#include "agent/core/policy.h"
#include "tests/unit/unit.h"

static void test_words(void **state)
{
    struct lst_rewrite_stats s = {.rows = 9, .renamed = 2, .dropped = 3, .changed = 5};
    char out[200], small[20];

    (void)state;
    assert_false(policy_words(&s, out, sizeof out));
    assert_string_equal(out, "");
    s.unfollowed = 2;
    s.reindexed = 4;
    assert_true(policy_words(&s, out, sizeof out));
    assert_string_equal(out, "2 rows dropped by on_rename = \"drop\", 4 rows numbered anew by "
                             "reindex");
    assert_true(policy_words(&s, small, sizeof small));
    assert_string_equal(small, "2 rows dropped by o");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
