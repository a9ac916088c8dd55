/* What an object carries besides its bytes and POSIX metadata. Pure. */
#include "uploaders/attributes.h"

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/json.h"
#include "uploaders/sigv4.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define METADATA_PREFIX "x-amz-meta-"
#define CONTEXT_HEADER  "x-amz-server-side-encryption-context"
#define TEXT_MAX        (64 * 1024) /* of tags or a context, as they are sent */
#define KEY_TEXT_MAX    45          /* base64 of 32 bytes */
#define MD5_TEXT_MAX    25          /* of 16 */

/* Names and values, sorted by name. */
struct list {
    struct pair {
        char *name;
        char *value;
    } * items;
    size_t count;
};

struct s3_attributes {
    struct list headers;
    struct list tags;
    struct list context;
    char key[KEY_TEXT_MAX]; /* "": none */
    char md5[MD5_TEXT_MAX];
    uint32_t mark;
};

/* Where the name is, or would be. */
static size_t list_find(const struct list *l, const char *name, bool *ret_found)
{
    size_t i = 0;
    int order = 1;
    while (i < l->count && (order = strcmp(name, l->items[i].name)) > 0)
        i++;
    *ret_found = i < l->count && order == 0;
    return i;
}

static void list_remove(struct list *l, size_t i)
{
    free(l->items[i].name);
    free(l->items[i].value);
    memmove(&l->items[i], &l->items[i + 1], (--l->count - i) * sizeof(*l->items));
}

static void list_release(struct list *l)
{
    while (l->count > 0)
        list_remove(l, l->count - 1);
    free(l->items);
    *l = (struct list){NULL, 0};
}

/* Insert or replace. 0 or -ENOMEM. */
static int list_set(struct list *l, const char *name, const char *value)
{
    bool found;
    size_t i = list_find(l, name, &found);
    struct pair pair = {.value = strdup(value)};
    if (pair.value && found) {
        free(l->items[i].value);
        l->items[i].value = pair.value;
        return 0;
    }
    struct pair *items = realloc(l->items, (l->count + 1) * sizeof(*items));
    if (items)
        l->items = items;
    pair.name = strdup(name);
    if (!items || !pair.name || !pair.value) {
        free(pair.name);
        free(pair.value);
        return -ENOMEM;
    }
    memmove(&items[i + 1], &items[i], (l->count++ - i) * sizeof(*items));
    items[i] = pair;
    return 0;
}

struct s3_attributes *s3_attributes_new(void)
{
    return calloc(1, sizeof(struct s3_attributes));
}

void s3_attributes_free(struct s3_attributes *a)
{
    if (!a)
        return;
    list_release(&a->headers);
    list_release(&a->tags);
    list_release(&a->context);
    explicit_bzero(a, sizeof(*a));
    free(a);
}

int s3_attributes_set(struct s3_attributes *a, const char *header, const char *value)
{
    return list_set(&a->headers, header, value);
}

int s3_attributes_metadata(struct s3_attributes *a, const char *name, const char *value)
{
    struct buf header;
    buf_init(&header, TEXT_MAX);
    int code = buf_append_str(&header, METADATA_PREFIX);
    if (code == 0)
        code = buf_append_str(&header, name);
    if (code == 0)
        code = list_set(&a->headers, header.data, value);
    buf_release(&header);
    return code;
}

int s3_attributes_tag(struct s3_attributes *a, const char *key, const char *value)
{
    return list_set(&a->tags, key, value);
}

int s3_attributes_context(struct s3_attributes *a, const char *key, const char *value)
{
    return list_set(&a->context, key, value);
}

void s3_attributes_customer_key(struct s3_attributes *a, const uint8_t key[S3_CUSTOMER_KEY_BYTES])
{
    uint8_t digest[MD5_BYTES];
    digest_md5(key, S3_CUSTOMER_KEY_BYTES, digest);
    base64_encode(key, S3_CUSTOMER_KEY_BYTES, a->key);
    base64_encode(digest, sizeof(digest), a->md5);
}

void s3_attributes_plain(struct s3_attributes *a)
{
    for (size_t i = a->headers.count; i > 0; i--)
        if (s3_header_kind(a->headers.items[i - 1].name) == S3_HEADER_ENCRYPTION)
            list_remove(&a->headers, i - 1);
    list_release(&a->context);
    explicit_bzero(a->key, sizeof(a->key));
    a->md5[0] = '\0';
}

/* "key=value&key=value", encoded. */
static int render_tags(const struct list *tags, struct buf *out)
{
    int code = 0;
    for (size_t i = 0; i < tags->count && code == 0; i++) {
        code = i > 0 ? buf_append_byte(out, '&') : 0;
        if (code == 0)
            code = sigv4_encode(tags->items[i].name, out);
        if (code == 0)
            code = buf_append_byte(out, '=');
        if (code == 0)
            code = sigv4_encode(tags->items[i].value, out);
    }
    return code;
}

