/* Shell. The rows of images that change their names: the table of core/rows, the index, passes. */
#include "agent/service/agent.h"

#include "agent/service/birth.h"
#include "agent/service/departed.h"
#include "agent/service/follow.h"
#include "base/clock.h"

#include <errno.h>
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

bool follow_is_leaving(const struct agent *a, const char *key)
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
    if (rc == 0 && (!plan_is_placed(&ret->known) || follow_is_leaving(a, key)))
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

/* Lists may name the image by the item's path still, from which it went on: the index says so, or
 * no pass came to that yet. */
static bool may_be_listed(struct agent *a, const struct item *it, const struct known *known)
{
    if ((known->flags & KNOWN_LISTED) && known->moved_to && strcmp(known->moved_to, it->key) == 0)
        return true;
    return it->vacated && !it->departed && !departed_since(a->index, it->key, 0, DEPARTED_ANYWHERE);
}

bool follow_came_back(const struct agent *a, const struct item *it, const char *key)
{
    const struct item *left = it->returned ? pending_find(a->pending, key) : NULL;

    return left && left != it &&
           (left->gone_ms || (left->observed_ms && left->seen.kind != FILE_REGULAR));
}

/* The table has this file as the image of that name. */
static bool is_known_as(const struct rows *rows, struct file_id file, const char *name)
{
    const char *image = rows_image_of(rows, file);

    return image && strcmp(image, name) == 0;
}

/* S3 has the image that the table knows by that name by this other one alone, soon. */
static int known_by(struct rows *rows, const char *name, const struct known *known,
                    const char *image)
{
    return is_known_as(rows, plan_file(known), name) && !rows_has(rows, image) &&
                   rows_is_free(rows, image)
               ? rows_landed(rows, NULL, plan_file(known), image)
               : 0;
}

void follow_leaves(struct agent *a, const struct item *it)
{
    struct rows *rows = follow_rows(a, it);
    const size_t prefix = agent_mapping(a, it)->prefix_len;
    char key[AGENT_KEY_SIZE];
    struct index_entry was, e;
    int rc = 0;

    if (!rows || !rows_has(rows, it->path) || rows_is_at(rows, it->path, it->path) ||
        index_get(a->index, it->key, &was))
        return;
    snprintf(key, sizeof key, "%s", it->key);
    if (follow_find(a, key, &e) == 0 && strcmp(key, it->key) != 0 &&
        !file_id_differs(plan_file(&was.known), plan_file(&e.known)))
        rc = known_by(rows, it->path, &e.known, key + prefix);
    else
        rows_leaves(rows, it->path);
    follow_noted(a, rows, rc);
}

/* The index has it that the image went on from the item's path, and that lists may still name it
 * so. Nobody may have looked since where it is now: what comes here has rows of its own. */
static int displaced_before(struct agent *a, struct rows *rows, const struct item *it,
                            const struct known *known)
{
    const struct mapping *m = agent_mapping(a, it);
    char key[AGENT_KEY_SIZE];
    struct index_entry e;
    const char *image;

    snprintf(key, sizeof key, "%s", known->moved_to ? known->moved_to : it->key);
    if (follow_find(a, key, &e) || !plan_is_other(&it->seen, &e.known))
        return 0;
    image = key + m->prefix_len;
    if (known_by(rows, it->path, &e.known, image))
        return -ENOMEM;
    if (!may_be_listed(a, it, &e.known))
        return 0;
    if (follow_came_back(a, it, key))
        return rows_is_free(rows, it->path)
                   ? 0
                   : rows_overtaken(rows, image, plan_file(&e.known),
                                    follow_listed_at(m, &e.known, image), it->path);
    if (rows_is_leaving(rows, image, it->path))
        return 0;
    return follow_also_as(a, rows, it, key, &e.known);
}

bool follow_rows_left(const struct agent *a, const struct item *it, const char *key,
                      enum departed_where where)
{
    int64_t began_us = a->real_us - (a->now_ms - it->since_ms) * US_PER_MS;

    return departed_since(a->index, key, began_us / US_PER_S, where);
}

/* What the index has here has left, or is about to be removed, in an earlier run maybe, and rows
 * have left the place for that. */
static bool is_removed(struct agent *a, const struct item *it, const struct known *known)
{
    return (known->flags & KNOWN_LEAVING || it->vacated) &&
           departed_since(a->index, it->key, 0, DEPARTED_ANYWHERE);
}

