/*
 * A mapping's files, its part of the index, and its objects in S3, as one stream in the order of
 * keys. Shell. Memory: a few pages of the listing, a piece of the index, the names of the
 * directories on the way down.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_MERGE_H
#define LOCKSTEP_AGENT_SERVICE_MERGE_H

#include "agent/service/index.h"
#include "uploaders/uploaders.h"
#include "watchers/watchers.h"

#define MERGE_KEY_SIZE (4096 + 1025)

/* What there is of one key. */
struct merged {
    const char *key;
    const char *path;               /* below the root: the key without the prefix */
    bool on_disk;                   /* a regular file, or something that cannot be looked at */
    struct file_stat st;            /* where on_disk and code is 0 */
    int code;                       /* a negative code: why it cannot be looked at; a directory that
                                       cannot be read: all beneath it is unknown */
    const struct known *known;      /* NULL: not in the index */
    const struct s3_object *object; /* NULL: not in S3 */
};

struct merge_options {
    struct index *index;
    struct uploaders *uploaders;
    int root_fd;
    const struct watch_filter *filter;
    const char *prefix;
    bool by_disk; /* the tree, not the index, tells where pages of the listing may begin */
};

struct merge;

/* merge_open(opt, ret, e): everything in opt is borrowed until the close. */
int merge_open(const struct merge_options *opt, struct merge **ret, struct err *e)
    __attribute__((warn_unused_result));
/* merge_next(m, ret, e): 1 and the next key, valid until the next call; 0 at the end; or a negative
 * code with e. */
int merge_next(struct merge *m, struct merged *ret, struct err *e)
    __attribute__((warn_unused_result));
void merge_close(struct merge *m);

#endif
