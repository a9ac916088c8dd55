/* Pure. Where the rows of images are that change their names. See rows.h. */
#include "agent/core/rows.h"

#include "agent/core/rows_table.h"
#include "base/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct rows *rows_new(void)
{
    struct rows *r = calloc(1, sizeof *r);

    if (!r)
        return NULL;
    r->by_image = map_new();
    r->by_name = map_new();
    r->by_to = map_new();
    r->by_file = map_new();
    r->taken = map_new();
    if (r->by_image && r->by_name && r->by_to && r->by_file && r->taken)
        return r;
    rows_free(r);
    return NULL;
}

/* Take the entry out of a map, if it is the one that stands there under this key. */
static void unmap(struct map *m, const char *key, const struct entry *e)
{
    if (key && map_get_str(m, key) == e)
        map_remove_str(m, key);
}

/* Set a field of the entry by which a map has it. What another entry has there becomes this one's.
 * 0 or -ENOMEM (nothing changed). */
static int set_mapped(struct map *m, struct entry *e, char **field, const char *value)
{
    char *copy = strdup(value);

    if (!copy || map_put_str(m, value, e, NULL)) {
        free(copy);
        return -ENOMEM;
    }
    if (*field && strcmp(*field, value) != 0)
        unmap(m, *field, e);
    free(*field);
    *field = copy;
    return 0;
}

int rows_name_add(struct rows *r, struct entry *e, const char *path)
{
    size_t size = strlen(path) + 1;
    struct name **end = &e->names;
    struct name *n;

    if (map_get_str(r->by_name, path))
        return 0;
    n = malloc(sizeof *n + size);
    if (!n || map_put_str(r->by_name, path, e, NULL)) {
        free(n);
        return -ENOMEM;
    }
    n->next = NULL;
    n->next_path = NULL;
    n->sought = 0;
    n->made = n->guess = n->lent = false;
    memcpy(n->path, path, size);
    while (*end)
        end = &(*end)->next;
    *end = n;
    r->changes++;
    return 0;
}

void rows_name_remove(struct rows *r, struct entry *e, struct name **at)
{
    struct name *n = *at;

    *at = n->next;
    unmap(r->by_name, n->path, e);
    free(n->next_path);
    free(n);
    r->changes++;
}

struct entry *rows_entry_of_file(const struct rows *r, struct file_id file)
{
    return file.born_ns ? map_get(r->by_file, &file, sizeof file) : NULL;
}

/* The entry's file is not known to be its own any more. */
static void entry_forget_file(struct rows *r, struct entry *e)
{
    if (rows_entry_of_file(r, e->file) == e)
        map_remove(r->by_file, &e->file, sizeof e->file);
}

int rows_entry_file(struct rows *r, struct entry *e, struct file_id file)
{
    if (rows_entry_of_file(r, file) == e)
        return 0;
    entry_forget_file(r, e);
    e->file = file;
    return file.born_ns ? map_put(r->by_file, &file, sizeof file, e, NULL) : 0;
}

void rows_entry_end(struct rows *r, struct entry *e)
{
    while (e->names)
        rows_name_remove(r, e, &e->names);
    unmap(r->by_image, e->image, e);
    unmap(r->by_to, e->to, e);
    entry_forget_file(r, e);
    r->nameless -= !e->image;
    if (e->prev)
        e->prev->next = e->next;
    else
        r->first = e->next;
    if (e->next)
        e->next->prev = e->prev;
    free(e->image);
    free(e->was);
    free(e->before);
    free(e->to);
    free(e->over_at);
    free(e);
}

void rows_free(struct rows *r)
{
    if (!r)
        return;
    while (r->first)
        rows_entry_end(r, r->first);
    rows_replaced_forget(r);
    map_free(r->taken);
    map_free(r->by_image);
    map_free(r->by_name);
    map_free(r->by_to);
    map_free(r->by_file);
    free(r);
}

/* The entry's image is known by this name from now on. 0 or -ENOMEM. */
static int entry_name(struct rows *r, struct entry *e, const char *image)
{
    bool had_none = !e->image;
    int rc = set_mapped(r->by_image, e, &e->image, image);

    if (rc)
        return rc;
    r->nameless -= had_none;
    r->changes++;
    e->unlanded = false;
    return 0;
}

