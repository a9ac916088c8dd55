/*
 * A disk and a memory that fail on command, for tests that are linked with
 * --wrap=fdatasync,fsync,pwrite,pread,fallocate,realloc,calloc.
 *
 * A file whose fdatasync failed loses what it had not synced, as a kernel may drop the pages; calls
 * on it after that are counted. A pwrite never takes more than about half of what it is given.
 */
#ifndef LOCKSTEP_TESTS_FAILING_DISK_H
#define LOCKSTEP_TESTS_FAILING_DISK_H

#include "tests/unit/journal_dir.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define FILES_MAX 256

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
    _Atomic unsigned calls; /* several threads may read */
    unsigned first, last;
};

/* What becomes of bytes that were not synced when a process dies. */
enum death {
    DEATH_NONE,
    DEATH_KEEPS, /* kill -9: the kernel has them */
    DEATH_CUTS,  /* power: the files end where they were synced */
    DEATH_ZEROES /* power: the sizes are there, the bytes are not */
};

struct world {
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
};

extern struct world world;

/* world_reset(): nothing fails, nothing is known. fail_calls(p, first, last): number the calls of
 * this plan anew; those from first to last fail. */
void world_reset(void);
void fail_calls(struct plan *p, unsigned first, unsigned last);

/* disk_hold(hold): each fdatasync waits until this is taken back. disk_await(): until one waits. */
void disk_hold(bool hold);
void disk_await(void);

/* test_all_there(d, records): so many are, verify finds no fault, and no file that had failed was
 * touched again. */
void test_all_there(const struct test_dir *d, uint64_t records);

/* A writer's life on this disk, and what must hold for whoever comes after it. */
struct test_life {
    void (*live)(const struct test_dir *d,
                 uint64_t *acknowledged); /* the last record that is safe */
    void (*after)(const struct test_dir *d, uint64_t acknowledged);
    unsigned least_calls, least_deaths; /* a life makes more calls than these */
};

/* test_every_failure(life, plan, error, for_ever): for every n, the n-th call of the plan fails
 * (and all that follow). test_every_death(life, death): for every n, the n-th call is the last.
 * Until a life is over before that. */
void test_every_failure(const struct test_life *life, struct plan *plan, int error, bool for_ever);
void test_every_death(const struct test_life *life, enum death death);

#endif
