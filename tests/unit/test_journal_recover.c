/* What a writer that died leaves behind, and damage that was never its doing. */
#include "base/err.h"
#include "tests/unit/journal_dir.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define BATCHES 3
#define RECORDS 2
#define SECTOR  512

/* The end of each batch of a segment: ends[0] is that of the header's. Returns how many. */
static size_t batch_ends(struct test_bytes all, size_t *ends, size_t room)
{
    size_t n = 0;

    for (const char *p = all.data; p < all.data + all.n;) {
        const char *lf = memchr(p, '\n', (size_t)(all.data + all.n - p));

        assert_non_null(lf);
        if (strncmp(p, "{\"k\":\"c\"", 8) == 0) {
            assert_true(n < room);
            ends[n++] = (size_t)(lf + 1 - all.data);
        }
        p = lf + 1;
    }
    return n;
}

/* Whether some file that ends in ".torn" holds exactly these bytes. */
static void check_torn(const struct test_dir *d, const char *segment, size_t at, const char *p,
                       size_t n)
{
    char path[TEST_PATH_SIZE];
    struct test_bytes torn;

    (void)d;
    snprintf(path, sizeof(path), "%.120s.%zu.torn", segment, at);
    torn = test_file_read(path);
    assert_int_equal(torn.n, n);
    assert_memory_equal(torn.data, p, n);
    free(torn.data);
}

/* A journal whose one segment is `n` bytes of `all` and then whatever was put there, of which the
 * first `keep` batches (the header's is one) must survive. */
static void check_recovery(const struct test_dir *d, const char *path, size_t n, size_t good_end,
                           size_t keep)
{
    uint64_t records = keep ? (keep - 1) * RECORDS : 0;
    struct test_bytes before = test_file_read(path), after;
    struct journal_recovery found;
    struct test_faults v;
    struct journal *j;

    assert_int_equal(test_read_all(d, 0, NULL), records);
    j = test_open(d, NULL, &found);
    assert_int_equal(found.next_seq, 1 + records);
    assert_int_equal(found.torn_bytes, n - good_end);
    assert_int_equal(found.corrupt_segments, 0);
    assert_false(found.fresh);
    if (n > good_end)
        check_torn(d, path, good_end, before.data + good_end, n - good_end);
    v = test_verify(d);
    assert_int_equal(v.count, 0);
    assert_int_equal(v.verdict.records, records);
    after = test_file_read(path);
    if (keep)
        assert_memory_equal(after.data, before.data, good_end);
    after.data[after.n] = '\0';
    assert_int_equal(strstr(after.data, "{\"k\":\"r\",") != NULL, n > good_end);
    test_append(j, 2);
    assert_int_equal(journal_close(j), 0);
    assert_int_equal(test_verify(d).count, 0);
    assert_int_equal(test_read_all(d, 0, NULL), records + 2);
    free(before.data);
    free(after.data);
}

static void test_every_truncation_keeps_the_longest_prefix(void **state)
{
    struct test_dir d, made;
    char path[TEST_PATH_SIZE];
    struct test_bytes all;
    size_t ends[BATCHES + 1];

    (void)state;
    test_dir_make(&made);
    test_fill(&made, BATCHES, RECORDS);
    all = test_file_read(test_file_name(&made, 0, path));
    assert_int_equal(batch_ends(all, ends, BATCHES + 1), BATCHES + 1);
    for (size_t n = 0; n <= all.n; n += TEST_STRIDE) {
        size_t keep = 0;

        while (keep <= BATCHES && ends[keep] <= n)
            keep++;
        test_dir_make(&d);
        snprintf(path, sizeof(path), "%s/00000000000000000001.jsonl", d.path);
        test_file_write(path, all.data, n);
        check_recovery(&d, path, n, keep ? ends[keep - 1] : 0, keep);
        test_dir_remove(&d);
    }
    free(all.data);
    test_dir_remove(&made);
}

