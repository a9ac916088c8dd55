/* Journals in directories of their own, for tests. */
#include "tests/unit/journal_dir.h"

#include "base/clock.h"
#include "tests/unit/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void test_dir_make(struct test_dir *d)
{
    /* In memory where that can be: these tests sync thousands of times. */
    const char *tmp = getenv("TMPDIR");

    if (!tmp)
        tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(d->path, sizeof(d->path), "%s/lockstep-journal-XXXXXX", tmp);
    assert_non_null(mkdtemp(d->path));
}

void test_dir_remove(struct test_dir *d)
{
    DIR *dir = opendir(d->path);
    struct dirent *entry;

    assert_non_null(dir);
    while ((entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            assert_int_equal(unlinkat(dirfd(dir), entry->d_name, 0), 0);
    closedir(dir);
    assert_int_equal(rmdir(d->path), 0);
}

static bool ends_in(const char *name, const char *suffix)
{
    size_t n = strlen(name), k = strlen(suffix);

    return n >= k && strcmp(name + n - k, suffix) == 0;
}

/* For scandir. */
static int is_segment(const struct dirent *entry)
{
    return ends_in(entry->d_name, ".jsonl");
}

/* For scandir: by number, then ".1" after the plain name. */
static int by_number(const struct dirent **a, const struct dirent **b)
{
    int first = strncmp((*a)->d_name, (*b)->d_name, 20);
    size_t an = strlen((*a)->d_name), bn = strlen((*b)->d_name);

    return first ? first : (an > bn) - (an < bn);
}

char *test_file_name(const struct test_dir *d, size_t i, char out[TEST_PATH_SIZE])
{
    struct dirent **names = NULL;
    int n = scandir(d->path, &names, is_segment, by_number);

    assert_true(n >= 0 && i < (size_t)n);
    snprintf(out, TEST_PATH_SIZE, "%s/%.100s", d->path, names[i]->d_name);
    while (n > 0)
        free(names[--n]);
    free(names);
    return out;
}

size_t test_file_count(const struct test_dir *d, const char *suffix)
{
    DIR *dir = opendir(d->path);
    struct dirent *entry;
    size_t n = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir)))
        n += ends_in(entry->d_name, suffix);
    closedir(dir);
    return n;
}

struct test_bytes test_file_read(const char *path)
{
    struct test_bytes all = {NULL, 0};
    struct stat st;
    int fd = open(path, O_RDONLY);

    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    all.n = (size_t)st.st_size;
    all.data = malloc(all.n + 1);
    assert_non_null(all.data);
    assert_int_equal(read(fd, all.data, all.n), all.n);
    close(fd);
    return all;
}

void test_file_write(const char *path, const void *p, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    if (n)
        assert_int_equal(write(fd, p, n), n);
    close(fd);
}

struct journal_options test_options(void)
{
    return (struct journal_options){
        .ballast_bytes = JOURNAL_NO_BALLAST, .host = "h", .boot = "b", .version = "0"};
}

struct journal *test_open(const struct test_dir *d, const struct journal_options *opt,
                          struct journal_recovery *ret)
{
    struct journal_options plain = test_options();
    struct journal_recovery found;
    struct journal *j = NULL;
    struct err e = {0};

    assert_int_equal(journal_open(d->path, opt ? opt : &plain, TEST_NOW_US, &j, &found, &e), 0);
    if (ret)
        *ret = found;
    return j;
}

void test_append(struct journal *j, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        uint64_t seq = journal_next_seq(j), got;
        char path[32];
        struct journal_record rec = {.op = JOURNAL_PUT,
                                     .state = JOURNAL_DONE,
                                     .tx = JOURNAL_TX_SELF,
                                     .path = path,
                                     .size = seq * 3,
                                     .has = JOURNAL_HAS_FILE};

        snprintf(path, sizeof(path), "dir/%" PRIu64 ".jpg", seq);
        assert_int_equal(journal_append(j, &rec, TEST_NOW_US + (int64_t)seq * US_PER_MS, &got), 0);
        assert_int_equal(got, seq);
    }
}

