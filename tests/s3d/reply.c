/* What is answered. Pure. */
#include "tests/s3d/reply.h"

#include "tests/s3d/carried.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void reply_begin(struct reply *r, uint64_t number)
{
    *r = (struct reply){.status = 200, .fd = -1};
    text_begin(&r->body);
    (void)snprintf(r->id, sizeof(r->id), "S3D%013llX", (unsigned long long)number); /* 16 digits */
}

void reply_reset(struct reply *r)
{
    pairs_release(&r->headers);
    buf_reset(&r->body);
    if (r->fd >= 0)
        (void)close(r->fd); /* was only read */
    r->fd = -1;
    r->offset = r->size = 0;
    r->bodyless = false;
    r->status = 200;
    r->code = CODE_OK;
}

void reply_release(struct reply *r)
{
    reply_reset(r);
    buf_release(&r->body);
}

void reply_header(struct reply *r, const char *name, const char *value)
{
    pairs_add(&r->headers, name, value);
}

void reply_xml(struct reply *r)
{
    pairs_set(&r->headers, "Content-Type", "application/xml");
    text_add(&r->body, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
}

void reply_error(struct reply *r, enum code code, const char *resource, const char *extra)
{
    reply_reset(r);
    r->status = code_status(code);
    r->code = code;
    if (r->status == 304)
        return;
    reply_xml(r);
    text_add(&r->body, "<Error>");
    text_tag(&r->body, "Code", code_name(code));
    text_tag(&r->body, "Message", code_message(code));
    text_tag(&r->body, "Resource", resource);
    text_add(&r->body, extra);
    text_tag(&r->body, "RequestId", r->id);
    text_tag(&r->body, "HostId", "s3d");
    text_add(&r->body, "</Error>");
}

char *http_date(int64_t s, char out[HTTP_DATE_SIZE])
{
    time_t t = (time_t)s;
    struct tm tm;
    (void)gmtime_r(&t, &tm);
    (void)strftime(out, HTTP_DATE_SIZE, "%a, %d %b %Y %H:%M:%S GMT", &tm); /* 29 bytes */
    return out;
}

char *iso_date(int64_t s, char out[ISO_DATE_SIZE])
{
    time_t t = (time_t)s;
    struct tm tm;
    (void)gmtime_r(&t, &tm);
    (void)strftime(out, ISO_DATE_SIZE, "%Y-%m-%dT%H:%M:%S.000Z", &tm); /* 24 bytes */
    return out;
}

char *reply_etag(char out[64], const char *etag)
{
    (void)snprintf(out, 64, "\"%s\"", etag); /* an ETag has at most 47 bytes */
    return out;
}

void reply_checksum(struct reply *r, const struct object *o)
{
    if (!o->has_checksum)
        return;
    reply_header(r, hash_header(o->algorithm), o->checksum);
    reply_header(r, "x-amz-checksum-type", o->composite ? "COMPOSITE" : "FULL_OBJECT");
}

void reply_version(struct reply *r, const struct object *o)
{
    if (strcmp(o->version, "null") != 0)
        reply_header(r, "x-amz-version-id", o->version);
    if (o->marker)
        reply_header(r, "x-amz-delete-marker", "true");
}

void reply_encryption(struct reply *r, const struct pairs *headers)
{
    for (size_t i = 0; i < headers->n; i++)
        if (text_has_prefix(headers->at[i].name, "x-amz-server-side-encryption"))
            reply_header(r, headers->at[i].name, headers->at[i].value);
}

void reply_describe(struct reply *r, const struct object *o, bool with_checksum)
{
    char date[HTTP_DATE_SIZE];
    char etag[64];
    reply_header(r, "ETag", reply_etag(etag, o->etag));
    reply_header(r, "Last-Modified", http_date(o->mtime_s, date));
    reply_header(r, "Accept-Ranges", "bytes");
    for (size_t i = 0; i < o->headers.n; i++)
        if (carried_is_told(o->headers.at[i].name))
            reply_header(r, o->headers.at[i].name, o->headers.at[i].value);
    if (carried_tag_count(&o->headers) > 0) {
        char count[12];
        (void)snprintf(count, sizeof(count), "%u", carried_tag_count(&o->headers)); /* fits */
        reply_header(r, "x-amz-tagging-count", count);
    }
    if (!pairs_get(&o->headers, "Content-Type"))
        reply_header(r, "Content-Type", "binary/octet-stream");
    reply_version(r, o);
    if (with_checksum)
        reply_checksum(r, o);
}