static void test_zeroed_sectors_in_the_tail_are_a_torn_tail(void **state)
{
    struct test_dir d, made;
    char path[TEST_PATH_SIZE];
    struct test_bytes all;
    size_t ends[BATCHES + 1], last;

    (void)state;
    test_dir_make(&made);
    test_fill(&made, BATCHES, RECORDS);
    all = test_file_read(test_file_name(&made, 0, path));
    assert_int_equal(batch_ends(all, ends, BATCHES + 1), BATCHES + 1);
    last = ends[BATCHES - 1];
    for (size_t from = last / SECTOR * SECTOR; from < all.n; from += SECTOR)
        for (size_t to = from + SECTOR; to < all.n + 2 * SECTOR; to += SECTOR) {
            size_t n = to > all.n ? to : all.n, start = from < last ? last : from;
            char *bytes = calloc(1, n);

            assert_non_null(bytes);
            memcpy(bytes, all.data, all.n);
            memset(bytes + start, 0, to - start);
            test_dir_make(&d);
            snprintf(path, sizeof(path), "%s/00000000000000000001.jsonl", d.path);
            test_file_write(path, bytes, n);
            check_recovery(&d, path, n, last, BATCHES);
            test_dir_remove(&d);
            free(bytes);
        }
    free(all.data);
    test_dir_remove(&made);
}

static void test_bytes_after_the_end_are_cut(void **state)
{
    struct test_dir d;
    char path[TEST_PATH_SIZE];
    struct test_bytes all;
    char *more;

    (void)state;
    test_dir_make(&d);
    test_fill(&d, BATCHES, RECORDS);
    all = test_file_read(test_file_name(&d, 0, path));
    more = malloc(all.n + SECTOR);
    assert_non_null(more);
    memcpy(more, all.data, all.n);
    memset(more + all.n, 'x', SECTOR);
    test_file_write(path, more, all.n + SECTOR);
    check_recovery(&d, path, all.n + SECTOR, all.n, BATCHES + 1);
    free(more);
    free(all.data);
    test_dir_remove(&d);
}

static void test_torn_files_are_never_written_over(void **state)
{
    struct test_dir d;
    char path[TEST_PATH_SIZE], torn[TEST_PATH_SIZE];
    struct test_bytes all, first;

    (void)state;
    test_dir_make(&d);
    test_fill(&d, 1, 1);
    all = test_file_read(test_file_name(&d, 0, path));
    snprintf(torn, sizeof(torn), "%.120s.%zu.torn", path, all.n);
    test_file_write(torn, "earlier", 7);
    all.data[all.n] = 'x';
    test_file_write(path, all.data, all.n + 1);
    assert_int_equal(journal_close(test_open(&d, NULL, NULL)), 0);
    first = test_file_read(torn);
    assert_int_equal(first.n, 7);
    assert_int_equal(test_file_count(&d, ".torn"), 2);
    free(first.data);
    free(all.data);
    test_dir_remove(&d);
}

/* Flip a bit of a batch in the middle and open: nothing may be truncated, the numbers go on. */
static void check_corruption(struct test_bytes all, size_t at, bool torn_too)
{
    char path[TEST_PATH_SIZE], second[TEST_PATH_SIZE];
    struct journal_recovery found;
    struct test_bytes after;
    struct test_faults v;
    struct test_dir d;
    struct journal *j;
    unsigned errors;
    size_t n = all.n - (torn_too ? 10 : 0);
    uint64_t records = (BATCHES - (torn_too ? 1 : 0)) * RECORDS;

    test_dir_make(&d);
    snprintf(path, sizeof(path), "%s/00000000000000000001.jsonl", d.path);
    all.data[at] ^= 1;
    test_file_write(path, all.data, n);
    j = test_open(&d, NULL, &found);
    assert_int_equal(found.corrupt_segments, 1);
    assert_int_equal(found.torn_bytes, 0);
    assert_int_equal(found.next_seq, 1 + records);
    after = test_file_read(path);
    assert_int_equal(after.n, n);
    assert_memory_equal(after.data, all.data, n);
    test_append(j, 5);
    assert_int_equal(journal_close(j), 0);
    assert_int_equal(test_file_count(&d, ".jsonl"), 2);
    test_file_name(&d, 1, second);
    v = test_verify(&d);
    assert_int_equal(v.verdict.faults, 1);
    assert_int_equal(v.verdict.torn, torn_too ? 1 : 0);
    assert_int_equal(v.verdict.last_seq, records + 5);
    assert_true(test_read_all(&d, 0, &errors) >= 5 + records - RECORDS);
    assert_true(errors <= 1); /* a chain value is the verifier's to hold against its batch */
    /* The next start finds the new segment in order. */
    j = test_open(&d, NULL, &found);
    assert_int_equal(found.corrupt_segments, 0);
    assert_int_equal(found.next_seq, records + 6);
    assert_int_equal(journal_close(j), 0);
    all.data[at] ^= 1;
    free(after.data);
    test_dir_remove(&d);
}

