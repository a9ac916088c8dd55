/*
 * A batch of renames and removals, looked up by old path, the nearest first. Pure.
 *
 * Nearly all paths that are looked up have no change. A filter of bits, one for each key by a cheap
 * hash, says no to most of them without the map's careful hash. Names chosen to collide in it only
 * make it useless: the map decides.
 */
#include "lists/internal.h"

#include "base/map.h"
#include "base/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum change_kind {
    CHANGE_IMAGE,     /* this path only is now called `to` */
    CHANGE_DIRECTORY, /* this path and all within is now below `to` */
    CHANGE_REMOVE     /* this path and all within is gone */
};

struct change {
    enum change_kind kind;
    size_t to_n;
    char to[]; /* to_n bytes and a NUL */
};

struct lst_changes {
    struct map *map;    /* path -> struct change */
    uint64_t spreading; /* changes that reach further than their own path */
    uint64_t *filter;   /* a bit for each key */
    size_t filter_bits; /* a power of two, at least FILTER_SPARSE for each key */
};

#define FILTER_BITS_MIN 4096
#define FILTER_SPARSE   16 /* then one in 16 paths at most passes by chance */
#define WORD_BITS       64

int lst_changes_new(struct lst_changes **ret)
{
    struct lst_changes *c = calloc(1, sizeof(*c));

    if (!c)
        return -ENOMEM;
    c->map = map_new();
    c->filter_bits = FILTER_BITS_MIN;
    c->filter = calloc(c->filter_bits / WORD_BITS, sizeof(*c->filter));
    if (!c->map || !c->filter) {
        lst_changes_free(c);
        return -ENOMEM;
    }
    *ret = c;
    return 0;
}

void lst_changes_free(struct lst_changes *c)
{
    void *change;

    if (!c)
        return;
    for (size_t at = 0; c->map && map_next(c->map, &at, NULL, NULL, &change);)
        free(change);
    map_free(c->map);
    free(c->filter);
    free(c);
}

/* A cheap hash of a path: of its length and its last 16 bytes, where names differ. */
static uint64_t filter_hash(const char *p, size_t n)
{
    uint64_t a = 0;
    uint64_t b = 0;

    if (n >= sizeof(a)) {
        memcpy(&a, p + n - sizeof(a), sizeof(a));
        memcpy(&b, n >= 2 * sizeof(b) ? p + n - 2 * sizeof(b) : p, sizeof(b));
    } else {
        for (size_t i = 0; i < n; i++)
            a = a << 8 | (unsigned char)p[i];
    }
    a = (a ^ n) * UINT64_C(0x9e3779b97f4a7c15);
    return ((a ^ a >> 32) + b) * UINT64_C(0xd6e8feb86659fd93) >> 24;
}

/* Remember a key in a filter. */
static void filter_add(uint64_t *filter, size_t bits, const char *p, size_t n)
{
    size_t bit = filter_hash(p, n) & (bits - 1);

    filter[bit / WORD_BITS] |= UINT64_C(1) << bit % WORD_BITS;
}

/* The path may be a key; false is certain. */
static bool filter_passes(const struct lst_changes *c, const char *p, size_t n)
{
    size_t bit = filter_hash(p, n) & (c->filter_bits - 1);

    return c->filter[bit / WORD_BITS] >> bit % WORD_BITS & 1;
}

/* Make the filter large enough for one key more. 0 or -ENOMEM. */
static int filter_reserve(struct lst_changes *c)
{
    size_t bits = c->filter_bits * 2;
    uint64_t *filter;
    const void *key;
    void *value;
    size_t n;

    if ((map_count(c->map) + 1) * FILTER_SPARSE <= c->filter_bits)
        return 0;
    filter = calloc(bits / WORD_BITS, sizeof(*filter));
    if (!filter)
        return -ENOMEM;
    for (size_t at = 0; map_next(c->map, &at, &key, &n, &value);)
        filter_add(filter, bits, key, n);
    free(c->filter);
    c->filter = filter;
    c->filter_bits = bits;
    return 0;
}

/* A path that a change can be made of: below the root, not the root itself. */
static int check(const char *path)
{
    return *path == '\0' ? ERR_SYNTAX : path_check(path);
}

/* 1 if the change reaches further than its own path. */
static uint64_t spreads(const struct change *change)
{
    return change->kind != CHANGE_IMAGE;
}

