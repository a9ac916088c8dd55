/*
 * What watching costs, beside a bare loop over the system calls on the same tree in the same run.
 *
 *   bench_watch [directories [files in each [files written live]]]
 *
 * Wall times of a shared machine vary; the ratios tell.
 */
#include "base/clock.h"
#include "watchers/watchers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FAN_OUT   50 /* directories in a directory */
#define RAW_MASK  (IN_ALL_EVENTS & ~(IN_ACCESS | IN_OPEN | IN_CLOSE_NOWRITE))
#define READ_SIZE 65536

static char top[1024];
static unsigned long directories = 5000;
static unsigned long files = 10;
static unsigned long live = 20000;

/* Seconds of a clock. */
static double seconds(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* End with a message. */
static void die(const char *what)
{
    perror(what);
    exit(2);
}

/* The path of the n-th directory. */
static void directory_path(unsigned long n, char *out, size_t size)
{
    (void)snprintf(out, size, "%s/group_%04lu/dir_%06lu", top, n / FAN_OUT, n);
}

/* Make the tree. */
static void make_tree(void)
{
    char path[PATH_MAX];

    for (unsigned long n = 0; n < directories; n++) {
        (void)snprintf(path, sizeof(path), "%s/group_%04lu", top, n / FAN_OUT);
        if (mkdir(path, 0755) != 0 && errno != EEXIST) {
            die(path);
        }
        directory_path(n, path, sizeof(path));
        if (mkdir(path, 0755) != 0) {
            die(path);
        }
        const size_t length = strlen(path);

        for (unsigned long i = 0; i < files; i++) {
            (void)snprintf(path + length, sizeof(path) - length, "/image_%06lu.jpg", i);
            const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

            if (fd < 0) {
                die(path);
            }
            (void)close(fd);
        }
    }
}

/* The floor: watch (fd >= 0), list and stat one directory and those beneath. Returns the files. */
static unsigned long raw_walk(int notify_fd, const char *path)
{
    char below[PATH_MAX];
    unsigned long count = 0;
    DIR *d = opendir(path);
    struct dirent *e;

    if (d == NULL) {
        die(path);
    }
    if (notify_fd >= 0 && inotify_add_watch(notify_fd, path, RAW_MASK) < 0) {
        die("inotify_add_watch");
    }
    while ((e = readdir(d)) != NULL) {
        struct stat st;

        if (e->d_name[0] == '.') {
            continue;
        }
        (void)fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW);
        if (e->d_type == DT_DIR) {
            (void)snprintf(below, sizeof(below), "%.3000s/%s", path, e->d_name);
            count += raw_walk(notify_fd, below);
        } else {
            count++;
        }
    }
    (void)closedir(d);
    return count;
}

/* Take hints until one of this kind came; returns how many files the listings held. */
static unsigned long take_until(struct watchers *w, enum hint_kind kind)
{
    unsigned long count = 0;
    bool done = false;

    while (!done) {
        struct pollfd p = {.fd = watchers_fd(w), .events = POLLIN};
        struct hint *h = watchers_next(w, true);

        if (h == NULL) {
            (void)poll(&p, 1, -1);
            continue;
        }
        for (size_t i = 0; h->kind == HINT_LISTING && i < h->listing->count; i++) {
            count += h->listing->entries[i].st.kind == FILE_REGULAR;
        }
        done = h->kind == kind;
        hint_free(h);
    }
    return count;
}

/* Wall and processor time of something. */
struct span_of_time {
    double wall;
    double cpu;
};

/* Begin to measure. */
static struct span_of_time begin(void)
{
    return (struct span_of_time){seconds(CLOCK_MONOTONIC), seconds(CLOCK_PROCESS_CPUTIME_ID)};
}

/* End. */
static struct span_of_time since(struct span_of_time from)
{
    const struct span_of_time now = begin();

    return (struct span_of_time){now.wall - from.wall, now.cpu - from.cpu};
}

/* Thread: write files. */
static void *write_live(void *arg)
{
    char path[PATH_MAX];
    char dir[2048];

    for (unsigned long i = 0; i < live; i++) {
        directory_path(i % directories, dir, sizeof(dir));
        (void)snprintf(path, sizeof(path), "%s/%s_%06lu.jpg", dir, (const char *)arg, i);
        const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        if (fd >= 0) {
            (void)!write(fd, "x", 1);
            (void)close(fd);
        }
    }
    return NULL;
}

/* Write live, and take as many HINT_WRITTEN. The writer's own time is not counted as processor
 * time. */
static struct span_of_time live_watched(struct watchers *w)
{
    pthread_t thread;
    char name[] = "watched";
    struct span_of_time at = begin();
    clockid_t clock;

