/* When the loop waits for the journal's disk before objects are deleted; on which condition it is
 * done. */
#include "tests/unit/unit.h"

#include "agent/service/agent.h"

#include <stdlib.h>

static int syncs;

/* In place of the journal: nothing is submitted behind it. */
void __wrap_agent_sync(struct agent *a);
void __wrap_agent_sync(struct agent *a)
{
    syncs++;
    a->fatal = -EIO;
}

static bool no_memory;

char *__real_strdup(const char *s);
char *__wrap_strdup(const char *s);
char *__wrap_strdup(const char *s)
{
    return no_memory ? NULL : __real_strdup(s);
}

/* So many waits a step makes, with or without an item whose barrier is this, or that leaves. */
static int waits(bool blocked, bool leaves, uint64_t barrier)
{
    struct conf_mapping conf[2] = {{.kind = CONF_REPOSITORY}, {.kind = CONF_LISTS}};
    struct mapping mappings[2] = {
        {.conf = &conf[0], .barrier_least = barrier},
        {.conf = &conf[1], .id = 1, .scanning = blocked, .barrier_least = UINT64_MAX}};
    struct agent a = {.mappings = mappings, .mapping_count = 2};
    struct item it = {.state = ITEM_BARRIER};

    a.pending = pending_new();
    assert_non_null(a.pending);
    if (leaves)
        item_queue_push(&a.leaving, &it);
    else if (barrier != UINT64_MAX)
        item_queue_push(&a.barrier, &it);
    syncs = 0;
    deletions_step(&a);
    pending_free(a.pending);
    return syncs;
}

static void test_nothing_to_delete_waits_for_nothing(void **state)
{
    (void)state;
    assert_int_equal(waits(false, false, UINT64_MAX), 0);
}

static void test_what_lists_hold_back_waits_for_nothing(void **state)
{
    (void)state;
    assert_int_equal(waits(true, false, 1), 0);
}

static void test_what_lists_let_go_waits_once(void **state)
{
    (void)state;
    assert_int_equal(waits(false, false, 1), 1);
}

static void test_what_leaves_waits_once(void **state)
{
    (void)state;
    assert_int_equal(waits(true, true, UINT64_MAX), 1);
}

/* Without a condition whatever is there goes: so it may not be left out for want of memory. */
static void test_no_memory_is_not_no_condition(void **state)
{
    const struct known known = {.etag = "abc"}, unsure = {.etag = "abc", .flags = KNOWN_UNCERTAIN};
    char *etag = NULL;

    (void)state;
    assert_true(deletions_condition(&known, &etag));
    assert_string_equal(etag, "abc");
    free(etag);
    assert_true(deletions_condition(&unsure, &etag));
    assert_null(etag);
    no_memory = true;
    assert_false(deletions_condition(&known, &etag));
    assert_null(etag);
    assert_true(deletions_condition(&unsure, &etag));
    no_memory = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_to_delete_waits_for_nothing),
        cmocka_unit_test(test_what_lists_hold_back_waits_for_nothing),
        cmocka_unit_test(test_what_lists_let_go_waits_once),
        cmocka_unit_test(test_what_leaves_waits_once),
        cmocka_unit_test(test_no_memory_is_not_no_condition),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
