/* Shell. The rows of images that change their names: the table of core/rows, the index, passes. */
#include "agent/service/agent.h"

#include "agent/service/birth.h"
#include "agent/service/departed.h"
#include "agent/service/follow.h"
#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

struct rows *follow_rows(struct agent *a, const struct item *it)
{
    struct mapping *m = agent_mapping(a, it);

    return m->conf->kind == CONF_REPOSITORY ? m->rows : NULL;
}

void follow_noted(struct agent *a, const struct rows *rows, int rc)
{
    if (rc) {
        agent_fail(a, rc, "renaming in lists");
        return;
    }
    if (rows_pending(rows))
        relist_wanted(a);
}

const char *follow_listed_at(const struct mapping *m, const struct known *known, const char *path)
{
    return known && (known->flags & KNOWN_LISTED) && known->moved_to
               ? known->moved_to + m->prefix_len
               : path;
}

#define FOLLOW_HOPS_MAX 1000 /* renames of one image that were not cleared away yet */

/* The rows of what is under this key have left the lists, or leave them with the next pass. */
static bool is_leaving(const struct agent *a, const char *key)
{
    const struct item *it = pending_find(a->pending, key);

    return it && it->change == CHANGE_REMOVE &&
           (it->state == ITEM_LISTING || it->state == ITEM_BARRIER || it->state == ITEM_DELETING);
}

/* The image of this entry goes on under the other key that the entry tells of: it was renamed to
 * there, or it is listed there, has a key of its own there by now, and has left this one, whose
 * object is still to be deleted. */
static bool image_goes_on(struct agent *a, const struct known *k)
{
    struct index_entry next;

    if (!k->moved_to || (k->flags & KNOWN_MOVED))
        return k->moved_to != NULL;
    return (k->flags & KNOWN_LISTED) && agent_image(a, k->moved_to, &next) &&
           file_id_same(plan_file(k), plan_file(&next.known));
}

int follow_find(struct agent *a, char key[AGENT_KEY_SIZE], struct index_entry *ret)
{
    int rc = index_get(a->index, key, ret);

    for (int hops = 0; rc == 0 && hops < FOLLOW_HOPS_MAX && image_goes_on(a, &ret->known); hops++) {
        snprintf(key, AGENT_KEY_SIZE, "%s", ret->known.moved_to);
        rc = index_get(a->index, key, ret);
    }
    if (rc == 0 && (!plan_is_placed(&ret->known) || is_leaving(a, key)))
        rc = -ENOENT;
    return rc;
}

int follow_also_as(struct agent *a, struct rows *rows, const struct item *it, const char *key,
                   const struct known *known)
{
    const struct mapping *m = agent_mapping(a, it);
    const char *image = key + m->prefix_len;

    return rows_also(rows, image, plan_file(known), follow_listed_at(m, known, image), it->path);
}

/* The index has it that the image went on from the item's path, and that lists may still name it
 * so. Nobody may have looked since where it is now: what comes here has rows of its own. */
static int displaced_before(struct agent *a, struct rows *rows, const struct item *it,
                            const struct known *known)
{
    char key[AGENT_KEY_SIZE];
    struct index_entry e;

    snprintf(key, sizeof key, "%s", known->moved_to ? known->moved_to : it->key);
    if (follow_find(a, key, &e) || !(e.known.flags & KNOWN_LISTED) || !e.known.moved_to ||
        strcmp(e.known.moved_to, it->key) != 0 || !plan_is_other(&it->seen, &e.known))
        return 0;
    return follow_also_as(a, rows, it, key, &e.known);
}

bool follow_rows_left(const struct agent *a, const struct item *it, const char *key,
                      enum departed_where where)
{
    int64_t began_us = a->real_us - (a->now_ms - it->since_ms) * US_PER_MS;

    return departed_since(a->index, key, began_us / US_PER_S, where);
}

/* The image under the item's key, should the index have one there, is not there any more. Where its
 * rows have left, those that name it so were written since. */