    if (pthread_create(&thread, NULL, write_live, name) != 0) {
        die("pthread_create");
    }
    (void)pthread_getcpuclockid(thread, &clock);
    for (unsigned long n = 0; n < live;) {
        struct pollfd p = {.fd = watchers_fd(w), .events = POLLIN};
        struct hint *h = watchers_next(w, true);

        if (h == NULL) {
            (void)poll(&p, 1, -1);
            continue;
        }
        n += h->kind == HINT_WRITTEN;
        hint_free(h);
    }
    at.cpu += seconds(clock);
    pthread_join(thread, NULL);
    return since(at);
}

/* Bare: write live, and read as many IN_CLOSE_WRITE. */
static struct span_of_time live_raw(int notify_fd)
{
    static _Alignas(struct inotify_event) char buffer[READ_SIZE];
    pthread_t thread;
    char name[] = "bare";
    struct span_of_time at = begin();
    clockid_t clock;

    if (pthread_create(&thread, NULL, write_live, name) != 0) {
        die("pthread_create");
    }
    (void)pthread_getcpuclockid(thread, &clock);
    for (unsigned long n = 0; n < live;) {
        const ssize_t got = read(notify_fd, buffer, sizeof(buffer));

        for (ssize_t i = 0; i < got;) {
            const struct inotify_event *ev = (const struct inotify_event *)(buffer + i);

            n += (ev->mask & IN_CLOSE_WRITE) != 0;
            i += (ssize_t)sizeof(*ev) + ev->len;
        }
    }
    at.cpu += seconds(clock);
    pthread_join(thread, NULL);
    return since(at);
}

/* One line of the result. */
static void print_line(const char *what, struct span_of_time ours, struct span_of_time bare,
                       double count, const char *unit)
{
    printf("%-22s %7.3f s (bare %7.3f, x%.2f)  cpu %7.3f s (bare %7.3f, x%.2f) %9.0f %s/s\n", what,
           ours.wall, bare.wall, ours.wall / bare.wall, ours.cpu, bare.cpu, ours.cpu / bare.cpu,
           count / ours.wall, unit);
}

/* nftw: remove. */
static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

/* The first scan, a scan again, live writing, memory; each beside bare system calls. */
static void measure(void)
{
    struct watch_root root = {.path = top};
    const struct watchers_options opt = {.roots = &root, .root_count = 1};
    struct watchers *w;
    struct watch_stats stats;
    struct span_of_time at, bare[3], ours[3];
    unsigned long count;
    size_t bytes;
    int fd = inotify_init1(IN_CLOEXEC);

    (void)raw_walk(-1, top); /* warm */
    at = begin();
    count = raw_walk(fd, top);
    bare[0] = since(at);
    at = begin();
    (void)raw_walk(-1, top);
    bare[1] = since(at);
    (void)close(fd);

    bytes = mallinfo2().uordblks + mallinfo2().hblkhd;
    at = begin();
    if (watchers_new(&opt, &w, NULL) != 0) {
        die("watchers_new");
    }
    (void)take_until(w, HINT_SCAN_DONE);
    ours[0] = since(at);
    bytes = mallinfo2().uordblks + mallinfo2().hblkhd - bytes;
    at = begin();
    if (watchers_rescan(w, 0, "") != 0) {
        die("watchers_rescan");
    }
    (void)take_until(w, HINT_SCAN_DONE);
    ours[1] = since(at);
    ours[2] = live_watched(w);
    watchers_stats(w, 0, &stats);
    watchers_free(w);

    fd = inotify_init1(IN_CLOEXEC);
    (void)raw_walk(fd, top);
    bare[2] = live_raw(fd);
    (void)close(fd);
    printf("%lu directories, %lu files, %llu watches\n", directories, count,
           (unsigned long long)stats.watches);
    print_line("watch and list", ours[0], bare[0], (double)stats.directories, "dirs");
    print_line("list again", ours[1], bare[1], (double)count, "files");
    print_line("live, 3 events a file", ours[2], bare[2], (double)live * 3, "events");
    printf("%-22s %7.2f us of processor time an event (bare %.2f), %llu overflows\n", "",
           ours[2].cpu / (double)live / 3 * 1e6, bare[2].cpu / (double)live / 3 * 1e6,
           (unsigned long long)stats.overflows);
    printf("%-22s %7zu bytes a directory (malloc, the library's with it)\n", "memory",
           bytes / (size_t)stats.directories);
}

int main(int argc, char **argv)
{
    const char *tmp = getenv("TMPDIR");

    directories = argc > 1 ? strtoul(argv[1], NULL, 10) : directories;
    files = argc > 2 ? strtoul(argv[2], NULL, 10) : files;
    live = argc > 3 ? strtoul(argv[3], NULL, 10) : live;
    (void)snprintf(top, sizeof(top), "%s/lockstep-bench-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    if (directories == 0 || mkdtemp(top) == NULL) {
        die("mkdtemp");
    }
    make_tree();
    measure();
    return nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : 2;
}
