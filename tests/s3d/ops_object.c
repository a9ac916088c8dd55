/* The operations on one object, and the removal of many. Shell. */
#include "tests/s3d/ops.h"

#include "tests/s3d/lock.h"
#include "tests/s3d/xml.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XMLNS      "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""
#define DELETE_MAX 1000 /* keys in one DeleteObjects */

enum code op_put_object(struct call *c)
{
    struct condition cond = {0};
    struct object *o = object_new(c->request->key);
    enum code code = ops_headers(c->request, &o->headers);
    if (!code)
        code = ops_condition(c->request, &cond);
    if (!code) {
        const struct body *b = c->body;
        o->mtime_s = c->now_s;
        ops_set_hashes(o, b->got, b->has_checksum ? b->checksum : HASH_CRC64NVME);
        code = store_put(c->store, c->request->bucket, o, c->body, &cond);
    }
    if (!code) {
        char etag[64];
        reply_header(c->reply, "ETag", reply_etag(etag, o->etag));
        reply_checksum(c->reply, o);
        reply_version(c->reply, o);
        reply_encryption(c->reply, &o->headers);
    }
    object_unref(o);
    return code;
}

/* The object that the request names, its conditions held. */
static enum code find_object(struct call *c, struct object **ret)
{
    enum code code = store_get(c->store, c->request->bucket, c->request->key,
                               request_query(c->request, "versionId"), ret);
    if (code)
        return code;
    code = ops_read_condition(c->request, "", *ret);
    if (code) {
        object_unref(*ret);
        *ret = NULL;
    }
    return code;
}

/* Are the checksums asked for? */
static bool wants_checksum(const struct request *r)
{
    return strcmp(ops_text(request_header(r, "x-amz-checksum-mode")), "ENABLED") == 0;
}

enum range { RANGE_NONE, RANGE_GOOD, RANGE_BEYOND };

/* The number between two places of a text, `otherwise` where nothing stands there. */
static bool parse_bound(const char *from, const char *to, uint64_t otherwise, uint64_t *ret)
{
    *ret = otherwise;
    if (from == to)
        return true;
    char *digits = mem_dupn(from, (size_t)(to - from));
    bool good = text_number(digits, ret);
    free(digits);
    return good;
}

/* "bytes=a-b", "bytes=a-", "bytes=-n" of an object; what is none of these does not count. */
static enum range parse_range(const char *text, uint64_t size, uint64_t *ret_from, uint64_t *ret_n)
{
    static const char unit[] = "bytes=";
    uint64_t first = 0;
    uint64_t last = 0;
    const char *start = text && text_has_prefix(text, unit) ? text + sizeof(unit) - 1 : NULL;
    const char *dash = start ? strchr(start, '-') : NULL;
    if (!dash || (start == dash && !dash[1]) || !parse_bound(start, dash, 0, &first) ||
        !parse_bound(dash + 1, dash + strlen(dash), UINT64_MAX - 1, &last))
        return RANGE_NONE;
    if (start == dash) { /* the last so many bytes */
        if (last == 0)
            return RANGE_BEYOND;
        first = last < size ? size - last : 0;
        last = UINT64_MAX - 1;
    }
    if (first > last)
        return RANGE_NONE;
    if (first >= size)
        return RANGE_BEYOND;
    *ret_from = first;
    *ret_n = (last < size ? last + 1 : size) - first;
    return RANGE_GOOD;
}

/* Point the reply at the wished bytes of the object. */
static enum code set_range(struct call *c, const struct object *o)
{
    uint64_t from = 0;
    uint64_t n = o->size;
    enum range range = parse_range(request_header(c->request, "range"), o->size, &from, &n);
    if (range == RANGE_BEYOND)
        return CODE_INVALID_RANGE;
    c->reply->offset = from;
    c->reply->size = n;
    if (range == RANGE_NONE)
        return CODE_OK;
    struct buf text;
    text_begin(&text);
    text_format(&text, "bytes %llu-%llu/%llu", (unsigned long long)from,
                (unsigned long long)(from + n - 1), (unsigned long long)o->size);
    reply_header(c->reply, "Content-Range", text.data);
    buf_release(&text);
    c->reply->status = 206;
    return CODE_OK;
}