static int follow_displaced(struct agent *a, struct rows *rows, const struct item *it)
{
    struct index_entry e;
    int rc = index_get(a->index, it->key, &e);

    if (rc == 0 && (e.known.flags & KNOWN_MOVED))
        return displaced_before(a, rows, it, &e.known);
    if (rc || !plan_is_placed(&e.known) || !plan_is_other(&it->seen, &e.known) ||
        follow_rows_left(a, it, it->key, DEPARTED_ANYWHERE))
        return 0;
    return rows_displaced(rows, it->path, plan_file(&e.known),
                          follow_listed_at(agent_mapping(a, it), &e.known, it->path));
}

/* The image at the item's path is known to the index by that name, and is this file. */
static int image_set(struct item *it, const char *image, struct file_id file)
{
    char *copy = strdup(image);

    free(it->image);
    it->image = copy;
    it->file = file;
    return copy ? 0 : -ENOMEM;
}

void follow_rename(struct agent *a, struct item *it, const char *image, const struct known *known)
{
    struct rows *rows = follow_rows(a, it);
    int rc = image_set(it, image, plan_file(known));

    if (!rows || rc) {
        if (rows)
            agent_fail(a, -ENOMEM, "renaming in lists");
        return;
    }
    if (rows_is_at(rows, image, it->path)) { /* that was found before; S3 may have it so since */
        follow_noted(a, rows,
                     rows_also(rows, image, plan_file(known),
                               follow_listed_at(agent_mapping(a, it), known, image), image));
        return;
    }
    rc = rows_follow(rows, image, plan_file(known),
                     follow_listed_at(agent_mapping(a, it), known, image), it->path);
    if (rc == 0)
        rc = follow_displaced(a, rows, it);
    follow_noted(a, rows, rc);
}

/* The same, by one name that it had or path where it was (either may be NULL). */
static bool went_on_from(struct agent *a, struct rows *rows, struct item *it, const char *was,
                         const char *from)
{
    int rc = rows_went_on(rows, was, from, file_id_of(&it->seen), it->path);

    if (rc > 0) {
        rc = image_set(it, from ? from : was, file_id_of(&it->seen));
        rc = rc ? rc : follow_displaced(a, rows, it);
        follow_noted(a, rows, rc);
        return rc == 0;
    }
    follow_noted(a, rows, rc);
    return false;
}

bool follow_went_on(struct agent *a, struct item *it)
{
    struct rows *rows = follow_rows(a, it);
    size_t prefix = agent_mapping(a, it)->prefix_len;
    struct trail trail;

    if (!rows)
        return false;
    if ((it->origin || it->via) &&
        went_on_from(a, rows, it, it->origin ? it->origin + prefix : NULL,
                     it->via ? it->via + prefix : NULL))
        return true;
    trail_begin(&trail, it->key);
    while (trail_back(a, &trail))
        if (went_on_from(a, rows, it, trail.key + prefix, trail.key + prefix))
            return true;
    return false;
}

/* The item's file came over another image, from a path that rows have left: those of the place are
 * its own. */
static bool has_rows_of_place(struct agent *a, const struct item *it, const char *path)
{
    char key[AGENT_KEY_SIZE];
    struct index_entry e;

    return agent_image(a, it->key, &e) && plan_is_other(&it->seen, &e.known) &&
           agent_key(a, it->mapping, path, key) &&
           departed_since(a->index, key, 0, DEPARTED_ANYWHERE);
}

void follow_unlanded(struct agent *a, struct item *it, const char *path)
{
    struct rows *rows = follow_rows(a, it);
    int rc;

    if (!rows || has_rows_of_place(a, it, path))
        return;
    rc = image_set(it, path, file_id_of(&it->seen));
    rc = rc ? rc : rows_unlanded(rows, path, it->file, it->path);
    follow_noted(a, rows, rc ? rc : follow_displaced(a, rows, it));
}

bool follow_has_birth(const struct file_stat *st)
{
    return st->kind == FILE_REGULAR && st->born_ns;
}

/* The same, and this is the last path at which it was seen. */
static bool is_known_by_birth(const struct agent *a, const struct item *it)
{
    return follow_has_birth(&it->seen) && sighted_find(a, it->mapping, it->seen.ino) == it;
}

/* What the index has under another key is at the item's path: what comes to the place where it was
 * is another image. */
