/* A disk that a thread waits for while the writer goes on: what is durable when, and where it
 * fails. */
#include "base/err.h"
#include "tests/unit/failing_disk.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A journal whose disk a thread waits for, with three records that are not written yet. */
static struct journal *open_apart(struct test_dir *d, int *fd)
{
    struct journal *j;

    world_reset();
    test_dir_make(d);
    j = test_open(d, NULL, NULL);
    assert_int_equal(journal_sync_apart(j, fd), 0);
    test_append(j, 3);
    return j;
}

/* Wait for an answer of the disk, and take all that are there. */
static void wait_for_answers(struct journal *j, int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    assert_int_equal(poll(&p, 1, 10000), 1);
    assert_int_equal(journal_sync_end(j), 0);
}

/* Wait for what journal_sync_begin asked of the disk. */
static void wait_for_disk(struct journal *j, int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    wait_for_answers(j, fd);
    assert_int_equal(poll(&p, 1, 0), 0);
}

static void test_the_writer_goes_on_while_the_disk_is_asked(void **state)
{
    struct test_dir d;
    int fd;
    struct journal *j = open_apart(&d, &fd);

    (void)state;
    assert_int_equal(journal_sync_begin(j), 0);
    test_append(j, 4);
    assert_true(journal_durable_seq(j) == 0);
    assert_int_equal(journal_deadline_ms(j, TEST_NOW_US), -1); /* the fd tells */
    wait_for_disk(j, fd);
    assert_int_equal(journal_durable_seq(j), 3);
    assert_int_equal(journal_sync_begin(j), 0);
    assert_int_equal(journal_sync_begin(j), 0); /* of the same records */
    wait_for_disk(j, fd);
    assert_int_equal(world.fdatasync.calls, 3); /* the header's is one */
    assert_int_equal(journal_durable_seq(j), 7);
    test_append(j, 1);
    assert_int_equal(journal_sync_begin(j), 0);
    test_append(j, 1);
    assert_int_equal(journal_sync(j), 0); /* which waits for both */
    assert_int_equal(journal_durable_seq(j), 9);
    test_append(j, 1);
    assert_int_equal(journal_sync_begin(j), 0);
    assert_int_equal(journal_close(j), 0);
    test_all_there(&d, 10);
    test_dir_remove(&d);
}

static void test_a_failure_while_the_writer_goes_on_moves_all(void **state)
{
    struct journal_health health;
    struct test_dir d;
    int fd;
    struct journal *j = open_apart(&d, &fd);

    (void)state;
    fail_calls(&world.fdatasync, 1, 1);
    assert_int_equal(journal_sync_begin(j), 0);
    test_append(j, 4);
    wait_for_disk(j, fd);
    assert_int_equal(journal_durable_seq(j), 7); /* the new segment is durable as a whole */
    journal_health(j, &health);
    assert_int_equal(health.failovers, 1);
    test_append(j, 2);
    fail_calls(&world.fdatasync, 1, 1);
    assert_int_equal(journal_sync_begin(j), 0);
    test_append(j, 1);
    assert_int_equal(journal_sync_begin(j), 0); /* moves with the others */
    assert_int_equal(journal_sync(j), 0);
    assert_int_equal(journal_durable_seq(j), 10);
    test_all_there(&d, 10);
    test_append(j, 2);
    fail_calls(&world.fdatasync, 1, UINT32_MAX);
    assert_int_equal(journal_sync_begin(j), 0);
    test_append(j, 1);
    assert_int_equal(journal_sync(j), -EIO); /* and for ever */
    assert_int_equal(journal_sync_begin(j), -EIO);
    assert_int_equal(journal_sync_end(j), -EIO);
    assert_int_equal(journal_durable_seq(j), 10);
    assert_int_equal(journal_close(j), -EIO);
    assert_int_equal(world.touched, 0);
    test_dir_remove(&d);
}

/* A disk that is slow from now on gets what was appended. */
static void begin_held(struct journal *j)
{
    disk_hold(true);
    assert_int_equal(journal_sync_begin(j), 0);
    disk_await();
}

/* Records 1 to 3 that a slow disk has, 4 to 7 that wait for it, and two more. */
static struct journal *open_with_one_that_waits(struct test_dir *d, int *fd)
{
    struct journal *j = open_apart(d, fd);

