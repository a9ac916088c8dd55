/*
 * Readers of the small answers, and of DeleteObjects'. Pure.
 */
#include "uploaders/answers.h"

#include "base/crc.h"
#include "base/err.h"
#include "uploaders/answer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The one element of an answer that counts, and where its text goes. */
struct wanted {
    const char *path;
    char *out;
    size_t size;
    bool is_etag;
    bool found;
};

static int close_wanted(void *arg, const char *path, const char *text)
{
    struct wanted *w = arg;
    if (strcmp(path, w->path) != 0)
        return 0;
    w->found = true;
    return w->is_etag ? answer_etag(text, w->out) : answer_text(text, w->out, w->size);
}

/* Read one text, which must be there and not be empty. */
static int read_wanted(struct span body, const char *root, const char *other_root, struct wanted *w,
                       struct s3_error *ret_error)
{
    struct answer_reader r = {
        .root = root, .other_root = other_root, .arg = w, .close = close_wanted};
    int rc = answer_read(body, &r, ret_error);
    if (rc)
        return rc;
    return w->found && *w->out ? 0 : ERR_SYNTAX;
}

/* Read an ETag. */
static int read_etag(struct span body, const char *root, const char *other_root,
                     char ret_etag[S3_ETAG_MAX], struct s3_error *ret_error)
{
    char etag[S3_ETAG_MAX] = "";
    struct wanted w = {.path = "ETag", .out = etag, .size = sizeof(etag), .is_etag = true};
    int rc = read_wanted(body, root, other_root, &w, ret_error);
    if (!rc)
        memcpy(ret_etag, etag, sizeof(etag));
    return rc;
}

int answers_copy(struct span body, char ret_etag[S3_ETAG_MAX], struct s3_error *ret_error)
{
    return read_etag(body, "CopyObjectResult", "CopyPartResult", ret_etag, ret_error);
}

int answers_complete(struct span body, char ret_etag[S3_ETAG_MAX], struct s3_error *ret_error)
{
    return read_etag(body, "CompleteMultipartUploadResult", NULL, ret_etag, ret_error);
}

/* The checksum of an answer. */
struct told_crc {
    bool told;
    uint64_t crc;
};

static int close_checksum(void *arg, const char *path, const char *text)
{
    struct told_crc *c = arg;
    if (strcmp(path, "ChecksumCRC64NVME") != 0)
        return 0;
    c->told = true;
    return crc64nvme_parse(text, &c->crc);
}

int answers_checksum(struct span body, bool *ret_told, uint64_t *ret_crc,
                     struct s3_error *ret_error)
{
    struct told_crc c = {.told = false};
    struct answer_reader r = {.root = "CompleteMultipartUploadResult",
                              .other_root = "CopyPartResult",
                              .arg = &c,
                              .close = close_checksum};
    int rc = answer_read(body, &r, ret_error);
    if (rc)
        return rc;
    *ret_told = c.told;
    *ret_crc = c.crc;
    return 0;
}

int answers_initiate(struct span body, char ret_id[S3_UPLOAD_ID_MAX], struct s3_error *ret_error)
{
    char id[S3_UPLOAD_ID_MAX] = "";
    struct wanted w = {.path = "UploadId", .out = id, .size = sizeof(id)};
    int rc = read_wanted(body, "InitiateMultipartUploadResult", NULL, &w, ret_error);
    if (!rc)
        memcpy(ret_id, id, sizeof(id));
    return rc;
}

int answers_location(struct span body, char ret_region[64], struct s3_error *ret_error)
{
    char region[64] = "";
    struct wanted w = {.path = "", .out = region, .size = sizeof(region)};
    struct answer_reader r = {.root = "LocationConstraint", .arg = &w, .close = close_wanted};
    int rc = answer_read(body, &r, ret_error);
    if (rc)
        return rc;
    if (!*region)
        snprintf(region, sizeof(region), "us-east-1");
    else if (strcmp(region, "EU") == 0)
        snprintf(region, sizeof(region), "eu-west-1");
    memcpy(ret_region, region, sizeof(region));
    return 0;
}

