/*
 * Journals in directories of their own, for tests: make, fill, damage, look into, remove. Every
 * function asserts that what it does worked.
 */
#ifndef LOCKSTEP_TESTS_JOURNAL_DIR_H
#define LOCKSTEP_TESTS_JOURNAL_DIR_H

#include "journal/journal.h"

#define TEST_NOW_US INT64_C(1767323045123456) /* 2026-01-02T03:04:05.123456Z */

struct test_dir {
    char path[64];
};

/* test_dir_make(d), test_dir_remove(d): an empty directory; and gone with its files. */
void test_dir_make(struct test_dir *d);
void test_dir_remove(struct test_dir *d);

/* test_file_name(d, i, out): path of the i-th segment in order. test_file_count(d, suffix): files
 * whose names end so. */
#define TEST_PATH_SIZE 192
char *test_file_name(const struct test_dir *d, size_t i, char out[TEST_PATH_SIZE]);
size_t test_file_count(const struct test_dir *d, const char *suffix);

/* test_file_read(path, ret): all of it; free(ret->data). test_file_write(path, p, n): replace. */
struct test_bytes {
    char *data;
    size_t n;
};
struct test_bytes test_file_read(const char *path);
void test_file_write(const char *path, const void *p, size_t n);

/* test_options(): small, without a ballast. test_open(d, opt, ret): a recovery that must succeed.
 */
struct journal_options test_options(void);
struct journal *test_open(const struct test_dir *d, const struct journal_options *opt,
                          struct journal_recovery *ret);

/* test_append(j, n): n records of a fixed kind, named by their numbers; into the open batch. */
void test_append(struct journal *j, unsigned n);
/* test_fill(d, batches, records): open, write so many batches of so many records, close. */
void test_fill(const struct test_dir *d, unsigned batches, unsigned records);

/* test_read_all(d, from, ret_errors): how many records a reader finds; each must be the one that
 * test_append wrote under its number, and numbers must rise. */
uint64_t test_read_all(const struct test_dir *d, uint64_t from, unsigned *ret_errors);
/* test_drain(r, take, arg): read to the end, each record to `take`. 0, or the first code that
 * either gave. */
int test_drain(struct journal_reader *r, int (*take)(void *arg, const struct journal_record *rec),
               void *arg);
/* test_check_record(rec): it is the one that test_append wrote under its number. */
void test_check_record(const struct journal_record *rec);

/* What the verifier said. */
#define TEST_FAULTS_MAX 16
struct test_faults {
    struct journal_verdict verdict;
    size_t count; /* harmless ones as well; those past the maximum are only counted */
    struct {
        char file[64];
        char kind[32];
        char detail[256];
        uint64_t offset;
        bool harmless;
    } fault[TEST_FAULTS_MAX];
};
struct test_faults test_verify(const struct test_dir *d);
/* test_verify_trusting(d, trust): the same, for who trusts these. */
struct test_faults test_verify_trusting(const struct test_dir *d,
                                        const struct journal_trust *trust);

/* test_secret(name, n): the n-th key of this name. test_note(d, ret): the newest checkpoint;
 * free(ret->data). */
struct journal_secret test_secret(const char *name, uint8_t n);
struct test_bytes test_note(const struct test_dir *d);

#endif
