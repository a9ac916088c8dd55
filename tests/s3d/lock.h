/*
 * Object Lock: which requests may set it, and what it keeps from going. Shell (asks the store).
 *
 * Of buckets with it (--object-lock) only; a bucket has no retention of its own. As with S3, a lock
 * keeps a version: the key can be written again, and be hidden by a marker. Nobody may lift it.
 */
#ifndef LOCKSTEP_S3D_LOCK_H
#define LOCKSTEP_S3D_LOCK_H

#include "tests/s3d/ops.h"

/* lock_check(c): x-amz-object-lock-* of the request are such as S3 takes: mode and date together,
 * the date still to come, and a body that is secured by Content-MD5 or a checksum. */
enum code lock_check(const struct call *c) __attribute__((warn_unused_result));

/* lock_is_open(c, key, version): this version may be removed. CODE_ACCESS_DENIED while it is
 * locked; what is not there is none of it. */
enum code lock_is_open(const struct call *c, const char *key, const char *version)
    __attribute__((warn_unused_result));

#endif