/* All that the index has of the item's key is that a transfer to there was interrupted, and the
 * file of that was seen elsewhere: it has its rows. */
static bool is_passed(struct agent *a, const struct item *it, const struct known *known)
{
    const struct item *seen = (known->flags & KNOWN_UNCERTAIN) && !known->etag[0]
                                  ? sighted_find(a, it->mapping, known->ino)
                                  : NULL;

    return seen && seen != it;
}

int follow_displaced(struct agent *a, struct rows *rows, const struct item *it)
{
    struct index_entry e;
    int rc = index_get(a->index, it->key, &e);

    if (rc == 0 && (e.known.flags & KNOWN_MOVED))
        return displaced_before(a, rows, it, &e.known);
    if (rc || !plan_is_placed(&e.known) || !plan_is_other(&it->seen, &e.known) ||
        is_passed(a, it, &e.known) || is_removed(a, it, &e.known) ||
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

/* The image that the index has at the path came back to it, as events told: rows by that are its
 * own. */
static bool is_home_again(struct agent *a, const struct item *it, const char *path)
{
    char key[AGENT_KEY_SIZE];
    const struct item *o =
        agent_key(a, it->mapping, path, key) ? pending_find(a->pending, key) : NULL;
    struct index_entry e;

    return o && o->returned && agent_image(a, key, &e);
}

void follow_unlanded(struct agent *a, struct item *it, const char *path)
{
    struct rows *rows = follow_rows(a, it);
    int rc;

    if (!rows || has_rows_of_place(a, it, path) || is_home_again(a, it, path))
        return;
    rc = image_set(it, path, file_id_of(&it->seen));
    rc = rc ? rc : rows_unlanded(rows, path, it->file, it->path);
    follow_noted(a, rows, rc ? rc : follow_displaced(a, rows, it));
}

bool follow_has_birth(const struct file_stat *st)
{
    return st->kind == FILE_REGULAR && st->born_ns;
}

bool follow_is_known_by_birth(const struct agent *a, const struct item *it)
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

    if (!was || strcmp(was, it->path) == 0 || is_home_again(a, it, was))
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

    if (!rows || !follow_is_known_by_birth(a, it))
        return false;
    image = rows_image_of(rows, file);
    if (!image) {
        bool found = birth_find(a, it, &it->seen, &b);

        if ((!found || follow_is_leaving(a, b.key)) && replaced_follow(a, rows, it))
            return true;
        if (!found)
            return false;
    }
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
    it->glimpsed = rc > 0;
    if (rc == 0 && birth_find(a, it, st, &b)) {
        rc = born_follow(a, rows, it, &b);
        it->glimpsed = true;
    }
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

/* An image came back to the item's path, by the table's word, and another file is there now. */
static bool is_back(struct agent *a, const struct item *it, char key[AGENT_KEY_SIZE])
{
    const struct rows *rows = follow_rows(a, it);
    const char *image = rows ? rows_image_at(rows, it->path) : NULL;
    struct index_entry e;

    return image && agent_key(a, it->mapping, image, key) && agent_image(a, key, &e) &&
           plan_is_other(&it->seen, &e.known);
}

bool follow_is_replaced(struct agent *a, const struct item *it, char key[AGENT_KEY_SIZE])
{
    struct index_entry e;
    struct birth b;

    if (is_renewed(a, it, key))
        return true;
    if (!it->image && !it->origin && !it->vacated && it->returned && is_back(a, it, key))
        return true;
    snprintf(key, AGENT_KEY_SIZE, "%s", it->key);
    return !it->image && !it->origin && !it->vacated && agent_image(a, it->key, &e) &&
           plan_is_other(&it->seen, &e.known) && !follow_is_elsewhere(a, it, &e.known) &&
           !(follow_has_birth(&it->seen) && birth_find(a, it, &it->seen, &b));
}

bool follow_has_file(struct agent *a, const struct item *it)
{
    struct index_entry e;

    return agent_image(a, it->key, &e) && !plan_is_other(&it->seen, &e.known);
}

bool follow_is_elsewhere(const struct agent *a, const struct item *it, const struct known *known)
{
    const struct rows *rows = a->mappings[it->mapping].rows;

    return rows && rows_is_elsewhere(rows, plan_file(known), it->path);
}

bool follow_is_adrift(const struct agent *a, const struct item *it)
{
    const struct rows *rows = a->mappings[it->mapping].rows;
    const char *image = rows ? rows_image_of(rows, file_id_of(&it->seen)) : NULL;

    return image && strcmp(image, it->path) != 0;
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
    if (!follow_is_known_by_birth(a, it))
        return false;
    image = rows ? rows_image_of(rows, file_id_of(&it->seen)) : NULL;
    if (image)
        return strcmp(image, source->path) != 0;
    return birth_find(a, it, &it->seen, &b) || follow_has_file(a, it);
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

/* The table has the item's image elsewhere: it is back. */
static void home_seen(struct agent *a, struct rows *rows, const struct item *it)
{
    struct file_id file = file_id_of(&it->seen);
    int rc;

    if (!follow_is_known_by_birth(a, it) || !rows_is_elsewhere(rows, file, it->path))
        return;
    rc = rows_seen(rows, file, it->path);
    follow_noted(a, rows, rc < 0 ? rc : 0);
}

/* Another file has the rows of the item's image by now, since it came to where the image had been:
 * they are to follow it. */
static void home_regained(struct agent *a, struct rows *rows, const struct item *it)
{
    struct file_id file = file_id_of(&it->seen);
    const char *was = rows_replaced_at(rows, file), *image = rows_image_of(rows, file);
    int rc;

    if (!was || strcmp(was, it->path) == 0 ||
        (image ? !rows_is_at(rows, it->path, it->path) || strcmp(image, it->path) != 0
               : rows_has(rows, it->path)))
        return;
    rc = rows_regain(rows, file, it->path);
    if (rc == 0 && rows_image_of(rows, file))
        rc = rows_landed(rows, NULL, file, it->path);
    follow_noted(a, rows, rc);
}

void follow_home(struct agent *a, struct item *it, const struct known *known)
{
    struct rows *rows = follow_rows(a, it);

    if (rows && !plan_is_other(&it->seen, known)) {
        home_from(a, rows, it, known);
        home_seen(a, rows, it);
        if (!(known->flags & KNOWN_UNCERTAIN))
            home_regained(a, rows, it);
    }
    if (rows && (it->vacated || it->returned) && !plan_is_other(&it->seen, known) &&
        !(known->flags & KNOWN_UNCERTAIN)) /* it is back */
        follow_noted(a, rows, follow_also_over(a, rows, it, it->key, known));
    /* Another file in its place says nothing of the image, but what an earlier run left counts. */
    if (!rows || (!plan_is_other(&it->seen, known)
                      ? !rows_has(rows, it->path) && !(known->flags & KNOWN_LISTED)
                      : rows_has(rows, it->path) || rows_image_of(rows, plan_file(known)) ||
                            !(known->flags & KNOWN_LISTED)))
        return;
    follow_noted(a, rows,
                 rows_follow(rows, it->path, plan_file(known),
                             follow_listed_at(agent_mapping(a, it), known, it->path), it->path));
}

/* S3 has another file where the item's image went, by what the index has of it (`now`): the image
 * went on before that came, and is where it was seen. Did it? */
static bool has_moved_on(struct agent *a, struct rows *rows, const struct item *it,
                         const struct known *known, const struct known *now)
{
    const struct item *seen;
    struct birth b;

    if (!file_id_differs(plan_file(known), plan_file(now)))
        return false;
    if (birth_elsewhere(a, it, known, &b))
        return follow_also_of(a, rows, it, b.key);
    seen = known->born_ns ? sighted_find(a, it->mapping, known->ino) : NULL;
    if (!seen || !plan_is_same(&seen->seen, known))
        return false;
    follow_noted(a, rows, follow_also(a, rows, seen, it->path));
    return true;
}

void follow_moved(struct agent *a, const struct item *it, const struct known *known)
{
    struct rows *rows = follow_rows(a, it);
    const struct item *there;
    char key[AGENT_KEY_SIZE];
    struct index_entry e;
    int rc;

    if (!rows || !known->moved_to)
        return;
    snprintf(key, sizeof key, "%s", known->moved_to);
    rc = follow_find(a, key, &e);
    if (rc == 0 && has_moved_on(a, rows, it, known, &e.known))
        return;
    there = rc == 0 ? pending_find(a->pending, key) : NULL;
    if (there && plan_is_other(&there->seen, &e.known) && is_removed(a, there, &e.known) &&
        !departed_since(a->index, key, 0, DEPARTED_ELSEWHERE))
        rc = -ENOENT; /* its rows were dropped, and another one came there since */
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