static int born_follow(struct agent *a, struct rows *rows, struct item *it, const struct birth *b)
{
    const struct mapping *m = agent_mapping(a, it);
    const char *image = b->key + m->prefix_len;
    struct item *left = pending_find(a->pending, b->key);
    struct index_entry e;
    int rc;

    if (index_get(a->index, b->key, &e))
        return 0;
    if (left)
        left->vacated = true;
    rc = rows_follow(rows, image, plan_file(&e.known), follow_listed_at(m, &e.known, image),
                     it->path);
    return rc ? rc : follow_also_over(a, rows, it, b->key, &e.known);
}

/* The item's file was at another path, where S3 got something else before anybody knew that it had
 * left. */
static bool replaced_follow(struct agent *a, struct rows *rows, struct item *it)
{
    struct file_id file = file_id_of(&it->seen);
    const char *was = rows_replaced_at(rows, file);
    int rc;

    if (!was || strcmp(was, it->path) == 0)
        return false;
    rc = image_set(it, was, file);
    rc = rc ? rc : rows_regain(rows, file, it->path);
    follow_noted(a, rows, rc ? rc : follow_displaced(a, rows, it));
    return true;
}

bool follow_born(struct agent *a, struct item *it)
{
    struct rows *rows = follow_rows(a, it);
    struct file_id file = file_id_of(&it->seen);
    const char *image;
    struct birth b;
    int rc;

    if (!rows || !is_known_by_birth(a, it))
        return false;
    image = rows_image_of(rows, file);
    if (!image && !birth_find(a, it, &it->seen, &b))
        return replaced_follow(a, rows, it);
    rc = image_set(it, image ? image : b.key + agent_mapping(a, it)->prefix_len, file);
    if (rc == 0)
        rc = image ? rows_seen(rows, file, it->path) : born_follow(a, rows, it, &b);
    if (rc >= 0)
        rc = follow_displaced(a, rows, it);
    follow_noted(a, rows, rc);
    return rc == 0;
}

void follow_glimpsed(struct agent *a, struct item *it, const struct file_stat *st)
{
    struct rows *rows = follow_rows(a, it);
    struct index_entry e;
    struct birth b;
    int rc;

    if (!rows || !follow_has_birth(st) || !rows_is_free(rows, it->path) ||
        (index_get(a->index, it->key, &e) == 0 && !follow_is_elsewhere(a, it, &e.known)))
        return;
    rc = rows_seen(rows, file_id_of(st), it->path);
    if (rc == 0 && birth_find(a, it, st, &b))
        rc = born_follow(a, rows, it, &b);
    follow_noted(a, rows, rc < 0 ? rc : 0);
}

/* Lists may name what the index has under another key by this path, too. */
static int born_also(struct agent *a, struct rows *rows, const struct birth *b, const char *path)
{
    const struct mapping *m = agent_mapping(a, b->it);
    const char *image = b->key + m->prefix_len;
    struct index_entry e;

    if (index_get(a->index, b->key, &e))
        return 0;
    return rows_also(rows, image, plan_file(&e.known), follow_listed_at(m, &e.known, image), path);
}

int follow_also(struct agent *a, struct rows *rows, const struct item *it, const char *path)
{
    struct file_id file = file_id_of(&it->seen);
    const char *image = rows_image_of(rows, file), *was;
    struct birth b;

    if (!image && birth_find(a, it, &it->seen, &b))
        return born_also(a, rows, &b, path);
    was = image ? NULL : rows_replaced_at(rows, file);
    if (was && strcmp(was, it->path) != 0) {
        if (rows_regain(rows, file, it->path))
            return -ENOMEM;
        image = rows_image_of(rows, file);
    }
    return image ? rows_also(rows, image, file, image, path)
                 : rows_unlanded(rows, path, file, it->path);
}

/* The image that was found at the item's path is there still, by the table's word, and the file
 * that is there now is none that anybody knows of. */
static bool is_renewed(struct agent *a, const struct item *it, char key[AGENT_KEY_SIZE])
{
    const struct rows *rows = follow_rows(a, it);
    struct index_entry e;

    return it->image && rows && rows_is_at(rows, it->image, it->path) &&
           !rows_image_of(rows, file_id_of(&it->seen)) &&
           agent_key(a, it->mapping, it->image, key) && agent_image(a, key, &e) &&
           plan_is_other(&it->seen, &e.known);
}

