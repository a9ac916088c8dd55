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

void rows_leaves(struct rows *r, const char *image)
{
    struct entry *e = map_get_str(r->by_image, image);

    if (e && e->lost)
        rows_entry_unname(r, e);
}

/* The names of one image: what a pass that is under way makes of them is not in the lists yet. */
static int each_name(const struct entry *e, struct rows_adrift *image, rows_adrift_fn *fn,
                     void *arg)
{
    int rc = 0;

    image->name = e->before;
    image->guess = e->before_guess;
    if (e->before)
        rc = fn(arg, image);
    for (const struct name *n = e->names; n && rc == 0; n = n->next) {
        image->name = n->path;
        image->guess = n->guess;
        if (!n->made)
            rc = fn(arg, image);
    }
    return rc;
}

int rows_each_adrift(const struct rows *r, rows_adrift_fn *fn, void *arg)
{
    int rc = 0;

    for (const struct entry *e = r->nameless ? r->first : NULL; e && rc == 0; e = e->next) {
        struct rows_adrift image = {.file = e->file,
                                    .was = e->was,
                                    .to = e->to,
                                    .unlanded = e->unlanded,
                                    .overwritten = e->overwritten};

        if (!e->image && !e->lost && e->to && e->file.born_ns)
            rc = each_name(e, &image, fn, arg);
    }
    return rc;
}

/* The entry has no name, and was known by this one or is at this path. */
static bool is_nameless(const struct entry *e, const char *was, const char *from)
{
    return !e->image && e->to &&
           ((from && rows_entry_is_at(e, from)) || (was && e->was && strcmp(e->was, was) == 0));
}

int rows_went_on(struct rows *r, const char *was, const char *from, struct file_id file,
                 const char *to)
{
    struct entry *e = r->nameless ? r->first : NULL; /* there are seldom any */

    while (e && (file_id_differs(e->file, file) || !is_nameless(e, was, from)))
        e = e->next;
    if (!e)
        return 0;
    return rows_entry_place(r, e, to) ? -ENOMEM : 1;
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
    e->overwritten = image->overwritten;
    return e;
}

int rows_restore(struct rows *r, const struct rows_adrift *image)
{
    struct entry *e = map_get(r->by_file, &image->file, sizeof image->file);
    struct name *n;
    int rc = 0;

    if (e)
        rc = rows_name_add(r, e, image->name);
    else if (!(e = restored(r, image)))
        rc = -ENOMEM;
    n = rc || !image->guess ? NULL : rows_name_find(e, image->name);
    if (n)
        n->guess = true;
    if (rc == 0)
        r->pending |= !rows_entry_is_placed(e);
    return rc;
}

int rows_listed(struct rows *r, const char *image, struct file_id file, const char *at)
{
    bool pending = r->pending;
    struct entry *e;

    if (map_get_str(r->by_image, image) || map_get(r->by_file, &file, sizeof file))
        return 0;
    if (rows_displaced(r, image, file, at))
        return -ENOMEM;
    e = map_get_str(r->by_image, image);
    e->unseen = true;
    r->pending = pending;
    return 1;
}

bool rows_is_unseen(const struct rows *r, const char *image)
{
    const struct entry *e = map_get_str(r->by_image, image);

    return e && e->unseen;
}

void rows_unseen_end(struct rows *r, const char *image)
{
    if (rows_is_unseen(r, image))
        rows_entry_end(r, map_get_str(r->by_image, image));
}

/* Take a name from the entry that has it. */
static void name_leave(struct rows *r, struct entry *e, const char *name)
{
    struct name **at = &e->names;

    while (*at && strcmp((*at)->path, name) != 0)
        at = &(*at)->next;
    if (*at)
        rows_name_remove(r, e, at);
}

int rows_rewriting(struct rows *r, const char *from, const char *to)
{
    struct entry *e = map_get_str(r->by_name, from);
    struct name *n = e && !e->image ? e->names : NULL;

    while (n && strcmp(n->path, from) != 0)
        n = n->next;
    if (!n)
        return 0;
    free(n->next_path);
    n->next_path = strdup(to);
    return n->next_path ? 1 : -ENOMEM;
}

/* A name that an entry gets. */
struct renaming {
    struct renaming *next;
    struct entry *of;
    char *to;
};

/* Take the names that rows have no more out of the entry, into *all. 0 or -ENOMEM. */
static int names_rewritten(struct rows *r, struct entry *e, struct renaming **all)
{
    for (struct name **at = &e->names; *at;) {
        struct renaming *one;

        if (!(*at)->next_path) {
            at = &(*at)->next;
            continue;
        }
        one = malloc(sizeof *one);
        if (!one)
            return -ENOMEM;
        *one = (struct renaming){.next = *all, .of = e, .to = (*at)->next_path};
        (*at)->next_path = NULL;
        *all = one;
        rows_name_remove(r, e, at);
    }
    return 0;
}

int rows_rewritten(struct rows *r)
{
    struct renaming *all = NULL;
    int rc = 0;

    for (struct entry *e = r->nameless ? r->first : NULL; e && rc == 0; e = e->next)
        rc = names_rewritten(r, e, &all);
    while (all) {
        struct renaming *one = all;

        all = one->next;
        rc = rc ? rc : rows_name_add(r, one->of, one->to);
        free(one->to);
        free(one);
    }
    return rc;
}

bool rows_is_adrift(const struct rows *r, const char *name)
{
    const struct entry *e = map_get_str(r->by_name, name);

    return e && !e->image && e->to && !rows_entry_is_at(e, name);
}

void rows_name_left(struct rows *r, const char *name)
{
    if (rows_is_adrift(r, name))
        name_leave(r, map_get_str(r->by_name, name), name);
}
