/* Shell. Which new path is which old image. */
#include "agent/service/agent.h"

#include "agent/service/birth.h"
#include "agent/service/follow.h"
#include "agent/service/rename_source.h"
#include "agent/service/stale.h"

#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A new path waits for word of the one that it may come from, beyond the settle times: */
#define PATIENCE_MS        1000
#define REMOTE_PATIENCE_MS 10000 /* where a path may be unknown (ESTALE...) for some seconds */

/* Whose path holds another file than the index knows there. */
struct occupant {
    const struct item *item;
};

/* index_fn: some other path had this very file: the one here came from there. */
static int occupant_moved(void *arg, const char *key, const struct known *known)
{
    const struct item *o = ((const struct occupant *)arg)->item;

    return strcmp(key, o->key) != 0 &&
           (plan_is_same(&o->seen, known) ||
            (!plan_is_other(&o->seen, known) && known->size == o->seen.size &&
             known->mtime_ns == o->seen.mtime_ns));
}

/* ---- taking a rename, and its ways to end ---- */

/* Nothing is at the item's path by its last look, and its rows have not left yet. */
static bool is_gone(const struct agent *a, const struct item *o)
{
    return o->state == ITEM_GONE || (o->state == ITEM_LISTING && o->queue == &a->relist) ||
           (o->state == ITEM_OBSERVED && o->seen.kind != FILE_REGULAR);
}

/* The image that was at the item's path, and never came to S3 from there, was found elsewhere:
 * nothing is to be removed. */
static void unlanded_left(struct agent *a, struct item *o)
{
    o->was_there = false;
    free(o->image);
    o->image = NULL;
    o->hint_ms = a->now_ms;
    if (o->state == ITEM_GONE)
        intake_resettle(a, o);
}

/* Where nothing tells when files were made, events alone say that what was seen at a place, and
 * never came to S3 from there, is the renamed image: nothing is to be removed, and lists may name
 * it so. */
static void passed_unlanded(struct agent *a, const struct item *it)
{
    struct item *o;

    while (!it->seen.born_ns && (o = rename_unlanded_source(a, it)) && !o->told_gone &&
           (is_gone(a, o) || o->state == ITEM_SETTLING || o->state == ITEM_OBSERVING)) {
        follow_passed(a, o);
        unlanded_left(a, o);
    }
}

/* Journal the rename of one image. */
static uint64_t single_journal(struct agent *a, const struct item *it, const char *from,
                               enum journal_state state, uint64_t tx, const char *why)
{
    struct journal_record rec = agent_record(a, it, JOURNAL_RENAME, state);

    rec.path2 = rec.path;
    rec.path = from;
    rec.tx = tx ? tx : JOURNAL_TX_SELF;
    rec.why = why;
    return agent_journal(a, &rec);
}

/* The new path `it` is the image that was at `source`. */
static void rename_take(struct agent *a, struct item *it, struct item *source,
                        const struct known *source_known, bool copy)
{
    source->target = strdup(it->key);
    if (!source->target) {
        agent_fail(a, -ENOMEM, "renaming");
        return;
    }
    if (agent_mapping(a, it)->held)
        (void)removals_hold_back(a, agent_mapping(a, it), source->key);
    stale_follow(a, source, it);
    a->renaming++;
    source->change = CHANGE_RENAME;
    source->copied = source->relisted = false; /* they were of what went from here before */
    source->peer = it;
    it->peer = source;
    it->passed_on = false;
    it->copy = copy && !agent_is_list(a, it);
    follow_rename(a, it, source->path, source_known);
    follow_claimed(a, source);
    passed_unlanded(a, it);
    source->group = rename_group_of(a, it, source->key);
    if (a->fatal)
        return;
    if (source->group) {
        source->group->open++;
        it->tx = source->tx = source->group->tx;
    } else {
        if (!a->options.dry_run)
            it->tx = source->tx = single_journal(a, it, source->path, JOURNAL_INTENT, 0, NULL);
        a->totals.renames++;
    }
    pending_set(a->pending, source, ITEM_CLAIMED, INT64_MAX);
    removals_queue(a, source);
}

