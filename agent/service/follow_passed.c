/* Shell. Rows by the names of places that images passed, or left to another one. */
#include "agent/service/agent.h"

#include "agent/service/birth.h"
#include "agent/service/departed.h"
#include "agent/service/follow.h"

#include <errno.h>
#include <string.h>

/* A look at the item's path, after all that events told of it, found what the index has there. */
static bool is_there(struct agent *a, const struct item *it)
{
    return !it->again && it->state != ITEM_SETTLING && it->state != ITEM_OBSERVING &&
           it->seen.kind == FILE_REGULAR && follow_has_file(a, it);
}

/* What the index has under the key to which what was at the item's path went had left before, and
 * is not back: no event told that, and no look. */
static bool had_left(struct agent *a, const char *key)
{
    const struct item *it = pending_find(a->pending, key);

    return it && it->vacated && !it->returned && !is_there(a, it);
}

/* What the index has of the key has left it, by what events told, or by what it says itself. */
static bool is_vacated(struct agent *a, const struct item *it)
{
    struct index_entry e;

    return it->vacated || (index_get(a->index, it->key, &e) == 0 && (e.known.flags & KNOWN_MOVED));
}

/* Lists may name the image that was at that key by the item's path, too. True: there is one. What
 * the index has there may have left, by what events told, and another have come from elsewhere. */
static bool passed_as(struct agent *a, struct rows *rows, const struct item *it, const char *at_key)
{
    const char *at = at_key + agent_mapping(a, it)->prefix_len, *image = rows_image_at(rows, at);
    const struct item *now = pending_find(a->pending, at_key);
    char key[AGENT_KEY_SIZE];

    if (!image && now && now->origin && is_vacated(a, now) && !is_there(a, now))
        return false;
    return agent_key(a, it->mapping, image ? image : at, key) && follow_also_of(a, rows, it, key);
}

/* The index does not have the image that was found at the item's path there, but none, or another.
 */
static bool is_unlanded(struct agent *a, const struct item *it)
{
    struct index_entry e;

    return follow_has_birth(&it->seen) &&
           (!agent_image(a, it->key, &e) || plan_is_other(&it->seen, &e.known));
}

/* What the item was seen to be is an image, and another one than what the index has under this key
 * by now. */
static bool is_another(struct agent *a, const struct item *it, const char *key)
{
    struct index_entry e;
    struct birth b;

    return follow_has_birth(&it->seen) && agent_image(a, key, &e) &&
           plan_is_other(&it->seen, &e.known) &&
           (follow_has_file(a, it) || rows_image_of(follow_rows(a, it), file_id_of(&it->seen)) ||
            birth_find(a, it, &it->seen, &b));
}

/* The same of the image that came to the item's path and is now where events say that it went: by
 * the name that the index had for it when they did, or, where it had none or once it was found out
 * what is there, by what is. What the index has at the places in between may be what left them
 * before. */
static bool passed_on(struct agent *a, struct rows *rows, const struct item *it)
{
    const struct item *now;
    struct trail trail;
    char key[AGENT_KEY_SIZE];
    bool told;
    int rc;

    trail_begin(&trail, it->key);
    while (trail_on(a, &trail))
        ;
    now = pending_find(a->pending, trail.key);
    told = now && now->origin;
    if (told && !is_another(a, now, now->origin) && follow_also_of(a, rows, it, now->origin))
        return true;
    if (strcmp(trail.key, it->key) == 0 || (told && !is_unlanded(a, now)))
        return false;
    if (!now || !is_unlanded(a, now) || follow_is_replaced(a, now, key))
        return !had_left(a, trail.key) && passed_as(a, rows, it, trail.key);
    rc = follow_also(a, rows, now, it->path);
    follow_noted(a, rows, rc ? rc : follow_displaced(a, rows, now));
    return true;
}

void follow_passed(struct agent *a, const struct item *it)
{
    struct rows *rows = follow_rows(a, it);
    struct trail trail;

    if (!rows || !rows_is_free(rows, it->path) || passed_on(a, rows, it))
        return;
    trail_begin(&trail, it->went ? it->went : it->key);
    if (it->went && had_left(a, it->went) && !trail_back(a, &trail))
        return;
    while (!passed_as(a, rows, it, trail.key) && trail_back(a, &trail))
        ;
}

