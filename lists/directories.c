/* Class directories and their labels. Pure. See directories.h. */
#include "lists/directories.h"

#include "base/map.h"
#include "base/path.h"
#include "lists/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct directories {
    struct map *whole; /* path -> struct directory */
    struct map *last;  /* last component -> struct directory */
};

/* One row of this directory. 0 or -ENOMEM. */
static int note(struct map *m, const char *name, size_t n, uint64_t label, uint64_t at)
{
    struct directory *d = map_get(m, name, n);

    if (d) {
        d->several = d->several || d->label != label;
        return 0;
    }
    d = malloc(sizeof(*d));
    if (!d)
        return -ENOMEM;
    *d = (struct directory){label, at, false};
    if (map_put(m, name, n, d, NULL) < 0) {
        free(d);
        return -ENOMEM;
    }
    return 0;
}

/* Take one row down. */
static int note_row(struct directories *d, const struct lst_row *row, uint64_t at)
{
    char path[PATH_BYTES_MAX + 1];
    const char *slash;
    const char *last;
    uint64_t label;
    int rc;

    if (row->kind != LST_ROW_IMAGE || !label_class(row->labels, &label) ||
        lst_path_normal(row->path, path, sizeof(path)) < 0)
        return 0;
    slash = strrchr(path, '/');
    if (!slash)
        return 0; /* the root is no class */
    last = memrchr(path, '/', (size_t)(slash - path));
    last = last ? last + 1 : path;
    rc = note(d->whole, path, (size_t)(slash - path), label, at);
    return rc < 0 ? rc : note(d->last, last, (size_t)(slash - last), label, at);
}

int directories_new(struct span text, struct directories **ret)
{
    struct directories *d = calloc(1, sizeof(*d));
    struct lst_cursor c = {.in = text};
    struct lst_row row;
    int rc = 0;

    if (!d)
        return -ENOMEM;
    d->whole = map_new();
    d->last = map_new();
    if (!d->whole || !d->last)
        rc = -ENOMEM;
    while (rc == 0 && lst_row_next(&c, &row))
        rc = note_row(d, &row, (uint64_t)(row.line.p - text.p));
    if (rc < 0)
        directories_free(d);
    else
        *ret = d;
    return rc;
}

static void free_map(struct map *m)
{
    size_t at = 0;
    void *value;

    while (m && map_next(m, &at, NULL, NULL, &value))
        free(value);
    map_free(m);
}

void directories_free(struct directories *d)
{
    if (!d)
        return;
    free_map(d->whole);
    free_map(d->last);
    free(d);
}

/* Both have one label each, and not the same. */
static bool differ(const struct directory *a, const struct directory *b)
{
    return a && b && !a->several && !b->several && a->label != b->label;
}

/* A last component, or a whole path of one component, is told with the whole path. */
static bool told(const struct directories *a, const struct directories *b,
                 const struct directory *x, const struct directory *y)
{
    size_t at = 0;
    const void *key;
    size_t n;
    void *value;

    while (map_next(a->whole, &at, &key, &n, &value)) {
        const struct directory *in_a = value;
        const struct directory *in_b = map_get(b->whole, key, n);

        if (differ(in_a, in_b) && (in_a->at == x->at || in_b->at == y->at))
            return true;
    }
    return false;
}

int directories_clash(const struct directories *a, const struct directories *b, directories_fn *fn,
                      void *arg)
{
    size_t at = 0;
    const void *key;
    size_t n;
    void *value;
    int rc = 0;

    while (rc == 0 && map_next(a->whole, &at, &key, &n, &value)) {
        const struct directory *other = map_get(b->whole, key, n);

        if (differ(value, other))
            rc = fn(arg, key, value, other);
    }
    for (at = 0; rc == 0 && map_next(a->last, &at, &key, &n, &value);) {
        const struct directory *other = map_get(b->last, key, n);

        if (differ(value, other) && !told(a, b, value, other))
            rc = fn(arg, key, value, other);
    }
    return rc;
}
