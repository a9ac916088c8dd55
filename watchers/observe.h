/*
 * What is at a path below a root. Shell.
 */
#ifndef LOCKSTEP_WATCHERS_OBSERVE_H
#define LOCKSTEP_WATCHERS_OBSERVE_H

#include "watchers/place.h"

/* observe(root, path, scratch, ret): stat as tree_stat, but nothing is concluded across a mount
 * (-EXDEV), below a root that was removed (-ESTALE), nor of a name that the kernel remembers as
 * absent while the directory lists it (-EAGAIN). What other hosts changed shows at once. scratch
 * has POOL_SCRATCH_BYTES. 0 or -errno (*ret untouched). */
int observe(const struct place_root *root, const char *path, void *scratch, struct file_stat *ret)
    __attribute__((warn_unused_result));

/* A path, and what observe says of it. */
struct observation {
    const char *path; /* borrowed */
    int code;
    struct file_stat st; /* if code is 0 */
};

/* observe_is_quick(root): the kernel knows what is there: nobody else writes, and what it remembers
 * as absent is. Of the root's kind, so the same for its whole life. */
bool observe_is_quick(const struct place_root *root);

/* observe_each(root, each, n, scratch): observe for each. Where neighbours lie in one directory,
 * and no other host writes there, that is opened once for them; if it is another one afterwards,
 * each is looked at by itself. (Who moves a directory away and back meanwhile may have one of its
 * files seen as it was on the way; the events of that have it looked at again.) */
void observe_each(const struct place_root *root, struct observation *each, size_t n, void *scratch);

#endif
