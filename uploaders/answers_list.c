/*
 * Readers of the answers that are lists: ListObjectsV2 and ListParts. Pure.
 */
#include "base/clock.h"
#include "base/crc.h"
#include "base/err.h"
#include "uploaders/answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PART_NUMBER_MAX 10000

/* Strings lie in `text` while it grows, so they are kept as offsets, 0 for none (byte 0 is a NUL).
 */
struct entry {
    size_t key;
    size_t etag;
    uint64_t size;
    int64_t modified_us;
};

struct list_reader {
    struct buf text;
    struct entry *entries;
    size_t count;
    size_t cap;
    size_t token;
    bool truncated;
    bool url; /* keys are percent-encoded */
};

static int open_list(void *arg, const char *path)
{
    struct list_reader *l = arg;
    if (strcmp(path, "Contents") != 0)
        return 0;
    void *entries = l->entries;
    int rc = answer_grow(&entries, l->count, &l->cap, sizeof(*l->entries));
    l->entries = entries;
    if (!rc)
        l->count++;
    return rc;
}

/* Keep an ETag without its quotes. */
static int keep_etag(struct list_reader *l, const char *text, size_t *ret)
{
    char etag[S3_ETAG_MAX];
    int rc = answer_etag(text, etag);
    return rc ? rc : answer_keep(&l->text, etag, ret);
}

/* An element of the latest object. */
static int close_contents(struct list_reader *l, const char *name, const char *text)
{
    struct entry *e = &l->entries[l->count - 1];
    if (strcmp(name, "Key") == 0)
        return answer_keep(&l->text, text, &e->key);
    if (strcmp(name, "ETag") == 0)
        return keep_etag(l, text, &e->etag);
    if (strcmp(name, "Size") == 0)
        return answer_number(text, INT64_MAX, &e->size);
    if (strcmp(name, "LastModified") == 0)
        return clock_parse(text, 0, &e->modified_us);
    return 0;
}

static int close_list(void *arg, const char *path, const char *text)
{
    static const char contents[] = "Contents/";
    struct list_reader *l = arg;
    if (strncmp(path, contents, sizeof(contents) - 1) == 0)
        return close_contents(l, path + sizeof(contents) - 1, text);
    if (strcmp(path, "IsTruncated") == 0)
        return answer_bool(text, &l->truncated);
    if (strcmp(path, "NextContinuationToken") == 0)
        return strlen(text) < S3_TOKEN_MAX ? answer_keep(&l->text, text, &l->token) : ERR_LIMIT;
    if (strcmp(path, "EncodingType") == 0)
        l->url = strcmp(text, "url") == 0;
    return 0;
}

/* Objects whose strings lie in the text, which moves no more. */
static int build_objects(struct list_reader *l, struct s3_object **ret)
{
    struct s3_object *objects = calloc(l->count ? l->count : 1, sizeof(*objects));
    int rc = objects ? 0 : -ENOMEM;
    for (size_t i = 0; !rc && i < l->count; i++) {
        const struct entry *e = &l->entries[i];
        char *key = l->text.data + e->key;
        rc = l->url ? answer_decode_url(key) : 0;
        rc = rc ? rc : *key ? 0 : ERR_SYNTAX;
        objects[i] = (struct s3_object){.key = key,
                                        .size = e->size,
                                        .etag = l->text.data + e->etag,
                                        .modified_us = e->modified_us};
    }
    if (rc)
        free(objects);
    else
        *ret = objects;
    return rc;
}

/* The page, once the whole answer is read. */
static int build_page(struct list_reader *l, struct s3_page *ret)
{
    struct s3_object *objects = NULL;
    if (l->truncated && !l->text.data[l->token])
        return ERR_SYNTAX;
    int rc = build_objects(l, &objects);
    if (rc)
        return rc;
    ret->objects = objects;
    ret->count = l->count;
    ret->text = buf_take(&l->text);
    ret->next_token = l->truncated ? ret->text + l->token : NULL;
    return 0;
}

int answers_list(struct span body, struct s3_page *ret, struct s3_error *ret_error)
{
    struct list_reader l = {0};
    struct answer_reader r = {
        .root = "ListBucketResult", .arg = &l, .open = open_list, .close = close_list};
    buf_init(&l.text, ANSWERS_BODY_MAX);
    int rc = buf_append_byte(&l.text, '\0');
    if (!rc)
        rc = answer_read(body, &r, ret_error);
    if (!rc)
        rc = build_page(&l, ret);
    buf_release(&l.text);
    free(l.entries);
    return rc;
}

void s3_page_release(struct s3_page *p)
{
    free(p->objects);
    free(p->text);
    *p = (struct s3_page){0};
}

bool s3_page_advances(const struct s3_page *p, const char *after)
{
    return !p->next_token || p->count == 0 || strcmp(p->objects[p->count - 1].key, after) > 0;
}

struct parts_reader {
    struct s3_parts parts;
    size_t cap;
    bool has_marker;
};

static int open_parts(void *arg, const char *path)
{
    struct parts_reader *p = arg;
    if (strcmp(path, "Part") != 0)
        return 0;
    void *parts = p->parts.parts;
    int rc = answer_grow(&parts, p->parts.count, &p->cap, sizeof(*p->parts.parts));
    p->parts.parts = parts;
    if (!rc)
        p->parts.count++;
    return rc;
}

/* A part's number, 1..10000; 0 too where it is a marker. */
static int read_part_number(const char *text, unsigned least, unsigned *ret)
{
    uint64_t n = 0;
    int rc = answer_number(text, PART_NUMBER_MAX, &n);
    if (rc || n < least)
        return ERR_SYNTAX;
    *ret = (unsigned)n;
    return 0;
}

/* An element of the latest part. */
static int close_part(struct s3_part *part, const char *name, const char *text)
{
    if (strcmp(name, "PartNumber") == 0)
        return read_part_number(text, 1, &part->number);
    if (strcmp(name, "Size") == 0)
        return answer_number(text, INT64_MAX, &part->size);
    if (strcmp(name, "ETag") == 0)
        return answer_etag(text, part->etag);
    if (strcmp(name, "ChecksumCRC64NVME") != 0)
        return 0;
    part->has_crc = true;
    return crc64nvme_parse(text, &part->crc64);
}

static int close_parts(void *arg, const char *path, const char *text)
{
    struct parts_reader *p = arg;
    if (strncmp(path, "Part/", 5) == 0)
        return close_part(&p->parts.parts[p->parts.count - 1], path + 5, text);
    if (strcmp(path, "Part") == 0)
        return p->parts.parts[p->parts.count - 1].number ? 0 : ERR_SYNTAX;
    if (strcmp(path, "IsTruncated") == 0)
        return answer_bool(text, &p->parts.truncated);
    if (strcmp(path, "NextPartNumberMarker") != 0)
        return 0;
    p->has_marker = true;
    return read_part_number(text, 0, &p->parts.next_marker);
}

int answers_parts(struct span body, struct s3_parts *ret, struct s3_error *ret_error)
{
    struct parts_reader p = {0};
    struct answer_reader r = {
        .root = "ListPartsResult", .arg = &p, .open = open_parts, .close = close_parts};
    int rc = answer_read(body, &r, ret_error);
    if (!rc && p.parts.truncated && !p.has_marker)
        rc = ERR_SYNTAX;
    if (rc)
        s3_parts_release(&p.parts);
    else
        *ret = p.parts;
    return rc;
}

void s3_parts_release(struct s3_parts *p)
{
    free(p->parts);
    *p = (struct s3_parts){0};
}
