/* CopyObject. Shell. */
#include "tests/s3d/ops.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XMLNS "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""

/* Is a directive REPLACE? Without one it is COPY. */
static enum code read_directive(const struct request *r, const char *name, bool *ret_replace)
{
    const char *directive = request_header(r, name);
    *ret_replace = directive && strcmp(directive, "REPLACE") == 0;
    if (directive && !*ret_replace && strcmp(directive, "COPY") != 0)
        return CODE_INVALID_ARGUMENT;
    return CODE_OK;
}

/* What decides where a header of the copy comes from. */
enum directive { DIRECTIVE_METADATA, DIRECTIVE_TAGGING, DIRECTIVE_NONE };

/* Which of them goes for this header. */
static enum directive directive_of(const char *name)
{
    if (strcmp(name, "x-amz-tagging") == 0)
        return DIRECTIVE_TAGGING;
    return carried_is_own(name) ? DIRECTIVE_NONE : DIRECTIVE_METADATA;
}

/* The headers of the copy: those of the source, or where it is to be replaced, those sent. */
static enum code copy_headers(const struct request *r, const struct object *source, bool replace,
                              bool replace_tags, struct pairs *ret)
{
    struct pairs sent = {0};
    enum code code = ops_headers(r, &sent);
    if (code)
        return code;
    for (size_t i = 0; i < sent.n; i++) {
        enum directive by = directive_of(sent.at[i].name);
        if (by == DIRECTIVE_NONE || (by == DIRECTIVE_TAGGING ? replace_tags : replace))
            pairs_add(ret, sent.at[i].name, sent.at[i].value);
    }
    for (size_t i = 0; i < source->headers.n; i++) {
        const struct pair *h = &source->headers.at[i];
        enum directive by = directive_of(h->name);
        if (by != DIRECTIVE_NONE && !(by == DIRECTIVE_TAGGING ? replace_tags : replace))
            pairs_add(ret, h->name, h->value);
    }
    pairs_release(&sent);
    return CODE_OK;
}

/* The checksum algorithm of the copy: the one asked for, the source's, or CRC64NVME. */
static enum code read_algorithm(const struct request *r, const struct object *source,
                                enum hash *ret)
{
    const char *name = request_header(r, "x-amz-checksum-algorithm");
    *ret = source->has_checksum && !source->composite ? source->algorithm : HASH_CRC64NVME;
    return !name || hash_find(name, ret) ? CODE_OK : CODE_INVALID_ARGUMENT;
}

/* Copy the bytes into a spool file and store it as `o`. */
static enum code store_copy(struct call *c, const struct object *source, int from, struct object *o,
                            enum hash algorithm)
{
    struct hashes hashes;
    struct hash_value got[HASH_COUNT];
    struct condition cond = {0};
    enum code code = ops_condition(c->request, &cond);
    if (code)
        return code;
    char *file = spool_name(store_spool(c->store));
    int fd = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    hashes_begin(&hashes, HASH_BIT(HASH_MD5) | HASH_BIT(algorithm));
    code = fd >= 0 ? ops_copy_bytes(from, 0, source->size, fd, &hashes) : CODE_INTERNAL_ERROR;
    hashes_end(&hashes, got);
    ops_set_hashes(o, got, algorithm);
    o->mtime_s = c->now_s;
    if (!code)
        code = store_put_file(c->store, c->request->bucket, o, fd, file, source->size, &cond);
    if (code)
        (void)unlink(file); /* a spool file */
    if (fd >= 0)
        (void)close(fd); /* its errors came with the writes */
    free(file);
    return code;
}

/* Tell of the copy. */
static void describe_copy(struct reply *r, const struct object *o)
{
    char etag[64];
    char date[ISO_DATE_SIZE];
    reply_version(r, o);
    reply_encryption(r, &o->headers);
    reply_xml(r);
    text_add(&r->body, "<CopyObjectResult " XMLNS ">");
    text_tag(&r->body, "LastModified", iso_date(o->mtime_s, date));
    text_tag(&r->body, "ETag", reply_etag(etag, o->etag));
    text_tag(&r->body, hash_element(o->algorithm), o->checksum);
    text_tag(&r->body, "ChecksumType", "FULL_OBJECT");
    text_add(&r->body, "</CopyObjectResult>");
}

/* Does x-amz-copy-source name the request's own object? */
static bool is_own_source(const struct request *r)
{
    const char *text = request_header(r, "x-amz-copy-source");
    text += *text == '/';
    char *source = text_decode(text, strlen(text), false);
    size_t n = strlen(r->bucket);
    bool own = source && strncmp(source, r->bucket, n) == 0 && source[n] == '/' &&
               strcmp(source + n + 1, r->key) == 0;
    free(source);
    return own;
}

enum code op_copy_object(struct call *c)
{
    struct object *source = NULL;
    struct object *o = object_new(c->request->key);
    enum hash algorithm;
    bool replace = false;
    bool replace_tags = false;
    int from = -1;
    enum code code = read_directive(c->request, "x-amz-metadata-directive", &replace);
    if (!code)
        code = read_directive(c->request, "x-amz-tagging-directive", &replace_tags);
    if (!code)
        code = ops_copy_source(c, &source, &from);
    if (!code)
        code = read_algorithm(c->request, source, &algorithm);
    if (!code && source->size > c->limits->max_copy_bytes)
        code = CODE_INVALID_REQUEST;
    if (!code && !replace && is_own_source(c->request) &&
        !request_header(c->request, "x-amz-storage-class") &&
        !request_header(c->request, "x-amz-server-side-encryption"))
        code = CODE_INVALID_REQUEST; /* a copy onto itself must change something */
    if (!code)
        code = copy_headers(c->request, source, replace, replace_tags, &o->headers);
    if (!code)
        code = store_copy(c, source, from, o, algorithm);
    if (!code)
        describe_copy(c->reply, o);
    if (from >= 0)
        (void)close(from); /* was only read */
    object_unref(source);
    object_unref(o);
    return code;
}
