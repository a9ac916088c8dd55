/* Shell. Uploads in parts that S3 has and that were not completed. See uploads.h. */
#include "agent/service/uploads.h"

#include "base/digest.h"
#include "base/err.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define PREFIX "upload:" /* of the meta values; then the key's SHA-256 */
#define DOUBT  "doubt:"  /* the same of doubts */

/* A value: this, the key and its NUL, the id and its NUL. */
struct stored {
    uint64_t part_bytes, ino, size;
    int64_t mtime_ns, ctime_ns;
    uint64_t of_file;
};

#define VALUE_MAX                                                                                  \
    (sizeof(struct stored) + sizeof((struct upload_known *)0)->key +                               \
     sizeof((struct upload_known *)0)->id)

/* A doubt: this, the key and its NUL. */
struct stored_doubt {
    int64_t since_us, until_us, looked_us;
};

#define DOUBT_MAX (sizeof(struct stored_doubt) + sizeof((struct upload_doubt *)0)->key)
#define NAME_MAX  (sizeof PREFIX + SHA256_HEX) /* the longer prefix */

/* The value's name. */
static void name_of(const char *prefix, const char *key, char out[NAME_MAX])
{
    size_t n = strlen(prefix);
    uint8_t hash[SHA256_BYTES];

    digest_sha256(key, strlen(key), hash);
    memcpy(out, prefix, n);
    hex_encode(hash, sizeof hash, out + n);
}

int uploads_note(struct index *ix, const struct upload_known *u)
{
    struct stored s = {.part_bytes = u->part_bytes,
                       .ino = u->ino,
                       .size = u->size,
                       .mtime_ns = u->mtime_ns,
                       .ctime_ns = u->ctime_ns,
                       .of_file = u->of_file};
    char name[NAME_MAX];
    char value[VALUE_MAX];
    size_t key_n = strnlen(u->key, sizeof u->key) + 1, id_n = strnlen(u->id, sizeof u->id) + 1;

    if (key_n > sizeof u->key || id_n > sizeof u->id)
        return -ENAMETOOLONG;
    memcpy(value, &s, sizeof s);
    memcpy(value + sizeof s, u->key, key_n);
    memcpy(value + sizeof s + key_n, u->id, id_n);
    name_of(PREFIX, u->key, name);
    return index_meta_put(ix, name, value, sizeof s + key_n + id_n);
}

/* Take a text with its NUL out of a value. */
static int text(const char **at, const char *end, char *out, size_t size)
{
    size_t n = strnlen(*at, (size_t)(end - *at));

    if (n == (size_t)(end - *at) || n >= size)
        return ERR_CORRUPT;
    memcpy(out, *at, n + 1);
    *at += n + 1;
    return 0;
}

/* The value as it was noted. */
static int decode(const void *value, size_t size, struct upload_known *ret)
{
    const char *at = (const char *)value + sizeof(struct stored);
    const char *end = (const char *)value + size;
    struct stored s;

    if (size < sizeof s)
        return ERR_CORRUPT;
    memcpy(&s, value, sizeof s);
    ret->part_bytes = s.part_bytes;
    ret->of_file = s.of_file != 0;
    ret->ino = s.ino;
    ret->size = s.size;
    ret->mtime_ns = s.mtime_ns;
    ret->ctime_ns = s.ctime_ns;
    if (text(&at, end, ret->key, sizeof ret->key))
        return ERR_CORRUPT;
    return text(&at, end, ret->id, sizeof ret->id);
}

int uploads_find(struct index *ix, const char *key, struct upload_known *ret)
{
    char name[NAME_MAX];
    char value[VALUE_MAX];
    size_t size = sizeof value;
    int rc;

    name_of(PREFIX, key, name);
    rc = index_meta_get(ix, name, value, &size);
    return rc ? rc : decode(value, size, ret);
}

int uploads_forget(struct index *ix, const char *key)
{
    char name[NAME_MAX];

    name_of(PREFIX, key, name);
    return index_meta_remove(ix, name);
}

/* What index_meta_each calls. */
struct visit {
    int (*fn)(void *arg, const struct upload_known *u);
    void *arg;
};

static int visit_one(void *arg, struct span name, struct span value)
{
    const struct visit *v = arg;
    struct upload_known u;
    int rc = decode(value.p, value.n, &u);

    (void)name;
    return rc ? rc : v->fn(v->arg, &u);
}

