/* Disks that fail: what the writer answers, and what is there afterwards. */
#include "base/err.h"
#include "tests/unit/failing_disk.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void check_all_there(const struct test_dir *d, uint64_t records)
{
    struct test_faults v = test_verify(d);

    for (size_t i = 0; i < v.count && i < TEST_FAULTS_MAX; i++)
        if (!v.fault[i].harmless)
            print_error("%s:%lu %s %s\n", v.fault[i].file, (unsigned long)v.fault[i].offset,
                        v.fault[i].kind, v.fault[i].detail);
    assert_int_equal(v.verdict.faults, 0);
    assert_int_equal(v.verdict.records, records);
    assert_int_equal(test_read_all(d, 0, NULL), records);
    assert_int_equal(world.touched, 0);
}

static void test_a_failed_fdatasync_moves_to_a_new_segment(void **state)
{
    struct journal_health health;
    struct test_dir d;
    struct journal *j;

    (void)state;
    world_reset();
    test_dir_make(&d);
    j = test_open(&d, NULL, NULL);
    test_append(j, 3);
    assert_int_equal(journal_sync(j), 0);
    test_append(j, 4);
    assert_int_equal(journal_flush(j), 0);
    test_append(j, 5);
    assert_int_equal(journal_flush(j), 0);
    test_append(j, 6);
    fail_calls(&world.fdatasync, 1, 1);
    assert_int_equal(journal_sync(j), 0);
    journal_health(j, &health);
    assert_int_equal(health.failovers, 1);
    assert_false(health.failed);
    assert_int_equal(test_file_count(&d, ".jsonl"), 2);
    check_all_there(&d, 18);
    assert_int_equal(test_verify(&d).verdict.torn, 1); /* what the first file lost */
    test_append(j, 2);
    assert_int_equal(journal_close(j), 0);
    check_all_there(&d, 20);
    assert_int_equal(journal_close(test_open(&d, NULL, NULL)), 0);
    check_all_there(&d, 20);
    test_dir_remove(&d);
}

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

