/*
 * What the tests of live watching share: a tree to change, and an oracle that takes the hints.
 */
#ifndef LOCKSTEP_TESTS_UNIT_WATCH_BED_H
#define LOCKSTEP_TESTS_UNIT_WATCH_BED_H

#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"
#include "tests/unit/watch_oracle.h"

#include "base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SOON_MS    3000 /* for what comes at once, on a machine that is busy */
#define SETTLE_MS  8000
#define BURST_RUNS 200

static char in_path[PATH_MAX];
static struct oracle *o;
static enum watch_with with; /* how the tests that run watch */

/* Watch "in" with these options and take the first scan. */
static inline void watch(struct watchers_options opt)
{
    struct watch_root root = {.path = in_path, .with = with};

    opt.roots = &root;
    opt.root_count = 1;
    o = oracle_new(&opt);
    assert_true(oracle_until(o, HINT_SCAN_DONE, 0, "", SOON_MS));
    oracle_forget(o);
}

/* A scratch directory with "in", not watched yet. */
static inline int setup(void **state)
{
    if (scratch_setup(state) != 0) {
        return -1;
    }
    scratch_mkdir("in");
    (void)snprintf(in_path, sizeof(in_path), "%s/in", scratch_path());
    o = NULL;
    return 0;
}

static inline int teardown(void **state)
{
    if (o != NULL) {
        oracle_free(o);
    }
    (void)umount2(in_path, MNT_DETACH); /* of a test that failed; else nothing is mounted */
    return scratch_teardown(state);
}

/* rename below the scratch directory. */
static inline void move(const char *from, const char *to)
{
    assert_int_equal(renameat(scratch_fd(), from, scratch_fd(), to), 0);
}

/* rm, rmdir. */
static inline void drop(const char *name, int flags)
{
    assert_int_equal(unlinkat(scratch_fd(), name, flags), 0);
}

/* The taker's belief agrees with the disk. */
static inline void assert_settled(void)
{
    assert_true(oracle_settle(o, 0, in_path, SETTLE_MS));
}

/* Such a hint comes soon. */
static inline void assert_comes(enum hint_kind kind, const char *path)
{
    if (!oracle_until(o, kind, 0, path, SOON_MS)) {
        fail_msg("no hint of kind %d for \"%s\"", (int)kind, path);
    }
}

static inline struct watch_stats stats_of(unsigned root)
{
    struct watch_stats s;

    watchers_stats(oracle_watchers(o), root, &s);
    return s;
}

#endif