enum code op_get_object(struct call *c)
{
    struct object *o = NULL;
    enum code code = find_object(c, &o);
    if (!code)
        code = carried_key_fits(c->request, "x-amz-", &o->headers);
    if (!code)
        code = carried_readable(o);
    if (!code)
        code = set_range(c, o);
    if (!code)
        code = store_read(o, &c->reply->fd);
    if (!code)
        reply_describe(c->reply, o, wants_checksum(c->request) && c->reply->status == 200);
    object_unref(o);
    return code;
}

enum code op_head_object(struct call *c)
{
    struct object *o = NULL;
    enum code code = find_object(c, &o);
    if (!code)
        code = carried_key_fits(c->request, "x-amz-", &o->headers);
    if (!code)
        code = set_range(c, o);
    if (!code) {
        c->reply->bodyless = true;
        reply_describe(c->reply, o, wants_checksum(c->request) && c->reply->status == 200);
    }
    object_unref(o);
    return code;
}

/* Is `name` in the list of x-amz-object-attributes? */
static bool is_wanted(const char *list, const char *name)
{
    const char *found = strstr(list, name);
    size_t n = strlen(name);
    return found && (found == list || strchr(", ", found[-1])) && strchr(", ", found[n]);
}

enum code op_get_object_attributes(struct call *c)
{
    struct object *o = NULL;
    const char *wanted = request_header(c->request, "x-amz-object-attributes");
    enum code code = wanted ? find_object(c, &o) : CODE_INVALID_ARGUMENT;
    if (code)
        return code;
    struct buf *out = &c->reply->body;
    char date[HTTP_DATE_SIZE];
    const char *class = pairs_get(&o->headers, "x-amz-storage-class");
    reply_header(c->reply, "Last-Modified", http_date(o->mtime_s, date));
    reply_version(c->reply, o);
    reply_xml(c->reply);
    text_add(out, "<GetObjectAttributesResponse " XMLNS ">");
    if (is_wanted(wanted, "ETag"))
        text_tag(out, "ETag", o->etag);
    if (is_wanted(wanted, "Checksum") && o->has_checksum) {
        text_add(out, "<Checksum>");
        text_tag(out, hash_element(o->algorithm), o->checksum);
        text_tag(out, "ChecksumType", o->composite ? "COMPOSITE" : "FULL_OBJECT");
        text_add(out, "</Checksum>");
    }
    if (is_wanted(wanted, "StorageClass"))
        text_tag(out, "StorageClass", class ? class : "STANDARD");
    if (is_wanted(wanted, "ObjectSize"))
        text_tag_int(out, "ObjectSize", o->size);
    text_add(out, "</GetObjectAttributesResponse>");
    object_unref(o);
    return CODE_OK;
}

/* One "key=value" of x-amz-tagging as XML. */
static enum code add_tag(struct buf *out, const char *text, size_t n)
{
    size_t name_n = strcspn(text, "=&");
    size_t value_at = name_n < n ? name_n + 1 : n;
    char *name = text_decode(text, name_n, true);
    char *value = text_decode(text + value_at, n - value_at, true);
    enum code code = name && value ? CODE_OK : CODE_INVALID_ARGUMENT;
    if (!code) {
        text_add(out, "<Tag>");
        text_tag(out, "Key", name);
        text_tag(out, "Value", value);
        text_add(out, "</Tag>");
    }
    free(name);
    free(value);
    return code;
}

enum code op_get_object_tagging(struct call *c)
{
    struct object *o = NULL;
    enum code code = find_object(c, &o);
    if (code)
        return code;
    struct buf *out = &c->reply->body;
    reply_xml(c->reply);
    text_add(out, "<Tagging " XMLNS "><TagSet>");
    for (const char *at = ops_text(pairs_get(&o->headers, "x-amz-tagging")); *at && !code;) {
        size_t n = strcspn(at, "&");
        code = add_tag(out, at, n);
        at += n + (at[n] == '&');
    }
    text_add(out, "</TagSet></Tagging>");
    object_unref(o);
    return code;
}

