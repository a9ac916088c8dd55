/*
 * Shell. The trash: objects are copied there before they are deleted.
 *
 *   BARRIER -> intent durable -> DELETING: CopyObject -> journalled, BARRIER among those that leave
 *           -> noted by a run that crashed -> HEAD of the copy: there -> the same
 *                                                         absent -> BARRIER again, copied anew
 *   The object is another one than the index says -> HEAD of it: it stays, and that is said.
 *
 * The old object of a rename is not copied where S3 has the same content under the new key.
 */
#include "agent/service/agent.h"
#include "agent/service/attributes.h"
#include "agent/service/trash_notes.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

/* What is handed over together, once its intents are durable. */
struct trash_batch {
    struct transfer *transfers[AGENT_FLYING_MAX];
    size_t count;
};

/* Does S3 have the same content under the key that the image has now? */
static bool lives_on(struct agent *a, const struct item *it, const struct known *known)
{
    struct index_entry e;

    return it->change == CHANGE_RENAME && it->target && (known->flags & KNOWN_CRC) &&
           index_get(a->index, it->target, &e) == 0 && (e.known.flags & KNOWN_CRC) &&
           !(e.known.flags & KNOWN_UNCERTAIN) && e.known.size == known->size &&
           e.known.crc64 == known->crc64;
}

bool trash_wanted(struct agent *a, const struct item *it)
{
    struct index_entry e;

    return agent_mapping(a, it)->conf->deletes == CONF_DELETES_TRASH &&
           index_get(a->index, it->key, &e) == 0 && !lives_on(a, it, &e.known);
}

/* A transfer for the item; NULL without memory. What is in the trash carries what the object did.
 */
static struct transfer *make(struct agent *a, struct item *it, enum transfer_kind kind,
                             const char *key)
{
    struct transfer *t = transfer_new(kind, key);

    if (t && attributes_of(a->attributes, it->mapping, it->path, &t->attributes)) {
        transfer_free(t);
        return NULL;
    }
    if (t)
        t->owner = it;
    return t;
}

/* The record of an item that goes to the trash. */
static struct journal_record record(struct agent *a, const struct item *it, const char *to,
                                    enum journal_state state)
{
    struct journal_record rec = agent_record(a, it, JOURNAL_TRASH, state);

    rec.path2 = to;
    rec.has = 0;
    return rec;
}

/* Decide where the object goes, note it, and make the copy. */
static struct transfer *begin_copy(struct agent *a, struct item *it, const struct known *known)
{
    char stamp[TRASH_STAMP_SIZE], to[TRASH_KEY_MAX + 1];
    struct journal_record rec;
    struct transfer *t;
    char *etag;

    if (!deletions_condition(known, &etag))
        return NULL;
    trash_stamp(a->real_us, stamp);
    trash_key(a->conf->s3.trash_prefix, stamp, it->key, to);
    rec = record(a, it, to, JOURNAL_INTENT);
    agent_journal(a, &rec);
    if (trash_note(a->index, it->key, known->etag, to))
        agent_fail(a, -EIO, "writing the index");
    agent_dirty(a);
    t = make(a, it, TRANSFER_COPY, to);
    if (t) {
        t->source_attributes = t->attributes;
        t->foreign = a->conf->s3.foreign_attributes ||
                     attributes_mark(known) != s3_attributes_mark(t->attributes);
        t->source_key = strdup(it->key);
        t->source_etag = etag;
        t->source_size = known->size;
        etag = NULL;
    }
    free(etag);
    if (t && t->source_key)
        return t;
    transfer_free(t);
    return NULL;
}

