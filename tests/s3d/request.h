/*
 * A request of S3: the address taken apart, and which operation it is. Pure.
 *
 * Strict: an escape that is malformed, a query parameter that the operation does not know, a
 * header that may come once but came twice, all are refused.
 */
#ifndef LOCKSTEP_S3D_REQUEST_H
#define LOCKSTEP_S3D_REQUEST_H

#include "tests/s3d/code.h"
#include "tests/s3d/text.h"

#define KEY_BYTES_MAX 1024

enum operation {
    OP_UNKNOWN,
    OP_ABORT_MULTIPART_UPLOAD,
    OP_COMPLETE_MULTIPART_UPLOAD,
    OP_COPY_OBJECT,
    OP_CREATE_BUCKET,
    OP_CREATE_MULTIPART_UPLOAD,
    OP_DELETE_BUCKET,
    OP_DELETE_OBJECT,
    OP_DELETE_OBJECTS,
    OP_GET_BUCKET_LOCATION,
    OP_GET_BUCKET_VERSIONING,
    OP_GET_OBJECT,
    OP_GET_OBJECT_ACL,
    OP_GET_OBJECT_ATTRIBUTES,
    OP_GET_OBJECT_TAGGING,
    OP_HEAD_BUCKET,
    OP_HEAD_OBJECT,
    OP_LIST_BUCKETS,
    OP_LIST_MULTIPART_UPLOADS,
    OP_LIST_OBJECTS,
    OP_LIST_OBJECTS_V2,
    OP_LIST_OBJECT_VERSIONS,
    OP_LIST_PARTS,
    OP_PUT_OBJECT,
    OP_UPLOAD_PART,
    OP_UPLOAD_PART_COPY,
    OP_COUNT
};

/* What the operation does with a body. */
enum body_use { BODY_NONE, BODY_XML, BODY_OBJECT };

struct request {
    char *method;
    char *path;           /* decoded, with the leading '/', as it was sent */
    char *bucket;         /* NULL: the service */
    char *key;            /* NULL: the bucket; bytes after "/bucket/" */
    struct pairs query;   /* decoded */
    struct pairs headers; /* names in lower case, values trimmed */
    enum operation op;
};

/* request_parse_uri(r, method, uri): fill method, path and query from the request line. */
enum code request_parse_uri(struct request *r, const char *method, const char *uri)
    __attribute__((warn_unused_result));

/* request_add_header(r, name, value): one header as it came. */
void request_add_header(struct request *r, const char *name, const char *value);

/* request_resolve(r, domain): bucket, key and op, once the headers are there. A Host of the form
 * BUCKET.domain is understood where domain is not NULL. */
enum code request_resolve(struct request *r, const char *domain)
    __attribute__((warn_unused_result));

void request_release(struct request *r);

const char *request_header(const struct request *r, const char *lower_name);
const char *request_query(const struct request *r, const char *name);

/* operation_name(op): "PutObject" and so on. operation_body(op): what its body is. */
const char *operation_name(enum operation op);
enum body_use operation_body(enum operation op);

/* bucket_name_is_valid(name): 3 to 63 of a-z, 0-9, '.', '-', with a letter or digit at both ends.
 */
bool bucket_name_is_valid(const char *name);

#endif
