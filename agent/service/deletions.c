/*
 * Shell. The end of what is gone: once the lists allow it an object is deleted, after it was copied
 * to the trash where that is wanted, or it stays (deletes = "keep").
 *
 *   BARRIER -> the lists that no longer name it are live -> kept
 *                                                        -> trash.c -> leaving
 *                                                        -> leaving
 *   leaving -> DELETING: DeleteObjects, up to 1,000 at once, each on the condition of its ETag
 *           -> gone; somebody else's object is there: it stays; failed: RETRY
 */
#include "agent/service/agent.h"
#include "agent/service/attributes.h"
#include "agent/service/events.h"
#include "agent/service/follow.h"
#include "agent/service/publish.h"
#include "agent/service/trash_notes.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* How a removal ended in S3. */
struct ended {
    bool done;
    const char *seen; /* ETag of somebody else's object; NULL: none */
    const char *code; /* where it is neither */
};

bool deletions_has_object(struct agent *a, const char *key)
{
    struct index_entry e;
    int rc = index_get(a->index, key, &e);

    return rc == 0 ? !(e.known.flags & KNOWN_KEPT) : rc != -ENOENT;
}

bool deletions_condition(const struct known *known, char **ret)
{
    /* What an interrupted transfer left has an ETag that nobody told us. */
    bool told = !(known->flags & KNOWN_UNCERTAIN) || (known->flags & KNOWN_LEAVING);
    bool wanted = known->etag[0] && told;

    *ret = wanted ? strdup(known->etag) : NULL;
    return !wanted || *ret;
}

/* The ETag that the item's object must have to be deleted (NULL: any), and what it takes to look at
 * it. False: it could not be found out, so nothing may be deleted. */
static bool condition_of(struct agent *a, const struct item *it, char **ret,
                         const struct s3_attributes **ret_attributes)
{
    struct index_entry e;
    int rc;

    *ret = NULL;
    if (attributes_of(a->attributes, it->mapping, it->path, ret_attributes))
        return false;
    rc = index_get(a->index, it->key, &e);
    if (rc && rc != -ENOENT)
        agent_fail(a, rc, "reading the index");
    return rc == 0 ? deletions_condition(&e.known, ret) : rc == -ENOENT;
}

/* The transfer that deletes these; NULL without memory. */
static struct transfer *make_transfer(struct agent *a, struct item **items, size_t count)
{
    struct transfer *t =
        transfer_new(count == 1 ? TRANSFER_DELETE : TRANSFER_DELETE_MANY, items[0]->key);
    bool made = t != NULL;

    if (made && count == 1)
        made = condition_of(a, items[0], &t->source_etag, &t->attributes);
    if (made && count > 1) {
        t->items = calloc(count, sizeof *t->items);
        made = t->items != NULL;
        t->item_count = made ? count : 0;
        for (size_t i = 0; made && i < count; i++) {
            t->items[i].key = strdup(items[i]->key);
            made = t->items[i].key &&
                   condition_of(a, items[i], &t->items[i].etag, &t->items[i].attributes);
        }
    }
    if (made)
        return t;
    transfer_free(t);
    return NULL;
}

/* One DeleteObjects for up to S3_BATCH_MAX items. The items array is the transfer's owner. */
static void submit(struct agent *a, struct item **items, size_t count)
{
    struct transfer *t = make_transfer(a, items, count);

    if (!t) {
        free(items);
        agent_fail(a, -ENOMEM, "deleting objects");
        return;
    }
    for (size_t i = 0; i < count; i++)
        pending_set(a->pending, items[i], ITEM_DELETING, INT64_MAX);
    t->owner = items;
    a->flying++;
    uploaders_submit(a->uploaders, t);
}

/* The removal or the rename is through. */
static void through(struct agent *a, struct item *it)
{
    a->totals.removes += it->change == CHANGE_REMOVE;
    if (it->change == CHANGE_RENAME)
        rename_through(a, it);
    it->tx = 0;
    it->was_there = false;
    free(it->image);
    it->image = NULL;
    it->failures = 0;
    decide_done(a, it);
}

/* ---- objects that stay ---- */

/* The entry of an object that stays without its file. */
static int keep_entry(struct index *ix, const char *key, struct known *known)
{
    known->flags = (known->flags & (KNOWN_CRC | KNOWN_UNCERTAIN | KNOWN_ATTRIBUTES)) | KNOWN_KEPT;
    known->ino = 0;
    known->moved_to = NULL;
    return index_put(ix, key, known, NULL);
}