int uploads_each(struct index *ix, int (*fn)(void *arg, const struct upload_known *u), void *arg)
{
    struct visit v = {.fn = fn, .arg = arg};

    return index_meta_each(ix, PREFIX, NULL, visit_one, &v);
}

bool uploads_fits(const struct upload_known *u, const struct file_stat *st)
{
    return u->of_file && u->ino == st->ino && u->size == st->size && u->mtime_ns == st->mtime_ns &&
           u->ctime_ns == st->ctime_ns;
}

/* Write a doubt. */
static int doubt_put(struct index *ix, const struct upload_doubt *d)
{
    struct stored_doubt s = {d->since_us, d->until_us, d->looked_us};
    size_t n = strlen(d->key) + 1;
    char name[NAME_MAX], value[DOUBT_MAX];

    memcpy(value, &s, sizeof s);
    memcpy(value + sizeof s, d->key, n);
    name_of(DOUBT, d->key, name);
    return index_meta_put(ix, name, value, sizeof s + n);
}

/* The doubt as it was written. */
static int doubt_decode(const void *value, size_t size, struct upload_doubt *ret)
{
    const char *at = (const char *)value + sizeof(struct stored_doubt);
    struct stored_doubt s;

    if (size < sizeof s)
        return ERR_CORRUPT;
    memcpy(&s, value, sizeof s);
    *ret = (struct upload_doubt){
        .since_us = s.since_us, .until_us = s.until_us, .looked_us = s.looked_us};
    return text(&at, (const char *)value + size, ret->key, sizeof ret->key);
}

/* The key's doubt. 0, -ENOENT, or as the index fails. */
static int doubt_find(struct index *ix, const char *key, struct upload_doubt *ret)
{
    char name[NAME_MAX], value[DOUBT_MAX];
    size_t size = sizeof value;
    int rc;

    name_of(DOUBT, key, name);
    rc = index_meta_get(ix, name, value, &size);
    return rc ? rc : doubt_decode(value, size, ret);
}

int uploads_doubt(struct index *ix, const char *key, int64_t since_us, int64_t until_us)
{
    struct upload_doubt d = {.since_us = since_us, .until_us = until_us}, before;
    size_t n = strlen(key);
    int rc;

    if (n >= sizeof d.key)
        return -ENAMETOOLONG;
    memcpy(d.key, key, n + 1);
    rc = doubt_find(ix, key, &before);
    if (rc && rc != -ENOENT)
        return rc;
    if (rc == 0) {
        d.since_us = before.since_us < since_us ? before.since_us : since_us;
        d.until_us = before.until_us > until_us ? before.until_us : until_us;
        d.looked_us = before.looked_us;
    }
    return doubt_put(ix, &d);
}

int uploads_looked(struct index *ix, const char *key, int64_t looked_us)
{
    struct upload_doubt d;
    char name[NAME_MAX];
    int rc = doubt_find(ix, key, &d);

    if (rc)
        return rc == -ENOENT ? 0 : rc;
    if (looked_us < d.until_us + UPLOADS_LATE_US) {
        d.looked_us = looked_us;
        return doubt_put(ix, &d);
    }
    name_of(DOUBT, key, name);
    return index_meta_remove(ix, name);
}

int64_t uploads_look_due_us(const struct upload_doubt *d)
{
    int64_t soon_us = d->until_us + UPLOADS_SOON_US;

    return d->looked_us < soon_us ? soon_us : d->until_us + UPLOADS_LATE_US;
}

/* What index_meta_each calls. */
struct doubt_visit {
    int (*fn)(void *arg, const struct upload_doubt *d);
    void *arg;
};

static int doubt_visit_one(void *arg, struct span name, struct span value)
{
    const struct doubt_visit *v = arg;
    struct upload_doubt d;
    int rc = doubt_decode(value.p, value.n, &d);

    (void)name;
    return rc ? rc : v->fn(v->arg, &d);
}

int uploads_each_doubt(struct index *ix, int (*fn)(void *arg, const struct upload_doubt *d),
                       void *arg)
{
    struct doubt_visit v = {.fn = fn, .arg = arg};

    return index_meta_each(ix, DOUBT, NULL, doubt_visit_one, &v);
}
