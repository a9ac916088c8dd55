/* The operations on uploads in parts. Shell. */
#include "tests/s3d/ops.h"

#include "tests/s3d/xml.h"

#include "base/digest.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XMLNS "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""

/* Which checksum the upload will have. */
static enum code read_algorithm(const struct request *r, struct upload *up)
{
    const char *name = request_header(r, "x-amz-checksum-algorithm");
    const char *type = request_header(r, "x-amz-checksum-type");
    up->algorithm = HASH_CRC64NVME;
    if (!name)
        return type ? CODE_INVALID_REQUEST : CODE_OK;
    if (!hash_find(name, &up->algorithm))
        return CODE_INVALID_REQUEST;
    bool whole = up->algorithm == HASH_CRC64NVME;
    bool digest = up->algorithm == HASH_SHA1 || up->algorithm == HASH_SHA256;
    up->has_algorithm = true;
    up->composite = type ? strcmp(type, "COMPOSITE") == 0 : !whole;
    if (type && !up->composite && strcmp(type, "FULL_OBJECT") != 0)
        return CODE_INVALID_REQUEST;
    return (whole && up->composite) || (digest && !up->composite) ? CODE_INVALID_REQUEST : CODE_OK;
}

enum code op_create_multipart_upload(struct call *c)
{
    struct upload *up = upload_new(c->request->bucket, c->request->key);
    enum code code = ops_headers(c->request, &up->headers);
    up->mtime_s = c->now_s;
    if (!code)
        code = read_algorithm(c->request, up);
    if (code) {
        upload_free(up);
        return code;
    }
    if (up->has_algorithm) {
        reply_header(c->reply, "x-amz-checksum-algorithm", hash_name(up->algorithm));
        reply_header(c->reply, "x-amz-checksum-type", up->composite ? "COMPOSITE" : "FULL_OBJECT");
    }
    char id[40];
    reply_encryption(c->reply, &up->headers);
    uploads_begin(c->uploads, up, id);
    reply_xml(c->reply);
    text_add(&c->reply->body, "<InitiateMultipartUploadResult " XMLNS ">");
    text_tag(&c->reply->body, "Bucket", c->request->bucket);
    text_tag(&c->reply->body, "Key", c->request->key);
    text_tag(&c->reply->body, "UploadId", id);
    text_add(&c->reply->body, "</InitiateMultipartUploadResult>");
    return CODE_OK;
}

/* The part's number in the request. */
static enum code read_number(const struct request *r, unsigned *ret)
{
    uint64_t number = 0;
    const char *text = request_query(r, "partNumber");
    if (!text || !text_number(text, &number) || number < 1 || number > PART_NUMBER_MAX)
        return CODE_INVALID_ARGUMENT;
    *ret = (unsigned)number;
    return CODE_OK;
}

/* The upload that the request names, with the table locked; NULL and no lock without. */
static struct upload *lock_upload(struct call *c)
{
    const struct request *r = c->request;
    return uploads_lock(c->uploads, request_query(r, "uploadId"), r->bucket, r->key);
}

/* Put the part into its upload. On success the part has moved. */
static enum code add_part(struct call *c, const struct part *p, bool copied)
{
    struct upload *up = lock_upload(c);
    if (!up)
        return CODE_NO_SUCH_UPLOAD;
    enum code code = carried_key_fits(c->request, "x-amz-", &up->headers);
    bool fits = copied || !up->has_algorithm || (p->has_checksum && p->algorithm == up->algorithm);
    if (!code && !fits)
        code = CODE_INVALID_REQUEST;
    if (!code)
        upload_set_part(up, *p);
    uploads_unlock(c->uploads);
    return code;
}

enum code op_upload_part(struct call *c)
{
    struct body *b = c->body;
    struct part part = {.mtime_s = c->now_s, .size = b->size, .md5 = b->got[HASH_MD5]};
    enum code code = read_number(c->request, &part.number);
    if (!code)
        code = body_spool(b);
    if (code)
        return code;
    part.file = b->file;
    part.has_checksum = b->has_checksum;
    part.algorithm = b->has_checksum ? b->checksum : HASH_CRC64NVME;
    part.checksum = b->got[part.algorithm];
    code = add_part(c, &part, false);
    if (code)
        return code;
    b->file = NULL; /* the upload's now */
    char hex[2 * MD5_BYTES + 1];
    char etag[64];
    char text[HASH_TEXT_MAX];
    (void)hex_encode(part.md5.bytes, MD5_BYTES, hex);
    reply_header(c->reply, "ETag", reply_etag(etag, hex));
    if (part.has_checksum)
        reply_header(c->reply, hash_header(part.algorithm),
                     hash_text(part.algorithm, &part.checksum, text));
    return CODE_OK;
}

