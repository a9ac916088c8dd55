/* A disk and a memory that fail on command. */
#include "tests/unit/failing_disk.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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

struct world world;

/* A thread may sync while another one writes. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Does it take its time, and how many wait for it? Changed with the lock. */
static pthread_cond_t is_changed = PTHREAD_COND_INITIALIZER;
static bool busy;
static unsigned waiting;

void disk_hold(bool hold)
{
    pthread_mutex_lock(&lock);
    busy = hold;
    pthread_cond_broadcast(&is_changed);
    pthread_mutex_unlock(&lock);
}

void disk_await(void)
{
    pthread_mutex_lock(&lock);
    while (waiting == 0)
        pthread_cond_wait(&is_changed, &lock);
    pthread_mutex_unlock(&lock);
}

void world_reset(void)
{
    memset(&world, 0, sizeof(world));
    world.error = EIO;
}

static void drop_pages(int fd, off_t from);
static struct file *file_of(int fd);

/* The end of the process, and of what was not synced. (What was closed had been synced.) */
static void die(void)
{
    size_t known = world.count; /* an fd may be a directory's by now, which is then one more */

    for (size_t i = 0; i < known; i++) {
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

/* Both the call's own plan and the one for any call count it. */
static bool either_is_hit(struct plan *p)
{
    bool own = is_hit(p), any = is_hit(&world.any);

    return own || any;
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

/* An fdatasync, with the lock. */
static int sync_file(int fd)
{
    struct file *f = file_of(fd);
    struct stat st;

    if (f && f->failed)
        world.touched++;
    if (either_is_hit(&world.fdatasync)) {
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

int __wrap_fdatasync(int fd)
{
    int rc;

    pthread_mutex_lock(&lock);
    waiting++;
    pthread_cond_broadcast(&is_changed);
    while (busy)
        pthread_cond_wait(&is_changed, &lock);
    waiting--;
    rc = sync_file(fd);
    pthread_mutex_unlock(&lock);
    return rc;
}

int __wrap_fsync(int fd)
{
    bool hit;

    (void)fd;
    pthread_mutex_lock(&lock);
    hit = either_is_hit(&world.fsync);
    pthread_mutex_unlock(&lock);
    errno = hit ? world.error : errno;
    return hit ? -1 : 0;
}

/* A pwrite, with the lock. */
static ssize_t write_file(int fd, const void *p, size_t n, off_t at)
{
    struct file *f = file_of(fd);

    if (f && f->failed)
        world.touched++;
    if (world.full) {
        errno = ENOSPC;
        return -1;
    }
    if (either_is_hit(&world.pwrite)) {
        if (world.torn_writes)
            (void)!__real_pwrite(fd, p, n / 2, at);
        if (f && world.error == EIO)
            f->failed = true;
        errno = world.error;
        return -1;
    }
    return __real_pwrite(fd, p, n > 100 ? n / 2 + 1 : n, at); /* and never all at once */
}

ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at)
{
    ssize_t done;

    pthread_mutex_lock(&lock);
    done = write_file(fd, p, n, at);
    pthread_mutex_unlock(&lock);
    return done;
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

void fail_calls(struct plan *p, unsigned first, unsigned last)
{
    p->calls = 0;
    p->first = first;
    p->last = last;
}

void test_every_failure(const struct test_life *life, struct plan *plan, int error, bool for_ever)
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
        life->live(&d, &acknowledged);
        calls = plan->calls;
        fail_calls(plan, 0, 0);
        life->after(&d, acknowledged);
        test_dir_remove(&d);
    } while (calls >= n);
    assert_true(n > life->least_calls);
}

void test_every_death(const struct test_life *life, enum death death)
{
    uint64_t *acknowledged =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool over = false;
    unsigned n;

    assert_true(acknowledged != MAP_FAILED);
    for (n = 1; !over; n += TEST_STRIDE) {
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
            life->live(&d, acknowledged);
            _exit(1);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
        over = WEXITSTATUS(status) == 1;
        life->after(&d, *acknowledged);
        test_dir_remove(&d);
    }
    assert_true(n > life->least_deaths);
    munmap(acknowledged, 4096);
}

void test_all_there(const struct test_dir *d, uint64_t records)
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
