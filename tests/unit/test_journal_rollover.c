/* A segment that fails, and another thing that fails while the journal goes on in a new one:
 * nothing that was acknowledged is lost, and who cannot go on says so for ever. */
#include "base/clock.h"
#include "base/err.h"
#include "tests/unit/failing_disk.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#define BEFORE  4 /* records that are durable when it begins */
#define BATCHES 3
#define AFTER   6 /* records in these batches, and one more in the open one */

/* A journal with durable records, and batches that were only written. */
static struct journal *begin(struct test_dir *d)
{
    struct journal_options opt = test_options();
    struct journal *j;

    world_reset();
    test_dir_make(d);
    opt.ballast_bytes = 4096;
    j = test_open(d, &opt, NULL);
    test_append(j, BEFORE);
    assert_int_equal(journal_sync(j), 0);
    for (unsigned i = 0; i < BATCHES; i++) {
        test_append(j, AFTER / BATCHES);
        assert_int_equal(journal_flush(j), 0);
    }
    test_append(j, 1);
    return j;
}

/* It answers -EIO, whatever is asked. */
static void is_failed_for_ever(struct journal *j)
{
    const struct journal_record rec = {.op = JOURNAL_IDLE, .state = JOURNAL_NOTE};
    struct journal_health health;

    journal_health(j, &health);
    assert_true(health.failed);
    assert_int_equal(journal_append(j, &rec, TEST_NOW_US, NULL), -EIO);
    assert_int_equal(journal_flush(j), -EIO);
    assert_int_equal(journal_sync(j), -EIO);
    assert_int_equal(journal_tick(j, TEST_NOW_US + 3600 * US_PER_S), -EIO);
    assert_int_equal(journal_durable_seq(j), BEFORE); /* nothing more is claimed */
}

/* What the next writer finds: all that was acknowledged, no fault, and it goes on. */
static void goes_on_later(const struct test_dir *d, uint64_t acknowledged)
{
    struct test_faults f;
    struct journal *j;

    assert_int_equal(world.touched, 0); /* no file that failed was used again */
    world_reset();
    j = test_open(d, NULL, NULL);
    assert_true(journal_next_seq(j) > acknowledged);
    test_append(j, 2);
    assert_int_equal(journal_close(j), 0);
    f = test_verify(d);
    assert_int_equal(f.verdict.faults, 0);
    assert_int_equal(test_read_all(d, 0, NULL), f.verdict.records);
    assert_true(f.verdict.records >= acknowledged + 2);
}

/* The next fdatasync fails, and after it the n-th call of this plan, for every n. How often it
 * could not go on. */
static unsigned every_second_failure(struct plan *plan)
{
    unsigned n = 1, calls, failed = 0;

    do {
        struct test_dir d;
        struct journal *j = begin(&d);
        uint64_t acknowledged = BEFORE;
        int rc;

        world.torn_writes = n % 2;
        fail_calls(&world.fdatasync, 1, 1);
        fail_calls(plan, n, n);
        rc = journal_sync(j);
        calls = plan->calls;
        fail_calls(&world.fdatasync, 0, 0);
        fail_calls(plan, 0, 0);
        assert_true(rc == 0 || rc == -EIO);
        if (rc == 0) {
            acknowledged = BEFORE + AFTER + 1;
            assert_int_equal(journal_durable_seq(j), acknowledged);
        } else {
            failed++;
            is_failed_for_ever(j);
        }
        (void)journal_close(j); /* -EIO where it has failed */
        goes_on_later(&d, acknowledged);
        test_dir_remove(&d);
        n++;
    } while (calls >= n - 1);
    return failed;
}

static void test_the_new_segment_fails_too(void **state)
{
    (void)state;
    assert_true(every_second_failure(&world.pwrite) >= 2); /* header and what was in memory */
    assert_true(every_second_failure(&world.any) >= 5);    /* and each of the syncs by itself */
    assert_true(every_second_failure(&world.fsync) >= 1);
    assert_true(every_second_failure(&world.memory) >= 1);
}

/* There is no room for the new segment, or for more of this user's: with the ballast gone there is,
 * and no intents are taken. */
static void test_no_room_for_the_new_segment(void **state)
{
    static const int errors[] = {ENOSPC, EDQUOT};

    (void)state;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        const struct journal_record intent = {.op = JOURNAL_PUT, .state = JOURNAL_INTENT};
        struct journal_health health;
        struct test_dir d;
        struct journal *j = begin(&d);

        world.error = errors[i];
        fail_calls(&world.fdatasync, 1, 1);
        fail_calls(&world.pwrite, 1, 1);
        assert_int_equal(test_file_count(&d, "ballast"), 1);
        assert_int_equal(journal_sync(j), 0);
        journal_health(j, &health);
        assert_true(health.degraded && !health.failed);
        assert_int_equal(health.failovers, 1);
        assert_int_equal(test_file_count(&d, "ballast"), 0);
        assert_int_equal(journal_append(j, &intent, TEST_NOW_US, NULL), -ENOSPC);
        assert_int_equal(journal_durable_seq(j), BEFORE + AFTER + 1);
        assert_int_equal(journal_close(j), 0);
        goes_on_later(&d, BEFORE + AFTER + 1);
        test_dir_remove(&d);
    }
}

/* A rotation for which there is no new segment: the old one is used on, and it is tried again after
 * a while. */
static void test_a_rotation_that_has_to_wait(void **state)
{
    struct journal_options opt = test_options();
    struct journal_health health;
    struct test_dir d;
    struct journal *j;
    int64_t now = TEST_NOW_US;

    (void)state;
    world_reset();
    test_dir_make(&d);
    opt.segment_age_ms = 1000;
    j = test_open(&d, &opt, NULL);
    test_append(j, 3);
    assert_int_equal(journal_sync(j), 0);
    now += 2000 * US_PER_MS;
    fail_calls(&world.fsync, 1, 1); /* the directory's */
    assert_int_equal(journal_tick(j, now), 0);
    journal_health(j, &health);
    assert_false(health.failed);
    assert_int_equal(world.fsync.calls, 1);
    test_append(j, 2);
    assert_int_equal(journal_sync(j), 0);
    assert_int_equal(journal_tick(j, now + 1000), 0); /* not at once */
    assert_int_equal(world.fsync.calls, 1);
    assert_int_equal(journal_tick(j, now + 3600 * US_PER_S), 0);
    assert_true(world.fsync.calls > 1);
    test_append(j, 1);
    assert_int_equal(journal_close(j), 0);
    test_all_there(&d, 6);
    assert_true(test_file_count(&d, ".jsonl") > 1);
    test_dir_remove(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_new_segment_fails_too),
        cmocka_unit_test(test_no_room_for_the_new_segment),
        cmocka_unit_test(test_a_rotation_that_has_to_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