struct entry *rows_entry_nameless(struct rows *r, struct file_id file, const char *at)
{
    struct entry *e = calloc(1, sizeof *e);

    if (!e)
        return NULL;
    r->nameless++;
    e->next = r->first;
    if (r->first)
        r->first->prev = e;
    r->first = e;
    if (rows_name_add(r, e, at) || rows_entry_file(r, e, file)) {
        rows_entry_end(r, e);
        return NULL;
    }
    return e;
}

void rows_name_yield(struct rows *r, const char *path, enum rows_yields when)
{
    struct entry *e = map_get_str(r->by_name, path);

    if (!e)
        return;
    for (struct name **at = &e->names; *at; at = &(*at)->next)
        if (strcmp((*at)->path, path) == 0) {
            if (when == ROWS_YIELD_ANY || (when == ROWS_YIELD_GUESS ? (*at)->guess : (*at)->lent))
                rows_name_remove(r, e, at);
            return;
        }
}

void rows_lent(struct rows *r, struct file_id file, const char *name)
{
    const struct entry *e = rows_entry_of_file(r, file);
    struct name *n = e ? rows_name_find(e, name) : NULL;

    if (n)
        n->lent = true;
}

/* People may have written this name. 0 or -ENOMEM. */
static int name_guess(struct rows *r, struct entry *e, const char *path)
{
    bool had_it = map_get_str(r->by_name, path) != NULL;
    int rc = rows_name_add(r, e, path);

    if (rc == 0 && !had_it)
        rows_name_find(e, path)->guess = true;
    return rc;
}

/* A new entry: lists name it by `at`, and since it is known as `image` people may have done so by
 * that. NULL without memory. */
static struct entry *entry_new(struct rows *r, const char *image, struct file_id file,
                               const char *at)
{
    struct entry *e;

    if (strcmp(at, image) != 0) /* the index says so, of an earlier run */
        rows_name_yield(r, at, ROWS_YIELD_GUESS);
    e = rows_entry_nameless(r, file, at);
    if (e && (entry_name(r, e, image) || name_guess(r, e, image))) {
        rows_entry_end(r, e);
        return NULL;
    }
    return e;
}

bool rows_entry_is_at(const struct entry *e, const char *path)
{
    return e->to && strcmp(e->to, path) == 0;
}

bool rows_entry_is_placed(const struct entry *e)
{
    if (!e->to || e->lost)
        return false;
    for (const struct name *n = e->names; n; n = n->next)
        if (strcmp(n->path, e->to) != 0)
            return false;
    return true;
}

/* The image is gone: so are its rows, with the next pass, unless another one came over it. */
static void entry_drop(struct rows *r, struct entry *e)
{
    const struct entry *there = e->to && e->lost ? map_get_str(r->by_to, e->to) : NULL;
    const bool over = there && there != e && !there->lost;

    unmap(r->by_to, e->to, e);
    free(over ? e->over_at : e->to);
    e->over_at = over ? e->to : e->over_at;
    e->to = NULL;
    e->lost = false;
    r->changes++;
    r->pending = true;
}

/* The image is not where the table has it, and nobody knows where it is. Rows by which S3 may soon
 * not have it are another pass's. */
static void entry_lose(struct rows *r, struct entry *e)
{
    e->lost = true;
    r->changes++;
    for (const struct name *n = e->names; n; n = n->next)
        r->pending |= !e->image || strcmp(n->path, e->image) != 0;
}

int rows_entry_place(struct rows *r, struct entry *e, const char *to)
{
    struct entry *there = map_get_str(r->by_to, to);

    if (there && there != e) {
        if (rows_name_add(r, there, to))
            return -ENOMEM;
        entry_lose(r, there);
    }
    if (e->to && map_get_str(r->by_to, e->to) == e && rows_name_add(r, e, e->to))
        return -ENOMEM;
    if (set_mapped(r->by_to, e, &e->to, to))
        return -ENOMEM;
    free(e->over_at);
    e->over_at = NULL;
    e->lost = e->unseen = e->over = e->overwritten = false;
    r->changes++;
    r->pending |= !rows_entry_is_placed(e);
    return 0;
}

