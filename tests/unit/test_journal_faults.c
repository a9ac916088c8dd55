/* Disks that fail: what the writer answers, and what is there afterwards. */
#include "base/err.h"
#include "tests/unit/failing_disk.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
    test_all_there(&d, 18);
    assert_int_equal(test_verify(&d).verdict.torn, 1); /* what the first file lost */
    test_append(j, 2);
    assert_int_equal(journal_close(j), 0);
    test_all_there(&d, 20);
    assert_int_equal(journal_close(test_open(&d, NULL, NULL)), 0);
    test_all_there(&d, 20);
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
    test_all_there(&d, 30);
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
    test_all_there(&d, 6);
    j = test_open(&d, NULL, NULL);
    test_append(j, 3);
    assert_int_equal(journal_close(j), 0);
    test_all_there(&d, 9);
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
        test_all_there(&d, 6);
        test_append(j, 3);
        assert_int_equal(journal_close(j), 0);
        test_all_there(&d, 9);
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
    test_all_there(&d, 9);
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
    test_all_there(&d, 3);
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
    test_all_there(&d, 9);
    test_dir_remove(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_failed_fdatasync_moves_to_a_new_segment),
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
