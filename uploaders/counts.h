/*
 * What was asked of S3 and how it was answered, counted. Shell (atomics that all workers share).
 *
 * One attempt is one request. Names of operations are S3's, which are few and never change with
 * what a key is called.
 */
#ifndef LOCKSTEP_UPLOADERS_COUNTS_H
#define LOCKSTEP_UPLOADERS_COUNTS_H

#include "uploaders/caller.h"

#include <stdatomic.h>

struct counts {
    _Atomic uint64_t requests[S3_OPERATION_COUNT][S3_RESULT_COUNT];
    _Atomic uint64_t retries[S3_OPERATION_COUNT];
    _Atomic uint64_t sent_bytes;
};

/* counts_operation(call): which operation it asks for, by its method, key, parameters and headers.
 * counts_result(transport, status, j): how an attempt ended. Neither looks at what is shared. */
enum s3_operation counts_operation(const struct call *call);
enum s3_result counts_result(enum transport transport, int status, const struct judgement *j);

/* counts_attempt(c, call, j, again): an attempt of the call ended so; it will be tried again. Any
 * thread. */
void counts_attempt(struct counts *c, const struct call *call, const struct judgement *j,
                    bool again);

/* counts_read(c, ret): as it is now. Any thread. */
void counts_read(const struct counts *c, struct uploaders_counts *ret);

#endif