/* Wait for what journal_sync_begin asked of the disk. */
static void wait_for_disk(struct journal *j, int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    assert_int_equal(poll(&p, 1, 10000), 1);
    assert_int_equal(journal_sync_end(j), 0);
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
    check_all_there(&d, 10);
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
    check_all_there(&d, 10);
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

/* Records 1 to 3 that a slow disk has, 4 to 7 that wait for it, and two more. */
static struct journal *open_with_one_that_waits(struct test_dir *d, int *fd)
{
    struct journal *j = open_apart(d, fd);

    disk_hold(true);
    assert_int_equal(journal_sync_begin(j), 0);
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
    assert_null(strstr(all.data, "\"q\":4,"));
    free(all.data);
    disk_hold(false);
    while (journal_durable_seq(j) < 7) {
        struct pollfd p = {.fd = fd, .events = POLLIN};

        assert_int_equal(poll(&p, 1, 10000), 1);
        assert_int_equal(journal_sync_end(j), 0);
        assert_true(journal_durable_seq(j) == 3 || journal_durable_seq(j) == 7);
    }
    assert_true(world.pwrite.calls > writes);
    assert_int_equal(journal_sync(j), 0);
    assert_int_equal(journal_durable_seq(j), 9);
    assert_int_equal(journal_close(j), 0);
    check_all_there(&d, 9);
    test_dir_remove(&d);
}

static void test_a_third_batch_waits_for_the_first(void **state)
{
    struct test_dir d;
    int fd;
    struct journal *j = open_apart(&d, &fd);

    (void)state;
    for (unsigned i = 0; i < 50; i++) {
        const uint64_t last = journal_next_seq(j) - 1, before = journal_durable_seq(j);

        assert_int_equal(journal_sync_begin(j), 0);
        assert_true(journal_durable_seq(j) >= before && journal_durable_seq(j) <= last);
        assert_true(last - journal_durable_seq(j) <= 2 * 3); /* no more than two groups */
        test_append(j, 3);
        if (i % 7 == 3)
            assert_int_equal(journal_flush(j), 0);
    }
    assert_int_equal(journal_close(j), 0);
    check_all_there(&d, 153);
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
    disk_hold(true);
    assert_int_equal(journal_sync_begin(j), 0);
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
        check_all_there(&d, 9); /* and nothing was written behind the failure */
        test_append(j, 2);
        assert_int_equal(journal_sync_begin(j), 0);
        assert_int_equal(journal_close(j), 0);
        check_all_there(&d, 11);
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
        check_all_there(&d, 9);
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
    while (journal_durable_seq(j) < 3 || journal_deadline_ms(j, now) < 0) {
        struct pollfd p = {.fd = fd, .events = POLLIN};

        assert_int_equal(poll(&p, 1, 10000), 1);
        assert_int_equal(journal_sync_end(j), 0);
    }
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
    check_all_there(&d, 10);
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
    check_all_there(&d, 9);
    test_dir_remove(&d);
}

static void test_a_reader_that_saw_lost_batches_reads_on(void **state)
{
    struct journal_reader *r;
    struct journal_record rec;
    struct err e = {0};
    struct test_dir d;
    struct journal *j;

    (void)state;
    world_reset();
    test_dir_make(&d);
    j = test_open(&d, NULL, NULL);
    assert_int_equal(journal_reader_open(d.path, 1, &r, &e), 0);
    for (uint64_t seq = 1; seq <= 30; seq++) {
        test_append(j, 1);
        assert_int_equal(journal_flush(j), 0);
        assert_int_equal(journal_read(r, &rec, NULL, &e), JOURNAL_READ_RECORD);
        assert_int_equal(rec.seq, seq);
        assert_int_equal(journal_read(r, &rec, NULL, &e), JOURNAL_READ_END);
        if (seq % 7 == 0)
            fail_calls(&world.fdatasync, 1, 1);
        if (seq % 3 == 0)
            assert_int_equal(journal_sync(j), 0);
    }
    journal_reader_close(r);
    assert_int_equal(journal_close(j), 0);
    check_all_there(&d, 30);
    test_dir_remove(&d);
}

static void test_a_reader_meets_a_recovery_between_two_reads(void **state)
{
    (void)state;
    for (unsigned reads = 1; reads < 6; reads++) {
        struct journal_reader *r;
        struct journal_record rec;
        struct err e = {0};
        struct test_dir d;
        struct test_bytes all;
        enum journal_read got;
        char path[TEST_PATH_SIZE];
        uint64_t count = 0;

        world_reset();
        test_dir_make(&d);
        test_fill(&d, 2, 3);
        all = test_file_read(test_file_name(&d, 0, path));
        assert_int_equal(truncate(path, (off_t)(all.n - 20)), 0);
        assert_int_equal(journal_reader_open(d.path, 1, &r, &e), 0);
        world.meanwhile = &d;
        world.reads = reads;
        while ((got = journal_read(r, &rec, NULL, &e)) != JOURNAL_READ_END || world.meanwhile) {
            assert_int_not_equal(got, JOURNAL_READ_ERROR);
            count += got == JOURNAL_READ_RECORD;
        }
        assert_int_equal(count, 9);
        journal_reader_close(r);
        free(all.data);
        test_dir_remove(&d);
    }
}

static void test_failing_before_the_first_record(void **state)
{
    struct test_dir d;
    struct journal *j;
    char path[TEST_PATH_SIZE];

    (void)state;
    world_reset();
    test_dir_make(&d);
    j = test_open(&d, NULL, NULL);
    test_append(j, 3);
    fail_calls(&world.fdatasync, 1, 1);
    assert_int_equal(journal_sync(j), 0);
    test_file_name(&d, 1, path);
    assert_string_equal(strrchr(path, '/'), "/00000000000000000001.1.jsonl");
    test_append(j, 3);
    assert_int_equal(journal_close(j), 0);
    check_all_there(&d, 6);
    j = test_open(&d, NULL, NULL);
    test_append(j, 3);
    assert_int_equal(journal_close(j), 0);
    check_all_there(&d, 9);
    for (uint64_t from = 1; from < 10; from++)
        assert_int_equal(test_read_all(&d, from, NULL), 10 - from);
    test_dir_remove(&d);
}

static void test_failing_twice_is_for_ever(void **state)
{
    struct journal_record rec = {.op = JOURNAL_IDLE, .state = JOURNAL_NOTE};
    struct journal_health health;
    struct test_dir d;
    struct journal *j;
    uint64_t seq = 77;

    (void)state;
    world_reset();
    test_dir_make(&d);
    j = test_open(&d, NULL, NULL);
    test_append(j, 3);
    assert_int_equal(journal_sync(j), 0);
    test_append(j, 3);
    fail_calls(&world.fdatasync, 1, 2);
    assert_int_equal(journal_sync(j), -EIO);
    fail_calls(&world.fdatasync, 0, 0);
    assert_int_equal(journal_append(j, &rec, TEST_NOW_US, &seq), -EIO);
    assert_int_equal(journal_flush(j), -EIO);
    assert_int_equal(journal_sync(j), -EIO);
    assert_int_equal(journal_tick(j, TEST_NOW_US), -EIO);
    assert_int_equal(journal_deadline_ms(j, TEST_NOW_US), -1);
    assert_int_equal(seq, 77);
    journal_health(j, &health);
    assert_true(health.failed);
    assert_int_equal(world.touched, 0);
    assert_int_equal(journal_close(j), -EIO);
    /* What was acknowledged is there, and a new process can go on. */
    j = test_open(&d, NULL, NULL);
    assert_true(journal_next_seq(j) >= 4);
    test_append(j, 1);
    assert_int_equal(journal_close(j), 0);
    assert_int_equal(test_verify(&d).verdict.faults, 0);
    assert_true(test_read_all(&d, 0, NULL) >= 4);
    test_dir_remove(&d);
}

static void test_a_failed_write_moves_to_a_new_segment(void **state)
{
    struct test_dir d;
    struct journal *j;

    (void)state;
    for (int torn = 0; torn < 2; torn++) {
        world_reset();
        world.torn_writes = torn;
        test_dir_make(&d);
        j = test_open(&d, NULL, NULL);
        test_append(j, 3);
        assert_int_equal(journal_flush(j), 0);
        test_append(j, 3);
        fail_calls(&world.pwrite, 2, 2);
        assert_int_equal(journal_flush(j), 0);
        check_all_there(&d, 6);
        test_append(j, 3);
        assert_int_equal(journal_close(j), 0);
        check_all_there(&d, 9);
        test_dir_remove(&d);
    }
}

static void test_a_full_disk_refuses_intents_and_keeps_records(void **state)
{
    struct journal_options opt = test_options();
    struct journal_record intent = {.op = JOURNAL_PUT, .state = JOURNAL_INTENT};
    struct journal_health health;
    int64_t now = TEST_NOW_US;
    struct test_dir d;
    struct journal *j;

    (void)state;
    world_reset();
    opt.ballast_bytes = 50000;
    test_dir_make(&d);
    j = test_open(&d, &opt, NULL);
    assert_int_equal(test_file_count(&d, "ballast"), 1);
    test_append(j, 3);
    assert_int_equal(journal_sync(j), 0);
    test_append(j, 3);
    world.full = true;
    assert_int_equal(journal_sync(j), -ENOSPC);
    assert_int_equal(test_file_count(&d, "ballast"), 0);
    journal_health(j, &health);
    assert_true(health.degraded && !health.failed && health.failovers == 0);
    assert_int_equal(journal_append(j, &intent, now, NULL), -ENOSPC);
    assert_int_equal(journal_next_seq(j), 7);
    test_append(j, 2); /* outcomes are kept */
    assert_int_equal(journal_sync(j), -ENOSPC);
    /* No tight loop while nothing can be done. */
    assert_true(journal_deadline_ms(j, now + 9000) > 1000);
    now += 11000000;
    assert_int_equal(journal_tick(j, now), -ENOSPC);
    assert_true(journal_deadline_ms(j, now) > 1000);
    world.full = false;
    now += 11000000;
    assert_int_equal(journal_tick(j, now), 0);
    assert_int_equal(journal_sync(j), 0);
    now += 11000000;
    assert_int_equal(journal_tick(j, now), 0);
    journal_health(j, &health);
    assert_false(health.degraded);
    assert_int_equal(test_file_count(&d, "ballast"), 1);
    test_append(j, 1);
    assert_int_equal(journal_close(j), 0);
    check_all_there(&d, 9);
    test_dir_remove(&d);
}

static void test_the_ballast_makes_room_for_what_was_begun(void **state)
{
    struct journal_options opt = test_options();
    struct journal_health health;
    struct test_dir d;
    struct journal *j;

    (void)state;
    world_reset();
    opt.ballast_bytes = 50000;
    test_dir_make(&d);
    j = test_open(&d, &opt, NULL);
    test_append(j, 3);
    world.error = ENOSPC;
    fail_calls(&world.pwrite, 1, 1); /* full once; with the ballast gone it is not */
    assert_int_equal(journal_sync(j), 0);
    journal_health(j, &health);
    assert_true(health.degraded && health.failovers == 0);
    assert_int_equal(journal_close(j), 0);
    check_all_there(&d, 3);
    test_dir_remove(&d);
}

static void test_records_wait_in_memory_up_to_a_limit(void **state)
{
    static char path[50000];
    struct journal_record rec = {.op = JOURNAL_PUT, .state = JOURNAL_DONE, .path = path};
    uint64_t taken = 0;
    struct test_faults v;
    struct test_dir d;
    struct journal *j;

    (void)state;
    world_reset();
    memset(path, 'x', sizeof(path) - 1);
    test_dir_make(&d);
    j = test_open(&d, NULL, NULL);
    world.full = true;
    while (taken < 1000 && journal_append(j, &rec, TEST_NOW_US, NULL) == 0)
        taken++;
    assert_true(taken > 20 && taken < 200);
    assert_int_equal(journal_append(j, &rec, TEST_NOW_US, NULL), -ENOSPC);
    assert_int_equal(journal_next_seq(j), taken + 1);
    world.full = false;
    assert_int_equal(journal_append(j, &rec, TEST_NOW_US, NULL), 0);
    assert_int_equal(journal_close(j), 0);
    v = test_verify(&d);
    assert_int_equal(v.count, 0);
    assert_int_equal(v.verdict.records, taken + 1);
    test_dir_remove(&d);
}

static void test_a_rotation_that_fails_waits(void **state)
{
    struct journal_options opt = test_options();
    int64_t now = TEST_NOW_US + 2000000;
    struct test_dir d;
    struct journal *j;

    (void)state;
    world_reset();
    opt.segment_age_ms = 1000;
    test_dir_make(&d);
    j = test_open(&d, &opt, NULL);
    test_append(j, 3);
    assert_int_equal(journal_sync(j), 0);
    fail_calls(&world.fsync, 1, 1);
    assert_int_equal(journal_tick(j, now), 0);
    assert_int_equal(test_file_count(&d, ".jsonl"), 1);
    assert_true(journal_deadline_ms(j, now) > 1000);
    test_append(j, 3);
    assert_int_equal(journal_sync(j), 0);
    assert_int_equal(journal_tick(j, now + 11000000), 0);
    assert_int_equal(test_file_count(&d, ".jsonl"), 2);
    test_append(j, 3);
    assert_int_equal(journal_close(j), 0);
    check_all_there(&d, 9);
    test_dir_remove(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_failed_fdatasync_moves_to_a_new_segment),
        cmocka_unit_test(test_the_writer_goes_on_while_the_disk_is_asked),
        cmocka_unit_test(test_a_failure_while_the_writer_goes_on_moves_all),
        cmocka_unit_test(test_a_batch_waits_for_the_disk_without_the_writer),
        cmocka_unit_test(test_a_third_batch_waits_for_the_first),
        cmocka_unit_test(test_a_large_batch_waits_with_the_writer),
        cmocka_unit_test(test_a_failure_moves_what_waits_for_the_disk),
        cmocka_unit_test(test_a_write_by_the_thread_that_fails_moves_all),
        cmocka_unit_test(test_a_disk_that_is_full_gives_back_what_waits),
        cmocka_unit_test(test_what_comes_back_fits_behind_the_ballast),
        cmocka_unit_test(test_a_reader_that_saw_lost_batches_reads_on),
        cmocka_unit_test(test_a_reader_meets_a_recovery_between_two_reads),
        cmocka_unit_test(test_failing_before_the_first_record),
        cmocka_unit_test(test_failing_twice_is_for_ever),
        cmocka_unit_test(test_a_failed_write_moves_to_a_new_segment),
        cmocka_unit_test(test_a_full_disk_refuses_intents_and_keeps_records),
        cmocka_unit_test(test_the_ballast_makes_room_for_what_was_begun),
        cmocka_unit_test(test_records_wait_in_memory_up_to_a_limit),
        cmocka_unit_test(test_a_rotation_that_fails_waits),
    };

    return cmocka_run_group_tests_name("journal_faults", tests, NULL, NULL);
}