enum code op_get_object_acl(struct call *c)
{
    struct object *o = NULL;
    enum code code = find_object(c, &o);
    if (code)
        return code;
    reply_xml(c->reply);
    carried_acl(&o->headers, &c->reply->body);
    object_unref(o);
    return CODE_OK;
}

/* What the server makes of the condition of a removal. */
static enum code delete_condition(const struct call *c, const char *etag, struct condition *ret)
{
    *ret = (struct condition){etag, false};
    switch (c->limits->delete_conditions) {
    case DELETE_CONDITIONS_HELD:
        break;
    case DELETE_CONDITIONS_BARE:
        if (etag && etag[0] == '"')
            return CODE_PRECONDITION_FAILED;
        break;
    case DELETE_CONDITIONS_IGNORED:
        ret->if_match = NULL;
        break;
    case DELETE_CONDITIONS_REFUSED:
        return etag ? CODE_NOT_IMPLEMENTED : CODE_OK;
    }
    return CODE_OK;
}

enum code op_delete_object(struct call *c)
{
    struct condition cond;
    struct object *gone = NULL;
    const char *version = request_query(c->request, "versionId");
    enum code code = delete_condition(c, request_header(c->request, "if-match"), &cond);
    if (!code)
        code = lock_is_open(c, c->request->key, version);
    if (!code)
        code = store_delete(c->store, c->request->bucket, c->request->key, version, &cond, &gone);
    if (code)
        return code;
    c->reply->status = 204;
    if (gone && store_is_versioned(c->store))
        reply_version(c->reply, gone);
    object_unref(gone);
    return CODE_OK;
}

/* Remove one of many and tell of it. */
static void delete_item(struct call *c, const struct pairs *item, bool quiet)
{
    const char *key = pairs_get(item, "Key");
    const char *version = pairs_get(item, "VersionId");
    struct condition cond;
    struct object *gone = NULL;
    struct buf *out = &c->reply->body;
    enum code code = delete_condition(c, pairs_get(item, "ETag"), &cond);
    if (!code)
        code = lock_is_open(c, key, version);
    if (!code)
        code = store_delete(c->store, c->request->bucket, key, version, &cond, &gone);
    if (code) {
        text_add(out, "<Error>");
        text_tag(out, "Key", key);
        text_tag(out, "Code", code_name(code));
        text_tag(out, "Message", code_message(code));
        text_add(out, "</Error>");
    } else if (!quiet) {
        text_add(out, "<Deleted>");
        text_tag(out, "Key", key);
        if (version)
            text_tag(out, "VersionId", version);
        if (gone && gone->marker) {
            text_tag(out, "DeleteMarker", "true");
            text_tag(out, "DeleteMarkerVersionId", gone->version);
        }
        text_add(out, "</Deleted>");
    }
    object_unref(gone);
}

/* What the document must be. */
static enum code check_delete(const struct xml_items *x)
{
    if (x->n == 0 || x->n > DELETE_MAX)
        return CODE_MALFORMED_XML;
    for (size_t i = 0; i < x->n; i++) {
        const char *key = pairs_get(&x->items[i], "Key");
        if (!key || !key[0])
            return CODE_MALFORMED_XML;
    }
    return CODE_OK;
}

enum code op_delete_objects(struct call *c)
{
    struct xml_items x = {0};
    const struct buf *in = &c->body->memory;
    if (!c->body->has_checksum && !c->body->claimed[HASH_MD5].set)
        return CODE_MISSING_DIGEST;
    bool good = xml_read(in->data, in->len, "Delete", "Object", &x);
    enum code code = good ? check_delete(&x) : CODE_MALFORMED_XML;
    if (!code) {
        bool quiet = strcmp(ops_text(pairs_get(&x.top, "Quiet")), "true") == 0;
        reply_xml(c->reply);
        text_add(&c->reply->body, "<DeleteResult " XMLNS ">");
        for (size_t i = 0; i < x.n; i++)
            delete_item(c, &x.items[i], quiet);
        text_add(&c->reply->body, "</DeleteResult>");
    }
    xml_items_release(&x);
    return code;
}
