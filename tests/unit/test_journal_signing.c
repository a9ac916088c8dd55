/* Signing: when checkpoints are made, of what, and what becomes of them when calls fail. */
#include "base/clock.h"
#include "base/err.h"
#include "journal/checkpoint.h"
#include "tests/unit/failing_disk.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECOND US_PER_S
#define MINUTE (60 * SECOND)

/* Lines that the newest checkpoint covers; 0 where there is none. */
static uint64_t newest(const struct test_dir *d)
{
    struct journal_checkpoint c;
    struct journal_note note;
    struct test_bytes text;

    if (test_file_count(d, "checkpoint") == 0)
        return 0;
    text = test_note(d);
    assert_int_equal(journal_note_parse((struct span){text.data, text.n}, &note), 0);
    assert_int_equal(journal_checkpoint_parse(note.text, &c), 0);
    free(text.data);
    return c.size;
}

/* Begin to sign. */
static void sign(struct journal *j, uint8_t n, int64_t now_us)
{
    struct journal_secret secret = test_secret("a.example/log", n);
    struct err e = {0};

    assert_int_equal(journal_sign(j, &secret, now_us, &e), 0);
}

/* Records that a reader finds. */
static unsigned count_records(const struct test_dir *d)
{
    struct journal_reader *r = NULL;
    struct err e = {0};
    enum journal_read got;
    unsigned n = 0;

    assert_int_equal(journal_reader_open(d->path, 1, &r, &e), 0);
    while ((got = journal_read(r, NULL, NULL, &e)) != JOURNAL_READ_END) {
        assert_int_equal(got, JOURNAL_READ_RECORD);
        n++;
    }
    journal_reader_close(r);
    return n;
}

static void step(struct journal *j, int64_t now_us)
{
    assert_int_equal(journal_sync(j), 0);
    assert_int_equal(journal_tick(j, now_us), 0);
}

static void test_when(void **state)
{
    int64_t now = TEST_NOW_US;
    struct test_dir d;
    struct journal *j;

    (void)state;
    world_reset();
    test_dir_make(&d);
    j = test_open(&d, NULL, NULL);
    sign(j, 1, now);
    assert_int_equal(newest(&d), 0); /* the key's record is not durable yet */
    step(j, now);
    assert_int_equal(newest(&d), 2); /* the header and that record */
    test_append(j, 3);
    step(j, now + MINUTE - 1000);
    assert_int_equal(newest(&d), 2);
    assert_int_equal(journal_deadline_ms(j, now + MINUTE - 1000), 1);
    step(j, now + MINUTE);
    assert_int_equal(newest(&d), 5);
    /* Nothing happens: nothing is signed, until the hour's line. */
    now += MINUTE;
    step(j, now + 59 * MINUTE);
    assert_int_equal(newest(&d), 5);
    assert_int_equal(journal_deadline_ms(j, now + 59 * MINUTE), 60000);
    step(j, now + 60 * MINUTE);
    assert_int_equal(newest(&d), 5);
    step(j, now + 60 * MINUTE + SECOND);
    assert_int_equal(newest(&d), 6);
    /* At the end what is left is signed. */
    test_append(j, 1);
    assert_int_equal(journal_close(j), 0);
    assert_int_equal(newest(&d), 7);
    assert_int_equal(test_verify(&d).verdict.signed_leaves, 7);
    assert_int_equal(count_records(&d), 5); /* the key's and four; the time is none */
    assert_int_equal(test_verify(&d).count, 0);
    test_dir_remove(&d);
}

