/*
 * Intents of the journal without an outcome, after a crash. For agent/service/ alone; of the main
 * loop.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_RECOVER_OPEN_H
#define LOCKSTEP_AGENT_SERVICE_RECOVER_OPEN_H

#include "agent/service/agent.h"

/* An intent without its outcome so far. */
struct open_tx {
    uint64_t tx;
    int64_t time_us;
    enum journal_op op;
    unsigned mapping;
    char *path;
    char *path2;
    char *before, *after, *backup;
    uint64_t count;
    bool landed; /* a rename whose new object is in S3; the old one may be deleted or not */
    struct file_stat st;
};

/* Which image was being copied, if S3 has it elsewhere: the path of that; else "". */
struct recover_source {
    const struct mapping *m;
    const struct open_tx *o;
    const char *key; /* that it was copied to */
    char path[PATH_BYTES_MAX + 1];
};

/* Of what was being renamed. Where another image had come to its place, the copy of an image that
 * S3 has elsewhere is one, too, though the journal has it as an upload. recover_open_begin(a, o,
 * s), before its new path is marked: lists may name the image where it had gone, though it is back
 * at its old path or has gone on. 0 or a negative code. recover_open_end(a, o, s): it goes on, if
 * it is still so. */
int recover_open_begin(struct agent *a, const struct open_tx *o, struct recover_source *s)
    __attribute__((warn_unused_result));
void recover_open_end(struct agent *a, const struct open_tx *o, const struct recover_source *s);

#endif