/* The entry that came to this path last and has no name. */
static struct entry *nameless_at(const struct rows *r, const char *path)
{
    struct entry *e = map_get_str(r->by_to, path);

    return e && !e->image && rows_entry_is_at(e, path) ? e : NULL;
}

/* What was overwritten at the path, has no name any more and was not found elsewhere; NULL. */
static struct entry *overwritten_at(const struct rows *r, const char *path)
{
    struct entry *e = nameless_at(r, path);

    return e && !e->lost && e->overwritten ? e : NULL;
}

/* The entry of an image, made if there is none. What was overwritten at its path while rows were on
 * their way there, and was found nowhere else, has left them to it. NULL without memory. */
static struct entry *entry_of(struct rows *r, const char *image, struct file_id file,
                              const char *at)
{
    struct entry *e = rows_entry_of_file(r, file);

    if (!e)
        e = map_get_str(r->by_image, image);
    if (e)
        return e;
    e = overwritten_at(r, image);
    if (!e)
        return entry_new(r, image, file, at);
    return entry_name(r, e, image) || rows_entry_file(r, e, file) ? NULL : e;
}

void rows_entry_unname(struct rows *r, struct entry *e)
{
    unmap(r->by_image, e->image, e);
    free(e->was);
    e->overwritten = rows_entry_is_at(e, e->image);
    e->was = e->image;
    e->image = NULL;
    r->nameless++;
    r->changes++;
    r->pending |= e->lost;
}

/* The index and the lists have it where it is: there is nothing to follow any more. */
static void entry_end_at_home(struct rows *r, struct entry *e)
{
    if (e->image && rows_entry_is_at(e, e->image) && rows_entry_is_placed(e) && !e->moved)
        rows_entry_end(r, e);
}

int rows_follow(struct rows *r, const char *image, struct file_id file, const char *at,
                const char *to)
{
    struct entry *e;
    bool is_also;

    rows_name_yield(r, image, ROWS_YIELD_LENT);
    e = entry_of(r, image, file, at);
    /* S3 has it under both, or under this one alone since another took the name that it had. */
    is_also = e && (!e->image || strcmp(e->image, image) != 0);
    if (!e || rows_entry_file(r, e, file) ||
        (is_also && (rows_name_add(r, e, at) || name_guess(r, e, image))) ||
        rows_entry_place(r, e, to))
        return -ENOMEM;
    entry_end_at_home(r, e);
    return 0;
}

const char *rows_image_of(const struct rows *r, struct file_id file)
{
    const struct entry *e = rows_entry_of_file(r, file);

    if (!e)
        return NULL;
    return e->image ? e->image : e->was;
}

bool rows_is_elsewhere(const struct rows *r, struct file_id file, const char *path)
{
    const struct entry *e = rows_entry_of_file(r, file);

    return e && e->to && !e->lost && !rows_entry_is_at(e, path);
}

int rows_seen(struct rows *r, struct file_id file, const char *to)
{
    struct entry *e = rows_entry_of_file(r, file);

    if (!e)
        return 0;
    if (rows_entry_is_at(e, to) && !e->lost)
        return 1;
    if (rows_entry_place(r, e, to))
        return -ENOMEM;
    entry_end_at_home(r, e);
    return 1;
}

int rows_entry_unlanded(struct rows *r, struct entry *e, const char *was, struct file_id file,
                        const char *to)
{
    if (!e || rows_entry_file(r, e, file))
        return -ENOMEM;
    e->unlanded = true;
    free(e->was);
    e->was = strdup(was);
    if (!e->was || rows_entry_place(r, e, to))
        return -ENOMEM;
    if (!e->names)
        rows_entry_end(r, e); /* lists name another image by that path */
    return 0;
}

int rows_unlanded(struct rows *r, const char *path, struct file_id file, const char *to)
{
    struct entry *e = map_get_str(r->by_image, path);

    if (e && e->to)
        return 0; /* the name is another's */
    if (e)        /* it was taken for gone, and its rows are still there */
        rows_entry_unname(r, e);
    else
        e = rows_entry_nameless(r, file, path);
    return rows_entry_unlanded(r, e, path, file, to);
}

