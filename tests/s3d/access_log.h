/*
 * The access log: one JSON line a request, in the order in which the requests took effect. Shell.
 *
 *   {"n":1,"time":"2026-01-02T03:04:05.123456Z","op":"PutObject","bucket":"b","key":"a/x.png",
 *    "status":200,"error":"","in":1234,"out":0,"us":310,"fault":"","headers":{"content-type":...}}
 *
 * A line is written when the reply is known and before a byte of it is sent: whoever has a reply
 * finds the line of its request. A request whose connection was reset has status 0.
 */
#ifndef LOCKSTEP_S3D_ACCESS_LOG_H
#define LOCKSTEP_S3D_ACCESS_LOG_H

#include "tests/s3d/fault.h"
#include "tests/s3d/request.h"

struct access_log;

struct access_entry {
    const struct request *request;
    unsigned status; /* 0: no reply */
    enum code code;
    enum fault_action fault;
    uint64_t bytes_in; /* of the body, without the frames of its chunks */
    uint64_t bytes_out;
    int64_t started_us; /* of the monotonic clock */
};

/* access_log_open(path, ret): append to a file; path NULL: no log, and *ret is NULL. 0 or -errno.
 */
int access_log_open(const char *path, struct access_log **ret) __attribute__((warn_unused_result));
void access_log_close(struct access_log *l);

/* access_log_write(l, e): one line by one write(2); l NULL: nothing. Thread-safe. */
void access_log_write(struct access_log *l, const struct access_entry *e);

/* monotonic_us(): of CLOCK_MONOTONIC. */
int64_t monotonic_us(void);

#endif
