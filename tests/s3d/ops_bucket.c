/* The operations on buckets, and the listings. Shell. */
#include "tests/s3d/ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XMLNS    "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""
#define PAGE_MAX 1000
#define OWNER    "<Owner><ID>s3d</ID><DisplayName>s3d</DisplayName></Owner>"

enum code op_list_buckets(struct call *c)
{
    size_t n = 0;
    char **names = store_buckets(c->store, &n);
    struct buf *out = &c->reply->body;
    reply_xml(c->reply);
    text_add(out, "<ListAllMyBucketsResult " XMLNS ">" OWNER "<Buckets>");
    for (size_t i = 0; i < n; i++) {
        text_add(out, "<Bucket>");
        text_tag(out, "Name", names[i]);
        text_add(out, "<CreationDate>2026-01-01T00:00:00.000Z</CreationDate></Bucket>");
        free(names[i]);
    }
    free(names);
    text_add(out, "</Buckets></ListAllMyBucketsResult>");
    return CODE_OK;
}

enum code op_create_bucket(struct call *c)
{
    enum code code = store_bucket_create(c->store, c->request->bucket);
    struct buf location;
    if (code)
        return code;
    text_begin(&location);
    text_format(&location, "/%s", c->request->bucket);
    reply_header(c->reply, "Location", location.data);
    buf_release(&location);
    return CODE_OK;
}

enum code op_delete_bucket(struct call *c)
{
    c->reply->status = 204;
    return store_bucket_delete(c->store, c->request->bucket);
}

enum code op_head_bucket(struct call *c)
{
    reply_header(c->reply, "x-amz-bucket-region", c->region);
    return CODE_OK;
}

enum code op_get_bucket_location(struct call *c)
{
    bool classic = strcmp(c->region, "us-east-1") == 0;
    reply_xml(c->reply);
    text_format(&c->reply->body, "<LocationConstraint " XMLNS ">%s</LocationConstraint>",
                classic ? "" : c->region);
    return CODE_OK;
}

enum code op_get_bucket_versioning(struct call *c)
{
    reply_xml(c->reply);
    text_format(&c->reply->body, "<VersioningConfiguration " XMLNS ">%s</VersioningConfiguration>",
                store_is_versioned(c->store) ? "<Status>Enabled</Status>" : "");
    return CODE_OK;
}

/* What the parameters of a listing ask for. */
struct wish {
    struct listing_query query;
    bool url; /* encoding-type=url */
    bool owner;
    char *token; /* the key in a continuation-token, decoded; owned */
};

/* A continuation token is the key itself, percent-encoded, behind a mark. */
#define TOKEN_MARK "s3d."

/* Read what all listings have in common. */
static enum code read_wish(const struct request *r, struct wish *w)
{
    const char *max = request_query(r, "max-keys");
    const char *encoding = request_query(r, "encoding-type");
    uint64_t n = PAGE_MAX;
    if (max && !text_number(max, &n))
        return CODE_INVALID_ARGUMENT;
    if (encoding && strcmp(encoding, "url") != 0)
        return CODE_INVALID_ARGUMENT;
    *w = (struct wish){.url = encoding != NULL};
    w->query.prefix = ops_text(request_query(r, "prefix"));
    w->query.delimiter = ops_text(request_query(r, "delimiter"));
    w->query.after = "";
    w->query.max = n < PAGE_MAX ? (size_t)n : PAGE_MAX;
    return CODE_OK;
}

/* Where a V2 listing goes on. */
static enum code read_token(const struct request *r, struct wish *w)
{
    const char *token = request_query(r, "continuation-token");
    const char *owner = request_query(r, "fetch-owner");
    w->owner = owner && strcmp(owner, "true") == 0;
    w->query.after = ops_text(request_query(r, "start-after"));
    if (!token)
        return CODE_OK;
    if (!text_has_prefix(token, TOKEN_MARK))
        return CODE_INVALID_ARGUMENT;
    const char *encoded = token + sizeof(TOKEN_MARK) - 1;
    w->token = text_decode(encoded, strlen(encoded), false);
    if (!w->token)
        return CODE_INVALID_ARGUMENT;
    w->query.after = w->token;
    return CODE_OK;
}

/* An element with a key or a part of one in it. */
static void add_key(struct buf *out, const struct wish *w, const char *tag, const char *key)
{
    if (!w->url) {
        text_tag(out, tag, key);
        return;
    }
    text_format(out, "<%s>", tag);
    text_uri(out, key, true);
    text_format(out, "</%s>", tag);
}

/* What stands at the top of every listing. */
static void add_head(struct buf *out, const struct call *c, const struct wish *w,
                     const struct listing *l)
{
    text_tag(out, "Name", c->request->bucket);
    add_key(out, w, "Prefix", w->query.prefix);
    if (w->query.delimiter[0])
        add_key(out, w, "Delimiter", w->query.delimiter);
    text_tag_int(out, "MaxKeys", w->query.max);
    if (w->url)
        text_tag(out, "EncodingType", "url");
    text_tag(out, "IsTruncated", l->truncated ? "true" : "false");
}