/* The context as JSON in base64. */
static int render_context(const struct list *context, struct buf *out)
{
    struct buf json;
    struct json_writer w;
    buf_init(&json, TEXT_MAX);
    json_begin(&w, &json);
    json_object(&w, NULL);
    for (size_t i = 0; i < context->count; i++)
        json_put_string(&w, context->items[i].name, context->items[i].value);
    json_object_end(&w);
    int code = json_end(&w);
    if (code == 0)
        code = buf_reserve(out, base64_size(json.len) + 1);
    if (code == 0)
        base64_encode(json.data, json.len, out->data);
    buf_release(&json);
    return code;
}

/* The list, rendered, becomes a header. */
static int set_rendered(struct s3_attributes *a, const struct list *from, const char *header,
                        int (*render)(const struct list *l, struct buf *out))
{
    struct buf text;
    if (from->count == 0)
        return 0;
    buf_init(&text, TEXT_MAX);
    int code = render(from, &text);
    if (code == 0)
        code = list_set(&a->headers, header, text.data);
    buf_release(&text);
    return code;
}

/* A number of all that is set; the customer's key counts by its MD5. */
static uint32_t make_mark(const struct s3_attributes *a)
{
    struct sha256 s;
    uint8_t digest[SHA256_BYTES];
    if (a->headers.count == 0 && a->key[0] == '\0')
        return 0;
    sha256_begin(&s);
    for (size_t i = 0; i < a->headers.count; i++) {
        sha256_add(&s, a->headers.items[i].name, strlen(a->headers.items[i].name) + 1);
        sha256_add(&s, a->headers.items[i].value, strlen(a->headers.items[i].value) + 1);
    }
    sha256_add(&s, a->md5, strlen(a->md5) + 1);
    sha256_end(&s, digest);
    uint32_t mark = (uint32_t)digest[0] << 16 | (uint32_t)digest[1] << 8 | digest[2];
    return mark == 0 || mark == S3_MARK_FOREIGN ? 1 : mark;
}

int s3_attributes_seal(struct s3_attributes *a)
{
    int code = set_rendered(a, &a->tags, "x-amz-tagging", render_tags);
    if (code == 0)
        code = set_rendered(a, &a->context, CONTEXT_HEADER, render_context);
    a->mark = make_mark(a);
    return code;
}

uint32_t s3_attributes_mark(const struct s3_attributes *a)
{
    return a ? a->mark : 0;
}

const char *s3_attributes_get(const struct s3_attributes *a, const char *header)
{
    bool found = false;
    size_t i = a ? list_find(&a->headers, header, &found) : 0;
    return found ? a->headers.items[i].value : NULL;
}

bool s3_attributes_next(const struct s3_attributes *a, size_t *at, const char **ret_name,
                        const char **ret_value)
{
    if (!a || *at >= a->headers.count)
        return false;
    *ret_name = a->headers.items[*at].name;
    *ret_value = a->headers.items[(*at)++].value;
    return true;
}

const char *s3_attributes_key(const struct s3_attributes *a, const char **ret_md5)
{
    if (!a || a->key[0] == '\0')
        return NULL;
    *ret_md5 = a->md5;
    return a->key;
}

enum s3_header_kind s3_header_kind(const char *name)
{
    static const struct {
        const char *name;
        enum s3_header_kind kind;
    } kinds[] = {
        {"content-type", S3_HEADER_CONTENT},
        {"cache-control", S3_HEADER_CONTENT},
        {"content-disposition", S3_HEADER_CONTENT},
        {"content-encoding", S3_HEADER_CONTENT},
        {"content-language", S3_HEADER_CONTENT},
        {"expires", S3_HEADER_CONTENT},
        {"x-amz-tagging", S3_HEADER_TAGS},
        {"x-amz-acl", S3_HEADER_OWN},
        {"x-amz-storage-class", S3_HEADER_OWN},
        {"x-amz-website-redirect-location", S3_HEADER_OWN},
        {"x-amz-server-side-encryption", S3_HEADER_ENCRYPTION},
        {"x-amz-server-side-encryption-aws-kms-key-id", S3_HEADER_ENCRYPTION},
        {"x-amz-server-side-encryption-bucket-key-enabled", S3_HEADER_ENCRYPTION},
        {CONTEXT_HEADER, S3_HEADER_ENCRYPTION},
    };
    if (strncmp(name, METADATA_PREFIX, strlen(METADATA_PREFIX)) == 0)
        return S3_HEADER_CONTENT;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(name, kinds[i].name) == 0)
            return kinds[i].kind;
    return S3_HEADER_OTHER;
}