int deletions_keep_key(struct index *ix, const char *key, bool *ret_was)
{
    struct index_entry e;
    int rc = index_get(ix, key, &e);

    *ret_was = false;
    if (rc)
        return rc == -ENOENT ? 0 : rc;
    *ret_was = !(e.known.flags & KNOWN_KEPT);
    return keep_entry(ix, key, &e.known);
}

int deletions_keep_entry(struct agent *a, const char *key)
{
    int rc = follow_lead_on(a, key);
    bool was;

    return rc ? rc : deletions_keep_key(a->index, key, &was);
}

/* The object stays; the index says that its file is gone. */
static void keep(struct agent *a, struct item *it)
{
    struct journal_record rec = agent_record(a, it, JOURNAL_REMOVE, JOURNAL_DONE);
    struct mapping *m = agent_mapping(a, it);

    rec.has = 0;
    rec.why = "the object is kept";
    if (it->change == CHANGE_REMOVE)
        agent_journal(a, &rec);
    if (m->held)
        (void)removals_hold_back(a, m, it->key);
    if (deletions_keep_entry(a, it->key))
        agent_fail(a, -EIO, "writing the index");
    m->indexed--;
    m->kept++;
    agent_dirty(a);
    through(a, it);
}

void deletions_kept_is_back(struct agent *a, struct mapping *m, const char *key)
{
    struct index_entry e;

    if (!m->kept || index_get(a->index, key, &e) || !(e.known.flags & KNOWN_KEPT))
        return;
    m->kept--;
    m->indexed++;
}

/* ---- objects that go ---- */

/* May anything be through its barrier? Asked at every turn: the queue itself may be long, while a
 * list waits for the last of many images. */
static bool may_let_go(struct agent *a)
{
    for (unsigned i = 0; a->barrier.count && i < a->mapping_count; i++)
        if (a->mappings[i].barrier_least != UINT64_MAX &&
            publish_free_barrier(a, i) >= a->mappings[i].barrier_least)
            return true;
    return false;
}

/* Sort what the lists have let go: kept, to the trash, or among those that leave. */
static void let_go(struct agent *a)
{
    struct trash_batch *batch = NULL;
    unsigned mapping = UINT_MAX;
    uint64_t free_barrier = 0;

    for (size_t i = 0; i < a->mapping_count; i++)
        a->mappings[i].barrier_least = UINT64_MAX;
    for (struct item *it = a->barrier.first, *next; it && !a->fatal; it = next) {
        struct mapping *m = agent_mapping(a, it);

        next = it->next;
        if (it->mapping != mapping) {
            mapping = it->mapping;
            free_barrier = publish_free_barrier(a, mapping);
        }
        if (it->barrier > free_barrier) {
            m->barrier_least = it->barrier < m->barrier_least ? it->barrier : m->barrier_least;
            continue;
        }
        if (m->conf->deletes == CONF_DELETES_KEEP) {
            keep(a, it);
        } else if (!trash_wanted(a, it)) {
            item_queue_push(&a->leaving, it);
        } else if (!trash_begin(a, it, &batch)) {
            for (size_t i = 0; i < a->mapping_count; i++)
                a->mappings[i].barrier_least = 0; /* the others were not looked at */
            break;
        }
    }
    trash_submit(a, batch);
}

/* Up to a batch of those that leave; NULL if there are none. */
static struct item **gather(struct agent *a, size_t *ret_count)
{
    struct item **items = NULL;
    size_t count = 0;

    while (a->leaving.first && count < S3_BATCH_MAX) {
        struct item *it = a->leaving.first;

        if (it->again) {
            removals_called_off(a, it);
            continue;
        }
        if (!items)
            items = calloc(S3_BATCH_MAX, sizeof *items);
        if (!items) {
            agent_fail(a, -ENOMEM, "deleting objects");
            return NULL;
        }
        item_queue_leave(it);
        items[count++] = it;
    }
    *ret_count = count;
    return items;
}

void deletions_step(struct agent *a)
{
    bool lets_go = may_let_go(a);

    if (!lets_go && !a->leaving.count)
        return; /* no turn waits for the disk that has nothing to delete */
    agent_sync(a);
    if (!a->fatal && lets_go)
        let_go(a);
    /* While copies to the trash are landing, whole batches only. */
    while (!a->fatal && a->flying < AGENT_FLYING_MAX && a->leaving.count &&
           (!a->trashing || a->leaving.count >= S3_BATCH_MAX)) {
        size_t count = 0;
        struct item **items = gather(a, &count);

        if (!items)
            return;
        submit(a, items, count);
    }
}

/* ---- outcomes ---- */

