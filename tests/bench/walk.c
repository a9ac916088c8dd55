/*
 * The bare walk of a tree by threads: getdents and statx of all beneath. See walk.h.
 */
#include "tests/bench/walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* Seconds of the clock. */
static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* End with a message. */
static void exit_saying(const char *what)
{
    perror(what);
    exit(2);
}

/* Directories that threads of the bare walk take in turn. */
static struct {
    pthread_mutex_t lock;
    char **paths;
    size_t count, cap, busy;
    unsigned long files;
} heap = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Add a directory to the heap; the lock is held. */
static void heap_add(const char *path)
{
    if (heap.count == heap.cap) {
        heap.cap = heap.cap * 2 + 64;
        heap.paths = reallocarray(heap.paths, heap.cap, sizeof(char *));
        if (heap.paths == NULL) {
            exit_saying("memory");
        }
    }
    heap.paths[heap.count++] = strdup(path);
}

/* List and stat one directory. */
static void walk_one(const char *path)
{
    char below[PATH_MAX];
    DIR *d = opendir(path);
    struct dirent *e;
    unsigned long count = 0;

    if (d == NULL) {
        exit_saying(path);
    }
    while ((e = readdir(d)) != NULL) {
        struct stat st;

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) {
            continue;
        }
        (void)fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW);
        count += e->d_type == DT_REG;
        if (e->d_type == DT_DIR) {
            (void)snprintf(below, sizeof(below), "%.3000s/%s", path, e->d_name);
            pthread_mutex_lock(&heap.lock);
            heap_add(below);
            pthread_mutex_unlock(&heap.lock);
        }
    }
    (void)closedir(d);
    pthread_mutex_lock(&heap.lock);
    heap.files += count;
    heap.busy--;
    pthread_mutex_unlock(&heap.lock);
}

/* Thread of the bare walk. */
static void *walk_some(void *arg)
{
    for (;;) {
        char *path = NULL;
        bool done;

        pthread_mutex_lock(&heap.lock);
        done = heap.count == 0 && heap.busy == 0;
        if (heap.count > 0) {
            path = heap.paths[--heap.count];
            heap.busy++;
        }
        pthread_mutex_unlock(&heap.lock);
        if (done) {
            return arg;
        }
        if (path == NULL) {
            (void)poll(NULL, 0, 1);
            continue;
        }
        walk_one(path);
        free(path);
    }
}

int walk_bare(const char *path, int threads)
{
    pthread_t ids[64];
    const double at = seconds();

    threads = threads < 1 ? 1 : threads > 64 ? 64 : threads;
    heap_add(path);
    for (int i = 0; i < threads; i++) {
        if (pthread_create(&ids[i], NULL, walk_some, NULL) != 0) {
            exit_saying("pthread_create");
        }
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
    }
    printf("%.3f %lu\n", seconds() - at, heap.files);
    return 0;
}