static void test_damage_in_the_middle_is_left_alone(void **state)
{
    struct test_dir made;
    char path[TEST_PATH_SIZE];
    struct test_bytes all;
    size_t ends[BATCHES + 1];

    (void)state;
    test_dir_make(&made);
    test_fill(&made, BATCHES, RECORDS);
    all = test_file_read(test_file_name(&made, 0, path));
    assert_int_equal(batch_ends(all, ends, BATCHES + 1), BATCHES + 1);
    for (size_t at = 0; at < ends[BATCHES - 2]; at += 37)
        check_corruption(all, at, at % 2);
    free(all.data);
    test_dir_remove(&made);
}

static void test_a_torn_segment_after_a_whole_one(void **state)
{
    struct journal_options opt = test_options();
    char path[TEST_PATH_SIZE];
    struct journal_recovery found;
    struct test_bytes all;
    struct test_dir d;
    struct journal *j;
    uint64_t next;

    (void)state;
    opt.segment_bytes = 500;
    test_dir_make(&d);
    j = test_open(&d, &opt, NULL);
    while (test_file_count(&d, ".jsonl") < 3) {
        test_append(j, 1);
        assert_int_equal(journal_flush(j), 0);
    }
    next = journal_next_seq(j) - 1; /* the third segment holds one record */
    assert_int_equal(journal_close(j), 0);
    all = test_file_read(test_file_name(&d, 2, path));
    for (size_t n = 0; n < 400; n += 199) {
        test_file_write(path, all.data, n);
        j = test_open(&d, &opt, &found);
        assert_int_equal(found.torn_bytes, n);
        assert_int_equal(found.next_seq, next);
        assert_int_equal(test_verify(&d).count, 0);
        test_append(j, 1);
        assert_int_equal(journal_close(j), 0);
        assert_int_equal(test_verify(&d).count, 0);
        assert_int_equal(test_read_all(&d, 0, NULL), next);
        while (test_file_count(&d, ".jsonl") > 3)
            assert_int_equal(unlink(test_file_name(&d, 3, path)), 0);
        test_file_name(&d, 2, path);
    }
    free(all.data);
    test_dir_remove(&d);
}

static void test_what_was_synced_survives_a_kill(void **state)
{
    struct test_dir d;
    struct test_faults v;

    (void)state;
    test_dir_make(&d);
    for (unsigned round = 0; round < 8; round++) {
        int status;
        pid_t child = fork();

        assert_true(child >= 0);
        if (child == 0) {
            struct journal *j = test_open(&d, NULL, NULL);

            test_append(j, 10);
            if (journal_sync(j))
                _exit(1);
            test_append(j, round);
            if (round % 2 && journal_flush(j))
                _exit(1);
            test_append(j, 3);
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    v = test_verify(&d);
    assert_int_equal(v.count, 0);
    /* Rounds 1, 3, 5 and 7 flushed what they appended after the sync. */
    assert_int_equal(v.verdict.records, 8 * 10 + 1 + 3 + 5 + 7);
    assert_int_equal(test_read_all(&d, 0, NULL), v.verdict.records);
    test_dir_remove(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_truncation_keeps_the_longest_prefix),
        cmocka_unit_test(test_zeroed_sectors_in_the_tail_are_a_torn_tail),
        cmocka_unit_test(test_bytes_after_the_end_are_cut),
        cmocka_unit_test(test_torn_files_are_never_written_over),
        cmocka_unit_test(test_damage_in_the_middle_is_left_alone),
        cmocka_unit_test(test_a_torn_segment_after_a_whole_one),
        cmocka_unit_test(test_what_was_synced_survives_a_kill),
    };

    return cmocka_run_group_tests_name("journal_recover", tests, NULL, NULL);
}