void follow_named(struct agent *a, const struct mapping *m, const char *key, const char *name)
{
    const struct item *it = pending_find(a->pending, key);
    const char *image = key + m->prefix_len;
    struct index_entry e;
    int rc = 0;

    if (!m->rows)
        return;
    if (it && follow_has_birth(&it->seen))
        rc = follow_also(a, m->rows, it, name);
    else if (agent_image(a, key, &e))
        rc = rows_also(m->rows, image, plan_file(&e.known), follow_listed_at(m, &e.known, image),
                       name);
    rows_written(m->rows, name, image);
    follow_noted(a, m->rows, rc);
}

/* Nothing but the item's file was at this place when it was looked at last. */
static bool is_left(const struct agent *a, const struct rows *rows, const struct item *it,
                    const char *path)
{
    char key[AGENT_KEY_SIZE];
    const struct item *o =
        agent_key(a, it->mapping, path, key) ? pending_find(a->pending, key) : NULL;

    return o && o != it && rows_is_free(rows, path) &&
           (o->seen.kind != FILE_REGULAR ||
            file_id_same(file_id_of(&o->seen), file_id_of(&it->seen)));
}

int follow_also_over(struct agent *a, struct rows *rows, const struct item *it, const char *key,
                     const struct known *known)
{
    const struct mapping *m = agent_mapping(a, it);
    const char *image = key + m->prefix_len;
    char over[AGENT_KEY_SIZE];

    if (!departed_to(a->index, key, over, sizeof over) || !is_left(a, rows, it, over))
        return 0;
    return rows_also(rows, image, plan_file(known), follow_listed_at(m, known, image), over);
}

void follow_returned(struct agent *a, const struct item *it)
{
    struct rows *rows = follow_rows(a, it);
    char over[AGENT_KEY_SIZE];

    if (rows && it->returned && !rows_image_of(rows, file_id_of(&it->seen)) &&
        departed_to(a->index, it->key, over, sizeof over) && is_left(a, rows, it, over))
        follow_noted(a, rows, follow_also(a, rows, it, over));
}

/* The removal of what the index has, or had, under this key was decided, and no guard holds it. */
static bool is_going(const struct agent *a, const char *key)
{
    const struct item *it = pending_find(a->pending, key);
    struct index_entry e;

    return index_get(a->index, key, &e) == -ENOENT ||
           (it && it->change == CHANGE_REMOVE && it->released);
}

void follow_claimed(struct agent *a, const struct item *it)
{
    struct rows *rows = follow_rows(a, it);
    const char *image = rows ? rows_image_at(rows, it->path) : NULL;
    char key[AGENT_KEY_SIZE];
    int rc = 0;

    if (!image || strcmp(image, it->path) == 0 || !agent_key(a, it->mapping, image, key))
        return;
    if (is_going(a, key))
        rc = rows_gone(rows, image, it->path, it->path);
    else
        rows_lost(rows, image, it->path);
    follow_noted(a, rows, rc);
}

/* Lists name what the index has under this key by another path, `at`. */
static void note_listed(struct agent *a, const char *key, char *at)
{
    struct index_entry e;

    if (index_get(a->index, key, &e) || (e.known.flags & (KNOWN_LISTED | KNOWN_MOVED)))
        return;
    e.known.flags |= KNOWN_LISTED;
    e.known.moved_to = at;
    if (index_put(a->index, key, &e.known, NULL))
        agent_fail(a, -EIO, "writing the index");
}

void follow_overtaken(struct agent *a, const struct item *it)
{
    struct rows *rows = follow_rows(a, it);
    size_t prefix = agent_mapping(a, it)->prefix_len;
    char listed[AGENT_KEY_SIZE];
    struct index_entry e;
    const char *at;
    struct birth b;
    int rc;

    if (!rows || !agent_image(a, it->key, &e) || !plan_is_other(&it->seen, &e.known) ||
        !follow_is_over(a, it, &e.known, &b))
        return;
    rc = rows_came_over(rows, plan_file(&e.known), b.key + prefix);
    follow_noted(a, rows, rc < 0 ? rc : 0);
    at = rc > 0 ? rows_at(rows, b.key + prefix) : NULL;
    if (!at || strcmp(at, b.key + prefix) == 0 || !agent_key(a, it->mapping, at, listed))
        return;
    note_listed(a, b.key, listed);
    a->commit_due_ms = a->now_ms; /* the journal does not tell that it was renamed */
}
