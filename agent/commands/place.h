/*
 * Where a list lies, on disk and in S3, by the configuration. Shell.
 */
#ifndef LOCKSTEP_AGENT_COMMANDS_PLACE_H
#define LOCKSTEP_AGENT_COMMANDS_PLACE_H

#include "conf/conf.h"

#include <limits.h>

struct place {
    struct conf *conf;                 /* owned */
    const struct conf_mapping *lists;  /* the deepest that has the list */
    const struct conf_mapping *images; /* the repository that it is bound to */
    char file[PATH_MAX];               /* the list, without links */
    const char *below;                 /* the same, below the mapping's root; within file */
};

/* place_find(conf_file, list, ret): conf_file NULL: the default one. EXIT_IN_STEP, or the status
 * with all said. place_release(p): frees. */
int place_find(const char *conf_file, const char *list, struct place *ret);
void place_release(struct place *p);

/* place_uri(conf, m, path, out, size, e): "s3://bucket/prefix" of a mapping and `path` behind it.
 * 0, or ERR_SYNTAX where there is none: the bucket is given by an ARN, or it is too long. */
int place_uri(const struct conf *conf, const struct conf_mapping *m, const char *path, char *out,
              size_t size, struct err *e) __attribute__((warn_unused_result));

#endif