bool follow_is_replaced(struct agent *a, const struct item *it, char key[AGENT_KEY_SIZE])
{
    struct index_entry e;

    if (is_renewed(a, it, key))
        return true;
    snprintf(key, AGENT_KEY_SIZE, "%s", it->key);
    return !it->image && !it->origin && !it->vacated && agent_image(a, it->key, &e) &&
           plan_is_other(&it->seen, &e.known) && !follow_is_elsewhere(a, it, &e.known);
}

/* What the index has at the item's path is its file. */
static bool is_home(struct agent *a, const struct item *it)
{
    struct index_entry e;

    return agent_image(a, it->key, &e) && !plan_is_other(&it->seen, &e.known);
}

/* The item's file came over the image that the index has at the other path, which was found nowhere
 * else, and lists name the file by no path of its own: it has the rows of that one. */
static bool has_rows_of(struct agent *a, const struct rows *rows, const struct item *it,
                        const struct item *at, const struct known *known)
{
    struct birth b;

    return plan_is_placed(known) && plan_is_other(&it->seen, known) && !rows_has(rows, at->path) &&
           !rows_image_of(rows, plan_file(known)) && !rows_image_of(rows, file_id_of(&it->seen)) &&
           !is_home(a, it) && !birth_find(a, it, &it->seen, &b) &&
           !birth_elsewhere(a, at, known, &b);
}

void follow_seen(struct agent *a, struct item *it, struct item *before)
{
    struct rows *rows = follow_rows(a, it);
    char key[AGENT_KEY_SIZE];
    struct index_entry e;
    int rc;

    if (!rows || before == it || !before->was_there || !follow_has_birth(&it->seen) ||
        !file_id_same(file_id_of(&before->seen), file_id_of(&it->seen)))
        return;
    rc = index_get(a->index, before->key, &e);
    if (rc == 0 && has_rows_of(a, rows, it, before, &e.known))
        follow_unlanded(a, it, before->path);
    if (rc != -ENOENT)
        return;
    before->was_there = false;
    if (!follow_is_replaced(a, it, key) || !follow_also_of(a, rows, before, key))
        follow_noted(a, rows, follow_also(a, rows, it, before->path));
}

bool follow_is_elsewhere(const struct agent *a, const struct item *it, const struct known *known)
{
    const struct rows *rows = a->mappings[it->mapping].rows;

    return rows && rows_is_elsewhere(rows, plan_file(known), it->path);
}

bool follow_has_at(const struct agent *a, const struct item *it)
{
    const struct rows *rows = a->mappings[it->mapping].rows;

    return rows && !rows_is_free(rows, it->path);
}

void follow_doubt(struct agent *a, const struct mapping *images, const char *name)
{
    const char *to = images->rows ? rows_place_of(images->rows, name) : NULL;
    char key[AGENT_KEY_SIZE];

    if (to && agent_key(a, images->id, to, key) && !pending_find(a->pending, key))
        intake_touch_key(a, images->id, key, JOURNAL_SRC_SELF, 0);
}

bool follow_is_other(struct agent *a, const struct item *it, const struct item *source)
{
    const struct rows *rows = follow_rows(a, it);
    const char *image;
    struct index_entry e;
    struct birth b;

    if (index_get(a->index, source->key, &e) || !plan_is_other(&it->seen, &e.known))
        return false;
    if (it->passed_on)
        return true;
    if (!is_known_by_birth(a, it))
        return false;
    image = rows ? rows_image_of(rows, file_id_of(&it->seen)) : NULL;
    if (image)
        return strcmp(image, source->path) != 0;
    return birth_find(a, it, &it->seen, &b) || is_home(a, it);
}

/* The item's file is back from where it had been renamed over another image, and had come to S3:
 * rows by that name are its own. An event told, or nothing is there any more. */
