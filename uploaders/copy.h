/*
 * What the two ways of copying inside S3 share (copy.c: in one request; copy_parts.c: in parts).
 * Shell.
 */
#ifndef LOCKSTEP_UPLOADERS_COPY_H
#define LOCKSTEP_UPLOADERS_COPY_H

#include "uploaders/task.h"

#define COPY_BYTES_MAX  (UINT64_C(5) << 30) /* S3's, of one CopyObject */
#define COPY_SOURCE_MAX (4 * S3_KEY_MAX)    /* "/bucket/" and the key, each byte as %XX */

/* copy_source(task, out): append x-amz-copy-source, "/bucket/key", encoded: the transfer's source,
 * or its key itself (META). As buf_append. */
int copy_source(const struct task *task, struct buf *out) __attribute__((warn_unused_result));

/* copy_condition(etag, bare, out): the condition's ETag, in quotes or not. */
#define COPY_CONDITION_SIZE (S3_ETAG_MAX + 2)
void copy_condition(const char *etag, bool bare, char out[COPY_CONDITION_SIZE]);

/* copy_add_kept(call, head, class): send again what HEAD told of the object and what would be lost;
 * `class`: its storage class, encryption and redirect as well, which a plain CopyObject leaves to
 * the bucket. Strings are borrowed from `head`. */
void copy_add_kept(struct call *call, const struct call *head, bool class);

/* copy_obstacle(head): why metadata that is sent again would not be all of it; NULL: it would. */
const char *copy_obstacle(const struct call *head);

#endif