void rename_resume(struct agent *a, struct item *it, const struct known *known)
{
    it->target = strdup(known->moved_to ? known->moved_to : it->key);
    if (!it->target) {
        agent_fail(a, -ENOMEM, "renaming");
        return;
    }
    follow_moved(a, it, known);
    a->renaming++;
    it->change = CHANGE_RENAME;
    it->copied = true;
    pending_set(a->pending, it, ITEM_CLAIMED, INT64_MAX);
    removals_queue(a, it);
}

/* The states in which the source's last look still holds. */
static bool source_seen(const struct item *o)
{
    return o->state == ITEM_OBSERVED || o->state == ITEM_READY || o->state == ITEM_FLYING ||
           o->state == ITEM_HASHING || o->state == ITEM_CHECKING || o->state == ITEM_WAITING;
}

/* The source is there no more: is the new path its image? */
static enum rename_answer consider_gone(struct agent *a, struct item *it, struct item *o,
                                        const struct rename_source *s,
                                        const struct known *source_known)
{
    static const struct file_stat absent = {.kind = FILE_ABSENT};

    switch (
        plan_renamed(&it->seen, source_known, &absent, s->told, it->hashed ? &it->hash : NULL)) {
    case RENAME_NO:
        return RENAME_NONE;
    case RENAME_HASH:
        return RENAME_WANT_HASH;
    case RENAME_COPY:
        rename_take(a, it, o, source_known, true);
        return RENAME_TAKEN;
    case RENAME_CONTENT:
        rename_take(a, it, o, source_known, false);
        return RENAME_TAKEN;
    }
    return RENAME_NONE;
}

/* The source's path holds another file now. If that one is an image that moved there (a chain of
 * renames, a swap), the rows of this one follow it here; its content is put. */
static enum rename_answer consider_occupied(struct agent *a, struct item *it, struct item *o,
                                            const struct rename_source *s,
                                            const struct known *source_known)
{
    static const struct file_stat absent = {.kind = FILE_ABSENT};
    struct occupant occupant = {.item = o};
    enum plan_rename moved;

    if (!plan_is_other(&o->seen, source_known) || plan_is_other(&it->seen, source_known))
        return RENAME_NONE;
    moved = plan_renamed(&it->seen, source_known, &absent, s->told, it->hashed ? &it->hash : NULL);
    if (moved == RENAME_NO)
        return RENAME_NONE;
    /* What is there now came from elsewhere: so it was found already, or the index still says. */
    if (!o->image && index_each_inode(a->index, o->seen.ino, occupant_moved, &occupant) <= 0)
        return RENAME_NONE;
    if (moved == RENAME_HASH)
        return RENAME_WANT_HASH;
    o->vacated = true;
    follow_rename(a, it, o->path, source_known);
    return RENAME_NONE;
}

/* The source is not among the items: look at it, once. */
static enum rename_answer consider_ask(struct agent *a, struct item *it, const char *key)
{
    struct item *o;

    if (it->asked)
        return RENAME_NONE; /* it was looked at and is in step: a second link to the same file */
    it->asked = true;
    intake_touch_key(a, it->mapping, key, it->source, 0);
    o = pending_find(a->pending, key);
    if (o)
        intake_observe(a, o);
    return RENAME_WAIT;
}

/* The file is still what the old object holds: a copy that failed may be tried again as a copy. */
static bool copy_still_right(struct agent *a, const struct item *it)
{
    static const struct file_stat absent = {.kind = FILE_ABSENT};
    struct index_entry e;

    return index_get(a->index, it->peer->key, &e) == 0 &&
           plan_renamed(&it->seen, &e.known, &absent, true, it->hashed ? &it->hash : NULL) ==
               RENAME_COPY;
}

/* The content is what S3 has under this very path: the image was put back here, whatever inode it
 * got. */
static bool came_back(const struct item *it, const struct known *known)
{
    return known && it->hashed && (known->flags & KNOWN_CRC) && known->size == it->seen.size &&
           known->crc64 == it->hash;
}

/* What waits for others waits this long at most. */
static bool patient(struct agent *a, const struct item *it)
{
    const struct mapping *m = agent_mapping(a, it);
    int64_t patience_ms = m->others_write ? REMOTE_PATIENCE_MS : PATIENCE_MS;

    return a->now_ms - it->waits_ms < 2 * m->conf->settle_ms + patience_ms;
}

