/*
 * S3's XML: answers read, request bodies written. Pure: bytes in, bytes out.
 *
 * A document with a DOCTYPE is refused (no entities, no expansion), as is one that is cut off or
 * beyond the ceilings below and those of xml.h. Unknown elements are read over.
 *
 * Every reader: 0 with its result; ERR_REFUSED where the document is an Error, which is then in
 * *ret_error (S3 answers CopyObject and CompleteMultipartUpload with 200 and an Error inside);
 * ERR_SYNTAX where it is not such a document or not whole; ERR_LIMIT; -ENOMEM. Outputs are written
 * only on success.
 */
#ifndef LOCKSTEP_UPLOADERS_ANSWERS_H
#define LOCKSTEP_UPLOADERS_ANSWERS_H

#include "base/buf.h"
#include "uploaders/uploaders.h"

#include <stdbool.h>
#include <stdint.h>

#define ANSWERS_BODY_MAX  (8 * 1024 * 1024) /* 1,000 keys, each byte as %XX, and room */
#define ANSWERS_ITEMS_MAX 10000             /* objects, parts or results of one answer */

#define S3_UPLOAD_ID_MAX 1024
#define S3_CODE_MAX      64
#define S3_TOKEN_MAX     4096

/* An Error document. Texts are truncated to fit. */
struct s3_error {
    char code[S3_CODE_MAX];
    char message[256];
    char region[64];        /* "" where not told */
    char endpoint[256];     /* of PermanentRedirect */
    int64_t server_time_us; /* of RequestTimeTooSkewed; 0 where not told */
};

/* answers_error(body, ret): an Error document; here it is the result. */
int answers_error(struct span body, struct s3_error *ret) __attribute__((warn_unused_result));

/* A page of ListObjectsV2. Owned; s3_page_release. */
struct s3_page {
    struct s3_object *objects; /* strings lie in text */
    size_t count;
    char *next_token; /* NULL at the end */
    char *text;
};
void s3_page_release(struct s3_page *p);

/* s3_page_advances(p, after): a page that was asked for behind the key `after` ends behind it, or
 * is the last one. Where it does not, who asks for the next one asks for ever. */
bool s3_page_advances(const struct s3_page *p, const char *after);

/* answers_list(body, ret, ret_error): keys are decoded where the answer says encoding-type url.
 * ERR_SYNTAX also where it is truncated but has no token. */
int answers_list(struct span body, struct s3_page *ret, struct s3_error *ret_error)
    __attribute__((warn_unused_result));

/* answers_copy(body, ret_etag, ret_error): CopyObjectResult or CopyPartResult; without quotes. */
int answers_copy(struct span body, char ret_etag[S3_ETAG_MAX], struct s3_error *ret_error)
    __attribute__((warn_unused_result));

/* answers_initiate(body, ret_id, ret_error): InitiateMultipartUploadResult. */
int answers_initiate(struct span body, char ret_id[S3_UPLOAD_ID_MAX], struct s3_error *ret_error)
    __attribute__((warn_unused_result));

/* answers_complete(body, ret_etag, ret_error): CompleteMultipartUploadResult; white space that kept
 * the connection alive may come first. */
int answers_complete(struct span body, char ret_etag[S3_ETAG_MAX], struct s3_error *ret_error)
    __attribute__((warn_unused_result));

/* answers_checksum(body, ret_told, ret_crc, ret_error): the CRC-64/NVME that a CopyPartResult or a
 * CompleteMultipartUploadResult tells; *ret_told is false where it tells none. */
int answers_checksum(struct span body, bool *ret_told, uint64_t *ret_crc,
                     struct s3_error *ret_error) __attribute__((warn_unused_result));

/* answers_tagging(body, out, ret_error): append a Tagging document's tags as x-amz-tagging takes
 * them: "key=value&...", encoded. ERR_LIMIT as buf_append, then out is unchanged. */
int answers_tagging(struct span body, struct buf *out, struct s3_error *ret_error)
    __attribute__((warn_unused_result));

/*
 * answers_delete(body, items, n, ret_error): DeleteResult of a request that was not quiet; sets
 * `done` or `code` of each item. An item that the answer does not name is not done and has the code
 * "NoAnswer".
 */
int answers_delete(struct span body, struct delete_item *items, size_t n,
                   struct s3_error *ret_error) __attribute__((warn_unused_result));

/* A part of a multipart upload. */
struct s3_part {
    unsigned number;
    uint64_t size;
    char etag[S3_ETAG_MAX];
    uint64_t crc64; /* where has_crc */
    bool has_crc;
};

/* A page of ListParts. Owned; s3_parts_release. */
struct s3_parts {
    struct s3_part *parts;
    size_t count;
    bool truncated;
    unsigned next_marker; /* where truncated */
};
void s3_parts_release(struct s3_parts *p);

int answers_parts(struct span body, struct s3_parts *ret, struct s3_error *ret_error)
    __attribute__((warn_unused_result));

/* An upload in parts that was begun and neither completed nor aborted. */
struct s3_upload {
    const char *key;
    const char *id;
    int64_t initiated_us;  /* by S3's clock; 0: not told */
    const char *algorithm; /* of its parts' checksums; "": not told */
};

/* A page of ListMultipartUploads. Owned; s3_uploads_release. */
struct s3_uploads {
    struct s3_upload *uploads; /* strings lie in text */
    size_t count;
    const char *next_key; /* NULL at the end */
    const char *next_id;  /* where there is a next_key; may be "" */
    char *text;
};
void s3_uploads_release(struct s3_uploads *p);

/* answers_uploads(body, ret, ret_error): keys are decoded where the answer says encoding-type url.
 * ERR_SYNTAX also where it is truncated but has no marker, or where an upload has no key or id. */
int answers_uploads(struct span body, struct s3_uploads *ret, struct s3_error *ret_error)
    __attribute__((warn_unused_result));

/* answers_location(body, ret_region, ret_error): LocationConstraint; "" is us-east-1, "EU" is
 * eu-west-1. */
int answers_location(struct span body, char ret_region[64], struct s3_error *ret_error)
    __attribute__((warn_unused_result));

/* answers_versioning(body, ret, ret_error): VersioningConfiguration. ERR_SYNTAX for a status that
 * is not known. */
int answers_versioning(struct span body, enum s3_versioning *ret, struct s3_error *ret_error)
    __attribute__((warn_unused_result));

/* answers_build_delete(items, n, out): append the body of DeleteObjects (not quiet), on the
 * condition of the items' ETags where they have one. ERR_LIMIT past
 * S3_BATCH_MAX items; ERR_SYNTAX for a key that XML cannot carry (s3_check_key); or as buf_append.
 */
int answers_build_delete(const struct delete_item *items, size_t n, struct buf *out)
    __attribute__((warn_unused_result));

/* answers_build_complete(parts, n, out): append the body of CompleteMultipartUpload. -EINVAL where
 * the numbers do not ascend from 1..10000; or as buf_append. */
int answers_build_complete(const struct s3_part *parts, size_t n, struct buf *out)
    __attribute__((warn_unused_result));

#endif