/* Each segment has its own, up to its last line. */
static void test_segments(void **state)
{
    struct journal_options opt = test_options();
    struct test_faults v;
    struct test_dir d;
    struct journal *j;

    (void)state;
    world_reset();
    test_dir_make(&d);
    opt.segment_bytes = 1500;
    j = test_open(&d, &opt, NULL);
    sign(j, 1, TEST_NOW_US);
    for (unsigned i = 0; i < 20; i++) {
        test_append(j, 2);
        assert_int_equal(journal_sync(j), 0);
    }
    assert_int_equal(journal_close(j), 0);
    v = test_verify(&d);
    assert_int_equal(v.count, 0);
    assert_true(v.verdict.segments > 4);
    assert_int_equal(v.verdict.checkpoints, v.verdict.segments);
    assert_int_equal(v.verdict.signed_leaves, v.verdict.leaves);
    assert_int_equal(test_file_count(&d, ".checkpoints"), v.verdict.segments);
    test_dir_remove(&d);
}

/* All lines are durable: the records, and a header of each segment. */
static void check_all_durable(const struct journal *j)
{
    struct journal_standing standing;

    journal_standing(j, &standing);
    assert_int_equal(journal_durable_seq(j), journal_next_seq(j) - 1);
    assert_int_equal(standing.lines, journal_durable_seq(j) + standing.closed + 1);
}

/* Groups of records, of which some are lost by the segment that has them; a checkpoint now and
 * then, or at least a moment when all is durable. */
static void append_groups(struct journal *j, const struct test_dir *d, bool is_signed)
{
    struct journal_health before, after;
    struct journal_standing standing;

    for (unsigned i = 0; i < 60; i++) {
        if (i % 20 == 10) {
            assert_int_equal(journal_sync(j), 0); /* the next one is the next group's */
            fail_calls(&world.fdatasync, 1, 1);
        }
        test_append(j, 1 + i * 7 % 200);
        journal_health(j, &before);
        assert_int_equal(journal_sync_begin(j), 0);
        journal_health(j, &after);
        if (after.failovers != before.failovers)
            check_all_durable(j); /* this group went into the new segment, too */
        if (i % 5 != 3)
            continue;
        assert_int_equal(journal_checkpoint(j, TEST_NOW_US + i * SECOND), 0);
        check_all_durable(j);
        journal_standing(j, &standing);
        assert_int_equal(newest(d), is_signed ? standing.lines : 0);
    }
    assert_int_equal(journal_sync(j), 0);
    assert_true(after.failovers > 0);
}

/* The tree is grown by a thread: what is signed, and what headers say, is the tree of what is
 * durable all the same, also behind a segment that has failed. */
static void check_the_tree_of_a_thread(bool is_signed)
{
    struct journal_options opt = test_options();
    struct journal_standing standing;
    struct test_faults v;
    struct test_dir d;
    struct journal *j;
    int fd;

    world_reset();
    test_dir_make(&d);
    opt.segment_bytes = 50000;
    j = test_open(&d, &opt, NULL);
    if (is_signed)
        sign(j, 1, TEST_NOW_US);
    assert_int_equal(journal_sync_apart(j, &fd), 0);
    append_groups(j, &d, is_signed);
    journal_standing(j, &standing);
    assert_int_equal(journal_close(j), 0);
    v = test_verify(&d);
    assert_int_equal(v.count, v.verdict.torn); /* what segments that failed have lost */
    assert_int_equal(v.verdict.faults, 0);
    assert_true(v.verdict.segments > 9);
    assert_int_equal(v.verdict.leaves, standing.lines);
    assert_int_equal(v.verdict.signed_leaves, is_signed ? standing.lines : 0);
    test_dir_remove(&d);
}

static void test_the_tree_of_a_thread(void **state)
{
    (void)state;
    check_the_tree_of_a_thread(true);
    check_the_tree_of_a_thread(false);
}

