/* Pure. What passes over the lists make of the rows of images on the move. See rows.h. */
#include "agent/core/rows.h"

#include "agent/core/rows_table.h"
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

bool rows_pending(const struct rows *r)
{
    return r->pending;
}

/* Rows of this name are where another entry's are to go, or are already. */
static bool in_the_way(const struct rows *r, const struct entry *e, const struct name *n)
{
    const struct entry *other = map_get_str(r->by_to, n->path);

    return other && other != e;
}

/* All its rows leave with the next pass. */
static bool entry_ends(const struct entry *e)
{
    return !e->to || (e->lost && !e->image);
}

/* Is the path another image's place, or do rows of another have it? */
static bool is_anothers(const struct rows *r, const struct entry *e, const char *path)
{
    const struct entry *there = map_get_str(r->by_to, path);
    const struct entry *named = map_get_str(r->by_name, path);

    return (there && there != e && !there->lost) || (named && named != e);
}

/* Where a pass takes its rows: to where the image is or, while nobody knows where that is, to where
 * S3 has it: what it was called before may be gone from there at any moment. NULL: they are
 * dropped, or stay. */
static const char *entry_target(const struct rows *r, const struct entry *e)
{
    if (entry_ends(e))
        return NULL;
    if (!e->lost)
        return e->to;
    return is_anothers(r, e, e->image) ? NULL : e->image;
}

/* May the pass do better by the rows of this lost image when more is known? */
static bool is_unsure(const struct rows *r, const struct entry *e)
{
    bool stays = !entry_target(r, e);

    if (!e->image || e->unseen)
        return true;
    for (const struct name *n = e->names; n; n = n->next)
        if (in_the_way(r, e, n) || (stays && strcmp(n->path, e->image) != 0))
            return true;
    return false;
}

bool rows_unsure(const struct rows *r)
{
    for (const struct entry *e = r->first; e; e = e->next)
        if (e->lost && is_unsure(r, e))
            return true;
    return false;
}

/* Does S3 not have the image under this name of its? Only the table can tell then that a list which
 * has it must wait, when the file has gone on from there, or is gone and its rows still leave. */
static bool is_unlanded_name(const struct rows *r, const struct entry *e, const char *path)
{
    return (entry_ends(e) || entry_target(r, e)) && (!e->image || strcmp(path, e->image) != 0);
}

/* A pass takes rows of this name. Without memory a crash may cost them. */
static void note_before(struct entry *e, const struct name *n)
{
    if (e->before && (n->guess || !e->before_guess))
        return;
    free(e->before);
    e->before = strdup(n->path);
    e->before_guess = n->guess;
}

/* The entry's rows go, if they can: ret_went is set then. How they are named is settled when all
 * have left. */
static int entry_take(struct rows *r, struct entry *e, rows_fn *fn, void *arg, bool *ret_went)
{
    const char *to = entry_target(r, e);
    bool ends = entry_ends(e);
    struct name *there;

    for (struct name **at = &e->names; *at;) {
        struct name *n = *at;
        int rc;

        if (to ? strcmp(n->path, to) == 0 : !ends && !in_the_way(r, e, n)) {
            at = &n->next;
            continue;
        }
        rc = is_unlanded_name(r, e, n->path) ? map_put_str(r->taken, n->path, r, NULL) : 0;
        rc = rc ? rc : fn(arg, n->path, to);
        if (rc)
            return rc;
        if (to)
            note_before(e, n);
        e->moved |= to != NULL;
        rows_name_remove(r, e, at);
        *ret_went = true;
    }
    there = to && e->moved ? rows_name_find(e, to) : NULL;
    if (there)
        there->guess = false; /* whoever may have written it, it has rows now */
    if (ends)
        rows_entry_end(r, e);
    return 0;
}

/* The rows of those that are lost, or of the others. */
static int take_some(struct rows *r, bool lost, rows_fn *fn, void *arg, bool *ret_went)
{
    int rc = 0;

    *ret_went = false;
    for (struct entry *e = r->first, *next; e && rc == 0; e = next) {
        next = e->next;
        if (e->lost == lost)
            rc = entry_take(r, e, fn, arg, ret_went);
    }
    return rc;
}

int rows_take(struct rows *r, rows_fn *fn, void *arg)
{
    bool went;
    int rc = take_some(r, false, fn, arg, &went);

    /* What is lost goes to where rows of others have just left. */
    while (rc == 0 && (rc = take_some(r, true, fn, arg, &went)) == 0 && went)
        ;
    for (struct entry *e = r->first; e && rc == 0; e = e->next) {
        const char *to = e->moved && !e->names ? entry_target(r, e) : NULL;

        rc = to ? rows_name_add(r, e, to) : 0;
        if (to && e->names)
            e->names->made = true;
    }
    r->pending = r->pending && rc;
    return rc;
}

bool rows_seek(struct rows *r, uint64_t now, rows_seek_fn *fn, void *arg)
{
    bool any = false;

    for (struct entry *e = r->first; e; e = e->next) {
        if (entry_target(r, e))
            continue;
        for (struct name *n = e->names; n; n = n->next) {
            if (!entry_ends(e) && !in_the_way(r, e, n))
                continue;
            any = fn(arg, n->path, n->sought) || any;
            n->sought = now;
        }
    }
    return any;
}

bool rows_is_unlanded(const struct rows *r, const char *path)
{
    const struct entry *named = map_get_str(r->by_name, path);
    const struct entry *there = map_get_str(r->by_to, path);

    return (named && is_unlanded_name(r, named, path)) ||
           (there && rows_entry_is_at(there, path) && is_unlanded_name(r, there, path)) ||
           map_get_str(r->taken, path);
}

/* Rows have left what was taken. */
static void forget_taken(struct rows *r)
{
    const void *key;
    size_t n;

    for (size_t at = 0; map_next(r->taken, &at, &key, &n, NULL);)
        map_remove(r->taken, key, n);
}

int rows_settled(struct rows *r, rows_fn *fn, void *arg)
{
    int rc = 0;

    forget_taken(r);

    for (struct entry *e = r->first, *next; e && rc == 0; e = next) {
        next = e->next;
        if (!e->moved)
            continue;
        e->moved = false;
        free(e->before);
        e->before = NULL;
        if (!e->names)
            continue;
        e->names->made = false;
        rc = fn(arg, e->image, e->names->path);
        if (e->image && rows_entry_is_placed(e) && strcmp(e->image, e->to) == 0)
            rows_entry_end(r, e);
    }
    return rc;
}
