/* Whatever call fails, and whenever the process dies: what was acknowledged is there. */
#include "base/err.h"
#include "tests/unit/failing_disk.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MUCH 9000 /* bytes: enough for the tree to be left to its thread */

/* A life of a journal that reaches every call; the disk is waited for, or asked by a thread.
 * *acknowledged is the last record that was. */
static void live_so(const struct test_dir *d, uint64_t *acknowledged, bool apart)
{
    struct journal_options opt = test_options();
    struct journal_recovery found;
    struct journal *j = NULL;
    struct err e = {0};
    char much[MUCH] = "";
    uint64_t last;
    int fd;
    struct journal_record rec = {
        .op = JOURNAL_PUT, .state = JOURNAL_DONE, .tx = JOURNAL_TX_SELF, .has = JOURNAL_HAS_FILE};

    memset(much, 'x', MUCH - 1);
    opt.segment_bytes = 1500;
    if (journal_open(d->path, &opt, TEST_NOW_US, &j, &found, &e))
        return;
    if (apart)
        (void)!journal_sync_apart(j, &fd); /* without memory for it the disk is waited for */
    for (unsigned i = 0; i < 30; i++) {
        uint64_t seq = journal_next_seq(j);
        char path[32];

        snprintf(path, sizeof(path), "dir/%lu.jpg", (unsigned long)seq);
        rec.path = path;
        rec.size = seq * 3;
        rec.why = i % 10 == 4 ? much : NULL;
        if (journal_append(j, &rec, TEST_NOW_US + (int64_t)seq * 1000, &seq))
            continue;
        if (apart) {
            if (i % 3 == 2)
                (void)!journal_sync_begin(j);
            (void)!journal_sync_end(j);
            *acknowledged = journal_durable_seq(j);
            continue;
        }
        if (i % 2)
            (void)!journal_flush(j);
        if (i % 5 == 4 && journal_sync(j) == 0)
            *acknowledged = seq;
    }
    last = journal_next_seq(j) - 1;
    if (journal_close(j) == 0)
        *acknowledged = last;
}

static void live(const struct test_dir *d, uint64_t *acknowledged)
{
    live_so(d, acknowledged, false);
}

static void live_apart(const struct test_dir *d, uint64_t *acknowledged)
{
    live_so(d, acknowledged, true);
}

/* Open what a life has left: what was acknowledged is there, and a writer can go on. */
static void check_afterlife(const struct test_dir *d, uint64_t acknowledged)
{
    struct journal_recovery found;
    struct test_faults v;
    struct journal *j;
    uint64_t records;

    assert_int_equal(world.touched, 0);
    j = test_open(d, NULL, &found);
    assert_int_equal(found.corrupt_segments, 0);
    assert_true(journal_next_seq(j) > acknowledged);
    test_append(j, 1);
    assert_int_equal(journal_close(j), 0);
    v = test_verify(d);
    assert_int_equal(v.verdict.faults, 0);
    records = test_read_all(d, 0, NULL);
    assert_int_equal(records, v.verdict.records);
    assert_int_equal(records, v.verdict.last_seq);
    assert_true(records > acknowledged);
}

static const struct test_life life = {
    .live = live, .after = check_afterlife, .least_calls = 10, .least_deaths = 30};

static const struct test_life apart = {
    .live = live_apart, .after = check_afterlife, .least_calls = 10, .least_deaths = 30};

static void test_any_call_may_fail_once(void **state)
{
    (void)state;
    test_every_failure(&life, &world.any, EIO, false);
    test_every_failure(&life, &world.any, ENOSPC, false);
}

static void test_any_call_may_begin_to_fail(void **state)
{
    (void)state;
    test_every_failure(&life, &world.any, EIO, true);
    test_every_failure(&life, &world.any, ENOSPC, true);
}

static void test_any_allocation_may_fail(void **state)
{
    (void)state;
    test_every_failure(&life, &world.memory, EIO, false);
}

static void test_what_was_acknowledged_survives_any_death(void **state)
{
    (void)state;
    test_every_death(&life, DEATH_KEEPS);
    test_every_death(&life, DEATH_CUTS);
    test_every_death(&life, DEATH_ZEROES);
}

static void test_any_call_may_fail_while_the_writer_goes_on(void **state)
{
    (void)state;
    test_every_failure(&apart, &world.any, EIO, false);
    test_every_failure(&apart, &world.any, ENOSPC, false);
    test_every_failure(&apart, &world.any, EIO, true);
    test_every_failure(&apart, &world.memory, EIO, false);
}

static void test_any_death_while_the_writer_goes_on(void **state)
{
    (void)state;
    test_every_death(&apart, DEATH_KEEPS);
    test_every_death(&apart, DEATH_CUTS);
}

/* Read and verify with the n-th allocation failing: an error, then all records. */
static void test_readers_survive_failed_allocations(void **state)
{
    struct test_dir d;
    bool done = false;

    (void)state;
    world_reset();
    test_dir_make(&d);
    test_fill(&d, 2, 3);
    for (unsigned n = 1; !done; n++) {
        struct journal_verdict verdict = {0};
        struct journal_reader *r = NULL;
        struct journal_record rec;
        struct err e = {0};
        unsigned count = 0, errors = 0;
        enum journal_read got;
        int rc;

        fail_calls(&world.memory, n, n);
        rc = journal_reader_open(d.path, 1, &r, &e);
        if (rc == 0) {
            while ((got = journal_read(r, &rec, NULL, &e)) != JOURNAL_READ_END) {
                count += got == JOURNAL_READ_RECORD;
                if (got == JOURNAL_READ_RECORD)
                    continue;
                errors++;
                assert_int_equal(e.code, -ENOMEM);
                assert_int_equal(journal_read(r, &rec, NULL, &e), JOURNAL_READ_END);
            }
            assert_true(errors <= 1);
            assert_int_equal(count, 6);
            journal_reader_close(r);
        } else {
            assert_int_equal(rc, -ENOMEM);
        }
        done = world.memory.calls < n;
        fail_calls(&world.memory, n, n);
        rc = journal_verify(d.path, NULL, NULL, NULL, &verdict, &e);
        assert_true(rc == 0 || rc == -ENOMEM);
        if (rc == 0)
            assert_int_equal(verdict.records, 6);
        done &= world.memory.calls < n;
    }
    world_reset();
    test_dir_remove(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_call_may_fail_once),
        cmocka_unit_test(test_any_call_may_begin_to_fail),
        cmocka_unit_test(test_any_allocation_may_fail),
        cmocka_unit_test(test_what_was_acknowledged_survives_any_death),
        cmocka_unit_test(test_any_call_may_fail_while_the_writer_goes_on),
        cmocka_unit_test(test_any_death_while_the_writer_goes_on),
        cmocka_unit_test(test_readers_survive_failed_allocations),
    };

    return cmocka_run_group_tests_name("journal_torture", tests, NULL, NULL);
}