/* What may leave the host is told: how far it is signed, and every closed segment, once. */
static void test_standing(void **state)
{
    struct journal_options opt = test_options();
    char file[JOURNAL_NAME_MAX] = "", last[JOURNAL_NAME_MAX] = "";
    struct journal_standing s;
    struct test_dir d;
    struct journal *j;
    uint64_t count = 0;

    (void)state;
    world_reset();
    test_dir_make(&d);
    opt.segment_bytes = 1500;
    j = test_open(&d, &opt, NULL);
    journal_standing(j, &s);
    assert_null(s.key);
    assert_int_equal(journal_closed_next(j, NULL, file), -ENOENT);
    sign(j, 1, TEST_NOW_US);
    for (unsigned i = 0; i < 20; i++) {
        test_append(j, 2);
        assert_int_equal(journal_sync(j), 0);
    }
    assert_int_equal(journal_checkpoint(j, TEST_NOW_US + SECOND), 0);
    journal_standing(j, &s);
    assert_string_equal(s.key, "a.example/log");
    assert_int_equal(s.signed_lines, s.lines);
    assert_int_equal(s.signed_lines, newest(&d));
    assert_true(s.signed_us == TEST_NOW_US + SECOND);
    while (journal_closed_next(j, last[0] ? last : NULL, file) == 0) {
        assert_true(strcmp(file, last) > 0);
        memcpy(last, file, sizeof last);
        count++;
    }
    assert_int_equal(count, test_file_count(&d, ".jsonl") - 1);
    assert_int_equal(count, s.closed);
    assert_int_equal(journal_closed_next(j, "nonsense", file), -EINVAL);
    assert_int_equal(journal_checkpoint(j, TEST_NOW_US + MINUTE), 0); /* nothing to sign */
    journal_standing(j, &s);
    assert_true(s.signed_us == TEST_NOW_US + SECOND);
    assert_int_equal(journal_close(j), 0);
    assert_int_equal(test_verify(&d).count, 0);
    test_dir_remove(&d);
}

/* Another start, another key: both have signed. */
static void test_rotation(void **state)
{
    struct journal_secret first = test_secret("a.example/log", 1);
    struct journal_secret second = test_secret("a.example/log", 2);
    struct journal_key keys[] = {first.key, second.key};
    struct journal_trust trust = {.keys = keys, .key_count = 2};
    struct test_faults v;
    struct test_dir d;

    (void)state;
    world_reset();
    test_dir_make(&d);
    for (uint8_t i = 0; i < 4; i++) {
        struct journal *j = test_open(&d, NULL, NULL);

        sign(j, 1 + i / 2, TEST_NOW_US);
        test_append(j, 2);
        assert_int_equal(journal_close(j), 0);
    }
    v = test_verify_trusting(&d, &trust);
    assert_int_equal(v.count, 0);
    assert_int_equal(v.verdict.checkpoints, 4);
    trust.key_count = 1;
    v = test_verify_trusting(&d, &trust);
    assert_string_equal(v.fault[0].kind, "wrong key");
    assert_int_equal(test_verify(&d).count, 0); /* the journal names them */
    test_dir_remove(&d);
}

/* A key that has signed more than there is, or something else, signs nothing any more. */
static void test_what_was_signed_is_gone(void **state)
{
    const struct journal_record other = {.op = JOURNAL_REMOVE, .path = "other.jpg"};
    struct journal_secret secret = test_secret("a.example/log", 1);
    char path[TEST_PATH_SIZE];
    struct test_bytes segment;
    struct err e = {0};
    struct test_dir d;
    struct journal *j;
    size_t cut;

    (void)state;
    world_reset();
    test_dir_make(&d);
    j = test_open(&d, NULL, NULL);
    sign(j, 1, TEST_NOW_US);
    test_append(j, 2);
    assert_int_equal(journal_sync(j), 0);
    segment = test_file_read(test_file_name(&d, 0, path));
    cut = segment.n;
    free(segment.data);
    test_append(j, 2);
    assert_int_equal(journal_close(j), 0);
    assert_int_equal(newest(&d), 6);
    assert_int_equal(truncate(path, (off_t)cut), 0);
    j = test_open(&d, NULL, NULL);
    assert_int_equal(journal_sign(j, &secret, TEST_NOW_US, &e), ERR_CORRUPT);
    assert_non_null(strstr(e.what, "over 6 lines, but the journal has 4"));
    assert_int_equal(journal_append(j, &other, TEST_NOW_US, NULL), 0); /* it goes on */
    assert_int_equal(journal_tick(j, TEST_NOW_US + 2 * MINUTE), 0);
    test_append(j, 1);
    assert_int_equal(journal_close(j), 0);
    assert_int_equal(newest(&d), 6);
    j = test_open(&d, NULL, NULL); /* as many lines, but others */
    assert_int_equal(journal_sign(j, &secret, TEST_NOW_US, &e), ERR_CORRUPT);
    assert_non_null(strstr(e.what, "over other lines"));
    assert_int_equal(journal_close(j), 0);
    test_dir_remove(&d);
}

