/* Shell. Where images went of which rows were rewritten lately. See departed.h. */
#include "agent/service/departed.h"

#include "agent/service/hashed.h"
#include "agent/service/stored.h"
#include "base/path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Names of the meta values: of what left a key, and of a key that rows of lists were rewritten to.
 * Each is by the key's SHA-256 or, where it is short enough, by the key itself, so that what lies
 * together is written together. */
#define PREFIX    "departed"
#define KEY_MAX   (DEPARTED_NAME_SIZE - sizeof PREFIX - 1)
#define NAME_SIZE DEPARTED_NAME_SIZE

struct name_kind {
    const char *by_hash, *by_key;
};

static const struct name_kind left = {PREFIX "#", PREFIX "="};
static const struct name_kind reached = {PREFIX "*", PREFIX ">"};

struct departed {
    int64_t at_s;
    uint32_t keep_s;
    char to[PATH_BYTES_MAX + 1]; /* stored without what follows the NUL; of `reached`: from where
                                    rows came last, which older versions did not store */
};

#define HEAD offsetof(struct departed, to)

/* What a key's note is called. */
static void note_name(const struct name_kind *kind, const char *key, char out[NAME_SIZE])
{
    _Static_assert(NAME_SIZE >= HASHED_NAME_SIZE, "either name fits");
    if (strlen(key) > KEY_MAX)
        hashed_name(kind->by_hash, key, out);
    else
        (void)path_prefix(out, NAME_SIZE, kind->by_key, key); /* fits */
}

/* It is as old as what is not remembered any more, or is none. */
static bool is_old(const struct departed *d, int64_t now_s)
{
    return now_s - d->at_s > d->keep_s || d->keep_s > DEPARTED_S;
}

/* What is noted of a key. */
static int note_get(struct index *ix, const struct name_kind *kind, const char *key,
                    struct departed *ret, size_t *ret_size)
{
    char name[NAME_SIZE];

    note_name(kind, key, name);
    *ret_size = sizeof *ret;
    return index_meta_get(ix, name, ret, ret_size);
}

/* One note of a key. */
static int note_store(struct index *ix, const struct name_kind *kind, const char *key,
                      const struct departed *d)
{
    char name[NAME_SIZE];

    note_name(kind, key, name);
    return index_meta_put(ix, name, d, HEAD + strlen(d->to) + 1);
}

/* The key of the path beside the first `prefix` bytes of this one. False: it is too long. */
static bool key_beside(char out[STORED_KEY_MAX + 1], const char *key, size_t prefix,
                       const char *path)
{
    return snprintf(out, STORED_KEY_MAX + 1, "%.*s%s", (int)prefix, key, path) <= STORED_KEY_MAX;
}

/* Note that rows came to the path `d->to` from that of the key. */
static int reached_put(struct index *ix, const char *key, size_t prefix, const struct departed *d)
{
    struct departed came = {.at_s = d->at_s, .keep_s = d->keep_s};
    char went[STORED_KEY_MAX + 1];

    if (!d->to[0] || !key_beside(went, key, prefix, d->to))
        return 0;
    if (snprintf(came.to, sizeof came.to, "%s", key + prefix) >= (int)sizeof came.to)
        came.to[0] = '\0';
    return note_store(ix, &reached, went, &came);
}

/* Note it. Where the rows of a list go, that is noted as well. */
static int note_put(struct index *ix, const char *key, size_t prefix, const struct departed *d)
{
    int rc = note_store(ix, &left, key, d);

    return rc || d->keep_s != DEPARTED_S ? rc : reached_put(ix, key, prefix, d);
}

#define LEADING_MAX 16 /* paths one behind the other from which rows came to one */

/* What had left other paths for that of the key is somewhere else now, too: their notes say so at
 * once, for another image may be in between soon. `came`: how rows came to the key last. */
static int redirect(struct index *ix, const char *key, size_t prefix, const struct departed *came,
                    size_t size, const char *to)
{
    struct departed at = *came, d;
    char from[STORED_KEY_MAX + 1];
    size_t n;
    int rc = 0;

    for (int i = 0; rc == 0 && i < LEADING_MAX && size > HEAD + 1; i++) {
        if (!key_beside(from, key, prefix, at.to) || strcmp(from, key) == 0)
            break;
        if (strcmp(at.to, to) != 0 && note_get(ix, &left, from, &d, &n) == 0 && n > HEAD &&
            strcmp(d.to, key + prefix) == 0) {
            snprintf(d.to, sizeof d.to, "%s", to);
            rc = note_store(ix, &left, from, &d);
        }
        if (note_get(ix, &reached, from, &at, &size))
            break;
    }
    return rc;
}

/* Rows leave the key's path for another one, as `d` has it then; what leads to the path leads there
 * from now on. 0 or a negative code. */