    begin_held(j);
    test_append(j, 4);
    assert_int_equal(journal_sync_begin(j), 0); /* does not wait */
    test_append(j, 2);
    assert_int_equal(journal_sync_end(j), 0);
    assert_int_equal(journal_durable_seq(j), 0);
    return j;
}

static void test_a_batch_waits_for_the_disk_without_the_writer(void **state)
{
    struct test_dir d;
    int fd;
    struct journal *j = open_with_one_that_waits(&d, &fd);
    const unsigned writes = world.pwrite.calls;
    char path[TEST_PATH_SIZE];
    struct test_bytes all;

    (void)state;
    all = test_file_read(test_file_name(&d, 0, path)); /* the disk may be failing */
    assert_null(memmem(all.data, all.n, "\"q\":4,", 6));
    free(all.data);
    disk_hold(false);
    while (journal_durable_seq(j) < 7) {
        wait_for_answers(j, fd);
        assert_true(journal_durable_seq(j) == 3 || journal_durable_seq(j) == 7);
    }
    assert_true(world.pwrite.calls > writes);
    assert_int_equal(journal_sync(j), 0);
    assert_int_equal(journal_durable_seq(j), 9);
    assert_int_equal(journal_close(j), 0);
    test_all_there(&d, 9);
    test_dir_remove(&d);
}

/* Records 1 to 3 that a slow disk has, and three batches with two each that wait for it. */
static struct journal *open_with_three_that_wait(struct test_dir *d, int *fd)
{
    struct journal *j = open_apart(d, fd);

    begin_held(j);
    for (unsigned i = 0; i < 3; i++) {
        test_append(j, 2);
        assert_int_equal(journal_sync_begin(j), 0); /* does not wait */
    }
    assert_int_equal(journal_durable_seq(j), 0);
    return j;
}

/* Let the disk go on. Returns how often the thread then wrote. */
static unsigned share_an_fdatasync(void)
{
    struct test_dir d;
    unsigned writes;
    int fd;
    struct journal *j = open_with_three_that_wait(&d, &fd);

    fail_calls(&world.fdatasync, 0, 0); /* counts them */
    fail_calls(&world.pwrite, 0, 0);
    disk_hold(false);
    assert_int_equal(journal_sync(j), 0);
    writes = world.pwrite.calls;
    assert_int_equal(world.fdatasync.calls, 2);
    assert_int_equal(journal_durable_seq(j), 9);
    assert_int_equal(journal_close(j), 0);
    test_all_there(&d, 9);
    test_dir_remove(&d);
    return writes;
}

static void test_batches_that_wait_share_an_fdatasync(void **state)
{
    (void)state;
    assert_true(share_an_fdatasync() >= 3);
}

static void test_a_failure_moves_all_that_shared_an_fdatasync(void **state)
{
    const unsigned writes = share_an_fdatasync();

    (void)state;
    for (unsigned nth = 0; nth <= writes; nth++) { /* 0: the fdatasync fails */
        struct test_dir d;
        int fd;
        struct journal *j = open_with_three_that_wait(&d, &fd);

        world.torn_writes = nth % 2;
        if (nth > 0)
            fail_calls(&world.pwrite, nth, nth);
        else
            fail_calls(&world.fdatasync, 2, 2);
        disk_hold(false);
        assert_int_equal(journal_sync(j), 0);
        assert_int_equal(journal_durable_seq(j), 9);
        assert_int_equal(test_file_count(&d, ".jsonl"), 2);
        test_all_there(&d, 9); /* and nothing was written, or synced, behind the failure */
        assert_int_equal(journal_close(j), 0);
        test_dir_remove(&d);
    }
}