int answers_versioning(struct span body, enum s3_versioning *ret, struct s3_error *ret_error)
{
    char status[16] = "";
    struct wanted w = {.path = "Status", .out = status, .size = sizeof(status)};
    struct answer_reader r = {.root = "VersioningConfiguration", .arg = &w, .close = close_wanted};
    int rc = answer_read(body, &r, ret_error);
    if (rc)
        return rc;
    if (strcmp(status, "Enabled") == 0)
        *ret = S3_VERSIONING_ON;
    else if (strcmp(status, "Suspended") == 0)
        *ret = S3_VERSIONING_SUSPENDED;
    else if (!*status)
        *ret = S3_VERSIONING_OFF;
    else
        return ERR_SYNTAX;
    return 0;
}

/* What DeleteResult says of one item. */
struct mark {
    const char *key;
    size_t item;
    bool done;
    char code[sizeof(((struct delete_item *)0)->code)];
};

struct delete_reader {
    struct mark *marks; /* one an item, sorted by key */
    size_t count;
    char key[S3_KEY_MAX + 1];
    char code[sizeof(((struct delete_item *)0)->code)];
};

static int compare_marks(const void *a, const void *b)
{
    const struct mark *x = a;
    const struct mark *y = b;
    int order = strcmp(x->key, y->key);
    return order ? order : (x->item > y->item) - (x->item < y->item);
}

/* The first mark whose key is not below `key`. */
static size_t find_mark(const struct delete_reader *d, const char *key)
{
    size_t low = 0;
    size_t high = d->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(d->marks[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Mark all items of the key. One that is not there is as gone as one that was deleted. */
static void mark_key(struct delete_reader *d, bool deleted)
{
    bool done = deleted || strcmp(d->code, "NoSuchKey") == 0;
    for (size_t i = find_mark(d, d->key); i < d->count; i++) {
        if (strcmp(d->marks[i].key, d->key) != 0)
            break;
        d->marks[i].done = done;
        snprintf(d->marks[i].code, sizeof(d->marks[i].code), "%s", done ? "" : d->code);
    }
}

static int open_delete(void *arg, const char *path)
{
    struct delete_reader *d = arg;
    if (!strchr(path, '/')) {
        d->key[0] = '\0';
        snprintf(d->code, sizeof(d->code), "Unknown");
    }
    return 0;
}

static int close_delete(void *arg, const char *path, const char *text)
{
    struct delete_reader *d = arg;
    if (strcmp(path, "Deleted/Key") == 0 || strcmp(path, "Error/Key") == 0)
        return answer_text(text, d->key, sizeof(d->key));
    if (strcmp(path, "Error/Code") == 0)
        snprintf(d->code, sizeof(d->code), "%s", text);
    else if (strcmp(path, "Deleted") == 0 || strcmp(path, "Error") == 0)
        mark_key(d, *path == 'D');
    return 0;
}

/* A mark for each item, not yet answered. NULL without memory. */
static struct mark *new_marks(const struct delete_item *items, size_t n)
{
    struct mark *marks = calloc(n ? n : 1, sizeof(*marks));
    if (!marks)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        marks[i].key = items[i].key;
        marks[i].item = i;
        snprintf(marks[i].code, sizeof(marks[i].code), "NoAnswer");
    }
    qsort(marks, n, sizeof(*marks), compare_marks);
    return marks;
}

int answers_delete(struct span body, struct delete_item *items, size_t n,
                   struct s3_error *ret_error)
{
    struct delete_reader d = {.marks = new_marks(items, n), .count = n};
    struct answer_reader r = {
        .root = "DeleteResult", .arg = &d, .open = open_delete, .close = close_delete};
    if (!d.marks)
        return -ENOMEM;
    int rc = answer_read(body, &r, ret_error);
    for (size_t i = 0; !rc && i < n; i++) {
        struct delete_item *item = &items[d.marks[i].item];
        item->done = d.marks[i].done;
        memcpy(item->code, d.marks[i].code, sizeof(item->code));
    }
    free(d.marks);
    return rc;
}
