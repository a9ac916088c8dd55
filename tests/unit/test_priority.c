/* Which threads give way: the calling one alone, and what the kernel says of it afterwards. */
#include "base/priority.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

/* What a thread says of itself after it gave way. */
struct seen {
    void (*give_way)(void);
    int policy;
    int nice;
};

static void *look(void *arg)
{
    struct seen *s = arg;

    s->give_way();
    s->policy = sched_getscheduler(gettid());
    s->nice = getpriority(PRIO_PROCESS, (id_t)gettid());
    return NULL;
}

static struct seen seen_after(void (*give_way)(void))
{
    struct seen s = {.give_way = give_way};
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, look, &s), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    return s;
}

static void test_batch(void **state)
{
    const int policy = sched_getscheduler(0), nice = getpriority(PRIO_PROCESS, 0);
    struct seen s = seen_after(priority_batch);

    (void)state;
    assert_int_equal(s.policy, SCHED_BATCH);
    assert_int_equal(s.nice, nice);
    assert_int_equal(sched_getscheduler(0), policy);
}

/* The thread alone is nicer afterwards, by its policy as before. */
static void expect_nice(void (*give_way)(void), int expected)
{
    const int policy = sched_getscheduler(0), nice = getpriority(PRIO_PROCESS, 0);
    struct seen s = seen_after(give_way);

    assert_int_equal(s.policy, policy);
    assert_int_equal(s.nice, expected);
    assert_int_equal(getpriority(PRIO_PROCESS, 0), nice);
}

static void test_bulk(void **state)
{
    (void)state;
    expect_nice(priority_bulk, getpriority(PRIO_PROCESS, 0) + 5);
}

static void test_background(void **state)
{
    (void)state;
    expect_nice(priority_background, 19);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batch),
        cmocka_unit_test(test_bulk),
        cmocka_unit_test(test_background),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