static void home_from(struct agent *a, struct rows *rows, const struct item *it,
                      const struct known *known)
{
    const struct mapping *m = agent_mapping(a, it);
    const struct item *left;
    struct index_entry e;
    const char *from;
    struct birth b;
    int rc;

    if (!birth_left(a, it, known, &b) || index_get(a->index, b.key, &e))
        return;
    left = pending_find(a->pending, b.key);
    if (!(it->origin && strcmp(it->origin, b.key) == 0) && !(left && left->gone_ms))
        return;
    from = b.key + m->prefix_len;
    rc =
        rows_follow(rows, from, plan_file(&e.known), follow_listed_at(m, &e.known, from), it->path);
    rc = rc ? rc : rows_landed(rows, from, plan_file(&e.known), it->path);
    follow_noted(a, rows, rc);
}

void follow_home(struct agent *a, struct item *it, const struct known *known)
{
    struct rows *rows = follow_rows(a, it);

    if (rows && !plan_is_other(&it->seen, known))
        home_from(a, rows, it, known);
    if (rows && (it->vacated || it->returned) && !plan_is_other(&it->seen, known)) /* it is back */
        follow_noted(a, rows, follow_also_over(a, rows, it, it->key, known));
    /* Another file in its place says nothing of the image, but what an earlier run left counts. */
    if (!rows || (!plan_is_other(&it->seen, known)
                      ? !rows_has(rows, it->path) && !(known->flags & KNOWN_LISTED)
                      : rows_has(rows, it->path) || !(known->flags & KNOWN_LISTED)))
        return;
    follow_noted(a, rows,
                 rows_follow(rows, it->path, plan_file(known),
                             follow_listed_at(agent_mapping(a, it), known, it->path), it->path));
}

void follow_moved(struct agent *a, const struct item *it, const struct known *known)
{
    struct rows *rows = follow_rows(a, it);
    char key[AGENT_KEY_SIZE];
    struct index_entry e;
    int rc;

    if (!rows || !known->moved_to)
        return;
    snprintf(key, sizeof key, "%s", known->moved_to);
    rc = follow_find(a, key, &e);
    follow_noted(a, rows,
                 rc == 0 ? follow_also_as(a, rows, it, key, &e.known)
                         : rows_gone(rows, it->path, it->path, it->path));
}

bool follow_also_of(struct agent *a, struct rows *rows, const struct item *it, const char *of)
{
    char key[AGENT_KEY_SIZE];
    struct index_entry e;

    snprintf(key, sizeof key, "%s", of);
    if (follow_find(a, key, &e))
        return false;
    follow_noted(a, rows, follow_also_as(a, rows, it, key, &e.known));
    return true;
}

void follow_lost(struct agent *a, const struct item *source, const struct item *it)
{
    struct rows *rows = follow_rows(a, source);

    if (rows) {
        rows_lost(rows, source->path, it->path);
        follow_noted(a, rows, 0);
    }
}

/* The file was seen elsewhere since, and came to S3 there before it did here: where. */
static bool has_left(struct agent *a, const struct item *it, struct birth *b)
{
    return follow_has_birth(&it->seen) && sighted_find(a, it->mapping, it->seen.ino) != it &&
           birth_landed(a, it, &it->seen, b);
}

/* What the index has under this key is in S3 under the item's now. */
static void leave_key(struct agent *a, const struct item *it, const char *key)
{
    struct index_entry e;

    if (strcmp(key, it->key) == 0 || index_get(a->index, key, &e) ||
        (e.known.flags & KNOWN_MOVED) || plan_is_other(&it->seen, &e.known))
        return;
    e.known.flags = (e.known.flags & ~KNOWN_LISTED) | KNOWN_MOVED;
    e.known.moved_to = it->key;
    if (index_put(a->index, key, &e.known, NULL))
        agent_fail(a, -EIO, "writing the index");
}

bool follow_came_over(struct agent *a, const struct mapping *m, const char *path,
                      char over[AGENT_KEY_SIZE])
{
    const struct item *it, *other;
    char key[AGENT_KEY_SIZE];
    struct index_entry e, there;
    struct birth b;

    it = agent_key(a, m->id, path, key) ? pending_find(a->pending, key) : NULL;
    if (!it || !agent_image(a, key, &e))
        return false;
    if (birth_elsewhere(a, it, &e.known, &b)) {
        other = pending_find(a->pending, b.key);
        if (other && other->gone_ms)
            return false; /* it is gone from there, too */
        snprintf(over, AGENT_KEY_SIZE, "%s", b.key + m->prefix_len);
        return true;
    }
    other = sighted_find(a, m->id, e.known.ino);
    if (!other || other == it || other->seen.kind != FILE_REGULAR ||
        !plan_is_same(&other->seen, &e.known) || !agent_image(a, other->key, &there))
        return false;
    snprintf(over, AGENT_KEY_SIZE, "%s", other->path);
    return true;
}