int rows_displaced(struct rows *r, const char *image, struct file_id file, const char *at)
{
    struct entry *e = map_get_str(r->by_image, image);

    if (e || rows_entry_of_file(r, file))
        return 0; /* rows_entry_place saw to it if it was there */
    e = entry_new(r, image, file, at);
    if (!e)
        return -ENOMEM;
    e->to = strdup(image); /* not in the map: it is there no more */
    entry_lose(r, e);
    return e->to ? 0 : -ENOMEM;
}

int rows_overtaken(struct rows *r, const char *image, struct file_id file, const char *at,
                   const char *path)
{
    struct entry *e = entry_of(r, image, file, at);
    char *to = e ? strdup(path) : NULL;

    if (!to || rows_name_add(r, e, path)) {
        free(to);
        return -ENOMEM;
    }
    unmap(r->by_to, e->to, e);
    free(e->to);
    e->to = to; /* not in the map, either */
    e->unseen = false;
    entry_lose(r, e);
    return 0;
}

int rows_also(struct rows *r, const char *image, struct file_id file, const char *at,
              const char *name)
{
    struct entry *e = rows_entry_of_file(r, file);

    if (!e)
        e = map_get_str(r->by_image, image);
    if (!e)
        e = overwritten_at(r, image); /* it may still be found elsewhere, and keeps its own name */
    if (!e) {
        const struct entry *there = map_get_str(r->by_to, image);

        if (there && !there->lost) { /* the image is there no more */
            if (rows_displaced(r, image, file, at))
                return -ENOMEM;
            e = map_get_str(r->by_image, image);
        } else {
            e = entry_new(r, image, file, at);
        }
        if (!e || (!e->lost && rows_entry_place(r, e, image)))
            return -ENOMEM;
    }
    if (name_guess(r, e, name))
        return -ENOMEM;
    r->pending |= !rows_entry_is_placed(e);
    return 0;
}

void rows_lost(struct rows *r, const char *image, const char *path)
{
    struct entry *e = map_get_str(r->by_image, image);

    if (!e || !rows_entry_is_at(e, path))
        return;
    if (e->to && map_get_str(r->by_to, e->to) == e)
        (void)!rows_name_add(r, e, e->to); /* without memory rows of that name stay */
    entry_lose(r, e);
}

int rows_gone(struct rows *r, const char *image, const char *path, const char *at)
{
    struct entry *e = map_get_str(r->by_image, image);
    struct entry *there = map_get_str(r->by_to, path);
    struct entry *overwritten = map_get_str(r->by_image, path);

    if (there && there->lost)
        there = NULL;
    if (overwritten && overwritten->lost && overwritten != there) {
        if (rows_name_add(r, overwritten, path))
            return -ENOMEM;
        entry_drop(r, overwritten); /* nobody found it, and its name goes now */
        if (!there)
            return 0;
    }
    if (!there && e &&
        strcmp(image, path) == 0) { /* it is elsewhere, and so are its rows, or will be */
        if (rows_name_add(r, e, path))
            return -ENOMEM;
        r->pending |= !rows_entry_is_placed(e);
    }
    if (!there && (e || strcmp(image, path) != 0))
        return 0;
    if (!there)
        there = entry_new(r, image, (struct file_id){0}, at);
    if (!there || rows_name_add(r, there, path))
        return -ENOMEM;
    entry_drop(r, there);
    return 0;
}

int rows_gone_over(struct rows *r, const char *image, const char *path)
{
    struct entry *e = map_get_str(r->by_image, image);
    char *copy = e && !e->to ? strdup(path) : NULL;

    if (!copy)
        return e && !e->to ? -ENOMEM : 0;
    free(e->over_at);
    e->over_at = copy;
    return 0;
}

void rows_emptied(struct rows *r, const char *path)
{
    struct entry *e = nameless_at(r, path);

    if (e && !e->lost)
        entry_drop(r, e);
}

