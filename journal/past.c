/* What S3 had at a moment, as the journal knows. Pure. See past.h. */
#include "journal/past.h"

#include "base/map.h"
#include "base/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct past {
    struct map *objects; /* mapping NUL path -> struct stored, owned */
    struct buf key;      /* to look up with */
};

/* An object and its texts. */
struct stored {
    struct past_object object;
    char texts[]; /* mapping, path, ETag, version */
};

struct past *past_new(void)
{
    struct past *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    buf_init(&p->key, JOURNAL_LINE_MAX);
    p->objects = map_new();
    if (!p->objects) {
        past_free(p);
        return NULL;
    }
    return p;
}

void past_free(struct past *p)
{
    void *value;

    if (!p)
        return;
    for (size_t at = 0; p->objects && map_next(p->objects, &at, NULL, NULL, &value);)
        free(value);
    map_free(p->objects);
    buf_release(&p->key);
    free(p);
}

/* The key of a path, in p->key. */
static int make_key(struct past *p, const char *mapping, const char *path)
{
    int code;

    buf_reset(&p->key);
    code = buf_append(&p->key, mapping, strlen(mapping) + 1);
    return code ? code : buf_append(&p->key, path, strlen(path));
}

/* A text behind those that are there. */
static const char *put_text(char **at, const char *text)
{
    const size_t size = strlen(text) + 1;
    char *here = memcpy(*at, text, size);

    *at += size;
    return here;
}

/* The object is in S3 from now on. */
static int store(struct past *p, const struct past_object *o)
{
    struct stored *s = malloc(sizeof *s + strlen(o->mapping) + strlen(o->path) + strlen(o->etag) +
                              strlen(o->version) + 4);
    void *old = NULL;
    char *at;

    if (!s)
        return -ENOMEM;
    at = s->texts;
    s->object = *o;
    s->object.mapping = put_text(&at, o->mapping);
    s->object.path = put_text(&at, o->path);
    s->object.etag = put_text(&at, o->etag);
    s->object.version = put_text(&at, o->version);
    if (make_key(p, o->mapping, o->path) || map_put(p->objects, p->key.data, p->key.len, s, &old)) {
        free(s);
        return -ENOMEM;
    }
    free(old);
    return 0;
}

/* The object of a path; NULL if there is none, or no memory to look. */
static const struct past_object *find(struct past *p, const char *mapping, const char *path)
{
    const struct stored *s =
        make_key(p, mapping, path) ? NULL : map_get(p->objects, p->key.data, p->key.len);

    return s ? &s->object : NULL;
}

/* What a record says of the object that it made. */
static struct past_object told(const struct journal_record *r)
{
    return (struct past_object){.mapping = r->mapping,
                                .path = r->path,
                                .size = r->size,
                                .mtime_ns = r->mtime_ns,
                                .mode = r->mode,
                                .crc64 = r->crc64,
                                .has_crc = (r->has & JOURNAL_HAS_CRC) != 0,
                                .etag = r->etag ? r->etag : "",
                                .version = r->version ? r->version : "",
                                .seq = r->seq,
                                .time_us = r->time_us};
}

/* A copy has the content of its source: another object, or what was here before. */
static int copied(struct past *p, const struct journal_record *r)
{
    const struct past_object *source = find(p, r->mapping, r->path2 ? r->path2 : r->path);
    struct past_object o = told(r);

    if (source) {
        o.size = source->size;
        o.crc64 = source->crc64;
        o.has_crc = source->has_crc;
    }
    return store(p, &o);
}

int past_apply(struct past *p, const struct journal_record *r)
{
    const struct past_object put = told(r);

    if (r->state != JOURNAL_DONE || !r->mapping || !r->path)
        return 0;
    if (r->op == JOURNAL_PUT)
        return store(p, &put);
    if (r->op == JOURNAL_COPY)
        return copied(p, r);
    if (r->op == JOURNAL_DELETE) {
        if (make_key(p, r->mapping, r->path))
            return -ENOMEM;
        free(map_remove(p->objects, p->key.data, p->key.len));
    }
    return 0;
}

int past_compare(const struct past_object *a, const struct past_object *b)
{
    const int order = strcmp(a->mapping, b->mapping);

    return order ? order : strcmp(a->path, b->path);
}

/* past_compare for qsort. */
static int compare(const void *a, const void *b)
{
    const struct past_object *const *x = a, *const *y = b;

    return past_compare(*x, *y);
}

int past_list(const struct past *p, const char *mapping, const char *within,
              const struct past_object ***ret, size_t *ret_count)
{
    const struct past_object **list = calloc(map_count(p->objects) + 1, sizeof *list);
    size_t n = 0;
    void *value;

    if (!list)
        return -ENOMEM;
    for (size_t at = 0; map_next(p->objects, &at, NULL, NULL, &value);) {
        const struct past_object *o = &((const struct stored *)value)->object;

        if ((!mapping || strcmp(o->mapping, mapping) == 0) && path_is_within(o->path, within))
            list[n++] = o;
    }
    if (n > 1)
        qsort(list, n, sizeof *list, compare);
    *ret = list;
    *ret_count = n;
    return 0;
}

bool past_same_content(const struct past_object *a, const struct past_object *b)
{
    if (a->size != b->size)
        return false;
    if (a->has_crc && b->has_crc)
        return a->crc64 == b->crc64;
    return strcmp(a->etag, b->etag) == 0;
}
