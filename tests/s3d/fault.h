/*
 * Cruelty on command: what is armed, and what strikes a request. Shell (a lock, a seed).
 *
 * A fault is armed by its parameters, as a query or as a flat JSON object:
 *
 *   do       what happens: the names below, in small letters with dashes
 *   op       operations, a glob: "PutObject", "*Copy*"; default "*"
 *   key      keys, a glob in which '*' also matches '/'; default "*"
 *   payload  a glob of x-amz-content-sha256, "" where there is none; default "*"
 *   count    strike so many times, then disarm; 0 without end; default 1
 *   skip     let so many matching requests pass first; default 0
 *   percent  strike a matching request with this probability; default 100
 *   ms       milliseconds of a stall or delay, or between the pieces of a drip; default 1000
 *   code     the error, S3's name; default SlowDown (InternalError where the reply is a 200)
 *   status   the HTTP status, where it is not the code's own
 *   region   of a redirect: x-amz-bucket-region; default: not told
 *   location of a redirect: "http[s]://host[:port]"; the path is added; default: not told
 *
 * A request is struck by the first armed fault that fits it.
 */
#ifndef LOCKSTEP_S3D_FAULT_H
#define LOCKSTEP_S3D_FAULT_H

#include "tests/s3d/code.h"
#include "tests/s3d/text.h"

enum fault_action {
    FAULT_NONE,
    FAULT_ERROR,            /* the error, nothing applied */
    FAULT_ERROR_APPLIED,    /* applied, then the error */
    FAULT_ERROR_200,        /* 200 and white space, then the error's document; nothing applied */
    FAULT_RESET,            /* connection reset before the body is read */
    FAULT_RESET_AFTER_BODY, /* ... after it, nothing applied */
    FAULT_LOST_REPLY,       /* applied, then the connection is reset */
    FAULT_STALL,            /* applied, then silence for `ms`, then the reply */
    FAULT_DELAY,            /* silence for `ms`, then applied and answered */
    FAULT_TRUNCATE,         /* half of the reply's body, then the connection closes */
    FAULT_DRIP,             /* the reply's body a byte at a time, `ms` between them */
    FAULT_WRONG_ETAG,       /* another ETag in the reply */
    FAULT_NO_CHECKSUM,      /* no x-amz-checksum-* in the reply: what has none in S3, or hides it */
    FAULT_UNFRAMED,         /* a body in chunks is taken as it comes, frames and all, as by a server
                               that does not know them, and no checksum is in the reply */
    FAULT_REDIRECT,         /* sent elsewhere, nothing applied */
    FAULT_COUNT
};

struct fault_hit {
    enum fault_action action;
    enum code code;
    unsigned status;
    uint64_t ms;
    uint64_t id;
    char region[64];
    char location[256];
};

struct faults;

struct faults *faults_new(uint64_t seed);
void faults_free(struct faults *f);

/* faults_arm(f, parameters, ret_id): NULL, or what is wrong with them (a static string). */
const char *faults_arm(struct faults *f, const struct pairs *parameters, uint64_t *ret_id);

/* faults_clear(f, id): disarm one (0: all). */
void faults_clear(struct faults *f, uint64_t id);

/* faults_strike(f, op, key, payload): what strikes this request; FAULT_NONE mostly. */
struct fault_hit faults_strike(struct faults *f, const char *op, const char *key,
                               const char *payload);

/* faults_render(f, out): all that were armed since the last clear, as JSON, with their hits. */
void faults_render(struct faults *f, struct buf *out);

/* fault_name(a): as in "do". */
const char *fault_name(enum fault_action a);

#endif
