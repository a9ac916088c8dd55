/*
 * A manifest as a file of the agent's own, made of a list, from which it is sent. Shell: on the
 * thread that reads lists.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_MANIFEST_FILE_H
#define LOCKSTEP_AGENT_SERVICE_MANIFEST_FILE_H

#include "base/digest.h"
#include "base/err.h"
#include "base/tree.h"
#include "watchers/watchers.h"

#define MANIFEST_FILE_SIZE SHA256_HEX /* of its name */

struct manifest_order {
    bool augmented;
    char images[1024];                 /* "s3://bucket/images/" */
    const struct watch_filter *filter; /* of the images; borrowed */
    int dir_fd;                        /* where it is to be made; borrowed */
    char name[MANIFEST_FILE_SIZE];
    char why[ERR_TEXT_MAX]; /* outcome: where a row cannot be in it */
};

/* manifest_file_make(root_fd, path, expected, order): of the list, which must be as expected. 0;
 * ERR_CHANGED, -ENOENT: it is another; ERR_SYNTAX, ERR_LIMIT with `why`: no manifest can be made of
 * it; others where it cannot be read, or the file not written. */
int manifest_file_make(int root_fd, const char *path, const struct file_stat *expected,
                       struct manifest_order *order) __attribute__((warn_unused_result));

#endif
