/*
 * What watching costs, beside a bare loop over the system calls on the same tree in the same run.
 *
 *   bench_watch [directories [files in each [files written live]]]
 *   bench_watch --walk DIRECTORY THREADS     the floor alone: getdents and statx of all beneath
 *
 * Wall times of a shared machine vary; the ratios tell. Medians of three runs; cold ones once. As
 * root it raises fs.inotify.max_user_watches while it places watches, and max_queued_events for as
 * long as an instance of inotify takes to be made (it is read then), and drops the page cache.
 */
#include "base/clock.h"
#include "tests/bench/walk.h"
#include "watchers/notify.h"
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
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FAN_OUT   50 /* directories in a directory */
#define RAW_MASK  (IN_ALL_EVENTS & ~(IN_ACCESS | IN_OPEN | IN_CLOSE_NOWRITE))
#define READ_SIZE 65536
#define RUNS      3
#define CHURNED   100000
#define QUEUED    1000000
#define QUEUE_MAX 1100000

#define WATCHES_FILE "/proc/sys/fs/inotify/max_user_watches"
#define QUEUE_FILE   "/proc/sys/fs/inotify/max_queued_events"
#define CACHES_FILE  "/proc/sys/vm/drop_caches"

static char top[1024];
static unsigned long directories = 150000;
static unsigned long files = 0;
static unsigned long live = 200000;

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

/* Write a setting of the kernel; false without the right to. `before` (32 bytes): what it was. */
static bool setting(const char *file, const char *value, char *before)
{
    const int fd = open(file, before == NULL ? O_WRONLY | O_CLOEXEC : O_RDWR | O_CLOEXEC);
    bool good = fd >= 0;

    if (good && before != NULL) {
        const ssize_t n = pread(fd, before, 31, 0);

        good = n > 0;
        before[n > 0 ? n : 0] = '\0';
    }
    good = good && pwrite(fd, value, strlen(value), 0) == (ssize_t)strlen(value);
    if (fd >= 0) {
        (void)close(fd);
    }
    return good;
}

/* qsort: numbers. */
static int compare_spans(const void *a, const void *b)
{
    const struct span_of_time *x = a;
    const struct span_of_time *y = b;

    return x->wall < y->wall ? -1 : x->wall > y->wall;
}

/* The middle one of RUNS. */
static struct span_of_time median(struct span_of_time *runs)
{
    qsort(runs, RUNS, sizeof(*runs), compare_spans);
    return runs[RUNS / 2];
}

/* What is allocated now. */
static size_t allocated(void)
{
    const struct mallinfo2 m = mallinfo2();

    return m.uordblks + m.hblkhd;
}

/* Kilobytes of the kernel's own memory that are in use. */
static long kernel_kb(void)
{
    FILE *f = fopen("/proc/meminfo", "re");
    char line[128];
    long total = 0;

    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, "SUnreclaim:", 11) == 0) {
            total += strtol(line + 11, NULL, 10);
        }
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    return total;
}

/* Begin to watch, until all is placed and listed. */
static struct watchers *watch_all(enum watch_with with, struct span_of_time *ret)
{
    struct watch_root root = {.path = top, .with = with};
    const struct watchers_options opt = {.roots = &root, .root_count = 1};
    const struct span_of_time at = begin();
    struct watchers *w;

    if (watchers_new(&opt, &w, NULL) != 0) {
        die("watchers_new");
    }
    (void)take_until(w, HINT_SCAN_DONE);
    *ret = since(at);
    return w;
}

/* The same, bare, on one thread. */
static struct span_of_time watch_bare(unsigned long *ret_files)
{
    const int fd = inotify_init1(IN_CLOEXEC);
    const struct span_of_time at = begin();
    struct span_of_time took;

    *ret_files = raw_walk(fd, top);
    took = since(at);
    (void)close(fd);
    return took;
}