void follow_left(struct agent *a, const struct item *it)
{
    struct index_entry e;
    struct birth b;
    bool moved;

    if (!follow_rows(a, it) || !agent_image(a, it->key, &e))
        return;
    moved = birth_elsewhere(a, it, &e.known, &b);
    if (!moved && !(e.known.flags & KNOWN_LISTED))
        return;
    e.known.flags = (e.known.flags & ~KNOWN_LISTED) | (moved ? KNOWN_MOVED : 0);
    e.known.moved_to = moved ? b.key : NULL;
    if (index_put(a->index, it->key, &e.known, NULL))
        agent_fail(a, -EIO, "writing the index");
    agent_dirty(a);
}

#define LEAVE_MAX 100 /* objects of one image where it was in between */

/* The image's old names in the index are old: the one by which it was found, and others to which
 * copies of it came later than it left. */
static void follow_leave(struct agent *a, const struct item *it)
{
    char key[AGENT_KEY_SIZE];
    struct index_entry e;
    struct birth b;

    if (agent_key(a, it->mapping, it->image, key))
        leave_key(a, it, key);
    if (index_get(a->index, it->key, &e) == 0 && !(e.known.flags & KNOWN_UNCERTAIN) &&
        !plan_is_other(&it->seen, &e.known))
        return;
    for (int i = 0; i < LEAVE_MAX && is_known_by_birth(a, it) && birth_landed(a, it, &it->seen, &b);
         i++)
        leave_key(a, it, b.key);
}

/* The index is about to have the item's file at its path. What it has there may have left, though
 * no event told of that yet, or what events told to have come there, and is another file. */
static void note_replaced(struct agent *a, struct rows *rows, const struct item *it)
{
    struct index_entry e;

    if (it->image && file_id_differs(it->file, file_id_of(&it->seen)))
        rows_replaced(rows, it->file, it->path, true);
    if (agent_image(a, it->key, &e) && plan_is_other(&it->seen, &e.known) &&
        !rows_has(rows, it->path) && !rows_image_of(rows, plan_file(&e.known)) &&
        !follow_rows_left(a, it, it->key, DEPARTED_ANYWHERE))
        rows_replaced(rows, plan_file(&e.known),
                      follow_listed_at(agent_mapping(a, it), &e.known, it->path), false);
}

void follow_landed(struct agent *a, struct item *it, struct known *fresh,
                   char at_key[AGENT_KEY_SIZE])
{
    struct rows *rows = follow_rows(a, it);
    struct index_entry e;
    const char *at = NULL;
    struct birth b;
    bool left;

    follow_overtaken(a, it);
    if (rows)
        note_replaced(a, rows, it);
    if (it->image) {
        follow_leave(a, it);
        if (!it->peer) /* the journal does not tell that it was renamed: the index must, soon */
            a->commit_due_ms = a->now_ms;
    }
    left = rows && has_left(a, it, &b);
    if (left)
        rows_passed(rows, file_id_of(&it->seen), it->path);
    else if (rows && (it->image || rows_image_of(rows, file_id_of(&it->seen)) ||
                      index_get(a->index, it->key, &e) || plan_is_other(&it->seen, &e.known)))
        follow_noted(a, rows, rows_landed(rows, it->image, file_id_of(&it->seen), it->path));
    free(it->image);
    it->image = NULL;
    if (departed_forget(a->index, it->key))
        agent_fail(a, -EIO, "writing the index");
    if (left) {
        snprintf(at_key, AGENT_KEY_SIZE, "%s", b.key);
        fresh->flags |= KNOWN_MOVED;
        fresh->moved_to = at_key;
        return;
    }
    if (rows)
        at = rows_at(rows, it->path);
    if (!at || strcmp(at, it->path) == 0 || !agent_key(a, it->mapping, at, at_key))
        return;
    fresh->flags |= KNOWN_LISTED;
    fresh->moved_to = at_key;
}
