/*
 * A list looked at without reading it: is it still what it was when somebody read it? Shell.
 *
 * Times tell that only where they cannot lie: two writes within one grain of the clock have the
 * same time, a write that is under way has its time from when it began, and what a mapping changes
 * may get none for long. So a stat says which content there is only if, when that was read, nobody
 * had the file open for writing, and the last change was further back than any grain. After such a
 * reading every change gives another stat.
 */
#ifndef LOCKSTEP_LISTS_GLANCE_H
#define LOCKSTEP_LISTS_GLANCE_H

#include "base/tree.h"

#include <stdbool.h>

struct glance {
    struct file_stat st;
    bool at_rest; /* what is read from now on, with this stat before and after it, is what every
                     file with this stat has */
};

/* lst_glance(root_fd, path, ret): 0, -errno, ERR_NOT_FILE. Whether nobody writes is asked with a
 * lease that is held for an instant (held.h); without leases at_rest is false. */
int lst_glance(int root_fd, const char *path, struct glance *ret)
    __attribute__((warn_unused_result));

/* glance_is_old(st, now_us): the last change is so far back that the next one has another time. */
bool glance_is_old(const struct file_stat *st, int64_t now_us);

#endif