/* A life with a key that reaches every call; *ret_signed is what its last checkpoint covers. */
static void live(const struct test_dir *d, uint64_t *acknowledged)
{
    struct journal_secret secret = test_secret("a.example/log", 1);
    struct journal_options opt = test_options();
    struct journal_record rec = {.op = JOURNAL_PUT, .state = JOURNAL_DONE, .path = "a.jpg"};
    struct journal_recovery found;
    struct journal *j = NULL;
    struct err e = {0};

    (void)acknowledged;
    opt.segment_bytes = 1500;
    opt.checkpoint_ms = 10;
    if (journal_open(d->path, &opt, TEST_NOW_US, &j, &found, &e))
        return;
    if (journal_sign(j, &secret, TEST_NOW_US, &e)) {
        (void)!journal_close(j);
        return;
    }
    for (unsigned i = 0; i < 20; i++) {
        int64_t now = TEST_NOW_US + (int64_t)i * 5000;

        if (journal_append(j, &rec, now, NULL))
            continue;
        if (i % 4 == 3)
            (void)!journal_sync(j);
        (void)!journal_tick(j, now);
    }
    (void)!journal_close(j);
}

/* Whatever a life has left: no checkpoint speaks of what is not there, and signing goes on. */
static void check_afterlife(const struct test_dir *d, uint64_t acknowledged)
{
    struct journal_secret secret = test_secret("a.example/log", 1);
    struct journal_trust trust = {.keys = &secret.key, .key_count = 1};
    struct journal *j = test_open(d, NULL, NULL);
    struct test_faults v;

    (void)acknowledged; /* the torture of writers sees to that */
    sign(j, 1, TEST_NOW_US + MINUTE);
    test_append(j, 1);
    assert_int_equal(journal_close(j), 0);
    v = test_verify_trusting(d, &trust);
    if (v.verdict.faults)
        print_message("%s: %s: %s\n", v.fault[0].file, v.fault[0].kind, v.fault[0].detail);
    assert_int_equal(v.verdict.faults, 0);
    assert_true(v.verdict.checkpoints > 0);
    assert_int_equal(v.verdict.signed_leaves, v.verdict.leaves);
    assert_int_equal(v.verdict.leaves, newest(d));
}

static const struct test_life life = {
    .live = live, .after = check_afterlife, .least_calls = 40, .least_deaths = 40};

static void test_any_call_may_fail(void **state)
{
    (void)state;
    test_every_failure(&life, &world.any, EIO, false);
    test_every_failure(&life, &world.any, ENOSPC, false);
    test_every_failure(&life, &world.any, EIO, true);
    test_every_failure(&life, &world.any, ENOSPC, true);
    test_every_failure(&life, &world.memory, EIO, false);
}

static void test_any_call_may_be_the_last(void **state)
{
    (void)state;
    test_every_death(&life, DEATH_KEEPS);
    test_every_death(&life, DEATH_CUTS);
    test_every_death(&life, DEATH_ZEROES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_when),
        cmocka_unit_test(test_segments),
        cmocka_unit_test(test_the_tree_of_a_thread),
        cmocka_unit_test(test_standing),
        cmocka_unit_test(test_rotation),
        cmocka_unit_test(test_what_was_signed_is_gone),
        cmocka_unit_test(test_any_call_may_fail),
        cmocka_unit_test(test_any_call_may_be_the_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
