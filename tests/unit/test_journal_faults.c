/*
 * Disks that fail: fdatasync, fsync, pwrite, fallocate and allocations are wrapped at link time and
 * fail on command. A file whose fdatasync failed loses what it had not synced, as a kernel may drop
 * the pages; and nobody may sync or write it again.
 */
#include "base/err.h"
#include "tests/unit/journal_dir.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILES_MAX 256

int __real_fdatasync(int fd);
int __real_fsync(int fd);
ssize_t __real_pwrite(int fd, const void *p, size_t n, off_t at);
int __real_fallocate(int fd, int mode, off_t at, off_t n);
ssize_t __real_pread(int fd, void *p, size_t n, off_t at);
void *__real_realloc(void *p, size_t n);
void *__real_calloc(size_t n, size_t size);
int __wrap_fdatasync(int fd);
int __wrap_fsync(int fd);
ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at);
int __wrap_fallocate(int fd, int mode, off_t at, off_t n);
ssize_t __wrap_pread(int fd, void *p, size_t n, off_t at);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_calloc(size_t n, size_t size);

/* What is known of a file, by inode and time of birth (inodes are used again). */
struct file {
    uint64_t ino;
    int64_t born;
    uint32_t born_ns;
    int fd;       /* by which it was last seen */
    off_t synced; /* bytes */
    bool failed;
};

/* Calls numbered from 1 since the last reset; those from `first` to `last` fail. */
struct plan {
    unsigned calls, first, last;
};

/* What becomes of bytes that were not synced when a process dies. */
enum death {
    DEATH_NONE,
    DEATH_KEEPS, /* kill -9: the kernel has them */
    DEATH_CUTS,  /* power: the files end where they were synced */
    DEATH_ZEROES /* power: the sizes are there, the bytes are not */
};

static struct {
    enum death death; /* the planned call is the process's last */
    struct plan fdatasync, pwrite, fsync, any, memory;
    const struct test_dir *meanwhile; /* before the `reads`-th pread a writer starts here */
    unsigned reads;
    int error;
    bool torn_writes; /* a pwrite that fails has written half */
    bool full;        /* pwrite and fallocate say ENOSPC */
    size_t count;
    unsigned touched; /* calls on files that had failed */
    struct file file[FILES_MAX];
} world;

static void world_reset(void)
{
    memset(&world, 0, sizeof(world));
    world.error = EIO;
}

static void drop_pages(int fd, off_t from);
static struct file *file_of(int fd);

/* The end of the process, and of what was not synced. (What was closed had been synced.) */
static void die(void)
{
    for (size_t i = 0; i < world.count; i++) {
        struct file *f = &world.file[i];

        if (file_of(f->fd) != f)
            continue;
        if (world.death == DEATH_ZEROES)
            drop_pages(f->fd, f->synced);
        else if (world.death == DEATH_CUTS && ftruncate(f->fd, f->synced))
            _exit(2);
    }
    _exit(0);
}

static bool is_hit(struct plan *p)
{
    unsigned call = ++p->calls;
    bool hit = call >= p->first && call <= p->last;

    if (hit && world.death != DEATH_NONE)
        die();
    return hit;
}

static struct file *file_of(int fd)
{
    struct file *f;
    struct statx st;

    if (statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &st))
        return NULL;
    for (size_t i = 0; i < world.count; i++) {
        f = &world.file[i];
        if (f->ino == st.stx_ino && f->born == st.stx_btime.tv_sec &&
            f->born_ns == st.stx_btime.tv_nsec) {
            f->fd = fd;
            return f;
        }
    }
    if (world.count == FILES_MAX)
        return NULL;
    f = &world.file[world.count++];
    *f = (struct file){
        .ino = st.stx_ino, .born = st.stx_btime.tv_sec, .born_ns = st.stx_btime.tv_nsec, .fd = fd};
    return f;
}

/* Replace what was not synced by zeroes: the pages are gone. */
static void drop_pages(int fd, off_t from)
{
    char zeroes[512] = {0};
    struct stat st;

    if (fstat(fd, &st))
        return;
    for (off_t at = from; at < st.st_size; at += (off_t)sizeof(zeroes)) {
        size_t n =
            st.st_size - at < (off_t)sizeof(zeroes) ? (size_t)(st.st_size - at) : sizeof(zeroes);

        (void)!__real_pwrite(fd, zeroes, n, at);
    }
}

int __wrap_fdatasync(int fd)
{
    struct file *f = file_of(fd);
    struct stat st;

    if (f && f->failed)
        world.touched++;
    if (is_hit(&world.fdatasync) | is_hit(&world.any)) {
        if (f) {
            f->failed = true;
            drop_pages(fd, f->synced);
        }
        errno = world.error;
        return -1;
    }
    if (f && fstat(fd, &st) == 0)
        f->synced = st.st_size;
    return 0;
}

int __wrap_fsync(int fd)
{
    (void)fd;
    if (is_hit(&world.fsync) | is_hit(&world.any)) {
        errno = world.error;
        return -1;
    }
    return 0;
}

ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at)
{
    struct file *f = file_of(fd);

    if (f && f->failed)
        world.touched++;
    if (world.full) {
        errno = ENOSPC;
        return -1;
    }
    if (is_hit(&world.pwrite) | is_hit(&world.any)) {
        if (world.torn_writes)
            (void)!__real_pwrite(fd, p, n / 2, at);
        if (f && world.error == EIO)
            f->failed = true;
        errno = world.error;
        return -1;
    }
    return __real_pwrite(fd, p, n > 100 ? n / 2 + 1 : n, at); /* and never all at once */
}

