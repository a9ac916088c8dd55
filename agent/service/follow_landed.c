/* Shell. Rows where images come to S3, and what the index has of them under other names. */
#include "agent/service/agent.h"

#include "agent/service/birth.h"
#include "agent/service/departed.h"
#include "agent/service/follow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The file was seen elsewhere since, and came to S3 there before it did here: where. */
static bool has_left(struct agent *a, const struct item *it, struct birth *b)
{
    return follow_has_birth(&it->seen) && sighted_find(a, it->mapping, it->seen.ino) != it &&
           birth_landed(a, it, &it->seen, b);
}

/* What the index has under this key is in S3 under the item's now. Lists may name it by that. */
static void leave_key(struct agent *a, const struct item *it, const char *key)
{
    struct rows *rows = follow_rows(a, it);
    struct index_entry e;

    if (strcmp(key, it->key) == 0 || index_get(a->index, key, &e) ||
        (e.known.flags & KNOWN_MOVED) || plan_is_other(&it->seen, &e.known))
        return;
    e.known.flags = (e.known.flags & ~KNOWN_LISTED) | KNOWN_MOVED;
    e.known.moved_to = it->key;
    if (index_put(a->index, key, &e.known, NULL))
        agent_fail(a, -EIO, "writing the index");
    if (rows && rows_image_of(rows, file_id_of(&it->seen)) &&
        !follow_rows_left(a, it, key, DEPARTED_ANYWHERE))
        follow_noted(a, rows, follow_also(a, rows, it, key + agent_mapping(a, it)->prefix_len));
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

/* A key that the index says to be renamed to another one. */
struct led {
    const char *to;
    char key[AGENT_KEY_SIZE];
};

/* index_fn. */
static int leads_to(void *arg, const char *key, const struct known *known)
{
    struct led *l = arg;

    if (!(known->flags & KNOWN_MOVED) || !known->moved_to || strcmp(known->moved_to, l->to) != 0)
        return 0;
    (void)snprintf(l->key, sizeof l->key, "%s", key);
    return 1;
}

int follow_lead_on(struct agent *a, const char *key)
{
    struct led l = {.to = key};
    struct index_entry ends, e;
    int rc = index_get(a->index, key, &ends);

    if (rc || !(ends.known.flags & KNOWN_MOVED) || !ends.known.moved_to ||
        strcmp(ends.known.moved_to, key) == 0)
        return rc == -ENOENT ? 0 : rc;
    while ((rc = index_each_inode(a->index, ends.known.ino, leads_to, &l)) > 0) {
        rc = index_get(a->index, l.key, &e);
        e.known.moved_to = ends.known.moved_to;
        rc = rc ? rc : index_put(a->index, l.key, &e.known, NULL);
        if (rc)
            return rc;
    }
    return rc;
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
    for (int i = 0;
         i < LEAVE_MAX && follow_is_known_by_birth(a, it) && birth_landed(a, it, &it->seen, &b);
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

void follow_new(struct agent *a, const struct item *it)
{
    struct rows *rows = follow_rows(a, it);

    if (rows)
        rows_unguess(rows, it->path);
}

/* What the index has at the item's path, of an earlier run, and where lists have it by its word,
 * was seen elsewhere: nothing overwrote it here. */
static void note_seen(struct agent *a, struct rows *rows, const struct item *it)
{
    const struct item *seen;
    struct index_entry e;
    int rc;

    if (!rows_is_unseen(rows, it->path) || !agent_image(a, it->key, &e) || !e.known.born_ns)
        return;
    seen = sighted_find(a, it->mapping, e.known.ino);
    if (!seen || seen == it || !plan_is_same(&seen->seen, &e.known))
        return;
    rc = rows_seen(rows, plan_file(&e.known), seen->path);
    follow_noted(a, rows, rc < 0 ? rc : 0);
}

/* The item's file is at its path, and the index has it so from now on. */
static void note_landed(struct agent *a, struct rows *rows, const struct item *it)
{
    const struct file_id file = file_id_of(&it->seen);
    const char *image = rows_image_of(rows, file);
    struct index_entry e;
    int rc = 0;

    /* Where it is by the table's word, without a name, is where it was overwritten, maybe. */
    if (!it->image && image && !rows_has(rows, image) && follow_is_known_by_birth(a, it) &&
        rows_is_elsewhere(rows, file, it->path))
        rc = rows_seen(rows, file, it->path);
    if (rc >= 0 && (it->image || rows_image_of(rows, file) || index_get(a->index, it->key, &e) ||
                    plan_is_other(&it->seen, &e.known)))
        rc = rows_landed(rows, it->image, file, it->path);
    follow_noted(a, rows, rc < 0 ? rc : 0);
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
        note_seen(a, rows, it);
    if (rows)
        note_replaced(a, rows, it);
    if (rows && (departed_since(a->index, it->key, 0, DEPARTED_ELSEWHERE) || /* they have left */
                 (!it->image && index_get(a->index, it->key, &e) == -ENOENT)))
        rows_unguess(rows, it->path);
    if (it->image) {
        follow_leave(a, it);
        if (!it->peer) /* the journal does not tell that it was renamed: the index must, soon */
            a->commit_due_ms = a->now_ms;
    }
    left = rows && has_left(a, it, &b);
    if (left || (rows && it->glimpsed && rows_has_other(rows, it->path, file_id_of(&it->seen))))
        rows_passed(rows, file_id_of(&it->seen), it->path);
    else if (rows)
        note_landed(a, rows, it);
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