/* Where the nth write does not fit: returns the last record that is durable then. */
static uint64_t fill_up_at(unsigned nth)
{
    struct journal_health health = {0};
    struct test_dir d;
    uint64_t durable;
    int fd;
    struct journal *j = open_with_three_that_wait(&d, &fd);

    world.error = ENOSPC;
    fail_calls(&world.pwrite, nth, nth);
    disk_hold(false);
    while (!health.degraded) {
        wait_for_answers(j, fd);
        journal_health(j, &health);
    }
    durable = journal_durable_seq(j);
    assert_int_equal(journal_sync(j), 0); /* the ballast was let go */
    assert_int_equal(journal_durable_seq(j), 9);
    assert_int_equal(journal_close(j), 0);
    assert_int_equal(test_file_count(&d, ".jsonl"), 1);
    test_all_there(&d, 9);
    test_dir_remove(&d);
    return durable;
}

static void test_a_disk_that_fills_up_in_between_keeps_what_fitted(void **state)
{
    const unsigned writes = share_an_fdatasync();
    unsigned seen[10] = {0};

    (void)state;
    for (unsigned nth = 1; nth <= writes; nth++)
        seen[fill_up_at(nth)]++;
    assert_true(seen[3] && seen[5] && seen[7]);
    assert_int_equal(seen[3] + seen[5] + seen[7], writes);
}

static void test_a_fifth_batch_waits_for_the_first(void **state)
{
    struct test_dir d;
    int fd;
    struct journal *j = open_apart(&d, &fd);

    (void)state;
    for (unsigned i = 0; i < 50; i++) {
        const uint64_t last = journal_next_seq(j) - 1, before = journal_durable_seq(j);

        assert_int_equal(journal_sync_begin(j), 0);
        assert_true(journal_durable_seq(j) >= before && journal_durable_seq(j) <= last);
        assert_true(last - journal_durable_seq(j) <= 4 * 3); /* no more than four groups */
        test_append(j, 3);
        if (i % 7 == 3)
            assert_int_equal(journal_flush(j), 0);
    }
    assert_int_equal(journal_close(j), 0);
    test_all_there(&d, 153);
    test_dir_remove(&d);
}

/* The disk answers after a while. */
static void *let_go(void *arg)
{
    (void)arg;
    (void)poll(NULL, 0, 100);
    disk_hold(false);
    return NULL;
}

/* What may come back must go into one batch with what comes after it: so much is never given away.
 */
static void test_a_large_batch_waits_with_the_writer(void **state)
{
    struct journal_options opt = test_options();
    static char much[59000];
    struct journal_record rec = {.op = JOURNAL_PUT, .state = JOURNAL_DONE, .why = much};
    struct test_dir d;
    struct journal *j;
    pthread_t other;
    int fd;

    (void)state;
    memset(much, 'x', sizeof much - 1);
    world_reset();
    opt.batch_bytes = 2u << 20;
    opt.segment_bytes = 64u << 20;
    test_dir_make(&d);
    j = test_open(&d, &opt, NULL);
    assert_int_equal(journal_sync_apart(j, &fd), 0);
    test_append(j, 3);
    begin_held(j);
    for (unsigned i = 0; i < 35; i++)
        assert_int_equal(journal_append(j, &rec, TEST_NOW_US, NULL), 0);
    assert_int_equal(pthread_create(&other, NULL, let_go, NULL), 0);
    assert_int_equal(journal_sync_begin(j), 0);
    assert_int_equal(journal_durable_seq(j), 3); /* it has waited for the disk */
    assert_int_equal(pthread_join(other, NULL), 0);
    assert_int_equal(journal_close(j), 0);
    assert_int_equal(test_verify(&d).verdict.faults, 0);
    assert_int_equal(test_verify(&d).verdict.records, 38);
    test_dir_remove(&d);
}

static void test_a_failure_moves_what_waits_for_the_disk(void **state)
{
    (void)state;
    for (unsigned nth = 1; nth < 3; nth++) { /* of the first batch, of the second */
        struct test_dir d;
        int fd;
        struct journal *j = open_with_one_that_waits(&d, &fd);

        fail_calls(&world.fdatasync, nth, nth);
        disk_hold(false);
        assert_int_equal(journal_sync(j), 0);
        assert_int_equal(journal_durable_seq(j), 9);
        assert_int_equal(test_file_count(&d, ".jsonl"), 2);
        test_all_there(&d, 9); /* and nothing was written behind the failure */
        test_append(j, 2);
        assert_int_equal(journal_sync_begin(j), 0);
        assert_int_equal(journal_close(j), 0);
        test_all_there(&d, 11);
        test_dir_remove(&d);
    }
}

