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

/* copy_changes(t): a COPY to a path of which the rules say something else than of the source's (or
 * whose name has another content type): it cannot simply keep all. copy_changes_tags(t): tags are
 * among that. */
bool copy_changes(const struct transfer *t);
bool copy_changes_tags(const struct transfer *t);

/* copy_add_headers(call, t, head, content): what the copy is to carry, but for tags; see
 * copy_headers.c. `head`: what HEAD told of the source, NULL where it was not asked. `content`: the
 * content headers and metadata too, which S3 does not copy by itself now. Strings are borrowed from
 * both. */
void copy_add_headers(struct call *call, const struct transfer *t, const struct call *head,
                      bool content);

/* copy_keyed(t, head), copy_source_keyed(t, head): the copy, the source is under a customer's key.
 * copy_source_rules(t): what the rules say of the source. copy_add_source_key(call, t, keyed): its
 * key. */
bool copy_keyed(const struct transfer *t, const struct call *head);
bool copy_source_keyed(const struct transfer *t, const struct call *head);
const struct s3_attributes *copy_source_rules(const struct transfer *t);
void copy_add_source_key(struct call *call, const struct transfer *t, bool keyed);

/*
 * copy_head(task, keyed): a HEAD of the source, `keyed`: with the customer's key that the rules
 * name; NULL: the task has ended. S3 refuses a key that the object is not under, and asks for one
 * that it is under, with 400 and no words. copy_is_keyless(call, t, keyed): ask again without the
 * key. copy_head_verdict(call, t): of the last HEAD; an object under a key that we do not have
 * (400; 403 where it was asked with another) cannot be copied: VERDICT_CONFLICT, and t says so.
 */
struct call *copy_head(struct task *task, bool keyed);
bool copy_is_keyless(const struct call *call, const struct transfer *t, bool keyed);
enum verdict copy_head_verdict(const struct call *call, struct transfer *t);

/* copy_obstacle(head): why metadata that is sent again would not be all of it; NULL: it would. */
const char *copy_obstacle(const struct call *head);

#endif
