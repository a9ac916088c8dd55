/* Shell. The index in the order of keys. See ordered.h. */
#include "agent/service/ordered.h"

#include "agent/service/stored.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_COUNT 256
#define ALIKE_BYTES 468 /* keys that agree so far may be out of order (index.h) */

struct ordered {
    struct index *index;
    const char *prefix;
    char after[STORED_KEY_MAX + 1]; /* the last key of the piece, as stored; "": none yet */
    struct ordered_entry *entries;
    size_t count, size, at;
    bool ended;
};

/* index_fn: take an entry, until the piece is full and no key of the same beginning may follow. */
static int take(void *arg, const char *key, const struct known *known)
{
    struct ordered *o = arg;
    struct ordered_entry *e;

    if (o->count >= PIECE_COUNT && strncmp(o->entries[o->count - 1].key, key, ALIKE_BYTES) != 0)
        return 1;
    if (o->count == o->size) {
        size_t size = o->size ? 2 * o->size : PIECE_COUNT;
        struct ordered_entry *more = realloc(o->entries, size * sizeof *more);

        if (!more)
            return -ENOMEM;
        o->entries = more;
        o->size = size;
    }
    e = &o->entries[o->count];
    e->key = strdup(key);
    if (!e->key)
        return -ENOMEM;
    e->entry.known = *known;
    e->entry.moved_to[0] = '\0';
    if (known->moved_to)
        snprintf(e->entry.moved_to, sizeof e->entry.moved_to, "%s", known->moved_to);
    o->count++;
    return 0;
}

static int compare_entries(const void *a, const void *b)
{
    const struct ordered_entry *x = a, *y = b;

    return strcmp(x->key, y->key);
}

/* Let the piece go. */
static void forget(struct ordered *o)
{
    for (size_t i = 0; i < o->count; i++)
        free(o->entries[i].key);
    o->count = o->at = 0;
}

/* Read the next piece. */
static int read_piece(struct ordered *o)
{
    int rc, done;

    forget(o);
    rc = index_each_under(o->index, o->prefix, o->after[0] ? o->after : NULL, take, o);
    o->ended = rc == 0;
    if (rc >= 0 && o->count)
        memcpy(o->after, o->entries[o->count - 1].key, strlen(o->entries[o->count - 1].key) + 1);
    done = index_commit(o->index); /* so that no old page is kept from being used again */
    if (rc < 0 || done)
        return rc < 0 ? rc : done;
    if (o->count)
        qsort(o->entries, o->count, sizeof *o->entries, compare_entries);
    return 0;
}

int ordered_open(struct index *ix, const char *prefix, struct ordered **ret)
{
    struct ordered *o = calloc(1, sizeof *o);

    if (!o)
        return -ENOMEM;
    o->index = ix;
    o->prefix = prefix;
    *ret = o;
    return 0;
}

int ordered_next(struct ordered *o, const struct ordered_entry **ret)
{
    struct ordered_entry *e;

    if (o->at == o->count) {
        int rc = o->ended ? 0 : read_piece(o);

        if (rc)
            return rc;
        if (o->at == o->count)
            return 0;
    }
    e = &o->entries[o->at++];
    e->entry.known.moved_to = e->entry.moved_to[0] ? e->entry.moved_to : NULL;
    *ret = e;
    return 1;
}

void ordered_close(struct ordered *o)
{
    if (!o)
        return;
    forget(o);
    free(o->entries);
    free(o);
}

struct ordered_places {
    struct index *index;
    const char *prefix;
    unsigned step, left;
    char key[STORED_KEY_MAX + 1];
};

int ordered_places_open(struct index *ix, const char *prefix, unsigned step,
                        struct ordered_places **ret)
{
    struct ordered_places *p = calloc(1, sizeof *p);

    if (!p)
        return -ENOMEM;
    p->index = ix;
    p->prefix = prefix;
    p->step = step;
    *ret = p;
    return 0;
}

/* index_fn: every step-th key. */
static int pass_by(void *arg, const char *key, const struct known *known)
{
    struct ordered_places *p = arg;

    (void)known;
    if (--p->left)
        return 0;
    snprintf(p->key, sizeof p->key, "%s", key);
    return 1;
}

const char *ordered_place(void *places)
{
    struct ordered_places *p = places;
    int rc;

    p->left = p->step;
    rc = index_each_under(p->index, p->prefix, p->key[0] ? p->key : NULL, pass_by, p);
    if (index_commit(p->index))
        return NULL;
    return rc == 1 ? p->key : NULL;
}

void ordered_places_close(struct ordered_places *p)
{
    free(p);
}
