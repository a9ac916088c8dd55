/* The operations: which function, and what several of them need. Shell. */
#include "tests/s3d/ops.h"

#include "tests/s3d/lock.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define USER_METADATA_MAX 2048 /* bytes of names and values, after S3's guide */
#define COPY_PIECE        (256 * 1024)

static operation_function *const functions[OP_COUNT] = {
    [OP_ABORT_MULTIPART_UPLOAD] = op_abort_multipart_upload,
    [OP_COMPLETE_MULTIPART_UPLOAD] = op_complete_multipart_upload,
    [OP_COPY_OBJECT] = op_copy_object,
    [OP_CREATE_BUCKET] = op_create_bucket,
    [OP_CREATE_MULTIPART_UPLOAD] = op_create_multipart_upload,
    [OP_DELETE_BUCKET] = op_delete_bucket,
    [OP_DELETE_OBJECT] = op_delete_object,
    [OP_DELETE_OBJECTS] = op_delete_objects,
    [OP_GET_BUCKET_LOCATION] = op_get_bucket_location,
    [OP_GET_BUCKET_VERSIONING] = op_get_bucket_versioning,
    [OP_GET_OBJECT] = op_get_object,
    [OP_GET_OBJECT_ACL] = op_get_object_acl,
    [OP_GET_OBJECT_ATTRIBUTES] = op_get_object_attributes,
    [OP_GET_OBJECT_TAGGING] = op_get_object_tagging,
    [OP_HEAD_BUCKET] = op_head_bucket,
    [OP_HEAD_OBJECT] = op_head_object,
    [OP_LIST_BUCKETS] = op_list_buckets,
    [OP_LIST_MULTIPART_UPLOADS] = op_list_multipart_uploads,
    [OP_LIST_OBJECTS] = op_list_objects,
    [OP_LIST_OBJECTS_V2] = op_list_objects_v2,
    [OP_LIST_OBJECT_VERSIONS] = op_list_object_versions,
    [OP_LIST_PARTS] = op_list_parts,
    [OP_PUT_OBJECT] = op_put_object,
    [OP_UPLOAD_PART] = op_upload_part,
    [OP_UPLOAD_PART_COPY] = op_upload_part_copy,
};

/* The x-amz-* headers that are understood, or may be ignored without harm. */
static const char known_headers[] =
    " x-amz-acl x-amz-bucket-region x-amz-checksum-algorithm x-amz-checksum-crc32 "
    "x-amz-checksum-crc32c x-amz-checksum-crc64nvme x-amz-checksum-mode x-amz-checksum-sha1 "
    "x-amz-checksum-sha256 x-amz-checksum-type x-amz-content-sha256 x-amz-copy-source "
    "x-amz-copy-source-if-match x-amz-copy-source-if-modified-since "
    "x-amz-copy-source-if-none-match x-amz-copy-source-if-unmodified-since "
    "x-amz-copy-source-range x-amz-date x-amz-decoded-content-length x-amz-expected-bucket-owner "
    "x-amz-max-parts x-amz-metadata-directive x-amz-mp-object-size x-amz-object-attributes "
    "x-amz-object-lock-mode x-amz-object-lock-retain-until-date "
    "x-amz-part-number-marker x-amz-request-payer x-amz-sdk-checksum-algorithm "
    "x-amz-security-token x-amz-server-side-encryption x-amz-storage-class x-amz-tagging "
    "x-amz-tagging-directive x-amz-trailer x-amz-user-agent "
    "x-amz-source-expected-bucket-owner x-amz-website-redirect-location "
    "x-amz-server-side-encryption-aws-kms-key-id x-amz-server-side-encryption-context "
    "x-amz-server-side-encryption-bucket-key-enabled "
    "x-amz-server-side-encryption-customer-algorithm x-amz-server-side-encryption-customer-key "
    "x-amz-server-side-encryption-customer-key-md5 "
    "x-amz-copy-source-server-side-encryption-customer-algorithm "
    "x-amz-copy-source-server-side-encryption-customer-key "
    "x-amz-copy-source-server-side-encryption-customer-key-md5 ";

/* The headers that an object keeps, in the spelling in which they are given back. */
static const char *const kept_headers[] = {
    "Cache-Control",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Language",
    "Content-Type",
    "Expires",
    "x-amz-tagging",
    "x-amz-storage-class",
    "x-amz-server-side-encryption",
    "x-amz-acl",
    "x-amz-website-redirect-location",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-retain-until-date",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-bucket-key-enabled",
    "x-amz-server-side-encryption-context",
};

