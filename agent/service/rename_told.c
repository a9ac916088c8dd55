/* Shell. What events and looks tell of where images went, among the items that are not in step. */
#include "agent/service/agent.h"

#include "agent/core/ways.h"
#include "agent/service/birth.h"
#include "agent/service/departed.h"
#include "agent/service/explain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The table's key: inodes are counted anew on each device, so by mapping. */
struct sighted_key {
    uint64_t ino;
    uint64_t mapping;
};

void sighted_note(struct agent *a, struct item *it)
{
    struct sighted_key key = {.ino = it->seen.ino, .mapping = it->mapping};

    if (it->seen.kind == FILE_REGULAR && map_put(a->sighted, &key, sizeof key, it, NULL))
        agent_fail(a, -ENOMEM, "remembering an inode");
}

struct item *sighted_last(const struct agent *a, unsigned mapping, uint64_t ino)
{
    struct sighted_key key = {.ino = ino, .mapping = mapping};

    return map_get(a->sighted, &key, sizeof key);
}

struct item *sighted_find(const struct agent *a, unsigned mapping, uint64_t ino)
{
    struct item *it = sighted_last(a, mapping, ino);

    return it && it->seen.kind == FILE_REGULAR ? it : NULL;
}

void sighted_forget(struct agent *a, struct item *it)
{
    struct sighted_key key = {.ino = it->was.ino, .mapping = it->mapping};

    if (map_get(a->sighted, &key, sizeof key) == it)
        map_remove(a->sighted, &key, sizeof key);
}

bool sighted_is_stale(const struct item *it, const struct item *other)
{
    return it->seen.kind == FILE_REGULAR && other->seen.kind == FILE_REGULAR &&
           !file_id_differs(file_id_of(&it->seen), file_id_of(&other->seen)) &&
           it->seen.nlink == 1 && other->observed_ms <= it->observed_ms;
}

void sighted_doubt(struct agent *a, const struct item *it)
{
    const struct item *other = sighted_find(a, it->mapping, it->seen.ino);

    if (other && other != it && sighted_is_stale(it, other))
        intake_touch_key(a, other->mapping, other->key, it->source, 0);
}

/* A copy of the key (or NULL) in the item's field; without memory events just do not tell. */
static void told_set(char **field, const char *key)
{
    char *copy = key ? strdup(key) : NULL;

    free(*field);
    *field = copy;
}

/* S3 has an image under this key. */
static bool is_image(struct agent *a, const char *key)
{
    struct index_entry e;

    return agent_image(a, key, &e);
}

/* Rows have left the key, by what the index has, and what leaves it now is nothing that S3 has
 * there for certain: rows by it are that one's. anew: which is another than S3 had there. */
static void forget_departed(struct agent *a, struct item *left, bool anew)
{
    const char *key = left->key;
    struct index_entry e;

    if ((agent_image(a, key, &e) && !(e.known.flags & KNOWN_UNCERTAIN)) ||
        !departed_since(a->index, key, 0, DEPARTED_ANYWHERE))
        return;
    if (departed_forget(a->index, key))
        agent_fail(a, -EIO, "writing the index");
    left->departed |= anew;
    agent_dirty(a);
}

/* What was at `left`, and at `root` before, is no image that anybody knows of, and at the place to
 * which it came there is one: that has another content now. So people save, by a new file that they
 * rename over the old one. */
static bool is_replaced(struct agent *a, const struct item *left, const char *root, bool anew,
                        const struct item *came)
{
    const struct rows *rows = a->mappings[left->mapping].rows;

    if (left->image || (!anew && is_image(a, root)) || !rows_is_free(rows, left->path))
        return false;
    if (came->vacated) /* what else is known of the place is of what left it */
        return came->origin || (came->image && came->decided);
    return came->image || came->origin || !rows_is_free(rows, came->path) || is_image(a, came->key);
}

/* What was seen at the item's path was taken for a new content of the image that S3 has there, and
 * is an image that S3 has elsewhere: where. Something told already that it left there: else the
 * look was ahead of the events. */
static bool came_over(struct agent *a, const struct item *it, struct birth *b)
{
    struct index_entry e;

    return it->decided && !it->image && it->seen.kind == FILE_REGULAR && it->seen.born_ns &&
           agent_image(a, it->key, &e) && plan_is_other(&it->seen, &e.known) &&
           birth_find(a, it, &it->seen, b) && pending_find(a->pending, b->key);
}