static int leave(struct index *ix, const char *key, size_t prefix, const char *to, int64_t now_s,
                 struct departed *d)
{
    struct departed came;
    size_t n;
    bool listed = note_get(ix, &reached, key, &came, &n) == 0 && n >= HEAD && !is_old(&came, now_s);

    d->at_s = now_s;
    if (listed)
        d->keep_s = DEPARTED_S;
    if (snprintf(d->to, sizeof d->to, "%s", to ? to : "") >= (int)sizeof d->to)
        return -ENAMETOOLONG;
    return listed ? redirect(ix, key, prefix, &came, n, d->to) : 0;
}

int departed_note(struct index *ix, const char *key, size_t prefix, const char *to, int64_t now_s,
                  uint32_t keep_s)
{
    struct departed d = {.keep_s = keep_s};
    int rc = leave(ix, key, prefix, to, now_s, &d);

    return rc ? rc : note_put(ix, key, prefix, &d);
}

int departed_lead_on(struct index *ix, const char *key, size_t prefix, const char *to,
                     int64_t now_s)
{
    struct departed d = {.keep_s = 0};
    int rc = leave(ix, key, prefix, to, now_s, &d);

    return rc || !d.keep_s ? rc : reached_put(ix, key, prefix, &d);
}

int departed_listed(struct index *ix, const char *key, size_t prefix)
{
    struct departed d;
    size_t n;
    int rc = note_get(ix, &left, key, &d, &n);

    if (rc)
        return rc == -ENOENT ? 0 : rc;
    if (n <= HEAD || d.keep_s == DEPARTED_S)
        return 0;
    d.keep_s = DEPARTED_S;
    return note_put(ix, key, prefix, &d);
}

int departed_forget(struct index *ix, const char *key)
{
    char name[NAME_SIZE];

    note_name(&left, key, name);
    return index_meta_remove(ix, name);
}

bool departed_find(struct index_view *v, const char *key, int64_t now_s, char *to, size_t size)
{
    char name[NAME_SIZE];
    struct departed d;
    size_t n = sizeof d;

    note_name(&left, key, name);
    if (index_view_meta(v, name, &d, &n) || n <= HEAD || n - HEAD > size || is_old(&d, now_s))
        return false;
    memcpy(to, d.to, n - HEAD);
    to[n - HEAD - 1] = '\0';
    return true;
}

bool departed_since(struct index *ix, const char *key, int64_t since_s, enum departed_where where)
{
    struct departed d;
    size_t n;

    return note_get(ix, &left, key, &d, &n) == 0 && n > HEAD + (where == DEPARTED_ELSEWHERE) &&
           d.at_s >= since_s;
}

bool departed_to(struct index *ix, const char *key, char *to, size_t size)
{
    struct departed d;
    size_t n;

    if (note_get(ix, &left, key, &d, &n) || n <= HEAD + 1 || n - HEAD > size)
        return false;
    memcpy(to, d.to, n - HEAD);
    to[n - HEAD - 1] = '\0';
    return true;
}

/* A piece of a sweep. */
struct sweep {
    int64_t now_s;
    size_t looked_at;
    struct buf old; /* names, each with a NUL */
    char *next;
};

#define SWEEP_MOST 2000

/* index_meta_fn. 1: so many are enough. */
static int sweep_one(void *arg, struct span name, struct span value)
{
    struct sweep *s = arg;
    struct departed d = {.keep_s = 0};
    int rc;

    if (name.n >= NAME_SIZE)
        return 0; /* not of ours */
    if (s->looked_at++ == SWEEP_MOST) {
        snprintf(s->next, NAME_SIZE, "%.*s", (int)name.n, name.p);
        return 1;
    }
    if (value.n >= HEAD)
        memcpy(&d, value.p, HEAD);
    if (!is_old(&d, s->now_s))
        return 0;
    rc = buf_append_span(&s->old, name);
    return rc ? rc : buf_append_byte(&s->old, 0);
}

int departed_expire(struct index *ix, int64_t now_s, struct departed_sweep *sweep,
                    bool *ret_expired)
{
    char from[NAME_SIZE];
    struct sweep s = {.now_s = now_s, .next = sweep->next};
    int rc;

    buf_init(&s.old, SIZE_MAX);
    snprintf(from, sizeof from, "%s", sweep->next);
    sweep->next[0] = '\0';
    rc = index_meta_each(ix, PREFIX, from[0] ? from : NULL, sweep_one, &s);
    if (rc == 1)
        rc = 0;
    *ret_expired = s.old.len > 0;
    for (const char *name = s.old.data; rc == 0 && name && name < s.old.data + s.old.len;
         name += strlen(name) + 1)
        rc = index_meta_remove(ix, name);
    buf_release(&s.old);
    return rc;
}
