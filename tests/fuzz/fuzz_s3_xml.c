/*
 * Every reader of S3's answers on any bytes: no crash, no leak, outputs only on success, and what
 * was read is within its bounds. The first byte chooses the reader. Of every document the walk
 * tells the same where a comment behind it sends it to the parser.
 */
#include "uploaders/answers.h"

#include "base/err.h"
#include "uploaders/xml.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The parts of a list answer hold together. */
static void check_list(struct span body)
{
    struct s3_page p;
    struct s3_error e;
    if (answers_list(body, &p, &e) != 0)
        return;
    for (size_t i = 0; i < p.count; i++)
        if (!*p.objects[i].key || strlen(p.objects[i].etag) >= S3_ETAG_MAX)
            abort();
    if (p.next_token && !*p.next_token)
        abort();
    s3_page_release(&p);
}

/* Parts that were read can be written, if they ascend. */
static void check_parts(struct span body)
{
    struct s3_parts p;
    struct s3_error e;
    if (answers_parts(body, &p, &e) != 0)
        return;
    struct buf out;
    buf_init(&out, ANSWERS_BODY_MAX);
    (void)!answers_build_complete(p.parts, p.count, &out); /* only that it stands */
    buf_release(&out);
    s3_parts_release(&p);
}

/* Every upload has what it is known by. */
static void check_uploads(struct span body)
{
    struct s3_uploads p;
    struct s3_error e;
    if (answers_uploads(body, &p, &e) != 0)
        return;
    for (size_t i = 0; i < p.count; i++)
        if (!*p.uploads[i].key || !*p.uploads[i].id || strlen(p.uploads[i].id) >= S3_UPLOAD_ID_MAX)
            abort();
    if (p.next_key && (!*p.next_key || !p.next_id))
        abort();
    s3_uploads_release(&p);
}

/* An item is either done or has a code. */
static void check_delete(struct span body)
{
    static char keys[3][4] = {"a", "b", "a&b"};
    struct delete_item items[3] = {{.key = keys[0]}, {.key = keys[1]}, {.key = keys[2]}};
    struct s3_error e;
    if (answers_delete(body, items, 3, &e) != 0)
        return;
    for (size_t i = 0; i < 3; i++)
        if (items[i].done && *items[i].code)
            abort();
}

/* The readers of one text. */
static void check_texts(struct span body)
{
    struct s3_error e;
    char etag[S3_ETAG_MAX], id[S3_UPLOAD_ID_MAX], region[64];
    if (answers_copy(body, etag, &e) == 0 && !*etag)
        abort();
    if (answers_complete(body, etag, &e) == 0 && !*etag)
        abort();
    if (answers_initiate(body, id, &e) == 0 && !*id)
        abort();
    bool told = false;
    uint64_t crc = 0;
    if (answers_checksum(body, &told, &crc, &e) == 0 && !told && crc)
        abort();
    struct buf tags;
    buf_init(&tags, 1 << 16);
    if (answers_tagging(body, &tags, &e) != 0 && tags.len)
        abort();
    buf_release(&tags);
    if (answers_location(body, region, &e) == 0 && !*region)
        abort();
    enum s3_versioning versioning = S3_VERSIONING_OFF;
    if (answers_versioning(body, &versioning, &e) != 0 && versioning != S3_VERSIONING_OFF)
        abort();
}

/* What a walk told, in one number. */
static uint64_t mixed(uint64_t h, const char *text)
{
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return (h ^ 256) * UINT64_C(1099511628211);
}

static int on_open(void *arg, const char *path)
{
    uint64_t *h = arg;
    *h = mixed(*h, path);
    return 0;
}

static int on_close(void *arg, const char *path, const char *text)
{
    uint64_t *h = arg;
    *h = mixed(mixed(*h, path), text);
    return 0;
}

/* The document, and with a comment behind it. */
static void check_walks(struct span body)
{
    static const char comment[] = "<!---->";
    uint64_t told[2] = {0, 0};
    struct xml_visitor v = {.arg = &told[0], .open = on_open, .close = on_close};
    struct buf longer;
    buf_init(&longer, SIZE_MAX);
    if (buf_append_span(&longer, body) || buf_append_str(&longer, comment))
        abort();
    int rc = xml_walk(body, &v);
    v.arg = &told[1];
    if (xml_walk((struct span){longer.data, longer.len}, &v) != rc || told[0] != told[1])
        abort();
    buf_release(&longer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span body = {(const char *)data + 1, size - 1};
    struct s3_error e;
    if (size == 0)
        return 0;
    check_walks(body);
    switch (data[0] % 6) {
    case 0:
        check_list(body);
        break;
    case 1:
        check_parts(body);
        break;
    case 2:
        check_delete(body);
        break;
    case 3:
        check_texts(body);
        break;
    case 4:
        check_uploads(body);
        break;
    default:
        if (answers_error(body, &e) == 0 && strlen(e.message) >= sizeof(e.message))
            abort();
    }
    return 0;
}