/* The outcome as a record. */
static struct journal_record outcome(struct agent *a, const struct item *it,
                                     const struct transfer *t, enum journal_state state)
{
    struct journal_record rec = agent_record(a, it, JOURNAL_DELETE, state);

    rec.http_status = apply_status(t, state == JOURNAL_DONE);
    rec.attempts = t->attempts;
    rec.duration_ms = t->duration_ms;
    rec.has = 0;
    return rec;
}

/* S3 has nothing of ours there any more. */
static void forget(struct agent *a, const struct item *it)
{
    struct mapping *m = agent_mapping(a, it);

    apply_forget_key(a, m, it->key);
    if (m->conf->deletes == CONF_DELETES_TRASH && trash_forget(a->index, it->key))
        agent_fail(a, -EIO, "writing the index");
}

unsigned deletions_doubt(unsigned flags)
{
    bool by_transfer = (flags & KNOWN_UNCERTAIN) && !(flags & KNOWN_LEAVING);

    return flags | KNOWN_UNCERTAIN | (by_transfer ? 0 : KNOWN_LEAVING);
}

/* It may be gone or not. */
static void mark_leaving(struct agent *a, const struct item *it)
{
    struct index_entry e;

    if (index_get(a->index, it->key, &e))
        return;
    e.known.flags = deletions_doubt(e.known.flags);
    if (index_put(a->index, it->key, &e.known, NULL))
        agent_fail(a, -EIO, "writing the index");
    agent_dirty(a);
}

void deletions_failed(struct agent *a, struct item *it, enum verdict verdict, const char *why)
{
    if (verdict == VERDICT_UNREACHED)
        mark_leaving(a, it);
    it->unreached = verdict == VERDICT_UNREACHED || verdict == VERDICT_DENIED;
    if (it->change == CHANGE_RENAME)
        rename_through(a, it);
    it->tx = 0;
    decide_failed(a, it, why);
}

void deletions_drifted(struct agent *a, struct item *it, const struct transfer *t, const char *seen)
{
    struct journal_record rec = outcome(a, it, t, JOURNAL_FAILED);
    struct mapping *m = agent_mapping(a, it);

    rec.http_status = t->http_status; /* that it is another one is certain */
    rec.etag = seen[0] ? seen : NULL;
    rec.why = "conflict: the object is another one than was put; it stays";
    agent_journal(a, &rec);
    if (!m->drifted++)
        event_tell(EVENT_FOREIGN_OBJECT, m->conf->name, it->key,
                   "%s: somebody else put another object there (ETag %s); it is not deleted",
                   it->key, seen);
    snprintf(m->drift_key, sizeof m->drift_key, "%s", it->key);
    forget(a, it);
    through(a, it);
}

/* One object is gone from S3, or is not. */
static void ended(struct agent *a, struct item *it, const struct transfer *t, struct ended end)
{
    struct journal_record rec;
    char why[ERR_TEXT_MAX];

    if (end.seen) {
        deletions_drifted(a, it, t, end.seen);
        return;
    }
    rec = outcome(a, it, t, end.done ? JOURNAL_DONE : JOURNAL_FAILED);
    rec.version = t->version[0] ? t->version : NULL;
    if (!end.done) {
        snprintf(why, sizeof why, "the object cannot be deleted: %s", end.code);
        rec.why = why;
    }
    agent_journal(a, &rec);
    if (!end.done) {
        if (t->unheard)
            mark_leaving(a, it);
        troubles_failed(a, it,
                        t->verdict == VERDICT_DONE ? trouble_of_code(end.code, t->http_status)
                                                   : trouble_of(t),
                        t->kind, end.code, t->message);
        deletions_failed(a, it, t->verdict, why);
        return;
    }
    forget(a, it);
    troubles_passed(a, it, false);
    a->totals.deletes++;
    through(a, it);
}

void deletions_outcome(struct agent *a, struct transfer *t)
{
    struct item **items = t->owner;
    const char *code = t->s3_code[0] ? t->s3_code : verdict_name(t->verdict);

    if (t->kind == TRANSFER_DELETE && items[0]->manifest)
        manifests_outcome(a, items[0], t);
    else if (t->kind == TRANSFER_DELETE)
        ended(a, items[0], t,
              (struct ended){.done = t->verdict == VERDICT_DONE || t->verdict == VERDICT_ABSENT,
                             .seen = t->verdict == VERDICT_CONFLICT && t->etag[0] ? t->etag : NULL,
                             .code = code});
    for (size_t i = 0; i < t->item_count; i++) {
        const struct delete_item *d = &t->items[i];

        ended(a, items[i], t,
              (struct ended){.done = d->done,
                             .seen = d->conflict ? d->seen : NULL,
                             .code = d->code[0] ? d->code : code});
    }
    free(items);
}
