/* One version of one object. Pure. */
#include "tests/s3d/object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct object *object_new(const char *key)
{
    struct object *o = mem_new(sizeof(*o));
    atomic_init(&o->refs, 1);
    o->key = mem_dup(key);
    (void)snprintf(o->version, sizeof(o->version), "null"); /* it fits */
    return o;
}

struct object *object_ref(struct object *o)
{
    if (o)
        atomic_fetch_add(&o->refs, 1);
    return o;
}

void object_unref(struct object *o)
{
    while (o && atomic_fetch_sub(&o->refs, 1) == 1) {
        struct object *older = o->older;
        free(o->key);
        free(o->file);
        pairs_release(&o->headers);
        free(o);
        o = older;
    }
}

bool object_etag_fits(const struct object *o, const char *condition)
{
    size_t n = strlen(o->etag);
    if (strcmp(condition, "*") == 0 || strcmp(condition, o->etag) == 0)
        return true;
    return condition[0] == '"' && strncmp(condition + 1, o->etag, n) == 0 &&
           strcmp(condition + 1 + n, "\"") == 0;
}

/* One line; the value escaped, so that it stays one. */
static void add_line(struct buf *out, const char *name, const char *value)
{
    text_format(out, "%s:", name);
    text_uri(out, value, true);
    text_add(out, "\n");
}

/* One line of a number. */
static void add_number(struct buf *out, const char *name, uint64_t value)
{
    text_format(out, "%s:%llu\n", name, (unsigned long long)value);
}

void object_render(const struct object *o, struct buf *out)
{
    size_t before = out->len;
    add_line(out, ".key", o->key);
    add_line(out, ".version", o->version);
    add_number(out, ".seq", o->seq);
    add_number(out, ".marker", o->marker);
    add_number(out, ".size", o->size);
    add_number(out, ".mtime", (uint64_t)o->mtime_s);
    add_line(out, ".etag", o->etag);
    if (o->has_checksum) {
        add_number(out, ".composite", o->composite);
        add_line(out, ".algorithm", hash_name(o->algorithm));
        add_line(out, ".checksum", o->checksum);
    }
    for (size_t i = 0; i < o->headers.n; i++)
        add_line(out, o->headers.at[i].name, o->headers.at[i].value);
    text_format(out, "%08zxS3D1", out->len - before);
}

bool object_footer(const char *p, uint64_t *ret)
{
    char digits[9] = {0};
    memcpy(digits, p, 8);
    if (memcmp(p + 8, "S3D1", 4) != 0 || strspn(digits, "0123456789abcdef") != 8)
        return false;
    *ret = strtoull(digits, NULL, 16);
    return *ret <= OBJECT_LINES_MAX;
}

/* Take over the properties that the lines name. */
static bool apply_properties(struct object *o, const struct pairs *lines)
{
    const char *seq = pairs_get(lines, ".seq");
    const char *size = pairs_get(lines, ".size");
    const char *mtime = pairs_get(lines, ".mtime");
    const char *etag = pairs_get(lines, ".etag");
    const char *version = pairs_get(lines, ".version");
    uint64_t mtime_s = 0;
    if (!seq || !size || !mtime || !etag || !version || !text_number(seq, &o->seq) ||
        !text_number(size, &o->size) || !text_number(mtime, &mtime_s))
        return false;
    o->mtime_s = (int64_t)mtime_s;
    o->marker = strcmp(pairs_get(lines, ".marker") ? pairs_get(lines, ".marker") : "0", "1") == 0;
    (void)snprintf(o->etag, sizeof(o->etag), "%s", etag); /* never longer: we wrote it */
    (void)snprintf(o->version, sizeof(o->version), "%s", version);
    const char *algorithm = pairs_get(lines, ".algorithm");
    const char *checksum = pairs_get(lines, ".checksum");
    const char *composite = pairs_get(lines, ".composite");
    if (!algorithm || !checksum || !composite)
        return true;
    o->has_checksum = hash_find(algorithm, &o->algorithm);
    o->composite = strcmp(composite, "1") == 0;
    (void)snprintf(o->checksum, sizeof(o->checksum), "%s", checksum);
    return o->has_checksum;
}

/* Split "name:value\n" lines. */
static bool split_lines(struct pairs *ret, const char *lines, size_t n)
{
    while (n > 0) {
        const char *end = memchr(lines, '\n', n);
        const char *colon = end ? memchr(lines, ':', (size_t)(end - lines)) : NULL;
        if (!colon)
            return false;
        char *name = mem_dupn(lines, (size_t)(colon - lines));
        char *value = text_decode(colon + 1, (size_t)(end - colon - 1), false);
        if (value)
            pairs_add(ret, name, value);
        free(name);
        free(value);
        if (!value)
            return false;
        n -= (size_t)(end + 1 - lines);
        lines = end + 1;
    }
    return true;
}

struct object *object_parse(const char *lines, size_t n)
{
    struct pairs all = {0};
    struct object *o = NULL;
    if (split_lines(&all, lines, n) && pairs_get(&all, ".key")) {
        o = object_new(pairs_get(&all, ".key"));
        for (size_t i = 0; i < all.n; i++)
            if (all.at[i].name[0] != '.')
                pairs_add(&o->headers, all.at[i].name, all.at[i].value);
        if (!apply_properties(o, &all)) {
            object_unref(o);
            o = NULL;
        }
    }
    pairs_release(&all);
    return o;
}
