/* Readers and the verifier beside a writer at work, in threads. */
#include "base/err.h"
#include "tests/unit/journal_dir.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define RECORDS 6000
#define READERS 2

struct follower {
    const struct test_dir *dir;
    atomic_bool *stop;
    uint64_t count;
    uint64_t wrong;
    unsigned errors;
};

/* Read from the first record on until all were seen or the writer has stopped and nothing more
 * comes. Assertions are the main thread's. */
static void *follow(void *arg)
{
    struct follower *f = arg;
    struct journal_reader *r;
    struct journal_record rec;
    struct err e = {0};

    if (journal_reader_open(f->dir->path, 1, &r, &e)) {
        f->errors = 1;
        return NULL;
    }
    for (;;) {
        bool last = atomic_load(f->stop);

        switch (journal_read(r, &rec, NULL, &e)) {
        case JOURNAL_READ_RECORD:
            f->count++;
            f->wrong += rec.seq != f->count;
            continue;
        case JOURNAL_READ_ERROR:
            f->errors++;
            continue;
        case JOURNAL_READ_END:
            break;
        }
        if (last)
            break;
        sched_yield();
    }
    journal_reader_close(r);
    return NULL;
}

/* Verify over and over. */
static void *verify(void *arg)
{
    struct follower *f = arg;
    struct journal_verdict verdict = {0};
    struct err e = {0};

    do {
        if (journal_verify(f->dir->path, NULL, NULL, NULL, &verdict, &e))
            f->wrong++;
        f->errors += (unsigned)verdict.faults;
        f->count++;
    } while (!atomic_load(f->stop));
    return NULL;
}

static void test_readers_follow_a_writer(void **state)
{
    struct journal_options opt = test_options();
    pthread_t threads[READERS + 1];
    struct follower followers[READERS + 1];
    atomic_bool stop = false;
    struct test_dir d;
    struct journal *j;

    (void)state;
    opt.segment_bytes = 100000;
    opt.batch_bytes = 3000;
    test_dir_make(&d);
    j = test_open(&d, &opt, NULL);
    for (size_t i = 0; i <= READERS; i++) {
        followers[i] = (struct follower){.dir = &d, .stop = &stop};
        assert_int_equal(
            pthread_create(&threads[i], NULL, i < READERS ? follow : verify, &followers[i]), 0);
    }
    for (unsigned i = 0; i < RECORDS / 10; i++) {
        test_append(j, 10);
        if (i % 7 == 0)
            assert_int_equal(journal_flush(j), 0);
        if (i % 100 == 0)
            assert_int_equal(journal_sync(j), 0);
    }
    assert_int_equal(journal_close(j), 0);
    atomic_store(&stop, true);
    for (size_t i = 0; i <= READERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(test_file_count(&d, ".jsonl") > 5);
    for (size_t i = 0; i <= READERS; i++) {
        assert_int_equal(followers[i].errors, 0);
        assert_int_equal(followers[i].wrong, 0);
        if (i < READERS)
            assert_int_equal(followers[i].count, RECORDS);
    }
    assert_true(followers[READERS].count > 0);
    assert_int_equal(test_verify(&d).count, 0);
    test_dir_remove(&d);
}

static void test_a_reader_outlives_recoveries(void **state)
{
    struct journal_reader *r;
    struct journal_record rec;
    struct err e = {0};
    struct test_dir d;
    uint64_t count = 0;
    char path[TEST_PATH_SIZE];

    (void)state;
    test_dir_make(&d);
    assert_int_equal(journal_reader_open(d.path, 1, &r, &e), 0);
    for (unsigned round = 0; round < 5; round++) {
        struct test_bytes all;
        enum journal_read got;

        test_fill(&d, 2, 3);
        all = test_file_read(test_file_name(&d, 0, path));
        /* A writer that died in the middle of a batch, which the reader looks at. */
        assert_int_equal(truncate(path, (off_t)(all.n - 20)), 0);
        free(all.data);
        while ((got = journal_read(r, &rec, NULL, &e)) == JOURNAL_READ_RECORD) {
            assert_int_equal(rec.seq, ++count);
            test_check_record(&rec);
        }
        assert_int_equal(got, JOURNAL_READ_END);
        assert_int_equal(count, 3 * (round + 1));
    }
    journal_reader_close(r);
    test_dir_remove(&d);
}

static void test_a_reader_finds_the_segment_that_took_the_place(void **state)
{
    struct journal_reader *r;
    struct journal_record rec;
    struct err e = {0};
    struct test_dir d;
    char path[TEST_PATH_SIZE];

    (void)state;
    test_dir_make(&d);
    snprintf(path, sizeof(path), "%s/00000000000000000001.jsonl", d.path);
    test_file_write(path, "{\"k\":\"h\",\"v\":1,\"j\":\"012345", 26);
    assert_int_equal(journal_reader_open(d.path, 1, &r, &e), 0);
    assert_int_equal(journal_read(r, &rec, NULL, &e), JOURNAL_READ_END);
    test_fill(&d, 1, 1);
    assert_int_equal(journal_read(r, &rec, NULL, &e), JOURNAL_READ_RECORD);
    assert_int_equal(rec.seq, 1);
    assert_int_equal(journal_read(r, &rec, NULL, &e), JOURNAL_READ_END);
    journal_reader_close(r);
    test_dir_remove(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readers_follow_a_writer),
        cmocka_unit_test(test_a_reader_outlives_recoveries),
        cmocka_unit_test(test_a_reader_finds_the_segment_that_took_the_place),
    };

    return cmocka_run_group_tests_name("journal_follow", tests, NULL, NULL);
}