/* x-amz-copy-source-range: "bytes=a-b", both within the source. */
static enum code read_range(const struct request *r, uint64_t size, uint64_t *ret_from,
                            uint64_t *ret_n)
{
    unsigned long long from = 0;
    unsigned long long to = size - 1;
    int end = 0;
    const char *text = request_header(r, "x-amz-copy-source-range");
    if (text && (sscanf(text, "bytes=%llu-%llu%n", &from, &to, &end) != 2 || text[end]))
        return CODE_INVALID_ARGUMENT;
    if (size == 0 || from > to || to >= size)
        return CODE_INVALID_RANGE;
    *ret_from = from;
    *ret_n = to - from + 1;
    return CODE_OK;
}

/* Copy the range into a part's file. */
static enum code copy_part(struct call *c, int from, uint64_t offset, uint64_t n, struct part *p)
{
    struct hashes hashes;
    struct hash_value got[HASH_COUNT];
    p->file = spool_name(store_spool(c->store));
    int fd = open(p->file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return CODE_INTERNAL_ERROR;
    hashes_begin(&hashes, HASH_BIT(HASH_MD5) | HASH_BIT(HASH_CRC64NVME));
    enum code code = ops_copy_bytes(from, offset, n, fd, &hashes);
    hashes_end(&hashes, got);
    (void)close(fd); /* its errors came with the writes */
    p->size = n;
    p->md5 = got[HASH_MD5];
    p->algorithm = HASH_CRC64NVME;
    p->checksum = got[HASH_CRC64NVME];
    p->has_checksum = true;
    return code;
}

/* Tell of the part. */
static void describe_part_copy(struct call *c, const struct part *p)
{
    char hex[2 * MD5_BYTES + 1];
    char etag[64];
    char date[ISO_DATE_SIZE];
    char text[HASH_TEXT_MAX];
    struct buf *out = &c->reply->body;
    reply_xml(c->reply);
    text_add(out, "<CopyPartResult " XMLNS ">");
    text_tag(out, "LastModified", iso_date(p->mtime_s, date));
    text_tag(out, "ETag", reply_etag(etag, hex_encode(p->md5.bytes, MD5_BYTES, hex)));
    text_tag(out, hash_element(p->algorithm), hash_text(p->algorithm, &p->checksum, text));
    text_add(out, "</CopyPartResult>");
}

enum code op_upload_part_copy(struct call *c)
{
    struct part part = {.mtime_s = c->now_s};
    struct object *source = NULL;
    uint64_t offset = 0;
    uint64_t n = 0;
    int from = -1;
    enum code code = read_number(c->request, &part.number);
    if (!code)
        code = ops_copy_source(c, &source, &from);
    if (!code)
        code = read_range(c->request, source->size, &offset, &n);
    if (!code && n > c->limits->max_copy_bytes)
        code = CODE_INVALID_REQUEST;
    if (!code)
        code = copy_part(c, from, offset, n, &part);
    if (!code)
        code = add_part(c, &part, true);
    if (!code)
        describe_part_copy(c, &part);
    if (code && part.file) {
        (void)unlink(part.file); /* a spool file */
        free(part.file);
    }
    if (from >= 0)
        (void)close(from); /* was only read */
    object_unref(source);
    return code;
}

/* Hold one <Part> of the list against what was uploaded. */
static enum code check_part(const struct call *c, const struct upload *up, const struct pairs *item,
                            const struct part *p, bool last)
{
    const char *etag = pairs_get(item, "ETag");
    char hex[2 * MD5_BYTES + 1];
    char quoted[64];
    if (!p || !etag)
        return p ? CODE_MALFORMED_XML : CODE_INVALID_PART;
    (void)hex_encode(p->md5.bytes, MD5_BYTES, hex);
    if (strcmp(etag, hex) != 0 && strcmp(etag, reply_etag(quoted, hex)) != 0)
        return CODE_INVALID_PART;
    if (!last && p->size < c->limits->min_part_bytes)
        return CODE_ENTITY_TOO_SMALL;
    const char *claimed = pairs_get(item, hash_element(up->algorithm));
    char text[HASH_TEXT_MAX];
    if (!claimed)
        return up->composite ? CODE_INVALID_REQUEST : CODE_OK;
    bool same = p->algorithm == up->algorithm &&
                strcmp(claimed, hash_text(p->algorithm, &p->checksum, text)) == 0;
    return same ? CODE_OK : CODE_INVALID_PART;
}

/* The parts that the document lists, in order; the array is the caller's. */
static enum code read_parts(const struct call *c, struct upload *up, const struct xml_items *x,
                            const struct part ***ret)
{
    const struct part **list = mem_new((x->n + 1) * sizeof(*list));
    uint64_t before = 0;
    enum code code = x->n > 0 && x->n <= PART_NUMBER_MAX ? CODE_OK : CODE_MALFORMED_XML;
    for (size_t i = 0; i < x->n && !code; i++) {
        uint64_t number = 0;
        if (!text_number(ops_text(pairs_get(&x->items[i], "PartNumber")), &number) ||
            number > PART_NUMBER_MAX) {
            code = CODE_MALFORMED_XML;
            continue;
        }
        list[i] = upload_part(up, (unsigned)number);
        code = number <= before ? CODE_INVALID_PART_ORDER
                                : check_part(c, up, &x->items[i], list[i], i + 1 == x->n);
        before = number;
    }
    if (code)
        free(list);
    else
        *ret = list;
    return code;
}

/* An object put together from parts. */
struct whole {
    int fd;
    char *file;
    uint64_t size;
    struct hash_value md5;      /* of the parts' MD5s */
    struct hash_value checksum; /* of the bytes, or of the parts' checksums */
};

/* Append the parts one to the other, hashing what the ETag and the checksum need. */
static enum code assemble(const struct upload *up, const struct part *const *parts, size_t n,
                          struct whole *w)
{
    struct hashes bytes;  /* over the object's bytes */
    struct hashes values; /* over the parts' MD5s */
    struct hashes sums;   /* over the parts' checksums */
    struct hash_value got[HASH_COUNT];
    enum code code = CODE_OK;
    hashes_begin(&bytes, HASH_BIT(up->algorithm));
    hashes_begin(&values, HASH_BIT(HASH_MD5));
    hashes_begin(&sums, HASH_BIT(up->algorithm));
    for (size_t i = 0; i < n && !code; i++) {
        int from = open(parts[i]->file, O_RDONLY | O_CLOEXEC);
        code = from >= 0 ? ops_copy_bytes(from, 0, parts[i]->size, w->fd, &bytes)
                         : CODE_INTERNAL_ERROR;
        if (from >= 0)
            (void)close(from); /* was only read */
        hashes_add(&values, parts[i]->md5.bytes, MD5_BYTES);
        hashes_add(&sums, parts[i]->checksum.bytes, hash_size(up->algorithm));
        w->size += parts[i]->size;
    }
    hashes_end(&values, got);
    w->md5 = got[HASH_MD5];
    hashes_end(up->composite ? &sums : &bytes, got);
    w->checksum = got[up->algorithm];
    hashes_drop(up->composite ? &bytes : &sums);
    return code;
}

/* Hold what the request claims of the whole against it. */
static enum code check_whole(const struct request *r, const struct upload *up,
                             const struct whole *w, const char *checksum)
{
    const char *size_text = request_header(r, "x-amz-mp-object-size");
    const char *type = request_header(r, "x-amz-checksum-type");
    uint64_t size = 0;
    if (size_text && (!text_number(size_text, &size) || size != w->size))
        return CODE_INVALID_REQUEST;
    if (type && strcmp(type, up->composite ? "COMPOSITE" : "FULL_OBJECT") != 0)
        return CODE_INVALID_REQUEST;
    for (int i = 0; i < HASH_CHECKSUMS; i++) {
        const char *claimed = request_header(r, hash_header((enum hash)i));
        if (claimed && (i != (int)up->algorithm || strcmp(claimed, checksum) != 0))
            return CODE_BAD_DIGEST;
    }
    return CODE_OK;
}

/* Store the whole as an object. *ret is a reference. */
static enum code store_whole(struct call *c, const struct upload *up, const struct whole *w,
                             size_t parts_n, struct object **ret)
{
    struct condition cond = {0};
    struct object *o = object_new(up->key);
    char hex[2 * MD5_BYTES + 1];
    char text[HASH_TEXT_MAX];
    for (size_t i = 0; i < up->headers.n; i++)
        pairs_add(&o->headers, up->headers.at[i].name, up->headers.at[i].value);
    (void)hex_encode(w->md5.bytes, MD5_BYTES, hex);
    (void)snprintf(o->etag, sizeof(o->etag), "%s-%zu", hex, parts_n); /* 32 + 6 bytes */
    carried_etag(o, w->size + (uint64_t)(uintptr_t)o);
    o->mtime_s = c->now_s;
    o->has_checksum = true;
    o->algorithm = up->algorithm;
    o->composite = up->composite;
    (void)hash_text(up->algorithm, &w->checksum, text);
    if (up->composite)
        (void)snprintf(o->checksum, sizeof(o->checksum), "%.44s-%zu", text, parts_n);
    else
        (void)snprintf(o->checksum, sizeof(o->checksum), "%s", text);
    enum code code = check_whole(c->request, up, w, o->checksum);
    if (!code)
        code = ops_condition(c->request, &cond);
    if (!code)
        code = store_put_file(c->store, up->bucket, o, w->fd, w->file, w->size, &cond);
    if (code)
        object_unref(o);
    else
        *ret = o;
    return code;
}

/* Read the list, put the parts together, store. */
static enum code complete(struct call *c, struct upload *up, struct object **ret)
{
    struct xml_items x = {0};
    struct whole whole = {.fd = -1};
    const struct part **parts = NULL;
    const struct buf *in = &c->body->memory;
    bool good = xml_read(in->data, in->len, "CompleteMultipartUpload", "Part", &x);
    enum code code = good ? read_parts(c, up, &x, &parts) : CODE_MALFORMED_XML;
    if (!code)
        code = carried_key_fits(c->request, "x-amz-", &up->headers);
    if (!code) {
        whole.file = spool_name(store_spool(c->store));
        whole.fd = open(whole.file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        code = whole.fd >= 0 ? assemble(up, parts, x.n, &whole) : CODE_INTERNAL_ERROR;
        if (!code)
            code = store_whole(c, up, &whole, x.n, ret);
        if (code)
            (void)unlink(whole.file); /* a spool file */
    }
    if (whole.fd >= 0)
        (void)close(whole.fd); /* its errors came with the writes */
    free(whole.file);
    free(parts);
    xml_items_release(&x);
    return code;
}

enum code op_complete_multipart_upload(struct call *c)
{
    const struct request *r = c->request;
    struct object *o = NULL;
    struct upload *up = uploads_take(c->uploads, request_query(r, "uploadId"), r->bucket, r->key);
    if (!up)
        return CODE_NO_SUCH_UPLOAD;
    enum code code = complete(c, up, &o);
    if (code) {
        uploads_put(c->uploads, up);
        return code;
    }
    upload_free(up);
    char etag[64];
    struct buf *out = &c->reply->body;
    reply_version(c->reply, o);
    reply_encryption(c->reply, &o->headers);
    reply_xml(c->reply);
    text_add(out, "<CompleteMultipartUploadResult " XMLNS ">");
    text_tag(out, "Bucket", r->bucket);
    text_tag(out, "Key", r->key);
    text_tag(out, "ETag", reply_etag(etag, o->etag));
    text_tag(out, hash_element(o->algorithm), o->checksum);
    text_tag(out, "ChecksumType", o->composite ? "COMPOSITE" : "FULL_OBJECT");
    text_add(out, "</CompleteMultipartUploadResult>");
    object_unref(o);
    return CODE_OK;
}

enum code op_abort_multipart_upload(struct call *c)
{
    const struct request *r = c->request;
    struct upload *up = uploads_take(c->uploads, request_query(r, "uploadId"), r->bucket, r->key);
    if (!up)
        return CODE_NO_SUCH_UPLOAD;
    upload_free(up);
    c->reply->status = 204;
    return CODE_OK;
}