const char *ops_text(const char *s)
{
    return s ? s : "";
}

/* Every x-amz-* header is known. */
static enum code check_headers(const struct request *r)
{
    for (size_t i = 0; i < r->headers.n; i++) {
        const char *name = r->headers.at[i].name;
        if (!text_has_prefix(name, "x-amz-") || text_has_prefix(name, "x-amz-meta-"))
            continue;
        const char *found = strstr(known_headers, name);
        if (!found || found[-1] != ' ' || found[strlen(name)] != ' ')
            return CODE_NOT_IMPLEMENTED;
    }
    return CODE_OK;
}

enum code operation_run(struct call *c)
{
    enum code code = check_headers(c->request);
    if (!code)
        code = carried_check(c->request);
    if (!code)
        code = lock_check(c);
    if (code)
        return code;
    if (c->limits->no_if_none_match && request_header(c->request, "if-none-match") &&
        operation_body(c->request->op) != BODY_NONE)
        return CODE_NOT_IMPLEMENTED;
    if (c->request->bucket && c->request->op != OP_CREATE_BUCKET)
        code = store_bucket_check(c->store, c->request->bucket);
    return code ? code : functions[c->request->op](c);
}

/* Content-Encoding without the "aws-chunked" of the transfer; NULL where nothing is left. */
static char *strip_chunked(const char *value)
{
    static const char chunked[] = "aws-chunked";
    size_t n = sizeof(chunked) - 1;
    if (strncasecmp(value, chunked, n) != 0)
        return mem_dup(value);
    value += n;
    value += strspn(value, ", ");
    return *value ? mem_dup(value) : NULL;
}

/* One header of kept_headers. */
static void keep_header(const struct request *r, const char *name, struct pairs *ret)
{
    for (size_t i = 0; i < r->headers.n; i++) {
        const struct pair *h = &r->headers.at[i];
        if (strcasecmp(h->name, name) != 0 || !h->value[0])
            continue;
        bool encoding = strcmp(name, "Content-Encoding") == 0;
        char *value = encoding ? strip_chunked(h->value) : mem_dup(h->value);
        if (value && strcmp(value, "STANDARD") != 0)
            pairs_add(ret, name, value);
        free(value);
    }
}

enum code ops_headers(const struct request *r, struct pairs *ret)
{
    struct pairs kept = {0};
    size_t user_bytes = 0;
    for (size_t i = 0; i < sizeof(kept_headers) / sizeof(kept_headers[0]); i++)
        keep_header(r, kept_headers[i], &kept);
    for (size_t i = 0; i < r->headers.n; i++) {
        const struct pair *h = &r->headers.at[i];
        if (!text_has_prefix(h->name, "x-amz-meta-"))
            continue;
        user_bytes += strlen(h->name) - strlen("x-amz-meta-") + strlen(h->value);
        pairs_add(&kept, h->name, h->value);
    }
    if (user_bytes > USER_METADATA_MAX) {
        pairs_release(&kept);
        return CODE_METADATA_TOO_LARGE;
    }
    carried_keep(r, &kept);
    *ret = kept;
    return CODE_OK;
}

enum code ops_condition(const struct request *r, struct condition *ret)
{
    const char *absent = request_header(r, "if-none-match");
    if (absent && strcmp(absent, "*") != 0)
        return CODE_NOT_IMPLEMENTED;
    *ret = (struct condition){request_header(r, "if-match"), absent != NULL};
    return CODE_OK;
}

/* Seconds of a date in a header, or -1. */
static int64_t header_date(const char *text)
{
    int64_t us = 0;
    return text && clock_parse_http(text, &us) == 0 ? us / US_PER_S : -1;
}

/* One of the If-* headers, with its prefix. */
static const char *condition_header(const struct request *r, const char *prefix, const char *name)
{
    char full[64];
    (void)snprintf(full, sizeof(full), "%s%s", prefix, name); /* the longest has 37 bytes */
    return request_header(r, full);
}

