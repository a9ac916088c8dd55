/* Shell. Uploads in parts that S3 has and that were not completed. See uploads.h. */
#include "agent/service/uploads.h"

#include "base/digest.h"
#include "base/err.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define PREFIX "upload:" /* of the meta values; then the key's SHA-256 */

/* A value: this, the key and its NUL, the id and its NUL. */
struct stored {
    uint64_t part_bytes, ino, size;
    int64_t mtime_ns, ctime_ns;
    uint64_t of_file;
};

#define VALUE_MAX                                                                                  \
    (sizeof(struct stored) + sizeof((struct upload_known *)0)->key +                               \
     sizeof((struct upload_known *)0)->id)

/* The value's name. */
static void name_of(const char *key, char out[sizeof PREFIX + SHA256_HEX])
{
    uint8_t hash[SHA256_BYTES];

    digest_sha256(key, strlen(key), hash);
    memcpy(out, PREFIX, sizeof PREFIX - 1);
    hex_encode(hash, sizeof hash, out + sizeof PREFIX - 1);
}

int uploads_note(struct index *ix, const struct upload_known *u)
{
    struct stored s = {.part_bytes = u->part_bytes,
                       .ino = u->ino,
                       .size = u->size,
                       .mtime_ns = u->mtime_ns,
                       .ctime_ns = u->ctime_ns,
                       .of_file = u->of_file};
    char name[sizeof PREFIX + SHA256_HEX];
    char value[VALUE_MAX];
    size_t key_n = strnlen(u->key, sizeof u->key) + 1, id_n = strnlen(u->id, sizeof u->id) + 1;

    if (key_n > sizeof u->key || id_n > sizeof u->id)
        return -ENAMETOOLONG;
    memcpy(value, &s, sizeof s);
    memcpy(value + sizeof s, u->key, key_n);
    memcpy(value + sizeof s + key_n, u->id, id_n);
    name_of(u->key, name);
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
    char name[sizeof PREFIX + SHA256_HEX];
    char value[VALUE_MAX];
    size_t size = sizeof value;
    int rc;

    name_of(key, name);
    rc = index_meta_get(ix, name, value, &size);
    return rc ? rc : decode(value, size, ret);
}

int uploads_forget(struct index *ix, const char *key)
{
    char name[sizeof PREFIX + SHA256_HEX];

    name_of(key, name);
    return index_meta_remove(ix, name);
}

/* What index_meta_each calls. */
struct visit {
    int (*fn)(void *arg, const struct upload_known *u);
    void *arg;
};

static int visit_one(void *arg, const void *value, size_t size)
{
    const struct visit *v = arg;
    struct upload_known u;
    int rc = decode(value, size, &u);

    return rc ? rc : v->fn(v->arg, &u);
}

int uploads_each(struct index *ix, int (*fn)(void *arg, const struct upload_known *u), void *arg)
{
    struct visit v = {.fn = fn, .arg = arg};

    return index_meta_each(ix, PREFIX, visit_one, &v);
}

bool uploads_fits(const struct upload_known *u, const struct file_stat *st)
{
    return u->of_file && u->ino == st->ino && u->size == st->size && u->mtime_ns == st->mtime_ns &&
           u->ctime_ns == st->ctime_ns;
}