void test_fill(const struct test_dir *d, unsigned batches, unsigned records)
{
    struct journal *j = test_open(d, NULL, NULL);

    for (unsigned i = 0; i < batches; i++) {
        test_append(j, records);
        assert_int_equal(journal_flush(j), 0);
    }
    assert_int_equal(journal_close(j), 0);
}

void test_check_record(const struct journal_record *rec)
{
    char path[32];

    snprintf(path, sizeof(path), "dir/%" PRIu64 ".jpg", rec->seq);
    assert_string_equal(rec->path, path);
    assert_int_equal(rec->op, JOURNAL_PUT);
    assert_int_equal(rec->state, JOURNAL_DONE);
    assert_int_equal(rec->tx, rec->seq);
    assert_int_equal(rec->size, rec->seq * 3);
    assert_int_equal(rec->time_us, TEST_NOW_US + (int64_t)rec->seq * US_PER_MS);
}

uint64_t test_read_all(const struct test_dir *d, uint64_t from, unsigned *ret_errors)
{
    struct journal_reader *r;
    struct journal_record rec;
    uint64_t count = 0, last = 0;
    unsigned errors = 0;
    enum journal_read got;
    struct err e = {0};

    assert_int_equal(journal_reader_open(d->path, from, &r, &e), 0);
    while ((got = journal_read(r, &rec, NULL, &e)) != JOURNAL_READ_END) {
        if (got == JOURNAL_READ_ERROR) {
            assert_int_equal(e.code, ERR_CORRUPT);
            assert_true(e.where[0] && e.what[0]);
            errors++;
            continue;
        }
        test_check_record(&rec);
        assert_true(rec.seq > last && rec.seq >= from);
        last = rec.seq;
        count++;
    }
    journal_reader_close(r);
    if (ret_errors)
        *ret_errors = errors;
    else
        assert_int_equal(errors, 0);
    return count;
}

/* For journal_verify. */
static void take_fault(void *arg, const struct journal_fault *f)
{
    struct test_faults *all = arg;
    size_t i = all->count++;

    assert_non_null(f->kind);
    if (i >= TEST_FAULTS_MAX)
        return;
    snprintf(all->fault[i].file, sizeof(all->fault[i].file), "%s", f->file);
    snprintf(all->fault[i].kind, sizeof(all->fault[i].kind), "%s", f->kind);
    snprintf(all->fault[i].detail, sizeof(all->fault[i].detail), "%s", f->detail);
    all->fault[i].offset = f->offset;
    all->fault[i].harmless = f->harmless;
}

struct test_faults test_verify_trusting(const struct test_dir *d, const struct journal_trust *trust)
{
    struct test_faults all = {0};
    struct err e = {0};

    assert_int_equal(journal_verify(d->path, trust, take_fault, &all, &all.verdict, &e), 0);
    assert_int_equal(all.verdict.faults + all.verdict.torn, all.count);
    return all;
}

struct test_faults test_verify(const struct test_dir *d)
{
    return test_verify_trusting(d, NULL);
}

struct journal_secret test_secret(const char *name, uint8_t n)
{
    uint8_t seed[ED25519_SEED_BYTES] = {n};
    struct journal_secret secret;

    assert_int_equal(journal_secret_init(&secret, span_of(name), seed), 0);
    return secret;
}

struct test_bytes test_note(const struct test_dir *d)
{
    char path[TEST_PATH_SIZE];

    snprintf(path, sizeof(path), "%s/checkpoint", d->path);
    return test_file_read(path);
}

int test_drain(struct journal_reader *r, int (*take)(void *arg, const struct journal_record *rec),
               void *arg)
{
    struct journal_record rec;
    enum journal_read got;
    struct err e = {0};
    int rc = 0;

    while ((got = journal_read(r, &rec, NULL, &e)) != JOURNAL_READ_END) {
        const int code = got == JOURNAL_READ_ERROR ? e.code : take(arg, &rec);

        rc = rc ? rc : code;
    }
    return rc;
}
