/* Pure. Images of which only the table knows: they have no name in the index. See rows.h. */
#include "agent/core/rows.h"

#include "agent/core/rows_table.h"
#include "base/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool rows_adrift(const struct rows *r)
{
    return r->nameless > 0;
}

int rows_each_adrift(const struct rows *r, rows_adrift_fn *fn, void *arg)
{
    for (const struct entry *e = r->nameless ? r->first : NULL; e; e = e->next) {
        struct rows_adrift image = {
            .file = e->file, .was = e->was, .to = e->to, .unlanded = e->unlanded};

        if (e->image || e->lost || !e->to || !e->file.born_ns)
            continue;
        for (const struct name *n = e->names; n; n = n->next) {
            int rc;

            image.name = n->path;
            rc = fn(arg, &image);
            if (rc)
                return rc;
        }
    }
    return 0;
}

/* The first name of an image. */
static struct entry *restored(struct rows *r, const struct rows_adrift *image)
{
    struct entry *e = rows_entry_nameless(r, image->file, image->name);

    if (!e)
        return NULL;
    e->unlanded = image->unlanded;
    e->was = image->was ? strdup(image->was) : NULL;
    if ((image->was && !e->was) || rows_entry_place(r, e, image->to)) {
        rows_entry_end(r, e);
        return NULL;
    }
    return e;
}

int rows_restore(struct rows *r, const struct rows_adrift *image)
{
    struct entry *e = map_get(r->by_file, &image->file, sizeof image->file);
    int rc = 0;

    if (e)
        rc = rows_name_add(r, e, image->name);
    else if (!(e = restored(r, image)))
        rc = -ENOMEM;
    if (rc == 0)
        r->pending |= !rows_entry_is_placed(e);
    return rc;
}

int rows_rewritten(struct rows *r, const char *from, const char *to)
{
    struct entry *e = map_get_str(r->by_name, from);

    if (!e || e->image || !rows_entry_is_at(e, to) || strcmp(from, to) == 0)
        return 0;
    for (struct name **at = &e->names; *at; at = &(*at)->next)
        if (strcmp((*at)->path, from) == 0) {
            rows_name_remove(r, e, at);
            break;
        }
    return rows_name_add(r, e, to);
}
