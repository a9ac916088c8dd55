/* Shell. What a new path may be: the image that the index, events or a crash had elsewhere. */
#include "agent/service/rename_source.h"

#include "agent/service/birth.h"

#include <stdio.h>
#include <string.h>

bool rename_is_link(struct agent *a, const struct item *it, const struct known *elsewhere)
{
    struct index_entry e;

    return !elsewhere->born_ns && agent_image(a, it->key, &e) &&
           !(e.known.flags & KNOWN_UNCERTAIN) && e.known.ino == it->seen.ino &&
           !plan_is_other(&it->seen, &e.known);
}

/* A transfer of the item's file may have left this, under a key of which S3 had nothing else. What
 * was made before that one's content has its inode since then: it is that file, edited. */
static bool is_interrupted(const struct item *it, const struct known *known)
{
    return (known->flags & KNOWN_UNCERTAIN) && !(known->flags & (KNOWN_MOVED | KNOWN_LEAVING)) &&
           !known->etag[0] &&
           ((known->size == it->seen.size && known->mtime_ns == it->seen.mtime_ns) ||
            (it->seen.born_ns && it->seen.born_ns <= known->mtime_ns));
}

/* index_fn: an entry with the new path's inode, of the same mapping and still in its place. Where a
 * transfer was interrupted only a birth tells. */
static int source_by_inode(void *arg, const char *key, const struct known *known)
{
    struct rename_source *s = arg;
    const struct mapping *m = &s->agent->mappings[s->it->mapping];

    if (strcmp(key, s->it->key) == 0 || strncmp(key, m->conf->prefix, m->prefix_len) != 0)
        return 0;
    if (is_interrupted(s->it, known))
        snprintf(s->interrupted, sizeof s->interrupted, "%s", key);
    if (!plan_is_placed(known) || (known->flags & KNOWN_UNCERTAIN) ||
        rename_is_link(s->agent, s->it, known))
        return 0;
    if (plan_is_same(&s->it->seen, known))
        s->told = true;
    else if (plan_is_other(&s->it->seen, known))
        return 0;
    else if (s->exact &&
             (known->size != s->it->seen.size || known->mtime_ns != s->it->seen.mtime_ns))
        return 0;
    snprintf(s->key, sizeof s->key, "%s", key);
    s->found = true;
    return 1;
}

/* The image that the index has there was seen at another path than the item's. */
static bool is_elsewhere(const struct rename_source *s, const struct known *known)
{
    const struct item *other = sighted_find(s->agent, s->it->mapping, known->ino);

    return other && other != s->it && plan_is_same(&other->seen, known);
}

/* Take this key as the source: if it is in the index, in its place, and another one than the
 * item's; `exact`: and was made from the very file that the item is. (Of what is uncertain that is
 * not known: a copy whose answer was lost is still the image that the index has elsewhere.) */
static bool source_take(struct rename_source *s, const char *key, bool exact)
{
    struct index_entry e;

    if (!key || strcmp(key, s->it->key) == 0 || !agent_image(s->agent, key, &e) ||
        (exact && ((e.known.flags & KNOWN_UNCERTAIN) || plan_is_other(&s->it->seen, &e.known))) ||
        (!exact && strcmp(key, s->it->key) != 0 && is_elsewhere(s, &e.known)))
        return false;
    snprintf(s->key, sizeof s->key, "%s", key);
    s->found = s->told = true;
    return true;
}

/* The same for what was at this key by what events told: the image that had come there and is not
 * in S3 under that name yet, else what the index has there; if neither, where the directory was
 * before. */
static bool source_told(struct rename_source *s, const char *key, bool exact)
{
    const struct mapping *m = &s->agent->mappings[s->it->mapping];
    char image_key[AGENT_KEY_SIZE];
    struct trail trail;

    if (!key)
        return false;
    trail_begin_behind(s->agent, &trail, key, s->it->key);
    do {
        const char *image = m->rows ? rows_image_at(m->rows, trail.key + m->prefix_len) : NULL;

        if (!exact && source_take(s, trail.key, false))
            return true; /* whoever came there since */
        if (image && agent_key(s->agent, s->it->mapping, image, image_key) &&
            source_take(s, image_key, exact))
            return true;
        if (exact && source_take(s, trail.key, true))
            return true;
    } while (trail_back(s->agent, &trail));
    return false;
}

/* The item's file is another one than what events told to have come to its path: that went on, or
 * was replaced here. */
static bool is_behind(struct agent *a, const struct item *it)
{
    struct index_entry e;

    return it->origin_sure && agent_image(a, it->origin, &e) && e.known.born_ns &&
           it->seen.born_ns && plan_is_other(&it->seen, &e.known);
}

/* Find an entry of the index by the item's inode; `exact`: size and mtime must agree too. */
static bool source_search(struct rename_source *s, bool exact)
{
    s->exact = exact;
    if (index_each_inode(s->agent->index, s->it->seen.ino, source_by_inode, s) < 0)
        agent_fail(s->agent, -EIO, "reading the index");
    return s->found;
}

struct item *rename_unlanded_source(struct agent *a, const struct item *it)
{
    struct trail trail;

    trail_begin(&trail, it->key);
    while (trail_back(a, &trail)) {
        struct item *o = pending_find(a->pending, trail.key);
        struct index_entry e;

        if (o && o != it && o->was_there && index_get(a->index, trail.key, &e) == -ENOENT)
            return o;
    }
    return NULL;
}

/* Find it by its birth. */
static bool source_born(struct rename_source *s)
{
    struct birth b;

    if (!s->it->seen.born_ns || !birth_find(s->agent, s->it, &s->it->seen, &b))
        return false;
    snprintf(s->key, sizeof s->key, "%s", b.key);
    s->found = s->told = true;
    return true;
}

void rename_source_find(struct agent *a, struct item *it, bool known, struct rename_source *s)
{
    char dir[AGENT_KEY_SIZE];
    const char *by_dir = rename_told_by_directory(a, it->key, dir) ? dir : NULL;

    *s = (struct rename_source){.agent = a, .it = it};
    if (source_born(s) || known)
        return;
    if (source_told(s, it->origin, true) || source_told(s, by_dir, true) ||
        source_search(s, true) ||
        (it->origin && !is_behind(a, it) && source_told(s, it->origin, false)) ||
        (!rename_unlanded_source(a, it) && source_told(s, by_dir, false)))
        return;
    (void)source_search(s, false); /* found or not is in s */
}