/* What is told of an object in a listing. */
static void add_object(struct buf *out, const struct object *o, bool owner)
{
    char date[ISO_DATE_SIZE];
    char etag[64];
    const char *class = pairs_get(&o->headers, "x-amz-storage-class");
    text_tag(out, "LastModified", iso_date(o->mtime_s, date));
    if (!o->marker) {
        text_tag(out, "ETag", reply_etag(etag, o->etag));
        if (o->has_checksum) {
            text_tag(out, "ChecksumAlgorithm", hash_name(o->algorithm));
            text_tag(out, "ChecksumType", o->composite ? "COMPOSITE" : "FULL_OBJECT");
        }
        text_tag_int(out, "Size", o->size);
        text_tag(out, "StorageClass", class ? class : "STANDARD");
    }
    if (owner)
        text_add(out, OWNER);
}

/* The common prefixes of a page. */
static void add_prefixes(struct buf *out, const struct wish *w, const struct listing *l)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->at[i].object)
            continue;
        text_add(out, "<CommonPrefixes>");
        add_key(out, w, "Prefix", l->at[i].prefix);
        text_add(out, "</CommonPrefixes>");
    }
}

/* The objects and common prefixes of a page. */
static void add_entries(struct buf *out, const struct wish *w, const struct listing *l)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct object *o = l->at[i].object;
        if (!o)
            continue;
        text_add(out, "<Contents>");
        add_key(out, w, "Key", o->key);
        add_object(out, o, w->owner);
        text_add(out, "</Contents>");
    }
    add_prefixes(out, w, l);
}

enum code op_list_objects_v2(struct call *c)
{
    struct wish w = {0};
    struct listing l = {0};
    const char *type = request_query(c->request, "list-type");
    const char *after = request_query(c->request, "start-after");
    enum code code = strcmp(type, "2") == 0 ? read_wish(c->request, &w) : CODE_INVALID_ARGUMENT;
    if (!code)
        code = read_token(c->request, &w);
    if (!code)
        code = store_list(c->store, c->request->bucket, &w.query, &l);
    if (!code) {
        struct buf *out = &c->reply->body;
        reply_xml(c->reply);
        text_add(out, "<ListBucketResult " XMLNS ">");
        add_head(out, c, &w, &l);
        text_tag_int(out, "KeyCount", l.n);
        if (after)
            add_key(out, &w, "StartAfter", after);
        if (w.token)
            text_tag(out, "ContinuationToken", request_query(c->request, "continuation-token"));
        if (l.truncated) {
            text_add(out, "<NextContinuationToken>" TOKEN_MARK);
            text_uri(out, l.next_after, false);
            text_add(out, "</NextContinuationToken>");
        }
        add_entries(out, &w, &l);
        text_add(out, "</ListBucketResult>");
    }
    listing_release(&l);
    free(w.token);
    return code;
}

enum code op_list_objects(struct call *c)
{
    struct wish w = {0};
    struct listing l = {0};
    enum code code = read_wish(c->request, &w);
    if (code)
        return code;
    w.owner = true;
    w.query.after = ops_text(request_query(c->request, "marker"));
    code = store_list(c->store, c->request->bucket, &w.query, &l);
    if (code)
        return code;
    struct buf *out = &c->reply->body;
    reply_xml(c->reply);
    text_add(out, "<ListBucketResult " XMLNS ">");
    add_head(out, c, &w, &l);
    add_key(out, &w, "Marker", w.query.after);
    if (l.truncated && w.query.delimiter[0])
        add_key(out, &w, "NextMarker", l.next_after);
    add_entries(out, &w, &l);
    text_add(out, "</ListBucketResult>");
    listing_release(&l);
    return CODE_OK;
}

enum code op_list_object_versions(struct call *c)
{
    struct wish w = {0};
    struct listing l = {0};
    enum code code = read_wish(c->request, &w);
    if (code)
        return code;
    w.query.versions = true;
    w.query.after = ops_text(request_query(c->request, "key-marker"));
    code = store_list(c->store, c->request->bucket, &w.query, &l);
    if (code)
        return code;
    struct buf *out = &c->reply->body;
    reply_xml(c->reply);
    text_add(out, "<ListVersionsResult " XMLNS ">");
    add_head(out, c, &w, &l);
    add_key(out, &w, "KeyMarker", w.query.after);
    if (l.truncated) {
        add_key(out, &w, "NextKeyMarker", l.next_after);
        text_tag(out, "NextVersionIdMarker", "end");
    }
    for (size_t i = 0; i < l.n; i++) {
        const struct object *o = l.at[i].object;
        if (!o)
            continue;
        text_add(out, o->marker ? "<DeleteMarker>" : "<Version>");
        add_key(out, &w, "Key", o->key);
        text_tag(out, "VersionId", o->version);
        text_tag(out, "IsLatest", l.at[i].latest ? "true" : "false");
        add_object(out, o, true);
        text_add(out, o->marker ? "</DeleteMarker>" : "</Version>");
    }
    add_prefixes(out, &w, &l);
    text_add(out, "</ListVersionsResult>");
    listing_release(&l);
    return CODE_OK;
}
