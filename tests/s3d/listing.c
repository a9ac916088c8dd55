/* One page of a listing. Pure. */
#include "tests/s3d/listing.h"

#include <stdlib.h>
#include <string.h>

/* Add to a page. The reference or the string moves in. */
static void listing_add(struct listing *l, struct listing_entry entry)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 64;
        l->at = mem_grow(l->at, l->cap * sizeof(*l->at));
    }
    l->at[l->n++] = entry;
}

/* Add a key's current object, or all its versions. */
static void listing_add_key(struct listing *l, struct object *newest, bool versions)
{
    for (struct object *o = newest; o; o = versions ? o->older : NULL)
        if (versions || !o->marker)
            listing_add(l, (struct listing_entry){.object = object_ref(o), .latest = o == newest});
}

/* The bytes up to and with the delimiter behind the prefix, or 0 where the key has none. */
static size_t common_prefix(const char *key, const struct listing_query *q)
{
    size_t n = strlen(q->prefix);
    const char *found = q->delimiter[0] ? strstr(key + n, q->delimiter) : NULL;
    return found ? (size_t)(found - key) + strlen(q->delimiter) : 0;
}

/* Is anything but delete markers under this prefix? Only then is it listed. */
static bool prefix_is_live(const struct index *x, struct object *o, const char *prefix,
                           bool versions)
{
    while (o && text_has_prefix(o->key, prefix)) {
        if (versions || !o->marker)
            return true;
        o = index_seek(x, o->key, true);
    }
    return false;
}

/* The smallest string that is greater than every string with this prefix. */
static char *prefix_end(const char *prefix, size_t n)
{
    char *end = mem_dupn(prefix, n);
    while (n > 0 && (unsigned char)end[n - 1] == 0xff)
        end[--n] = '\0';
    if (n > 0)
        end[n - 1] = (char)((unsigned char)end[n - 1] + 1);
    return end;
}

/* Where the listing starts: beyond `after`, which may be a common prefix given out before. */
static struct object *first_key(const struct index *x, const struct listing_query *q)
{
    size_t n = strlen(q->after);
    if (strcmp(q->after, q->prefix) < 0)
        return index_seek(x, q->prefix, false);
    if (n == 0)
        return index_seek(x, "", false);
    if (text_has_prefix(q->after, q->prefix) && common_prefix(q->after, q) == n) {
        char *from = prefix_end(q->after, n);
        struct object *o = index_seek(x, from, false);
        free(from);
        return o;
    }
    return index_seek(x, q->after, true);
}

void listing_fill(const struct index *x, const struct listing_query *q, struct listing *l)
{
    struct object *o = first_key(x, q);
    char *last = NULL;
    while (o && text_has_prefix(o->key, q->prefix)) {
        size_t n = common_prefix(o->key, q);
        char *mark = n ? mem_dupn(o->key, n) : mem_dup(o->key);
        bool live = n ? prefix_is_live(x, o, mark, q->versions) : q->versions || !o->marker;
        if (live && l->n >= q->max) {
            l->truncated = true;
            free(mark);
            break;
        }
        if (live && n)
            listing_add(l, (struct listing_entry){.prefix = mem_dup(mark)});
        else if (live)
            listing_add_key(l, o, q->versions);
        free(last);
        last = mark;
        if (n) {
            char *from = prefix_end(mark, n);
            o = index_seek(x, from, false);
            free(from);
        } else {
            o = index_seek(x, mark, true);
        }
    }
    if (l->truncated)
        l->next_after = last;
    else
        free(last);
}

void listing_release(struct listing *l)
{
    for (size_t i = 0; i < l->n; i++) {
        object_unref(l->at[i].object);
        free(l->at[i].prefix);
    }
    free(l->at);
    free(l->next_after);
    *l = (struct listing){0};
}
