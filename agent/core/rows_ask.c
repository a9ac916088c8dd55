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

bool rows_is_lost(const struct rows *r, const char *name)
{
    const struct entry *e = map_get_str(r->by_name, name);

    return e && e->lost && !e->image;
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
