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

/* Of what was being renamed. Where another image had come to its place, the copy of an image that
 * S3 has elsewhere is one, too, though the journal has it as an upload.
 *
 * recover_open_begin(a, o, from), before its new path is marked: lists may name the image where it
 * had gone, though it is back at its old path or has gone on. from: where S3 has an image that was
 * copied so, else "". 0 or a negative code.
 * recover_open_end(a, o, from): it goes on, if it is still so. */
int recover_open_begin(struct agent *a, const struct open_tx *o, char from[PATH_BYTES_MAX + 1])
    __attribute__((warn_unused_result));
void recover_open_end(struct agent *a, const struct open_tx *o, const char *from);

#endif