/* The item waits to hear what becomes of another: as long as S3 takes where a transfer is under
 * way, and only then does patience begin to count. */
static bool await(struct agent *a, struct item *it, const struct item *other)
{
    if (other->state == ITEM_FLYING)
        it->waits_ms = a->now_ms;
    return patient(a, it);
}

/* What the item's file is was not found out yet, or it is to be looked at anew. */
static bool is_undecided(const struct item *it)
{
    return !it->decided || (it->again && it->state != ITEM_FLYING);
}

bool rename_must_wait(struct agent *a, const struct item *it, const struct known *known)
{
    const struct item *other;

    if (!known || (known->flags & (KNOWN_MOVED | KNOWN_UNCERTAIN)))
        return false;
    other = rename_heir(a, it);
    if (!plan_is_other(&it->seen, known)) /* the look was ahead of the event that it is back */
        return other && it->vacated && patient(a, it);
    if (other && is_undecided(other) && (other->state != ITEM_CLAIMED || other->copied) &&
        a->now_ms - it->observed_ms < AGENT_PASS_MAX_MS)
        return true;
    other = sighted_find(a, it->mapping, known->ino);
    if (!other || other == it || plan_is_other(&other->seen, known) || other->decided ||
        rename_is_link(a, other, known))
        return false;
    if (other->state == ITEM_SETTLING) /* that may go on for ever */
        return patient(a, it);
    return a->now_ms - it->observed_ms < AGENT_PASS_MAX_MS &&
           (other->state == ITEM_OBSERVING || other->state == ITEM_OBSERVED ||
            other->state == ITEM_HASHING);
}

/* A scan is under way, or paths were not looked at yet. */
static bool more_to_come(struct agent *a, const struct item *it)
{
    if (agent_mapping(a, it)->scanning)
        return intake_has_room(a);
    return patient(a, it) && (pending_count_mapping(a->pending, it->mapping, ITEM_SETTLING) ||
                              pending_count_mapping(a->pending, it->mapping, ITEM_OBSERVING));
}

/* The path holds another file than the index knows there: did that one go elsewhere (a chain of
 * renames, a swap), or was it overwritten? RENAME_TAKEN: it went. */
static enum rename_answer consider_displaced(struct agent *a, struct item *it,
                                             const struct known *known)
{
    const struct item *other = sighted_find(a, it->mapping, known->ino);
    struct occupant occupant = {.item = it};
    struct birth b;

    if (it->vacated || rename_heir(a, it) ||
        (other && other != it && !plan_is_other(&other->seen, known) &&
         !rename_is_link(a, other, known)) ||
        follow_is_elsewhere(a, it, known) || birth_left(a, it, known, &b))
        return RENAME_TAKEN;
    /* The file here came from elsewhere. Where what was here went may still be found. */
    if (more_to_come(a, it) &&
        (follow_is_adrift(a, it) ||
         index_each_inode(a->index, it->seen.ino, occupant_moved, &occupant) > 0))
        return RENAME_WAIT;
    return RENAME_NONE;
}

/* The image was found to be its peer's: on to S3, unless what is overwritten is still needed. */
static enum rename_answer rename_go(struct agent *a, struct item *it, const struct known *known)
{
    if (a->fatal)
        return RENAME_TAKEN;
    it->decided = true;
    if (rename_must_wait(a, it, known))
        return RENAME_WAIT;
    it->copy = it->copy && copy_still_right(a, it);
    decide_ready(a, it, CHANGE_RENAME);
    return RENAME_TAKEN;
}

/* The image that it->image names by its path was found elsewhere, as unlanded_left has it. */
static void unlanded_went_on(struct agent *a, const struct item *it)
{
    char key[AGENT_KEY_SIZE];
    struct index_entry e;
    struct item *o =
        agent_key(a, it->mapping, it->image, key) ? pending_find(a->pending, key) : NULL;

    if (o && o != it && is_gone(a, o) && index_get(a->index, key, &e) == -ENOENT)
        unlanded_left(a, o);
}

