/*
 * The operations. Each takes a request that is signed and whole, and fills the reply. Shell.
 */
#ifndef LOCKSTEP_S3D_OPS_H
#define LOCKSTEP_S3D_OPS_H

#include "tests/s3d/body.h"
#include "tests/s3d/carried.h"
#include "tests/s3d/reply.h"
#include "tests/s3d/request.h"
#include "tests/s3d/store.h"
#include "tests/s3d/uploads.h"

/* What becomes of the condition of a DeleteObject or DeleteObjects. */
enum delete_conditions {
    DELETE_CONDITIONS_HELD,
    DELETE_CONDITIONS_BARE,    /* held, but an ETag in quotes is no object's */
    DELETE_CONDITIONS_IGNORED, /* as by servers that do not know it */
    DELETE_CONDITIONS_REFUSED  /* NotImplemented */
};

/* What of S3 a test may want smaller, or otherwise. */
struct limits {
    enum delete_conditions delete_conditions;
    uint64_t min_part_bytes; /* of every part but the last */
    uint64_t max_copy_bytes; /* of one CopyObject or UploadPartCopy */
    bool object_lock;        /* buckets have Object Lock */
    bool no_if_none_match;   /* NotImplemented, as by servers that do not know it */
};

struct call {
    const struct request *request;
    struct body *body;
    struct store *store;
    struct uploads *uploads;
    const struct limits *limits;
    const char *region;
    int64_t now_s;
    struct reply *reply;
};

/* operation_run(c): the operation of c->request. A failure is the code, and nothing was changed
 * but what S3 too would have changed. */
enum code operation_run(struct call *c) __attribute__((warn_unused_result));

/* For operation_run alone: one function an operation. */
typedef enum code operation_function(struct call *c);
operation_function op_list_buckets, op_create_bucket, op_delete_bucket, op_head_bucket,
    op_get_bucket_location, op_get_bucket_versioning, op_list_objects, op_list_objects_v2,
    op_list_object_versions, op_put_object, op_get_object, op_head_object, op_get_object_attributes,
    op_get_object_tagging, op_get_object_acl, op_delete_object, op_delete_objects, op_copy_object,
    op_create_multipart_upload, op_upload_part, op_upload_part_copy, op_complete_multipart_upload,
    op_abort_multipart_upload, op_list_parts, op_list_multipart_uploads;

/* What several of them need. */

/* ops_headers(r, ret): the headers that an object keeps; the limits of S3 hold. */
enum code ops_headers(const struct request *r, struct pairs *ret)
    __attribute__((warn_unused_result));

/* ops_condition(r, ret): If-Match and If-None-Match of a change. */
enum code ops_condition(const struct request *r, struct condition *ret)
    __attribute__((warn_unused_result));

/* ops_read_condition(r, prefix, o): the If-* headers of a read, or with the prefix
 * "x-amz-copy-source-" of a copy's source. */
enum code ops_read_condition(const struct request *r, const char *prefix, const struct object *o)
    __attribute__((warn_unused_result));

/* ops_set_hashes(o, got, checksum): ETag and checksum of an object of one piece. */
void ops_set_hashes(struct object *o, const struct hash_value *got, enum hash checksum);

/* ops_copy_source(c, ret, ret_fd): the object that x-amz-copy-source names, with the conditions on
 * it held, and its file. The caller unrefs and closes. */
enum code ops_copy_source(struct call *c, struct object **ret, int *ret_fd)
    __attribute__((warn_unused_result));

/* ops_copy_bytes(from, offset, n, to, h): n bytes of a file, appended to another and hashed. */
enum code ops_copy_bytes(int from, uint64_t offset, uint64_t n, int to, struct hashes *h)
    __attribute__((warn_unused_result));

/* ops_text(s): s, or "" for NULL. */
const char *ops_text(const char *s);

#endif
