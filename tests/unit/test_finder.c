/* When closed segments of the journal get their indexes: at once, or behind other work for so long.
 */
#include "agent/service/finder.h"
#include "journal/journal.h"
#include "tests/unit/journal_dir.h"
#include "tests/unit/unit.h"

#include <poll.h>
#include <string.h>

#define MINUTE_MS 60000
#define NOW_MS    1000000
#define STILL_MS  300 /* as long is waited for what must not come */
#define REST_MS   300

static struct test_dir dir;
static struct journal *journal;
static struct finder *finder;

/* Write until so many more segments are closed; the name of the last one. */
static void close_segments(unsigned n, char ret[JOURNAL_NAME_MAX])
{
    char next[JOURNAL_NAME_MAX];
    struct journal_standing s;
    uint64_t enough;

    journal_standing(journal, &s);
    enough = s.closed + n;
    for (int i = 0; s.closed < enough; i++) {
        assert_true(i < 1000);
        test_append(journal, 4);
        assert_int_equal(journal_sync(journal), 0);
        journal_standing(journal, &s);
    }
    assert_int_equal(journal_closed_next(journal, NULL, next), 0);
    do {
        memcpy(ret, next, sizeof(next));
    } while (journal_closed_next(journal, ret, next) == 0);
}

/* Is the segment done within that time? */
static bool is_done(const char *name, bool busy, int64_t now_ms, int wait_ms)
{
    struct pollfd news = {.fd = finder_fd(finder), .events = POLLIN};

    finder_step(finder, journal, busy, now_ms);
    while (!finder_is_done(finder, name) && poll(&news, 1, wait_ms) > 0) {
        finder_step(finder, journal, busy, now_ms);
    }
    return finder_is_done(finder, name);
}

static int setup(void **state)
{
    struct journal_options opt = test_options();
    char name[JOURNAL_NAME_MAX];

    (void)state;
    opt.segment_bytes = 4096;
    test_dir_make(&dir);
    journal = test_open(&dir, &opt, NULL);
    assert_int_equal(finder_new(dir.path, &finder), 0);
    close_segments(1, name);
    assert_true(is_done(name, false, NOW_MS, 10000));
    (void)poll(NULL, 0, REST_MS); /* the look at the start, and that one, are behind it */
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    finder_free(finder);
    assert_int_equal(journal_close(journal), 0);
    test_dir_remove(&dir);
    return 0;
}

static void test_at_once_where_nothing_else_is_to_be_done(void **state)
{
    char name[JOURNAL_NAME_MAX];

    (void)state;
    close_segments(1, name);
    assert_true(is_done(name, false, NOW_MS, 10000));
}

static void test_behind_other_work_for_a_minute(void **state)
{
    char name[JOURNAL_NAME_MAX];

    (void)state;
    close_segments(1, name);
    assert_false(is_done(name, true, NOW_MS + 1, STILL_MS));
    assert_false(is_done(name, true, NOW_MS + MINUTE_MS - 1, STILL_MS));
    assert_true(is_done(name, true, NOW_MS + MINUTE_MS, 10000));
}

static void test_behind_other_work_until_that_is_done(void **state)
{
    char name[JOURNAL_NAME_MAX];

    (void)state;
    close_segments(1, name);
    assert_false(is_done(name, true, NOW_MS + 1, STILL_MS));
    assert_true(is_done(name, false, NOW_MS + 2, 10000));
}

static void test_no_longer_than_for_some_segments(void **state)
{
    char name[JOURNAL_NAME_MAX];

    (void)state;
    close_segments(3, name);
    assert_false(is_done(name, true, NOW_MS + 1, STILL_MS));
    close_segments(1, name);
    assert_true(is_done(name, true, NOW_MS + 2, 10000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_at_once_where_nothing_else_is_to_be_done, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_behind_other_work_for_a_minute, setup, teardown),
        cmocka_unit_test_setup_teardown(test_behind_other_work_until_that_is_done, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_longer_than_for_some_segments, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