/* It can be looked at anew: nothing is under way for it whose end would be taken for the look's. */
static bool can_be_seen(const struct item *o)
{
    return o->state == ITEM_OBSERVED || o->state == ITEM_WAITING || o->state == ITEM_RETRY ||
           (o->state == ITEM_READY && !o->tx);
}

/* An image that never came to S3 was renamed: it is added under the new path, and its rows follow
 * (it->image is set then). */
static enum rename_answer consider_unlanded(struct agent *a, struct item *it,
                                            const struct rename_source *s)
{
    struct item *o = rename_unlanded_source(a, it);

    if (!o && s->interrupted[0]) {
        o = pending_find(a->pending, s->interrupted);
        if (!o)
            return consider_ask(a, it, s->interrupted);
    }
    if (!o)
        return RENAME_NONE;
    if (is_gone(a, o)) {
        follow_unlanded(a, it, o->path);
        rename_told_forget(it);
        unlanded_left(a, o);
        return RENAME_NONE;
    }
    if (!await(a, it, o))
        return RENAME_NONE;
    if (!can_be_seen(o))
        return RENAME_WAIT;
    if (it->asked)
        return RENAME_NONE; /* it was looked at again: a file is there, another or by another name
                             */
    it->asked = true;
    intake_observe(a, o);
    return RENAME_WAIT;
}

/* Does the index tell which image was at the path? Also where a transfer to there was interrupted,
 * unless that was the first; not where a removal was, whose rows have left. */
static bool has_image(const struct known *known)
{
    return known && !(known->flags & (KNOWN_MOVED | KNOWN_LEAVING)) &&
           (!(known->flags & KNOWN_UNCERTAIN) || known->etag[0]);
}

/* index_fn: lists name the image of this key by the item's path. */
static int is_listed_here(void *arg, const char *key, const struct known *known)
{
    const struct item *it = arg;

    (void)key;
    return plan_is_placed(known) && (known->flags & KNOWN_LISTED) && known->moved_to &&
           strcmp(known->moved_to, it->key) == 0;
}

/* The first transfer to the item's path was interrupted, but the rows of its image had come there
 * before: it was at the path, and another file is there now. */
static bool had_rows_here(struct agent *a, struct item *it, const struct known *known)
{
    const struct rows *rows = follow_rows(a, it);
    const char *at = rows ? rows_place_of(rows, it->path) : NULL;

    return known && (known->flags & KNOWN_UNCERTAIN) &&
           !(known->flags & (KNOWN_MOVED | KNOWN_LEAVING)) && plan_is_other(&it->seen, known) &&
           !(at && strcmp(at, it->path) != 0) && /* it was found elsewhere */
           index_each_inode(a->index, known->ino, is_listed_here, it) > 0;
}

enum rename_answer rename_consider(struct agent *a, struct item *it, const struct known *known)
{
    struct rename_source s;
    struct index_entry source;
    struct item *o;
    bool born;