bool trash_begin(struct agent *a, struct item *it, struct trash_batch **batch)
{
    char to[TRASH_KEY_MAX + 1];
    struct index_entry e;
    struct transfer *t = NULL;

    if (!*batch)
        *batch = calloc(1, sizeof **batch);
    if (*batch && a->flying + (*batch)->count >= AGENT_FLYING_MAX)
        return false;
    if (*batch && index_get(a->index, it->key, &e) == 0)
        t = trash_noted(a->index, it->key, e.known.etag, to) == 0 ? make(a, it, TRANSFER_HEAD, to)
                                                                  : begin_copy(a, it, &e.known);
    if (!t) {
        agent_fail(a, -ENOMEM, "copying to the trash");
        return false;
    }
    pending_set(a->pending, it, ITEM_DELETING, INT64_MAX);
    (*batch)->transfers[(*batch)->count++] = t;
    return true;
}

/* On its way. */
static void submit(struct agent *a, struct transfer *t)
{
    a->flying++;
    a->trashing++;
    uploaders_submit(a->uploaders, t);
}

void trash_submit(struct agent *a, struct trash_batch *batch)
{
    if (!batch)
        return;
    agent_sync(a);
    for (size_t i = 0; i < batch->count; i++) {
        if (a->fatal)
            transfer_free(batch->transfers[i]);
        else
            submit(a, batch->transfers[i]);
    }
    free(batch);
}

/* Nothing is noted of it any more. */
static void forget(struct agent *a, const struct item *it)
{
    if (trash_forget(a->index, it->key))
        agent_fail(a, -EIO, "writing the index");
    agent_dirty(a);
}

/* The copy is there, or there is nothing to copy: now the object may go. */
static void leave(struct agent *a, struct item *it)
{
    pending_set(a->pending, it, ITEM_BARRIER, INT64_MAX);
    item_queue_push(&a->leaving, it);
}

/* What became of the copy, in the journal. */
static void copied_journal(struct agent *a, const struct item *it, const struct transfer *t,
                           const char *why)
{
    struct journal_record rec = record(a, it, t->key, why ? JOURNAL_FAILED : JOURNAL_DONE);

    apply_told(t, false, &rec);
    rec.why = why;
    agent_journal(a, &rec);
}

/* The copy ended. */
static void copied(struct agent *a, struct item *it, const struct transfer *t)
{
    char why[ERR_TEXT_MAX];
    struct transfer *look;

    if (t->verdict == VERDICT_DONE) {
        copied_journal(a, it, t, NULL);
        a->totals.copies++;
        leave(a, it);
        return;
    }
    snprintf(why, sizeof why, "the object cannot be copied to the trash: %s: %s%s%s",
             verdict_name(t->verdict), t->s3_code, t->s3_code[0] && t->message[0] ? ": " : "",
             t->message);
    copied_journal(a, it, t, why);
    if (t->verdict == VERDICT_ABSENT) {
        forget(a, it);
        leave(a, it);
    } else if (t->verdict == VERDICT_CONFLICT) {
        forget(a, it);
        look = make(a, it, TRANSFER_HEAD, it->key);
        if (look)
            submit(a, look);
        else
            agent_fail(a, -ENOMEM, "looking at an object");
    } else {
        deletions_failed(a, it, t->verdict, why);
    }
}

/* The object that was to be copied was looked at: is it another one? */
static void looked_at_object(struct agent *a, struct item *it, const struct transfer *t)
{
    struct index_entry e;

    if (t->verdict == VERDICT_DONE && index_get(a->index, it->key, &e) == 0 &&
        strcmp(e.known.etag, t->etag) != 0)
        deletions_drifted(a, it, t, t->etag);
    else
        removals_to_barrier(a, it); /* it is the one after all, or gone */
}

void trash_outcome(struct agent *a, const struct transfer *t)
{
    struct item *it = t->owner;

    a->trashing--;
    if (t->kind == TRANSFER_COPY) {
        copied(a, it, t);
    } else if (t->verdict != VERDICT_DONE && t->verdict != VERDICT_ABSENT) {
        deletions_failed(a, it, t->verdict, "what is in the trash cannot be looked at");
    } else if (strcmp(t->key, it->key) == 0) {
        looked_at_object(a, it, t);
    } else if (t->verdict == VERDICT_DONE) {
        leave(a, it); /* copied before a crash */
    } else {
        forget(a, it);
        removals_to_barrier(a, it);
    }
}
