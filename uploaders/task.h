/*
 * The kinds of tasks: how a transfer becomes calls, and how their answers become its outcome.
 * Shell (on a worker's thread).
 */
#ifndef LOCKSTEP_UPLOADERS_TASK_H
#define LOCKSTEP_UPLOADERS_TASK_H

#include "uploaders/headers.h"
#include "uploaders/worker.h"

/* One for each kind: a task with begin, feed and drop set, or NULL without memory. */
struct task *task_put_new(void);        /* a file in one request (put.c) */
struct task *task_multipart_new(void);  /* a file in parts (multipart.c) */
struct task *task_copy_new(void);       /* COPY and META (copy.c) */
struct task *task_copy_parts_new(void); /* the same by UploadPartCopy (copy_parts.c) */
struct task *task_abort_new(void);      /* ABORT (abort.c) */
struct task *task_versioning_new(void); /* VERSIONING (versioning.c) */
struct task *task_strays_new(void);     /* STRAYS (strays.c) */
struct task *task_remove_new(void);     /* DELETE, DELETE_MANY (remove.c) */
struct task *task_simple_new(void);     /* HEAD (simple.c) */
struct task *task_list_new(void);       /* LIST (list.c) */

/* task_call(task, method, key): a call with kind, owner, method and key set; NULL without memory,
 * then the task has ended. */
struct call *task_call(struct task *task, const char *method, const char *key);

/* task_no_memory(task): the transfer fails for want of memory. */
void task_no_memory(struct task *task);

/* task_report(task, call): what the call says into the transfer: status, code, message, attempts;
 * version of the object where there is one. */
void task_report(struct task *task, const struct call *call);

/* task_etag(call, out): the ETag header without quotes, "" where there is none. */
void task_etag(const struct call *call, char out[S3_ETAG_MAX]);

/* task_unquote(text, out): an ETag without its quotes; cut to fit. */
void task_unquote(const char *text, char out[S3_ETAG_MAX]);

/* task_add_posix(call, posix): the headers that say what the file is; posix is borrowed. */
void task_add_posix(struct call *call, const struct header posix[HEADERS_POSIX_COUNT]);

/* task_add_attributes(call, t): content type and all else that the rules say of the transfer's key;
 * borrowed from it. */
void task_add_attributes(struct call *call, const struct transfer *t);

/* task_add_key(call, a), task_add_source_key(call, a): the customer's key of the object, or of a
 * copy's source, where there is one. */
void task_add_key(struct call *call, const struct s3_attributes *a);
void task_add_source_key(struct call *call, const struct s3_attributes *a);

/* task_checksum_fits(call, crc, ret_error): the answer's CRC-64/NVME, if it has one, is this. 0, or
 * ERR_REFUSED with the error, for call->read. */
int task_checksum_fits(const struct call *call, uint64_t crc, struct s3_error *ret_error);

/* task_stored(call, crc, ret_error): the same of an object or part that was sent; and the answer
 * has an ETag, as S3's always has: what a portal or a proxy answers instead of S3 has none. */
int task_stored(const struct call *call, uint64_t crc, struct s3_error *ret_error);

#endif