    if (it->image && it->heir && file_id_differs(it->file, file_id_of(&it->seen))) {
        free(it->image); /* events told that it went on: this is another one */
        it->image = NULL;
    }
    if (it->peer && follow_is_other(a, it, it->peer)) {
        rename_abandon(a, it, "another image is there now");
        it->was_there = true;
    }
    if (it->peer) {
        (void)follow_born(a, it); /* it may have been elsewhere in between */
        return rename_go(a, it, known);
    }
    if (has_image(known) || had_rows_here(a, it, known)) {
        enum rename_answer displaced = RENAME_NONE;

        if (plan_is_other(&it->seen, known))
            displaced = consider_displaced(a, it, known);
        if (displaced != RENAME_TAKEN)
            return displaced;
    }
    born = follow_born(a, it);
    if (born || follow_went_on(a, it)) {
        unlanded_went_on(a, it);
        rename_told_forget(it);
        if (!born)
            return RENAME_NONE;
    } else if (known) {
        follow_left_over(a, it, known);
    }
    rename_source_find(a, it, born, &s);
    if (!born && !s.told && !(s.found && s.exact) && (it->origin || !it->image)) {
        enum rename_answer unlanded = consider_unlanded(a, it, &s);

        if (unlanded == RENAME_WAIT || it->image)
            return unlanded;
    }
    if (!s.found || index_get(a->index, s.key, &source) || (!s.told && came_back(it, known)))
        return RENAME_NONE;
    o = pending_find(a->pending, s.key);
    if (!o)
        return consider_ask(a, it, s.key);
    if (is_gone(a, o)) {
        enum rename_answer gone;

        if (o->peer)
            return RENAME_WAIT; /* a rename to there is about to be called off */
        gone = consider_gone(a, it, o, &s, &source.known);
        return gone == RENAME_TAKEN ? rename_go(a, it, known) : gone;
    }
    if (source_seen(o) && sighted_is_stale(it, o) && await(a, it, o))
        return RENAME_WAIT; /* it was there, and is to be looked at again */
    if (source_seen(o))
        return consider_occupied(a, it, o, &s, &source.known);
    if (o->state == ITEM_CLAIMED && !o->copied && o->peer && await(a, it, o->peer)) {
        if (o->peer->state == ITEM_RETRY)
            intake_observe(a, o->peer);
        return RENAME_WAIT; /* it was taken for renamed elsewhere, where it may be no more */
    }
    if (o->state == ITEM_OBSERVING ||
        ((o->state == ITEM_SETTLING || o->state == ITEM_RETRY) && patient(a, it)))
        return RENAME_WAIT;
    return RENAME_NONE;
}

/* An image whose rows were moved before it came to S3 is there, or was given up. Lists may wait for
 * the last of such. */
static void followed_less(struct agent *a)
{
    if (--a->followed == 0)
        a->followed_ms = a->now_ms;
}

void rename_landed(struct agent *a, struct item *it)
{
    struct item *source = it->peer;
    struct index_entry e;
    int rc;

    it->peer = NULL;
    if (!source)
        return;
    source->peer = NULL;
    source->copied = true;
    a->renamed_ms = a->now_ms;
    rc = index_get(a->index, source->key, &e);
    if (rc == 0) {
        e.known.flags = (e.known.flags & ~KNOWN_LISTED) | KNOWN_MOVED;
        e.known.moved_to = source->target;
        rc = index_put(a->index, source->key, &e.known, NULL);
        agent_dirty(a);
    }
    if (rc && rc != -ENOENT)
        agent_fail(a, rc, "writing the index");
    if (source->relisted) {
        followed_less(a);
        removals_to_barrier(a, source);
    } else if (source->again) {
        removals_recall(a, source);
    }
}

/* What remains of a rename's bookkeeping at the source. */
static void source_release(struct agent *a, struct item *source)
{
    if (source->group)
        rename_group_leave(a, agent_mapping(a, source), source->group);
    source->group = NULL;
    a->renaming -= source->change == CHANGE_RENAME;
    a->renamed_ms = a->now_ms;
    source->change = CHANGE_NONE;
    source->tx = 0;
    free(source->target);
    source->target = NULL;
}

void rename_abandon(struct agent *a, struct item *it, const char *why)
{
    struct item *source = it->peer;

    if (!source->group)
        single_journal(a, it, source->path, JOURNAL_ABORT, it->tx, why);
    it->peer = source->peer = NULL;
    it->change = CHANGE_NONE;
    it->tx = 0;
    follow_lost(a, source, it);
    free(it->image);
    it->image = NULL;
    if (source->relisted)
        followed_less(a);
    source->relisted = false;
    it->was_there = false;
    source_release(a, source);
    if (source->gone_ms)
        source->gone_ms = clock_mono_ms(); /* it was known to be elsewhere until now */
    if (source->queue == &a->passing)
        return; /* its rows are being moved; it is looked at again after that */
    source->hint_ms = a->now_ms;
    intake_resettle(a, source);
}

void rename_through(struct agent *a, struct item *source)
{
    struct journal_record rec;

    if (!source->group && source->tx) {
        const char *target = source->target ? source->target : source->key;

        rec = agent_record(a, source, JOURNAL_RENAME, JOURNAL_DONE);
        rec.path2 = target + agent_mapping(a, source)->prefix_len;
        agent_journal(a, &rec);
    }
    source_release(a, source);
}
