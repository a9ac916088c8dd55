/* Pure. Entries of the index that were asked for lately. See index_cache.h. */
#include "agent/service/index_cache.h"

#include "base/mix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS   64
#define KEY_MAX 1024 /* longer ones are not kept */

struct slot {
    char key[KEY_MAX + 1]; /* "": none */
    bool absent;
    struct index_entry entry; /* if it is not */
};

struct index_cache {
    struct slot slots[SLOTS];
};

/* Where a key is kept, if it is; NULL: nowhere. */
static struct slot *slot_of(const struct index_cache *c, const char *key)
{
    const size_t n = strlen(key);

    return c && n > 0 && n <= KEY_MAX
               ? (struct slot *)(uintptr_t)&c->slots[mix_bytes(0, key, n) % SLOTS]
               : NULL;
}

/* The same entry in another place: what points into it points into its own memory. */
static void entry_copy(struct index_entry *to, const struct index_entry *from)
{
    to->known = from->known;
    if (!from->known.moved_to)
        return;
    memcpy(to->moved_to, from->known.moved_to, strlen(from->known.moved_to) + 1);
    to->known.moved_to = to->moved_to;
}

struct index_cache *index_cache_new(void)
{
    return calloc(1, sizeof(struct index_cache));
}

void index_cache_free(struct index_cache *c)
{
    free(c);
}

int index_cache_get(const struct index_cache *c, const char *key, struct index_entry *ret)
{
    const struct slot *s = slot_of(c, key);

    if (!s || strcmp(s->key, key) != 0)
        return -EAGAIN;
    if (s->absent)
        return -ENOENT;
    entry_copy(ret, &s->entry);
    return 0;
}

void index_cache_note(struct index_cache *c, const char *key, const struct index_entry *found)
{
    struct slot *s = slot_of(c, key);

    if (!s)
        return;
    memcpy(s->key, key, strlen(key) + 1);
    s->absent = !found;
    if (found)
        entry_copy(&s->entry, found);
}

void index_cache_forget(struct index_cache *c, const char *key)
{
    struct slot *s = slot_of(c, key);

    if (s && strcmp(s->key, key) == 0)
        s->key[0] = '\0';
}

void index_cache_clear(struct index_cache *c)
{
    for (size_t i = 0; c && i < SLOTS; i++)
        c->slots[i].key[0] = '\0';
}