static void test_a_write_by_the_thread_that_fails_moves_all(void **state)
{
    (void)state;
    for (int torn = 0; torn < 2; torn++) {
        struct test_dir d;
        int fd;
        struct journal *j = open_with_one_that_waits(&d, &fd);

        world.torn_writes = torn;
        fail_calls(&world.pwrite, 1, 1);
        disk_hold(false);
        assert_int_equal(journal_sync(j), 0);
        assert_int_equal(journal_durable_seq(j), 9);
        assert_int_equal(test_file_count(&d, ".jsonl"), 2);
        assert_int_equal(journal_close(j), 0);
        test_all_there(&d, 9);
        test_dir_remove(&d);
    }
}

/* What the thread could not write is the writer's again, with what came after it. */
static void test_a_disk_that_is_full_gives_back_what_waits(void **state)
{
    struct journal_record intent = {.op = JOURNAL_PUT, .state = JOURNAL_INTENT};
    struct journal_health health;
    int64_t now = TEST_NOW_US;
    struct test_dir d;
    int fd;
    struct journal *j = open_with_one_that_waits(&d, &fd);

    (void)state;
    world.full = true;
    disk_hold(false);
    while (journal_durable_seq(j) < 3 || journal_deadline_ms(j, now) < 0)
        wait_for_answers(j, fd);
    assert_int_equal(journal_durable_seq(j), 3);
    journal_health(j, &health);
    assert_true(health.degraded && !health.failed && health.failovers == 0);
    assert_int_equal(journal_append(j, &intent, now, NULL), -ENOSPC);
    test_append(j, 1); /* outcomes are kept */
    assert_int_equal(journal_sync(j), -ENOSPC);
    assert_int_equal(journal_sync_begin(j), -ENOSPC);
    assert_int_equal(journal_durable_seq(j), 3);
    world.full = false;
    now += 11000000;
    assert_int_equal(journal_tick(j, now), 0);
    assert_int_equal(journal_sync(j), 0);
    assert_int_equal(journal_durable_seq(j), 10);
    journal_health(j, &health);
    assert_true(!health.degraded && health.failovers == 0);
    assert_int_equal(journal_close(j), 0);
    assert_int_equal(test_file_count(&d, ".jsonl"), 1);
    test_all_there(&d, 10);
    test_dir_remove(&d);
}

/* It comes back with what is appended, and is written by the next sync, without a wait for space:
 * the ballast may have been enough. */
static void test_what_comes_back_fits_behind_the_ballast(void **state)
{
    struct test_dir d;
    int fd;
    struct journal *j = open_with_one_that_waits(&d, &fd);

    (void)state;
    world.error = ENOSPC;
    fail_calls(&world.pwrite, 1, 1);
    disk_hold(false);
    assert_int_equal(journal_sync(j), 0);
    assert_int_equal(journal_durable_seq(j), 9);
    assert_int_equal(journal_close(j), 0);
    assert_int_equal(test_file_count(&d, ".jsonl"), 1);
    test_all_there(&d, 9);
    test_dir_remove(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_writer_goes_on_while_the_disk_is_asked),
        cmocka_unit_test(test_a_failure_while_the_writer_goes_on_moves_all),
        cmocka_unit_test(test_a_batch_waits_for_the_disk_without_the_writer),
        cmocka_unit_test(test_batches_that_wait_share_an_fdatasync),
        cmocka_unit_test(test_a_failure_moves_all_that_shared_an_fdatasync),
        cmocka_unit_test(test_a_disk_that_fills_up_in_between_keeps_what_fitted),
        cmocka_unit_test(test_a_fifth_batch_waits_for_the_first),
        cmocka_unit_test(test_a_large_batch_waits_with_the_writer),
        cmocka_unit_test(test_a_failure_moves_what_waits_for_the_disk),
        cmocka_unit_test(test_a_write_by_the_thread_that_fails_moves_all),
        cmocka_unit_test(test_a_disk_that_is_full_gives_back_what_waits),
        cmocka_unit_test(test_what_comes_back_fits_behind_the_ballast),
    };

    return cmocka_run_group_tests_name("journal_apart", tests, NULL, NULL);
}
