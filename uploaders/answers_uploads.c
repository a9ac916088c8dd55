/*
 * The reader of ListMultipartUploads. Pure.
 */
#include "base/clock.h"
#include "base/err.h"
#include "uploaders/answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Strings lie in `text` while it grows, so they are kept as offsets, 0 for none (byte 0 is a NUL).
 */
struct entry {
    size_t key;
    size_t id;
    size_t algorithm;
    int64_t initiated_us;
};

struct uploads_reader {
    struct buf text;
    struct entry *entries;
    size_t count;
    size_t cap;
    size_t next_key;
    size_t next_id;
    bool truncated;
    bool url; /* keys are percent-encoded */
};

static int open_uploads(void *arg, const char *path)
{
    struct uploads_reader *u = arg;
    if (strcmp(path, "Upload") != 0)
        return 0;
    void *entries = u->entries;
    int rc = answer_grow(&entries, u->count, &u->cap, sizeof(*u->entries));
    u->entries = entries;
    if (!rc)
        u->count++;
    return rc;
}

/* An element of the latest upload. */
static int close_upload(struct uploads_reader *u, const char *name, const char *text)
{
    struct entry *e = &u->entries[u->count - 1];
    if (strcmp(name, "Key") == 0)
        return answer_keep(&u->text, text, &e->key);
    if (strcmp(name, "UploadId") == 0)
        return strlen(text) < S3_UPLOAD_ID_MAX ? answer_keep(&u->text, text, &e->id) : ERR_LIMIT;
    if (strcmp(name, "ChecksumAlgorithm") == 0)
        return answer_keep(&u->text, text, &e->algorithm);
    if (strcmp(name, "Initiated") == 0)
        return clock_parse(text, 0, &e->initiated_us);
    return 0;
}

static int close_uploads(void *arg, const char *path, const char *text)
{
    static const char upload[] = "Upload/";
    struct uploads_reader *u = arg;
    if (strncmp(path, upload, sizeof(upload) - 1) == 0)
        return close_upload(u, path + sizeof(upload) - 1, text);
    if (strcmp(path, "IsTruncated") == 0)
        return answer_bool(text, &u->truncated);
    if (strcmp(path, "NextKeyMarker") == 0)
        return answer_keep(&u->text, text, &u->next_key);
    if (strcmp(path, "NextUploadIdMarker") == 0)
        return strlen(text) < S3_UPLOAD_ID_MAX ? answer_keep(&u->text, text, &u->next_id)
                                               : ERR_LIMIT;
    if (strcmp(path, "EncodingType") == 0)
        u->url = strcmp(text, "url") == 0;
    return 0;
}

/* The uploads, whose strings lie in the text, which moves no more. */
static int build_uploads(struct uploads_reader *u, struct s3_upload *uploads)
{
    for (size_t i = 0; i < u->count; i++) {
        const struct entry *e = &u->entries[i];
        char *key = u->text.data + e->key;
        int rc = u->url ? answer_decode_url(key) : 0;
        if (rc || !*key || !u->text.data[e->id])
            return ERR_SYNTAX;
        uploads[i] = (struct s3_upload){.key = key,
                                        .id = u->text.data + e->id,
                                        .algorithm = u->text.data + e->algorithm,
                                        .initiated_us = e->initiated_us};
    }
    return 0;
}

/* The page, once the whole answer is read. */
static int build_page(struct uploads_reader *u, struct s3_uploads *ret)
{
    char *next_key = u->text.data + u->next_key;
    if (u->truncated && (!*next_key || (u->url && answer_decode_url(next_key))))
        return ERR_SYNTAX;
    struct s3_upload *uploads = calloc(u->count + 1, sizeof(*uploads));
    int rc = uploads ? build_uploads(u, uploads) : -ENOMEM;
    if (rc) {
        free(uploads);
        return rc;
    }
    *ret = (struct s3_uploads){.uploads = uploads, .count = u->count};
    ret->text = buf_take(&u->text);
    ret->next_key = u->truncated ? ret->text + u->next_key : NULL;
    ret->next_id = u->truncated ? ret->text + u->next_id : NULL;
    return 0;
}

int answers_uploads(struct span body, struct s3_uploads *ret, struct s3_error *ret_error)
{
    struct uploads_reader u = {0};
    struct answer_reader r = {.root = "ListMultipartUploadsResult",
                              .arg = &u,
                              .open = open_uploads,
                              .close = close_uploads};
    buf_init(&u.text, ANSWERS_BODY_MAX);
    int rc = buf_append_byte(&u.text, '\0');
    if (!rc)
        rc = answer_read(body, &r, ret_error);
    if (!rc)
        rc = build_page(&u, ret);
    buf_release(&u.text);
    free(u.entries);
    return rc;
}

void s3_uploads_release(struct s3_uploads *p)
{
    free(p->uploads);
    free(p->text);
    *p = (struct s3_uploads){0};
}
