/* The listings of uploads in parts. Shell. */
#include "tests/s3d/ops.h"

#include "base/digest.h"

#include <stdio.h>
#include <string.h>

#define XMLNS     "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""
#define PARTS_MAX 1000 /* on one page */

/* One <Part> of ListParts. */
static void add_listed_part(struct buf *out, const struct part *p)
{
    char hex[2 * MD5_BYTES + 1];
    char etag[64];
    char date[ISO_DATE_SIZE];
    char text[HASH_TEXT_MAX];
    text_add(out, "<Part>");
    text_tag_int(out, "PartNumber", p->number);
    text_tag(out, "LastModified", iso_date(p->mtime_s, date));
    text_tag(out, "ETag", reply_etag(etag, hex_encode(p->md5.bytes, MD5_BYTES, hex)));
    text_tag_int(out, "Size", p->size);
    if (p->has_checksum)
        text_tag(out, hash_element(p->algorithm), hash_text(p->algorithm, &p->checksum, text));
    text_add(out, "</Part>");
}

/* The page of parts behind a marker. */
static void add_listed_parts(struct buf *out, const struct upload *up, uint64_t after, uint64_t max)
{
    uint64_t listed = 0;
    unsigned last = 0;
    bool truncated = false;
    for (size_t i = 0; i < up->parts_n && !truncated; i++) {
        if (up->parts[i].number <= after)
            continue;
        truncated = listed == max;
        if (truncated)
            continue;
        add_listed_part(out, &up->parts[i]);
        last = up->parts[i].number;
        listed++;
    }
    text_tag_int(out, "MaxParts", max);
    text_tag(out, "IsTruncated", truncated ? "true" : "false");
    if (truncated)
        text_tag_int(out, "NextPartNumberMarker", last);
}

enum code op_list_parts(struct call *c)
{
    uint64_t max = PARTS_MAX;
    uint64_t after = 0;
    const char *max_text = request_query(c->request, "max-parts");
    const char *after_text = request_query(c->request, "part-number-marker");
    if ((max_text && !text_number(max_text, &max)) ||
        (after_text && !text_number(after_text, &after)))
        return CODE_INVALID_ARGUMENT;
    const struct request *r = c->request;
    const struct upload *up =
        uploads_lock(c->uploads, request_query(r, "uploadId"), r->bucket, r->key);
    if (!up)
        return CODE_NO_SUCH_UPLOAD;
    enum code code = carried_key_fits(c->request, "x-amz-", &up->headers);
    if (code) {
        uploads_unlock(c->uploads);
        return code;
    }
    struct buf *out = &c->reply->body;
    reply_xml(c->reply);
    text_add(out, "<ListPartsResult " XMLNS ">");
    text_tag(out, "Bucket", up->bucket);
    text_tag(out, "Key", up->key);
    text_tag(out, "UploadId", up->id);
    text_tag(out, "StorageClass", "STANDARD");
    text_tag_int(out, "PartNumberMarker", after);
    if (up->has_algorithm) {
        text_tag(out, "ChecksumAlgorithm", hash_name(up->algorithm));
        text_tag(out, "ChecksumType", up->composite ? "COMPOSITE" : "FULL_OBJECT");
    }
    add_listed_parts(out, up, after, max < PARTS_MAX ? max : PARTS_MAX);
    uploads_unlock(c->uploads);
    text_add(out, "</ListPartsResult>");
    return CODE_OK;
}

/* What a listing of uploads is filled by. */
struct upload_page {
    struct buf *out;
    const char *prefix;
    const char *key_marker;
    const char *id_marker;
    uint64_t max;
    uint64_t listed;
    bool url;
    bool truncated;
    char last_key[KEY_BYTES_MAX + 1];
    char last_id[40];
};

/* Is it at or before the marker, or outside of the prefix? */
static bool is_passed_over(const struct upload_page *page, const struct upload *up)
{
    int order = strcmp(up->key, page->key_marker);
    if (!text_has_prefix(up->key, page->prefix))
        return true;
    if (!page->key_marker[0])
        return false;
    return order < 0 || (order == 0 && strcmp(up->id, page->id_marker) <= 0) ||
           (order == 0 && !page->id_marker[0]);
}

/* One <Upload>. */
static void list_upload(void *context, const struct upload *up)
{
    struct upload_page *page = context;
    char date[ISO_DATE_SIZE];
    if (is_passed_over(page, up))
        return;
    if (page->listed == page->max) {
        page->truncated = true;
        return;
    }
    page->listed++;
    (void)snprintf(page->last_key, sizeof(page->last_key), "%s", up->key); /* both fit */
    (void)snprintf(page->last_id, sizeof(page->last_id), "%s", up->id);
    text_add(page->out, "<Upload><Key>");
    if (page->url)
        text_uri(page->out, up->key, true);
    else
        text_xml(page->out, up->key);
    text_add(page->out, "</Key>");
    text_tag(page->out, "UploadId", up->id);
    text_tag(page->out, "StorageClass", "STANDARD");
    text_tag(page->out, "Initiated", iso_date(up->mtime_s, date));
    if (up->has_algorithm) {
        text_tag(page->out, "ChecksumAlgorithm", hash_name(up->algorithm));
        text_tag(page->out, "ChecksumType", up->composite ? "COMPOSITE" : "FULL_OBJECT");
    }
    text_add(page->out, "</Upload>");
}

enum code op_list_multipart_uploads(struct call *c)
{
    const struct request *r = c->request;
    const char *max = request_query(r, "max-uploads");
    const char *encoding = request_query(r, "encoding-type");
    struct upload_page page = {
        .out = &c->reply->body,
        .prefix = ops_text(request_query(r, "prefix")),
        .key_marker = ops_text(request_query(r, "key-marker")),
        .id_marker = ops_text(request_query(r, "upload-id-marker")),
        .max = PARTS_MAX,
        .url = encoding && strcmp(encoding, "url") == 0,
    };
    if (max && !text_number(max, &page.max))
        return CODE_INVALID_ARGUMENT;
    reply_xml(c->reply);
    text_add(page.out, "<ListMultipartUploadsResult " XMLNS ">");
    text_tag(page.out, "Bucket", r->bucket);
    text_tag(page.out, "Prefix", page.prefix);
    if (page.url)
        text_tag(page.out, "EncodingType", "url");
    uploads_visit(c->uploads, r->bucket, list_upload, &page);
    text_tag(page.out, "IsTruncated", page.truncated ? "true" : "false");
    if (page.truncated) {
        text_format(page.out, "<NextKeyMarker>");
        text_uri(page.out, page.last_key, true);
        text_format(page.out, "</NextKeyMarker>");
        text_tag(page.out, "NextUploadIdMarker", page.last_id);
    }
    text_add(page.out, "</ListMultipartUploadsResult>");
    return CODE_OK;
}
