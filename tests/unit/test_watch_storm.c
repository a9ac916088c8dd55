/*
 * Storms: threads that make, write, rename and remove at random while the tree is watched. At quiet
 * the taker of the hints must believe exactly what is on the disk. SEEDS=n runs n storms of each
 * kind, SEED=s begins with that one.
 */
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"
#include "tests/unit/watch_oracle.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WRITERS   2
#define STORM_OPS 2500 /* a writer */
#define NAMES     5    /* to choose from, so that they collide */
#define DEPTH_MAX 4
#define SETTLE_MS 60000
#define STALL_NS  (100 * 1000000)

struct writer {
    pthread_t thread;
    uint64_t seed;
    int in;  /* the watched tree */
    int out; /* a place outside on the same file system */
};

/* xorshift64*. */
static uint64_t draw(struct writer *w, uint64_t below)
{
    w->seed ^= w->seed >> 12;
    w->seed ^= w->seed << 25;
    w->seed ^= w->seed >> 27;
    return (w->seed * UINT64_C(2685821657736338717) >> 33) % below;
}

/* A path of random components. */
static void draw_path(struct writer *w, char *out, size_t size, char last)
{
    const uint64_t depth = draw(w, DEPTH_MAX);
    size_t n = 0;

    for (uint64_t i = 0; i < depth; i++) {
        n += (size_t)snprintf(out + n, size - n, "d%d/", (int)draw(w, NAMES));
    }
    (void)snprintf(out + n, size - n, "%c%d", last, (int)draw(w, NAMES));
}

/* Write a file whole, by creation. Failures are part of the storm: others rename and remove. */
static void write_file(struct writer *w, const char *path, int flags)
{
    const int fd = openat(w->in, path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);

    if (fd >= 0) {
        (void)!write(fd, "0123456789abcdef", 1 + draw(w, 16));
        if (draw(w, 4) == 0) {
            (void)!write(fd, "more", 4);
        }
        (void)close(fd);
    }
}

/* mkdir -p of the directories in a path. */
static void make_parents(int fd, const char *path)
{
    char part[256];

    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        memcpy(part, path, (size_t)(slash - path));
        part[slash - path] = '\0';
        (void)mkdirat(fd, part, 0755);
    }
}

/* nftw: remove. */
static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    (void)remove(path);
    return 0;
}

/* rm -r. */
static void remove_tree(int fd, const char *path)
{
    char whole[PATH_MAX];

    (void)snprintf(whole, sizeof(whole), "/proc/self/fd/%d/%s", fd, path);
    (void)nftw(whole, remove_one, 8, FTW_PHYS | FTW_DEPTH);
}

/* Make directories down to a file, write it. */
static void deed_make(struct writer *w)
{
    char a[256];

    draw_path(w, a, sizeof(a), 'f');
    make_parents(w->in, a);
    write_file(w, a, O_TRUNC);
}

/* Write a file or remove one. */
static void deed_file(struct writer *w)
{
    char a[256];
    char b[256];

    draw_path(w, a, sizeof(a), 'f');
    draw_path(w, b, sizeof(b), 'f');
    switch (draw(w, 5)) {
    case 0:
        write_file(w, a, O_APPEND);
        return;
    case 1:
        (void)unlinkat(w->in, a, 0);
        return;
    case 2:
        (void)renameat(w->in, a, w->in, b);
        return;
    case 3:
        (void)!linkat(w->in, a, w->in, b, 0);
        return;
    default:
        (void)snprintf(a, sizeof(a), ".f.%06d", (int)draw(w, 1000000)); /* as rsync does */
        write_file(w, a, O_EXCL);
        if (renameat(w->in, a, w->in, b) != 0) {
            (void)unlinkat(w->in, a, 0);
        }
        return;
    }
}

/* Rename a directory, also out of the tree and in again, or remove it. */
static void deed_directory(struct writer *w)
{
    char a[256];
    char b[256];
    char out[16];

    draw_path(w, a, sizeof(a), 'd');
    draw_path(w, b, sizeof(b), 'd');
    (void)snprintf(out, sizeof(out), "d%d", (int)draw(w, NAMES));
    switch (draw(w, 8)) {
    case 0:
        remove_tree(w->in, a);
        return;
    case 1:
        (void)renameat(w->in, a, w->out, out);
        return;
    case 2:
        (void)renameat(w->out, out, w->in, b);
        return;
    case 3:
    case 4:
        (void)renameat2(w->in, a, w->in, b, RENAME_EXCHANGE);
        return;
    default:
        make_parents(w->in, b);
        (void)renameat(w->in, a, w->in, b);
        return;
    }
}

/* One random deed. */
static void deed(struct writer *w)
{
    const uint64_t kind = draw(w, 10);

    if (kind < 5) {
        deed_make(w);
    } else if (kind < 7) {
        deed_file(w);
    } else {
        deed_directory(w);
    }
}