/* Can these watches be had here? */
static bool is_possible(enum watch_with with)
{
    struct watch_root root = {.path = top, .with = with};
    const struct watchers_options opt = {.roots = &root, .root_count = 1};
    struct watchers *w = NULL;

    if (watchers_new(&opt, &w, NULL) != 0) {
        return false;
    }
    watchers_free(w);
    return true;
}

/* Placing watches, warm and cold, and listing again. */
static void measure_scans(enum watch_with with)
{
    struct span_of_time bare[RUNS], ours[RUNS], bare_list[RUNS], list[RUNS], cold_bare, cold;
    struct watchers *w;
    struct watch_stats stats = {0};
    unsigned long count = 0;
    size_t bytes = 0;
    long kernel = 0;

    (void)raw_walk(-1, top); /* warm */
    for (int i = 0; i < RUNS; i++) {
        struct span_of_time at;

        bare[i] = watch_bare(&count);
        at = begin();
        (void)raw_walk(-1, top);
        bare_list[i] = since(at);
        malloc_trim(0);
        bytes = allocated();
        kernel = kernel_kb();
        w = watch_all(with, &ours[i]);
        bytes = allocated() - bytes;
        kernel = kernel_kb() - kernel;
        at = begin();
        if (watchers_rescan(w, 0, "") != 0) {
            die("watchers_rescan");
        }
        (void)take_until(w, HINT_SCAN_DONE);
        list[i] = since(at);
        watchers_stats(w, 0, &stats);
        watchers_free(w);
    }
    printf("%lu directories, %lu files, %llu watches, medians of %d runs\n", directories, count,
           (unsigned long long)stats.watches, RUNS);
    print_line("place, warm", median(ours), median(bare), (double)stats.directories, "dirs");
    print_line("list again", median(list), median(bare_list), (double)(count + directories),
               "names");
    printf("%-22s %7zu bytes a directory (malloc, the library's with it), %ld of the kernel's "
           "(SUnreclaim of the whole machine)\n",
           "memory", bytes / (size_t)stats.directories, kernel * 1024 / (long)stats.directories);
    if (!setting(CACHES_FILE, "3", NULL)) {
        printf("%-22s not measured: no right to drop the caches\n", "place, cold");
        return;
    }
    cold_bare = watch_bare(&count);
    (void)setting(CACHES_FILE, "3", NULL);
    w = watch_all(with, &cold);
    watchers_free(w);
    print_line("place, cold", cold, cold_bare, (double)stats.directories, "dirs");
}

/* An instance of inotify whose queue is long enough, by `make`. False without the right to. */
static bool with_long_queue(int (*make)(void), int *ret_fd)
{
    char before[32], value[32];

    (void)snprintf(value, sizeof(value), "%d", QUEUE_MAX);
    if (!setting(QUEUE_FILE, value, before)) {
        return false;
    }
    *ret_fd = make();
    (void)setting(QUEUE_FILE, before, NULL);
    return true;
}

static int make_bare(void)
{
    return inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
}

static int make_ours(void)
{
    int fd = -1;

    return notify_start(&fd) == 0 ? fd : -1;
}

/* QUEUED events of two files in turn, so that none are merged. */
static void queue_events(int dir)
{
    static const char *const names[2] = {"one", "two"};

    for (int i = 0; i < QUEUED; i++) {
        (void)utimensat(dir, names[i % 2], NULL, 0);
    }
}

/* Drain a long queue with read(2) alone. */
static struct span_of_time drain_bare(int dir, int fd, unsigned long *ret_count)
{
    static _Alignas(struct inotify_event) char buffer[READ_SIZE];
    struct span_of_time at;
    ssize_t got;

    if (inotify_add_watch(fd, top, RAW_MASK) < 0) {
        die("inotify_add_watch");
    }
    queue_events(dir);
    *ret_count = 0;
    at = begin();
    while ((got = read(fd, buffer, sizeof(buffer))) > 0) {
        for (ssize_t i = 0; i < got; ++*ret_count) {
            i += (ssize_t)sizeof(struct inotify_event) +
                 ((const struct inotify_event *)(buffer + i))->len;
        }
    }
    at = since(at);
    (void)close(fd);
    return at;
}