/* The entry of what landed at this path: this file, or what was known as `image`. NULL. */
static struct entry *entry_landed(const struct rows *r, const char *image, struct file_id file,
                                  const char *path)
{
    struct entry *e = rows_entry_of_file(r, file);

    if (e)
        return e; /* which may have gone on meanwhile */
    e = image ? map_get_str(r->by_image, image) : NULL;
    return e && rows_entry_is_at(e, path)
               ? e
               : nameless_at(r, path); /* the name may be another's by now */
}

void rows_passed(struct rows *r, struct file_id file, const char *path)
{
    struct entry *old = map_get_str(r->by_image, path);

    if (old && old != rows_entry_of_file(r, file))
        rows_entry_unname(r, old);
}

/* S3 has this file at this path now, which is another one than what had come there by the table's
 * word: that was overwritten, so that its rows are not where S3 has it. */
static void overwrite(struct rows *r, const struct entry *e, struct file_id file, const char *path)
{
    struct entry *there = map_get_str(r->by_to, path);

    if (there && there != e && there->image && !there->lost && rows_entry_is_at(there, path) &&
        file_id_differs(there->file, file)) {
        rows_entry_unname(r, there);
        there->overwritten = true;
    }
}

void rows_unguess(struct rows *r, const char *path)
{
    rows_name_yield(r, path, ROWS_YIELD_GUESS);
}

int rows_landed(struct rows *r, const char *image, struct file_id file, const char *path)
{
    struct entry *e = entry_landed(r, image, file, path);
    struct entry *old = map_get_str(r->by_image, path);

    if (e && old && old != e && e->lost && !e->names && !old->lost &&
        rows_entry_is_at(old, path)) { /* it has overwritten that, and no rows of its own */
        rows_entry_end(r, e);
        e = old;
    }
    if (old && old != e && old->unseen && rows_is_free(r, path) && rows_entry_place(r, old, path))
        return -ENOMEM; /* it was overwritten there, as far as anybody knows */
    if (old && old != e)
        rows_entry_unname(r, old);
    overwrite(r, e, file, path);
    if (!e || (e->image && !e->unseen && !e->lost && rows_entry_is_at(e, e->image) &&
               !rows_entry_is_at(e, path)))
        return 0; /* or it has come to where it is already, and this to where it was in between */
    if (entry_name(r, e, path) || rows_entry_file(r, e, file) ||
        (e->lost && rows_entry_of_file(r, file) == e && rows_entry_place(r, e, path)))
        return -ENOMEM;
    r->pending |= e->lost;
    entry_end_at_home(r, e);
    return 0;
}

int rows_came_over(struct rows *r, struct file_id file, const char *to)
{
    struct entry *e = rows_entry_of_file(r, file);
    struct entry *old = map_get_str(r->by_image, to);

    if (!e || !e->lost || !rows_is_free(r, to))
        return 0;
    if (old && old != e)
        rows_entry_unname(r, old);
    if (entry_name(r, e, to) || rows_entry_place(r, e, to))
        return -ENOMEM;
    e->over = true;
    return 1;
}

/* By which name the index has the entry's image, or what is in its place by now, when nothing is
 * open any more. NULL: it is gone. */
static const char *name_at_rest(const struct rows *r, const struct entry *e, rows_home_fn *is_home,
                                void *arg)
{
    const struct entry *there = e->to ? map_get_str(r->by_image, e->to) : NULL;

    if (e->image && is_home(arg, e->image, &e->file))
        return e->image;
    if (!e->to || e->lost || (there && there != e) || map_get_str(r->by_to, e->to) != e)
        return NULL;
    return is_home(arg, e->to, NULL) ? e->to : NULL;
}

int rows_close(struct rows *r, rows_home_fn *is_home, void *arg)
{
    rows_replaced_forget(r);
    for (struct entry *e = r->first, *next; e; e = next) {
        const char *name = name_at_rest(r, e, is_home, arg);

        next = e->next;
        if (!name) {
            entry_drop(r, e);
            continue;
        }
        if (rows_entry_place(r, e, name) || (name != e->image && entry_name(r, e, e->to)))
            return -ENOMEM;
        entry_end_at_home(r, e);
    }
    return 0;
}