/* A writer. */
static void *storm(void *arg)
{
    struct writer *w = arg;

    for (int i = 0; i < STORM_OPS; i++) {
        deed(w);
    }
    return NULL;
}

/* The directories of a storm: "in" is watched, "out" is not. */
static void make_places(int *ret_in, int *ret_out)
{
    remove_tree(scratch_fd(), "in");
    remove_tree(scratch_fd(), "out");
    scratch_mkdir("in");
    scratch_mkdir("out");
    *ret_in = openat(scratch_fd(), "in", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *ret_out = openat(scratch_fd(), "out", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(*ret_in >= 0 && *ret_out >= 0);
}

static enum watch_with with;   /* how the storms that run are watched */
static const char *queue_file; /* that tells the length of the kernel's queue */

/* How a storm is to be watched. */
struct manner {
    bool late_start;  /* begin to watch in its middle */
    bool stall;       /* the taker sleeps now and then */
    bool small_queue; /* of the kernel's, so that it overflows */
    unsigned threads;
    size_t listings_ahead;
};

static uint64_t overflows; /* since it was set to 0 */

/* Begin to watch. */
static struct oracle *begin(const struct watchers_options *opt, bool small_queue)
{
    return small_queue ? oracle_new_small_queue(opt, queue_file) : oracle_new(opt);
}

/* One storm; true if all that is on the disk was reported and nothing else. */
static bool one_storm(uint64_t seed, const struct manner *m)
{
    char path[PATH_MAX];
    struct watch_root root = {.path = path, .with = with};
    const struct watchers_options opt = {.roots = &root,
                                         .root_count = 1,
                                         .scan_threads = m->threads,
                                         .listings_ahead = m->listings_ahead};
    struct writer writers[WRITERS];
    struct oracle *o = NULL;
    const struct timespec stall = {.tv_nsec = STALL_NS};
    struct watch_stats stats;
    int in, out;
    bool good;

    make_places(&in, &out);
    (void)snprintf(path, sizeof(path), "%s/in", scratch_path());
    if (!m->late_start) {
        o = begin(&opt, m->small_queue);
    }
    for (int i = 0; i < WRITERS; i++) {
        writers[i] =
            (struct writer){.seed = seed * 1000003 + (uint64_t)i * 7919 + 1, .in = in, .out = out};
        assert_int_equal(pthread_create(&writers[i].thread, NULL, storm, &writers[i]), 0);
    }
    if (m->late_start) {
        o = begin(&opt, m->small_queue);
    }
    for (int i = 0; i < 3 && m->stall; i++) {
        oracle_take(o, 1);
        (void)nanosleep(&stall, NULL);
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(writers[i].thread, NULL);
    }
    good = oracle_settle(o, 0, path, SETTLE_MS);
    if (!good) {
        print_message("the storm of SEED=%llu\n", (unsigned long long)seed);
    }
    watchers_stats(oracle_watchers(o), 0, &stats);
    overflows += stats.overflows;
    print_message("%llu directories, %llu events, %llu overflows\n",
                  (unsigned long long)stats.directories, (unsigned long long)stats.events,
                  (unsigned long long)stats.overflows);
    oracle_free(o);
    (void)close(in);
    (void)close(out);
    return good;
}

/* A number from the environment. */
static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

/* Storms in one manner. */
static void storms(const struct manner *m)
{
    const uint64_t first = number("SEED", 1);
    const uint64_t count = number("SEEDS", 1);

    for (uint64_t seed = first; seed < first + count; seed++) {
        assert_true(one_storm(seed, m));
    }
}

static void test_storm(void **state)
{
    (void)state;
    storms(&(struct manner){.threads = 8});
}

static void test_storm_with_one_thread(void **state)
{
    (void)state;
    storms(&(struct manner){.threads = 1, .listings_ahead = 1, .stall = true});
}

static void test_start_in_a_storm(void **state)
{
    (void)state;
    storms(&(struct manner){.threads = 4, .late_start = true});
}

static void test_storm_that_overflows(void **state)
{
    (void)state;
    overflows = 0;
    storms(&(struct manner){.threads = 8, .small_queue = true, .stall = true});
    storms(&(struct manner){.threads = 2, .small_queue = true, .late_start = true});
    assert_true(overflows > 0);
}

int main(void)
{
    int failed;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_storm, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_storm_with_one_thread, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(test_start_in_a_storm, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_storm_that_overflows, scratch_setup, scratch_teardown),
    };

    with = WATCH_INOTIFY;
    queue_file = INOTIFY_QUEUE_FILE;
    failed = cmocka_run_group_tests_name("inotify", tests, NULL, NULL);
    with = WATCH_FANOTIFY;
    queue_file = FANOTIFY_QUEUE_FILE;
    return failed +
           (fanotify_is_allowed() ? cmocka_run_group_tests_name("fanotify", tests, NULL, NULL) : 0);
}