void rename_told(struct agent *a, unsigned mapping, const char *from, const char *to)
{
    char from_key[AGENT_KEY_SIZE], to_key[AGENT_KEY_SIZE], image_key[AGENT_KEY_SIZE];
    int64_t settle_ms = a->mappings[mapping].conf->settle_ms;
    struct item *left, *came, *first;
    const char *root = from_key;
    struct birth b;
    bool found; /* it was found out what was at `from` */
    bool anew, sure;

    if (!agent_key(a, mapping, from, from_key) || !agent_key(a, mapping, to, to_key) ||
        strcmp(from, to) == 0)
        return;
    explain_left(a, from_key, to_key);
    sure = !pending_find(a->pending, from_key);
    intake_touch_key(a, mapping, from_key, JOURNAL_SRC_EVENT, settle_ms);
    intake_touch_key(a, mapping, to_key, JOURNAL_SRC_EVENT, settle_ms);
    left = pending_find(a->pending, from_key);
    came = pending_find(a->pending, to_key);
    if (!left || !came)
        return;
    if (came->again && watchers_observe(a->watchers, mapping, came->path))
        agent_fail(a, -ENOMEM, "looking at a path");
    /* What came to `from` a moment ago is known to the index by the name that it had before. */
    found = left->image && left->decided;
    if (found && agent_key(a, mapping, left->image, image_key))
        root = image_key;
    else if (left->origin)
        root = left->origin;
    else if (map_get_str(a->dirs_to, from_key))
        root = map_get_str(a->dirs_to, from_key); /* it was looked at when it had left already */
    else if (came_over(a, left, &b))
        root = b.key;
    sure = sure || (root == left->origin && left->origin_sure);
    anew = root == from_key && left->vacated; /* what S3 has there had left before */
    forget_departed(a, left, anew);
    left->vacated = true; /* what comes there now overwrites nothing */
    first = anew ? NULL : pending_find(a->pending, root);
    if (is_replaced(a, left, root, anew, came)) {
        if (first)
            told_set(&first->heir, NULL);
    } else {
        if (first == came) { /* it is back where it was */
            root = NULL;
            came->vacated = false;
            came->returned = true;
        }
        if (anew)
            root = NULL; /* S3 has it nowhere */
        if (first)
            told_set(&first->heir, root ? to_key : NULL);
        told_set(&came->origin, root);
        came->origin_sure = sure;
        told_set(&came->via, found ? from_key : left->via);
    }
    told_set(&left->origin, NULL);
    told_set(&left->via, NULL);
    told_set(&left->went, to_key);
    left->passed_on = left->peer != NULL;
    told_set(&came->went, NULL);
    came->decided = left->decided = false;
}

void rename_told_gone(struct agent *a, unsigned mapping, const char *path)
{
    char key[AGENT_KEY_SIZE];
    struct item *it = agent_key(a, mapping, path, key) ? pending_find(a->pending, key) : NULL;

    if (it) {
        told_set(&it->origin, NULL);
        told_set(&it->via, NULL);
        told_set(&it->went, NULL);
    }
}

void rename_told_nothing(struct agent *a)
{
    struct item *it;

    ways_clear(a->ways);
    for (size_t at = 0; (it = pending_next(a->pending, &at));) {
        told_set(&it->origin, NULL);
        told_set(&it->heir, NULL);
        told_set(&it->via, NULL);
        told_set(&it->went, NULL);
    }
}

void rename_told_forget(struct item *it)
{
    told_set(&it->origin, NULL);
    told_set(&it->via, NULL);
}

bool rename_is_open(const struct item *it)
{
    return it->again || it->state == ITEM_SETTLING || it->state == ITEM_OBSERVING ||
           it->state == ITEM_OBSERVED || (it->state == ITEM_RETRY && !it->decided);
}

#define WENT_HOPS_MAX 1000 /* renames of one file within the settle time, or while S3 is slow */

bool rename_is_under_way(const struct agent *a, const struct item *it)
{
    const struct item *at = it;

    for (int hops = 0; at->went && hops < WENT_HOPS_MAX; hops++) {
        at = pending_find(a->pending, at->went);
        if (!at)
            return false;
        if (rename_is_open(at))
            return true;
    }
    return false;
}

const struct item *rename_heir(const struct agent *a, const struct item *it)
{
    const struct item *heir = it->heir ? pending_find(a->pending, it->heir) : NULL;

    return heir && heir->origin && strcmp(heir->origin, it->key) == 0 ? heir : NULL;
}
