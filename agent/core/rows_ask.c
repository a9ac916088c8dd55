/* Pure. What the table says of images, places and names. See rows.h. */
#include "agent/core/rows.h"

#include "agent/core/rows_table.h"
#include "base/map.h"

#include <string.h>

uint64_t rows_changes(const struct rows *r)
{
    return r->changes;
}

bool rows_is_empty(const struct rows *r)
{
    return !r->first;
}

bool rows_any(const struct rows *r)
{
    return r->first || r->replaced;
}

bool rows_has(const struct rows *r, const char *image)
{
    return map_get_str(r->by_image, image) != NULL;
}

bool rows_is_at(const struct rows *r, const char *image, const char *path)
{
    const struct entry *e = map_get_str(r->by_image, image);

    return e && !e->lost && rows_entry_is_at(e, path);
}

bool rows_is_free(const struct rows *r, const char *path)
{
    const struct entry *e = map_get_str(r->by_to, path);

    return !e || e->lost;
}

bool rows_is_over(const struct rows *r, const char *name)
{
    const struct entry *e = map_get_str(r->by_name, name);

    return e && e->over;
}

const char *rows_over_at(const struct rows *r, const char *name)
{
    const struct entry *e = map_get_str(r->by_name, name);
    const struct entry *there = e && e->to ? map_get_str(r->by_to, e->to) : NULL;

    if (!e || !e->to)
        return e ? e->over_at : NULL;
    return !e->image && e->lost && there && there != e && !there->lost ? e->to : NULL;
}

struct file_id rows_file_of(const struct rows *r, const char *name)
{
    const struct entry *e = map_get_str(r->by_name, name);

    return e ? e->file : (struct file_id){0};
}

const char *rows_image_at(const struct rows *r, const char *path)
{
    const struct entry *e = map_get_str(r->by_to, path);

    return e && rows_entry_is_at(e, path) ? e->image : NULL;
}

const char *rows_place_of(const struct rows *r, const char *name)
{
    const struct entry *e = map_get_str(r->by_name, name);

    return e && !e->lost ? e->to : NULL;
}

const char *rows_at(const struct rows *r, const char *image)
{
    const struct entry *e = map_get_str(r->by_image, image);

    if (!e)
        return NULL;
    if (e->before)
        return e->before;
    return e->names ? e->names->path : NULL;
}

bool rows_is_leaving(const struct rows *r, const char *image, const char *name)
{
    const struct entry *e = map_get_str(r->by_image, image);

    return e && e->moved && e->before && strcmp(e->before, name) == 0;
}

bool rows_has_other(const struct rows *r, const char *path, struct file_id file)
{
    const struct entry *e = map_get_str(r->by_to, path);

    return e && e->image && !e->lost && rows_entry_is_at(e, path) && file_id_differs(e->file, file);
}

/* The names of one entry. */
static int each_name(const struct entry *e, rows_name_fn *fn, void *arg)
{
    int rc = 0;

    for (const struct name *n = e->names; n && rc == 0; n = n->next)
        rc = fn(arg, n->path);
    return rc;
}

int rows_each_going(const struct rows *r, const char *image, const char *path, const char *at,
                    rows_name_fn *fn, void *arg)
{
    const struct entry *there = map_get_str(r->by_to, path);
    const struct entry *overwritten = map_get_str(r->by_image, path);
    int rc = 0;

    if (there && there->lost)
        there = NULL;
    if (overwritten && overwritten->lost && overwritten != there)
        rc = each_name(overwritten, fn, arg);
    else if (!there && (map_get_str(r->by_image, image) || strcmp(image, path) != 0))
        return 0; /* it is elsewhere */
    else
        overwritten = NULL;
    if (rc == 0 && there)
        rc = each_name(there, fn, arg);
    else if (rc == 0 && !overwritten)
        rc = fn(arg, at);
    return rc ? rc : fn(arg, path);
}

struct name *rows_name_find(const struct entry *e, const char *path)
{
    for (struct name *n = e->names; n; n = n->next)
        if (strcmp(n->path, path) == 0)
            return n;
    return NULL;
}

void rows_written(struct rows *r, const char *name, const char *to)
{
    struct entry *e = map_get_str(r->by_name, name);
    struct name *n = e && rows_entry_is_at(e, to) ? rows_name_find(e, name) : NULL;

    if (n)
        n->guess = false;
}
