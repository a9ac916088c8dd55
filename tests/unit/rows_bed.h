/*
 * What the tests of the table of rows share: paths n0, n1, ..., files, and what a pass takes.
 */
#ifndef LOCKSTEP_TESTS_ROWS_BED_H
#define LOCKSTEP_TESTS_ROWS_BED_H

#include "tests/unit/unit.h"

#include "agent/core/rows.h"

#include <stdlib.h>

#define NAMES 8
#define NONE  (-1)

/* An inode, of which nothing more is known. */
static inline struct file_id plain(uint64_t ino)
{
    return (struct file_id){.ino = ino};
}

/* A file of which more is known. */
static inline struct file_id born(uint64_t ino, int64_t born_ns)
{
    return (struct file_id){.ino = ino, .born_ns = born_ns};
}

/* A batch of changes to the list. */
struct batch {
    int to[NAMES]; /* by old name: new one, NONE: dropped, NAMES: no change */
};

static inline int gather(void *arg, const char *from, const char *to)
{
    struct batch *b = arg;

    b->to[atoi(from + 1)] = to ? atoi(to + 1) : NONE;
    return 0;
}

static inline int ignore(void *arg, const char *image, const char *at)
{
    (void)arg;
    (void)image;
    (void)at;
    return 0;
}

#endif
