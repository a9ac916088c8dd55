/* The writer: batches, deadlines, rotation, the lock; and the reader of what it wrote. */
#include "base/clock.h"
#include "base/crc.h"
#include "base/err.h"
#include "tests/unit/journal_dir.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_begins_a_journal(void **state)
{
    struct journal_recovery found;
    char path[TEST_PATH_SIZE];
    struct test_faults v;
    struct test_dir d;
    struct journal *j;
    struct stat st;

    (void)state;
    test_dir_make(&d);
    assert_int_equal(rmdir(d.path), 0);
    j = test_open(&d, NULL, &found);
    assert_true(found.fresh);
    assert_int_equal(found.next_seq, 1);
    assert_int_equal(found.torn_bytes + found.corrupt_segments, 0);
    assert_int_equal(journal_next_seq(j), 1);
    assert_int_equal(stat(d.path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(stat(test_file_name(&d, 0, path), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(journal_close(j), 0);
    v = test_verify(&d);
    assert_int_equal(v.verdict.segments, 1);
    assert_int_equal(v.verdict.batches, 1);
    assert_int_equal(v.verdict.records + v.count, 0);
    assert_int_equal(test_read_all(&d, 0, NULL), 0);
    test_dir_remove(&d);
}

static void test_goes_on_where_it_stopped(void **state)
{
    struct journal_recovery found;
    struct test_faults v;
    struct test_dir d;

    (void)state;
    test_dir_make(&d);
    for (unsigned i = 0; i < 3; i++) {
        struct journal *j = test_open(&d, NULL, &found);

        assert_int_equal(found.fresh, i == 0);
        assert_int_equal(found.next_seq, 1 + 10 * i);
        test_append(j, 10);
        assert_int_equal(journal_close(j), 0);
    }
    v = test_verify(&d);
    assert_int_equal(v.count, 0);
    assert_int_equal(v.verdict.segments, 1);
    assert_int_equal(v.verdict.records, 30);
    assert_int_equal(v.verdict.first_seq, 1);
    assert_int_equal(v.verdict.last_seq, 30);
    assert_int_equal(test_read_all(&d, 0, NULL), 30);
    assert_int_equal(test_read_all(&d, 21, NULL), 10);
    assert_int_equal(test_read_all(&d, 31, NULL), 0);
    test_dir_remove(&d);
}

static void test_readers_see_what_was_flushed(void **state)
{
    struct test_dir d;
    struct journal *j;

    (void)state;
    test_dir_make(&d);
    j = test_open(&d, NULL, NULL);
    test_append(j, 5);
    assert_int_equal(test_read_all(&d, 0, NULL), 0);
    assert_int_equal(journal_flush(j), 0);
    assert_int_equal(test_read_all(&d, 0, NULL), 5);
    assert_int_equal(journal_flush(j), 0);
    assert_int_equal(journal_sync(j), 0);
    assert_int_equal(test_verify(&d).verdict.batches, 2);
    assert_int_equal(journal_close(j), 0);
    test_dir_remove(&d);
}

static void test_refuses_a_second_writer(void **state)
{
    struct journal_options opt = test_options();
    struct journal_recovery found;
    struct journal *j, *other = NULL;
    struct err e = {0};
    struct test_dir d;

    (void)state;
    test_dir_make(&d);
    j = test_open(&d, NULL, NULL);
    assert_int_equal(journal_open(d.path, &opt, TEST_NOW_US, &other, &found, &e), -EBUSY);
    assert_null(other);
    assert_true(e.what[0] && e.right[0]);
    test_append(j, 1);
    assert_int_equal(journal_close(j), 0);
    j = test_open(&d, NULL, NULL);
    assert_int_equal(journal_close(j), 0);
    assert_int_equal(test_read_all(&d, 0, NULL), 1);
    test_dir_remove(&d);
}

static void test_open_says_what_is_wrong(void **state)
{
    struct journal_options opt = test_options();
    struct journal_recovery found = {.next_seq = 77};
    struct journal_reader *r = NULL;
    struct journal_verdict verdict;
    struct journal *j = NULL;
    struct err e = {0};
    struct test_dir d;
    char path[TEST_PATH_SIZE];

    (void)state;
    test_dir_make(&d);
    snprintf(path, sizeof(path), "%s/no/such", d.path);
    assert_int_equal(journal_open(path, &opt, TEST_NOW_US, &j, &found, &e), -ENOENT);
    assert_string_equal(e.where, path);
    assert_int_equal(journal_reader_open(path, 0, &r, &e), -ENOENT);
    assert_int_equal(journal_verify(path, NULL, NULL, NULL, &verdict, &e), -ENOENT);
    assert_true(j == NULL && r == NULL && found.next_seq == 77);
    assert_int_equal(journal_close(NULL), 0);
    journal_reader_close(NULL);
    test_dir_remove(&d);
}

/* A first batch that a program of version 2 could have written. */
static void write_newer(const char *path)
{
    static const char header[] = "{\"k\":\"h\",\"v\":2,\"new\":1}\n";
    char all[300];
    int n;

    n = snprintf(all, sizeof(all),
                 "%s{\"k\":\"c\",\"q\":0,\"n\":0,\"b\":%zu,\"x\":\"%08x\",\"h\":\"%064d\"}\n",
                 header, sizeof(header) - 1, crc32c(0, header, sizeof(header) - 1), 0);
    test_file_write(path, all, (size_t)n);
}

static void test_a_journal_of_a_newer_program_is_left_alone(void **state)
{
    struct journal_options opt = test_options();
    struct journal_recovery found;
    struct journal *j = NULL;
    struct test_bytes before, after;
    struct err e = {0};
    struct test_dir d;
    char path[TEST_PATH_SIZE];

    (void)state;
    test_dir_make(&d);
    test_fill(&d, 1, 1);
    write_newer(test_file_name(&d, 0, path));
    before = test_file_read(path);
    assert_int_equal(journal_open(d.path, &opt, TEST_NOW_US, &j, &found, &e), ERR_VERSION);
    after = test_file_read(path);
    assert_int_equal(before.n, after.n);
    assert_memory_equal(before.data, after.data, before.n);
    assert_string_equal(test_verify(&d).fault[0].kind, "header");
    free(before.data);
    free(after.data);
    test_dir_remove(&d);
}

static void test_ticks_flush_and_sync(void **state)
{
    struct journal_options opt = test_options();
    int64_t now = TEST_NOW_US;
    struct journal_record rec = {.op = JOURNAL_IDLE, .state = JOURNAL_NOTE};
    struct test_dir d;
    struct journal *j;

    (void)state;
    opt.flush_ms = 5;
    opt.sync_ms = 1000;
    test_dir_make(&d);
    j = test_open(&d, &opt, NULL);
    assert_int_equal(journal_deadline_ms(j, now), -1);
    assert_int_equal(journal_append(j, &rec, now, NULL), 0);
    assert_int_equal(journal_deadline_ms(j, now), 5);
    assert_int_equal(journal_deadline_ms(j, now + 4001), 1);
    assert_int_equal(journal_tick(j, now + 4000), 0);
    assert_int_equal(test_verify(&d).verdict.records, 0);
    assert_int_equal(journal_tick(j, now + 5000), 0);
    assert_int_equal(test_verify(&d).verdict.records, 1);
    assert_int_equal(journal_deadline_ms(j, now + 5000), 995);
    assert_int_equal(journal_deadline_ms(j, now + 2000000), 0);
    assert_int_equal(journal_tick(j, now + 1000000), 0);
    assert_int_equal(journal_deadline_ms(j, now + 1000000), 86400000 - 1000);
    /* A clock set back is no reason to wait. */
    assert_int_equal(journal_append(j, &rec, now + 2000000, NULL), 0);
    assert_int_equal(journal_deadline_ms(j, now), 0);
    assert_int_equal(journal_tick(j, now), 0);
    assert_int_equal(test_verify(&d).verdict.records, 2);
    assert_int_equal(journal_close(j), 0);
    test_dir_remove(&d);
}

static void test_flushes_past_the_batch_size(void **state)
{
    struct journal_options opt = test_options();
    struct test_dir d;
    struct journal *j;
    struct test_faults v;

    (void)state;
    opt.batch_bytes = 1000;
    test_dir_make(&d);
    j = test_open(&d, &opt, NULL);
    test_append(j, 100);
    assert_true(test_verify(&d).verdict.records >= 80);
    assert_int_equal(journal_close(j), 0);
    v = test_verify(&d);
    assert_int_equal(v.verdict.records, 100);
    assert_true(v.verdict.batches > 8);
    test_dir_remove(&d);
}

static void test_rotates_by_size(void **state)
{
    struct journal_options opt = test_options();
    struct test_faults v;
    struct test_dir d;
    struct journal *j;

    (void)state;
    opt.segment_bytes = 4000;
    opt.batch_bytes = 500;
    test_dir_make(&d);
    for (unsigned i = 0; i < 2; i++) {
        j = test_open(&d, &opt, NULL);
        test_append(j, 200);
        assert_int_equal(journal_close(j), 0);
    }
    v = test_verify(&d);
    assert_int_equal(v.count, 0);
    assert_int_equal(v.verdict.records, 400);
    assert_true(v.verdict.segments > 8);
    assert_int_equal(test_read_all(&d, 0, NULL), 400);
    for (uint64_t from = 1; from <= 401; from++)
        assert_int_equal(test_read_all(&d, from, NULL), 401 - from);
    test_dir_remove(&d);
}

static void test_rotates_by_age(void **state)
{
    struct journal_options opt = test_options();
    struct test_dir d;
    struct journal *j;

    (void)state;
    opt.segment_age_ms = 1000;
    test_dir_make(&d);
    j = test_open(&d, &opt, NULL);
    /* An empty segment is never too old. */
    assert_int_equal(journal_tick(j, TEST_NOW_US + 5 * US_PER_S), 0);
    assert_int_equal(test_file_count(&d, ".jsonl"), 1);
    test_append(j, 1);
    assert_int_equal(journal_sync(j), 0);
    assert_int_equal(journal_tick(j, TEST_NOW_US + 2 * US_PER_S), 0);
    assert_int_equal(test_file_count(&d, ".jsonl"), 2);
    assert_int_equal(journal_tick(j, TEST_NOW_US + 20 * US_PER_S), 0);
    assert_int_equal(test_file_count(&d, ".jsonl"), 2);
    test_append(j, 1);
    assert_int_equal(journal_close(j), 0);
    assert_int_equal(test_verify(&d).count, 0);
    assert_int_equal(test_read_all(&d, 0, NULL), 2);
    test_dir_remove(&d);
}

static void test_a_refused_record_takes_no_number(void **state)
{
    static char path[JOURNAL_LINE_MAX + 1];
    struct journal_record rec = {.op = JOURNAL_PUT, .path = path};
    uint64_t seq = 77;
    struct test_dir d;
    struct journal *j;

    (void)state;
    memset(path, 'x', sizeof(path) - 1);
    test_dir_make(&d);
    j = test_open(&d, NULL, NULL);
    test_append(j, 1);
    assert_int_equal(journal_append(j, &rec, TEST_NOW_US, &seq), ERR_LIMIT);
    assert_int_equal(seq, 77);
    assert_int_equal(journal_next_seq(j), 2);
    test_append(j, 1);
    assert_int_equal(journal_close(j), 0);
    assert_int_equal(test_read_all(&d, 0, NULL), 2);
    test_dir_remove(&d);
}

static void test_follows_across_segments(void **state)
{
    struct journal_options opt = test_options();
    struct journal_reader *r;
    struct journal_record rec;
    struct span line;
    struct err e = {0};
    struct test_dir d;
    struct journal *j;

    (void)state;
    opt.segment_bytes = 600;
    test_dir_make(&d);
    assert_int_equal(journal_reader_open(d.path, 1, &r, &e), 0);
    assert_int_equal(journal_read(r, &rec, &line, &e), JOURNAL_READ_END);
    j = test_open(&d, &opt, NULL);
    for (uint64_t seq = 1; seq <= 30; seq++) {
        assert_int_equal(journal_read(r, &rec, &line, &e), JOURNAL_READ_END);
        test_append(j, 1);
        assert_int_equal(journal_read(r, &rec, &line, &e), JOURNAL_READ_END);
        assert_int_equal(journal_flush(j), 0);
        assert_int_equal(journal_read(r, &rec, &line, &e), JOURNAL_READ_RECORD);
        assert_int_equal(rec.seq, seq);
        test_check_record(&rec);
        assert_int_equal(line.p[0], '{');
        assert_int_equal(line.p[line.n - 1], '}');
    }
    assert_true(test_file_count(&d, ".jsonl") > 3);
    assert_int_equal(journal_close(j), 0);
    assert_int_equal(journal_read(r, NULL, NULL, &e), JOURNAL_READ_END);
    journal_reader_close(r);
    test_dir_remove(&d);
}

static void test_lines_can_be_read_without_records(void **state)
{
    struct journal_reader *r;
    struct err e = {0};
    struct test_dir d;
    struct span line;
    unsigned n = 0;

    (void)state;
    test_dir_make(&d);
    test_fill(&d, 3, 4);
    assert_int_equal(journal_reader_open(d.path, 3, &r, &e), 0);
    while (journal_read(r, NULL, &line, &e) == JOURNAL_READ_RECORD)
        n += line.n > 2 && memcmp(line.p, "{\"q\":", 5) == 0;
    assert_int_equal(n, 10);
    journal_reader_close(r);
    test_dir_remove(&d);
}

static void test_keeps_a_ballast(void **state)
{
    struct journal_options opt = test_options();
    struct journal_health health;
    struct test_dir d;
    struct journal *j;
    struct stat st;
    char path[TEST_PATH_SIZE];

    (void)state;
    opt.ballast_bytes = 100000;
    test_dir_make(&d);
    j = test_open(&d, &opt, NULL);
    snprintf(path, sizeof(path), "%s/ballast", d.path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 100000);
    assert_true(st.st_blocks * 512 >= 100000);
    journal_health(j, &health);
    assert_false(health.degraded || health.failed);
    assert_int_equal(journal_close(j), 0);
    test_dir_remove(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_begins_a_journal),
        cmocka_unit_test(test_goes_on_where_it_stopped),
        cmocka_unit_test(test_readers_see_what_was_flushed),
        cmocka_unit_test(test_refuses_a_second_writer),
        cmocka_unit_test(test_open_says_what_is_wrong),
        cmocka_unit_test(test_a_journal_of_a_newer_program_is_left_alone),
        cmocka_unit_test(test_ticks_flush_and_sync),
        cmocka_unit_test(test_flushes_past_the_batch_size),
        cmocka_unit_test(test_rotates_by_size),
        cmocka_unit_test(test_rotates_by_age),
        cmocka_unit_test(test_a_refused_record_takes_no_number),
        cmocka_unit_test(test_follows_across_segments),
        cmocka_unit_test(test_lines_can_be_read_without_records),
        cmocka_unit_test(test_keeps_a_ballast),
    };

    return cmocka_run_group_tests_name("journal_writer", tests, NULL, NULL);
}
