/*
 * A tree's files in the order of their keys. Shell.
 *
 * Directories are read depth first, their names sorted as S3 sorts keys. Memory: the names of the
 * directories on the way down to the current file.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_WALK_H
#define LOCKSTEP_AGENT_SERVICE_WALK_H

#include "base/tree.h"
#include "watchers/watchers.h"

struct walk;

/* One file. */
struct walk_file {
    const char *path;    /* below the root; valid until the next call */
    struct file_stat st; /* a regular file's, where code is 0 */
    int code;            /* it could not be looked at; or a directory (path) could not be read */
};

/* walk_open(root_fd, filter, ret): both are borrowed. with_stat: files are looked at; without it
 * only what kind they are is known (names that serve as a guess). 0 or -errno. */
int walk_open(int root_fd, const struct watch_filter *filter, bool with_stat, struct walk **ret)
    __attribute__((warn_unused_result));

/* walk_next(w, ret): 1 and the next regular file, or something that cannot be looked at; 0 at the
 * end; -ENOMEM. */
int walk_next(struct walk *w, struct walk_file *ret) __attribute__((warn_unused_result));
void walk_close(struct walk *w);

#endif