enum code ops_read_condition(const struct request *r, const char *prefix, const struct object *o)
{
    const char *match = condition_header(r, prefix, "if-match");
    const char *none = condition_header(r, prefix, "if-none-match");
    int64_t since_s = header_date(condition_header(r, prefix, "if-modified-since"));
    int64_t until_s = header_date(condition_header(r, prefix, "if-unmodified-since"));
    enum code same = *prefix ? CODE_PRECONDITION_FAILED : CODE_NOT_MODIFIED;
    if (match && !object_etag_fits(o, match))
        return CODE_PRECONDITION_FAILED;
    if (!match && until_s >= 0 && o->mtime_s > until_s)
        return CODE_PRECONDITION_FAILED;
    if (none)
        return object_etag_fits(o, none) ? same : CODE_OK;
    return since_s >= 0 && o->mtime_s <= since_s ? same : CODE_OK;
}

void ops_set_hashes(struct object *o, const struct hash_value *got, enum hash checksum)
{
    (void)hex_encode(got[HASH_MD5].bytes, MD5_BYTES, o->etag);
    o->has_checksum = true;
    o->algorithm = checksum;
    (void)hash_text(checksum, &got[checksum], o->checksum);
    carried_etag(o, got[HASH_MD5].bytes[0] + (uint64_t)(uintptr_t)o);
}

enum code ops_copy_bytes(int from, uint64_t offset, uint64_t n, int to, struct hashes *h)
{
    char *piece = mem_new(COPY_PIECE);
    enum code code = CODE_OK;
    while (n > 0 && !code) {
        ssize_t got = pread(from, piece, n < COPY_PIECE ? n : COPY_PIECE, (off_t)offset);
        if (got <= 0 || write_whole(to, piece, (uint64_t)got) != 0) {
            code = CODE_INTERNAL_ERROR;
            continue;
        }
        hashes_add(h, piece, (size_t)got);
        offset += (uint64_t)got;
        n -= (uint64_t)got;
    }
    free(piece);
    return code;
}

/* "arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME/object/KEY", as the Host header names that access
 * point before its domain: the bucket NAME-ACCOUNT. */
static bool split_access_point(const char *path, char **ret_bucket, char **ret_key)
{
    char account[13], name[64];
    int n = 0;
    if (sscanf(path, "arn:%*[a-z-]:s3:%*[a-z0-9-]:%12[0-9]:accesspoint/%63[a-z0-9-]/object/%n",
               account, name, &n) != 2 ||
        n == 0 || !path[n])
        return false;
    struct buf bucket;
    text_begin(&bucket);
    text_format(&bucket, "%s-%s", name, account);
    *ret_bucket = mem_dup(bucket.data);
    *ret_key = mem_dup(path + n);
    buf_release(&bucket);
    return true;
}

/* Take "[/]bucket/key[?versionId=...]", or an access point's, apart; all three are the caller's. */
static enum code split_source(const char *source, char **ret_bucket, char **ret_key,
                              char **ret_version)
{
    static const char version_label[] = "?versionId=";
    source += *source == '/';
    const char *version = strstr(source, version_label);
    size_t n = version ? (size_t)(version - source) : strlen(source);
    char *path = text_decode(source, n, false);
    char *slash = path ? strchr(path, '/') : NULL;
    if (!slash || slash == path || !slash[1]) {
        free(path);
        return CODE_INVALID_ARGUMENT;
    }
    if (!split_access_point(path, ret_bucket, ret_key)) {
        *ret_bucket = mem_dupn(path, (size_t)(slash - path));
        *ret_key = mem_dup(slash + 1);
    }
    *ret_version = version ? mem_dup(version + sizeof(version_label) - 1) : NULL;
    free(path);
    return CODE_OK;
}

enum code ops_copy_source(struct call *c, struct object **ret, int *ret_fd)
{
    char *bucket = NULL;
    char *key = NULL;
    char *version = NULL;
    struct object *o = NULL;
    const char *source = request_header(c->request, "x-amz-copy-source");
    enum code code = split_source(source, &bucket, &key, &version);
    if (!code)
        code = store_get(c->store, bucket, key, version, &o);
    if (!code)
        code = ops_read_condition(c->request, "x-amz-copy-source-", o);
    if (!code)
        code = carried_key_fits(c->request, "x-amz-copy-source-", &o->headers);
    if (!code)
        code = carried_readable(o);
    if (!code)
        code = store_read(o, ret_fd);
    if (!code) {
        *ret = o;
        o = NULL;
    }
    object_unref(o);
    free(bucket);
    free(key);
    free(version);
    return code;
}