/* The same as the reader thread does it. */
static struct span_of_time drain_ours(int dir, unsigned long *ret_count)
{
    struct raw_event ev;
    struct span_of_time at;
    int wd;

    if (notify_place(dir, &wd) != 0) {
        die("notify_place");
    }
    queue_events(dir);
    *ret_count = 0;
    at = begin();
    while (notify_next(&ev)) {
        ++*ret_count;
    }
    at = since(at);
    notify_stop();
    return at;
}

/* Draining a queue of QUEUED events. */
static void measure_drain(void)
{
    const int dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct span_of_time bare[RUNS], ours[RUNS];
    unsigned long counts[2] = {0};

    (void)close(openat(dir, "one", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    (void)close(openat(dir, "two", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    for (int i = 0; i < RUNS; i++) {
        int fd;

        if (!with_long_queue(make_bare, &fd)) {
            printf("%-22s not measured: no right to make the queue long enough\n", "drain");
            (void)close(dir);
            return;
        }
        bare[i] = drain_bare(dir, fd, &counts[0]);
        if (!with_long_queue(make_ours, &fd) || fd < 0) {
            die("notify_start");
        }
        ours[i] = drain_ours(dir, &counts[1]);
    }
    (void)close(dir);
    if (counts[0] < QUEUED || counts[1] < QUEUED) {
        printf("%-22s %lu and %lu of %d events\n", "drain: LOST", counts[1], counts[0], QUEUED);
    }
    print_line("drain a full queue", median(ours), median(bare), QUEUED, "events");
}

/* Processor seconds of the thread with this name. */
static double thread_seconds(const char *name)
{
    DIR *d = opendir("/proc/self/task");
    struct dirent *e;
    double found = 0;

    while (d != NULL && (e = readdir(d)) != NULL) {
        char file[300], text[64] = "";
        int fd;

        (void)snprintf(file, sizeof(file), "/proc/self/task/%.200s/comm", e->d_name);
        fd = open(file, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0 ||
            strncmp(text, name, strlen(name)) != 0) {
            (void)close(fd);
            continue;
        }
        (void)close(fd);
        (void)snprintf(file, sizeof(file), "/proc/self/task/%.200s/schedstat", e->d_name);
        fd = open(file, O_RDONLY | O_CLOEXEC);
        memset(text, 0, sizeof(text));
        if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0) {
            found = strtod(text, NULL) / 1e9;
        }
        (void)close(fd);
    }
    if (d != NULL) {
        (void)closedir(d);
    }
    return found;
}

/* Files that come to be and are written while the tree is watched, with the queue as it is. */
static void measure_live(enum watch_with with)
{
    struct span_of_time ours, bare, placed;
    struct watchers *w = watch_all(with, &placed);
    struct watch_stats stats;
    double reader;
    unsigned long count;
    int fd;

    reader = thread_seconds("watch-reader");
    ours = live_watched(w);
    reader = thread_seconds("watch-reader") - reader;
    watchers_stats(w, 0, &stats);
    watchers_free(w);
    fd = inotify_init1(IN_CLOEXEC);
    count = raw_walk(fd, top);
    bare = live_raw(fd);
    (void)close(fd);
    print_line("live, 3 events a file", ours, bare, (double)live * 3, "events");
    printf("%-22s %7.2f us an event in the reader thread, %.2f in all threads (bare %.2f)\n", "",
           reader / (double)live / 3 * 1e6, ours.cpu / (double)live / 3 * 1e6,
           bare.cpu / (double)live / 3 * 1e6);
    printf("%-22s %7llu overflows, %lu files\n", "", (unsigned long long)stats.overflows, count);
}

/* Take all hints until there is nothing more to come. */
static void take_to_rest(struct watchers *w)
{
    struct pollfd p = {.fd = watchers_fd(w), .events = POLLIN};

    do {
        for (struct hint *h = watchers_next(w, true); h != NULL; h = watchers_next(w, true)) {
            hint_free(h);
        }
    } while (poll(&p, 1, 1000) == 1 || watchers_busy(w)); /* half a second waits for renames */
}

/* Make and remove so many directories. */
static void churn(struct watchers *w, unsigned long count)
{
    char path[PATH_MAX];

    for (unsigned long i = 0; i < count; i++) {
        (void)snprintf(path, sizeof(path), "%s/churned_%06lu", top, i);
        if (mkdir(path, 0755) != 0 || rmdir(path) != 0) {
            die(path);
        }
        for (struct hint *h = i % 100 == 99 ? watchers_next(w, true) : NULL; h != NULL;
             h = watchers_next(w, true)) {
            hint_free(h);
        }
    }
    take_to_rest(w);
}

/* What remains in memory of directories that came and went. */
static void measure_growth(enum watch_with with)
{
    struct span_of_time placed;
    struct watchers *w = watch_all(with, &placed);
    size_t bytes;

    churn(w, CHURNED); /* tables grow to the size that so many at a time need, and keep it */
    bytes = allocated();
    churn(w, CHURNED);
    printf("%-22s %7ld bytes over %d mkdir and rmdir, after as many\n", "growth",
           (long)(allocated() - bytes), CHURNED);
    watchers_free(w);
}

/* The same in a process whose threads keep no freed memory for themselves, which would count. */
static void measure_growth_apart(const char *with)
{
    pid_t pid;

    (void)fflush(stdout);
    pid = fork();
    if (pid == 0) {
        (void)setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1);
        (void)execl("/proc/self/exe", "bench_watch", "--growth", with, top, (char *)NULL);
        _exit(2);
    }
    if (pid < 0 || waitpid(pid, NULL, 0) < 0) {
        die("fork");
    }
}

int main(int argc, char **argv)
{
    const char *tmp = getenv("TMPDIR");
    char before[32] = "", wanted[32];

    if (argc == 4 && strcmp(argv[1], "--walk") == 0) {
        return walk_bare(argv[2], atoi(argv[3]));
    }
    if (argc == 4 && strcmp(argv[1], "--growth") == 0) {
        (void)snprintf(top, sizeof(top), "%s", argv[3]);
        measure_growth(strcmp(argv[2], "fanotify") == 0 ? WATCH_FANOTIFY : WATCH_INOTIFY);
        return 0;
    }
    directories = argc > 1 ? strtoul(argv[1], NULL, 10) : directories;
    files = argc > 2 ? strtoul(argv[2], NULL, 10) : files;
    live = argc > 3 ? strtoul(argv[3], NULL, 10) : live;
    (void)snprintf(top, sizeof(top), "%s/lockstep-bench-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    if (directories == 0 || mkdtemp(top) == NULL) {
        die("mkdtemp");
    }
    make_tree();
    (void)snprintf(wanted, sizeof(wanted), "%lu", directories * 2 + 500000);
    if (!setting(WATCHES_FILE, wanted, before)) {
        before[0] = '\0';
    }
    printf("inotify\n");
    measure_scans(WATCH_INOTIFY);
    measure_live(WATCH_INOTIFY);
    measure_growth_apart("inotify");
    measure_drain();
    if (is_possible(WATCH_FANOTIFY)) {
        printf("fanotify (bare: inotify)\n");
        measure_scans(WATCH_FANOTIFY);
        measure_live(WATCH_FANOTIFY);
        measure_growth_apart("fanotify");
    } else {
        printf("fanotify: not possible here\n");
    }
    if (before[0] != '\0') {
        (void)setting(WATCHES_FILE, before, NULL);
    }
    return nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : 2;
}