/* Set the change of a path. */
static int put(struct lst_changes *c, enum change_kind kind, const char *from, const char *to)
{
    size_t to_n = strlen(to);
    void *old = NULL;
    struct change *change;
    int rc = check(from);

    if (rc == 0)
        rc = filter_reserve(c);
    if (rc < 0)
        return rc;
    change = malloc(sizeof(*change) + to_n + 1);
    if (!change)
        return -ENOMEM;
    change->kind = kind;
    change->to_n = to_n;
    memcpy(change->to, to, to_n + 1);
    rc = map_put_str(c->map, from, change, &old);
    if (rc < 0) {
        free(change);
        return rc;
    }
    filter_add(c->filter, c->filter_bits, from, strlen(from));
    c->spreading += spreads(change);
    if (old)
        c->spreading -= spreads(old);
    free(old);
    return 0;
}

/* Set a rename. A row cannot hold TAB, CR or LF in its path. */
static int put_rename(struct lst_changes *c, enum change_kind kind, const char *from,
                      const char *to)
{
    int rc = check(to);

    if (rc < 0)
        return rc;
    if (strpbrk(to, "\t\r\n"))
        return ERR_SYNTAX;
    return put(c, kind, from, to);
}

int lst_changes_rename(struct lst_changes *c, const char *from, const char *to)
{
    return put_rename(c, CHANGE_IMAGE, from, to);
}

int lst_changes_rename_directory(struct lst_changes *c, const char *from, const char *to)
{
    return put_rename(c, CHANGE_DIRECTORY, from, to);
}

int lst_changes_remove(struct lst_changes *c, const char *path)
{
    return put(c, CHANGE_REMOVE, path, "");
}

uint64_t lst_changes_count(const struct lst_changes *c)
{
    return map_count(c->map);
}

bool changes_next(const struct lst_changes *c, size_t *at, struct span *ret_from)
{
    const void *key;

    if (!map_next(c->map, at, &key, &ret_from->n, NULL))
        return false;
    ret_from->p = key;
    return true;
}

/* The path as spelled is in normal form already, as nearly all are. A false no only costs time. */
static bool is_normal(struct span path)
{
    const char *end = path.p + path.n;
    const char *at = path.p;

    if (path.n == 0 || path.n > PATH_BYTES_MAX || at[0] == '.' || at[0] == '/')
        return false;
    for (;;) {
        at = memchr(at, '/', (size_t)(end - at));
        if (!at)
            return true;
        if (++at == end || *at == '/' || *at == '.')
            return false;
    }
}

/* The change of exactly this path, or NULL. */
static const struct change *get(const struct lst_changes *c, const char *p, size_t n)
{
    return filter_passes(c, p, n) ? map_get(c->map, p, n) : NULL;
}

/* The nearest change to a normal path: its own, or that of the deepest directory above it. */
static bool find_nearest(const struct lst_changes *c, struct span normal, struct change_hit *ret)
{
    size_t n = normal.n;
    const struct change *change = get(c, normal.p, n);

    while (!change && c->spreading > 0) {
        const char *slash = memrchr(normal.p, '/', n);

        if (!slash)
            return false;
        n = (size_t)(slash - normal.p);
        change = get(c, normal.p, n);
        if (change && !spreads(change))
            change = NULL; /* an image's rename says nothing of paths below it */
    }
    if (!change)
        return false;
    *ret = (struct change_hit){change, normal, n};
    return true;
}

bool changes_find(const struct lst_changes *c, struct span path, char *scratch,
                  struct change_hit *ret)
{
    if (!is_normal(path)) {
        if (lst_path_normal(path, scratch, PATH_BYTES_MAX + 1) < 0)
            return false;
        path = span_of(scratch);
    }
    return find_nearest(c, path, ret) && !memchr(path.p, 0, path.n);
}

enum lst_fate change_fate(const struct change_hit *hit, char *out, size_t size)
{
    const struct change *change = hit->change;
    size_t rest_n = hit->normal.n - hit->from_n;

    if (change->kind == CHANGE_REMOVE)
        return LST_DROP;
    if (change->to_n == hit->from_n && memcmp(change->to, hit->normal.p, hit->from_n) == 0)
        return LST_KEEP; /* it keeps its name, whatever becomes of the directory above */
    if (change->to_n + rest_n >= size)
        return LST_KEEP; /* no file can have that path */
    memcpy(out, change->to, change->to_n);
    memcpy(out + change->to_n, hit->normal.p + hit->from_n, rest_n);
    out[change->to_n + rest_n] = '\0';
    return LST_RENAME;
}

enum lst_fate lst_changes_fate(const struct lst_changes *c, const char *path, char *out,
                               size_t size)
{
    char scratch[PATH_BYTES_MAX + 1];
    struct change_hit hit;

    if (!changes_find(c, span_of(path), scratch, &hit))
        return LST_KEEP;
    return change_fate(&hit, out, size);
}