int __wrap_fallocate(int fd, int mode, off_t at, off_t n)
{
    if (world.full) {
        errno = ENOSPC;
        return -1;
    }
    return __real_fallocate(fd, mode, at, n);
}

ssize_t __wrap_pread(int fd, void *p, size_t n, off_t at)
{
    const struct test_dir *dir = world.meanwhile;

    if (dir && --world.reads == 0) {
        world.meanwhile = NULL;
        test_fill(dir, 2, 3);
    }
    return __real_pread(fd, p, n, at);
}

void *__wrap_realloc(void *p, size_t n)
{
    return is_hit(&world.memory) ? NULL : __real_realloc(p, n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return is_hit(&world.memory) ? NULL : __real_calloc(n, size);
}

static void fail_calls(struct plan *p, unsigned first, unsigned last)
{
    p->calls = 0;
    p->first = first;
    p->last = last;
}

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

/* A life of a journal that reaches every call. *acknowledged is the last record that was. */
static void live(const struct test_dir *d, uint64_t *acknowledged)
{
    struct journal_options opt = test_options();
    struct journal_recovery found;
    struct journal *j = NULL;
    struct err e = {0};
    uint64_t last;
    struct journal_record rec = {
        .op = JOURNAL_PUT, .state = JOURNAL_DONE, .tx = JOURNAL_TX_SELF, .has = JOURNAL_HAS_FILE};

    opt.segment_bytes = 1500;
    if (journal_open(d->path, &opt, TEST_NOW_US, &j, &found, &e))
        return;
    for (unsigned i = 0; i < 30; i++) {
        uint64_t seq = journal_next_seq(j);
        char path[32];

        snprintf(path, sizeof(path), "dir/%lu.jpg", (unsigned long)seq);
        rec.path = path;
        rec.size = seq * 3;
        if (journal_append(j, &rec, TEST_NOW_US + (int64_t)seq * 1000, &seq))
            continue;
        if (i % 2)
            (void)!journal_flush(j);
        if (i % 5 == 4 && journal_sync(j) == 0)
            *acknowledged = seq;
    }
    last = journal_next_seq(j) - 1;
    if (journal_close(j) == 0)
        *acknowledged = last;
}

/* Open what a life has left: what was acknowledged is there, and a writer can go on. */
static void check_afterlife(const struct test_dir *d, uint64_t acknowledged)
{
    struct journal_recovery found;
    struct journal *j = test_open(d, NULL, &found);
    struct test_faults v;
    uint64_t records;

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

/* Fail the n-th call, and from then on, for every n; what was acknowledged is never lost. */
static void check_every_call(struct plan *plan, int error, bool for_ever)
{
    unsigned n = 0, calls;

    do {
        uint64_t acknowledged = 0;
        struct test_dir d;

        world_reset();
        world.error = error;
        world.torn_writes = n % 2;
        test_dir_make(&d);
        n++;
        fail_calls(plan, n, for_ever ? UINT32_MAX : n);
        live(&d, &acknowledged);
        calls = plan->calls;
        fail_calls(plan, 0, 0);
        assert_int_equal(world.touched, 0);
        check_afterlife(&d, acknowledged);
        test_dir_remove(&d);
    } while (calls >= n);
    assert_true(n > 10);
}

static void test_any_call_may_fail_once(void **state)
{
    (void)state;
    check_every_call(&world.any, EIO, false);
    check_every_call(&world.any, ENOSPC, false);
}

static void test_any_call_may_begin_to_fail(void **state)
{
    (void)state;
    check_every_call(&world.any, EIO, true);
    check_every_call(&world.any, ENOSPC, true);
}

static void test_any_allocation_may_fail(void **state)
{
    (void)state;
    check_every_call(&world.memory, EIO, false);
}

/* Die at the n-th call, for every n until a life is over before that. */
static void check_every_death(enum death death)
{
    uint64_t *acknowledged =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool over = false;
    unsigned n;

    assert_ptr_not_equal(acknowledged, MAP_FAILED);
    for (n = 1; !over; n++) {
        struct test_dir d;
        int status;
        pid_t child;

        *acknowledged = 0;
        world_reset();
        test_dir_make(&d);
        child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            world.death = death;
            fail_calls(&world.any, n, n);
            live(&d, acknowledged);
            _exit(1);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
        over = WEXITSTATUS(status) == 1;
        check_afterlife(&d, *acknowledged);
        test_dir_remove(&d);
    }
    assert_true(n > 30);
    munmap(acknowledged, 4096);
}

static void test_what_was_acknowledged_survives_any_death(void **state)
{
    (void)state;
    check_every_death(DEATH_KEEPS);
    check_every_death(DEATH_CUTS);
    check_every_death(DEATH_ZEROES);
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
                errors += got == JOURNAL_READ_ERROR;
                if (got == JOURNAL_READ_ERROR)
                    assert_int_equal(e.code, -ENOMEM);
            }
            assert_true(errors <= 1);
            assert_int_equal(count, 6);
            journal_reader_close(r);
        } else {
            assert_int_equal(rc, -ENOMEM);
        }
        done = world.memory.calls < n;
        fail_calls(&world.memory, n, n);
        rc = journal_verify(d.path, NULL, NULL, &verdict, &e);
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
        cmocka_unit_test(test_any_call_may_fail_once),
        cmocka_unit_test(test_any_call_may_begin_to_fail),
        cmocka_unit_test(test_any_allocation_may_fail),
        cmocka_unit_test(test_what_was_acknowledged_survives_any_death),
        cmocka_unit_test(test_readers_survive_failed_allocations),
    };

    return cmocka_run_group_tests_name("journal_faults", tests, NULL, NULL);
}
