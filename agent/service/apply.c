/* Shell. Changes become intents, then transfers; outcomes go to the journal, then to the index. */
#include "agent/core/account.h"
#include "agent/service/absent.h"
#include "agent/service/agent.h"
#include "agent/service/follow.h"
#include "agent/service/metrics.h"
#include "agent/service/room.h"
#include "agent/service/uploads.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

#define WRITTEN_REST_MS 1000 /* a file that somebody is writing is looked at so seldom */
/* Hand over in batches, since one sync serves many intents; and before S3 has nothing to do, which
 * a quick one has within a turn of the loop that takes long. */
#define APPLY_REFILL (AGENT_FLYING_MAX / 4 * 3)

/* The journal's word for a change. */
static enum journal_op change_op(enum change_kind change)
{
    switch (change) {
    case CHANGE_EDIT:
        return JOURNAL_EDIT;
    case CHANGE_META:
        return JOURNAL_META;
    case CHANGE_RENAME:
        return JOURNAL_RENAME;
    case CHANGE_REMOVE:
        return JOURNAL_REMOVE;
    case CHANGE_NONE:
    case CHANGE_ADD:
        break;
    }
    return JOURNAL_ADD;
}

/* Journal the change, unless that was done when the rename was taken. */
static void apply_intent(struct agent *a, struct item *it)
{
    struct journal_record rec;

    if (it->manifest) {
        manifests_intent(a, it);
        return;
    }
    if (it->tx)
        return;
    rec = agent_record(a, it, change_op(it->change), JOURNAL_INTENT);
    rec.tx = JOURNAL_TX_SELF;
    it->tx = agent_journal(a, &rec);
}

/* Fill in the fields of a copy. */
static bool transfer_copy(struct transfer *t, const struct item *it, const struct known *source)
{
    t->source_key = strdup(it->peer->key);
    t->source_etag = source->etag[0] ? strdup(source->etag) : NULL;
    t->source_size = source->size;
    return t->source_key && (t->source_etag || !source->etag[0]);
}

/* What the object is to carry, and whether a copy has to ask what its source does. `source`: what
 * is known of it. False without memory. */
static bool transfer_attributes(struct agent *a, const struct item *it, const struct known *source,
                                struct transfer *t)
{
    if (attributes_of(a->attributes, it->mapping, it->path, &t->attributes))
        return false;
    if (t->kind != TRANSFER_COPY)
        return true;
    t->foreign = a->conf->s3.foreign_attributes ||
                 attributes_mark(source) != s3_attributes_mark(t->attributes);
    return attributes_of(a->attributes, it->peer->mapping, it->peer->path, &t->source_attributes) ==
           0;
}

/* S3 may have an upload in parts of this key from before: it is gone on with if the file is still
 * the same, else it is aborted first, so that there are never two. False without memory. */
static bool transfer_in_parts(struct agent *a, const struct item *it, struct transfer *t)
{
    struct upload_known u;
    int rc;

    t->tells_upload = true;
    if (it->seen.size < UPLOADERS_PARTS_FROM)
        return true;
    rc = uploads_find(a->index, it->key, &u);
    if (rc == -ENOENT)
        return true;
    if (rc) {
        agent_fail(a, rc, "reading the index");
        return true;
    }
    t->upload_id = strdup(u.id);
    t->part_bytes = u.part_bytes;
    t->resumes = t->kind == TRANSFER_PUT && uploads_fits(&u, &it->seen);
    if (!t->resumes)
        t->kind = TRANSFER_ABORT;
    return t->upload_id != NULL;
}

/* The transfer of a planned item, or NULL. */
static struct transfer *apply_transfer(struct agent *a, struct item *it)
{
    struct index_entry e;
    enum transfer_kind kind = it->change == CHANGE_META                 ? TRANSFER_META
                              : it->change == CHANGE_RENAME && it->copy ? TRANSFER_COPY
                                                                        : TRANSFER_PUT;
    struct transfer *t;

    if (it->manifest)
        return manifests_transfer(a, it);
    if (kind == TRANSFER_COPY && index_get(a->index, it->peer->key, &e)) {
        it->copy = false; /* the source is not known any more */
        kind = TRANSFER_PUT;
    }
    t = transfer_new(kind, it->key);
    if (!t)
        return NULL;
    t->owner = it;
    t->posix = (struct s3_posix){.mode = it->seen.mode,
                                 .uid = it->seen.uid,
                                 .gid = it->seen.gid,
                                 .mtime_ns = it->seen.mtime_ns};
    if (!transfer_attributes(a, it, &e.known, t) ||
        (kind == TRANSFER_COPY && !transfer_copy(t, it, &e.known))) {
        transfer_free(t);
        return NULL;
    }
    if (kind == TRANSFER_PUT) {
        t->root_fd = agent_mapping(a, it)->root_fd;
        t->path = strdup(it->path);
        t->expected = it->seen;
        if (!t->path) {
            transfer_free(t);
            return NULL;
        }
    }
    if (!transfer_in_parts(a, it, t)) {
        transfer_free(t);
        return NULL;
    }
    return t;
}

/* A transfer that takes long. */
static bool is_large(const struct transfer *t)
{
    return t->kind == TRANSFER_PUT && t->expected.size >= AGENT_LARGE_BYTES;
}

/* Transfers of these items, which count as under way. How many were made. */
static size_t apply_make(struct agent *a, struct item *const *items, size_t count,
                         struct transfer **ret)
{
    size_t made = 0;

    for (; made < count && (ret[made] = apply_transfer(a, items[made])); made++)
        a->flying_large += is_large(ret[made]);
    if (made < count)
        agent_fail(a, -ENOMEM, "making a transfer");
    a->flying += made;
    return made;
}

/* On its way to S3, with an intent that is durable already. */
static void apply_submit(struct agent *a, struct item *it)
{
    struct transfer *t;

    if (apply_make(a, &it, 1, &t))
        uploaders_submit(a->uploaders, t);
}

bool apply_synced(struct agent *a)
{
    int rc;

    if (!a->unsynced_count || a->fatal)
        return false;
    rc = journal_sync_end(a->journal);
    if (rc)
        agent_fail(a, rc, "making the journal durable");
    room_watch(a);
    if (a->fatal || journal_durable_seq(a->journal) < a->unsynced_seq)
        return false;
    uploaders_submit_all(a->uploaders, a->unsynced, a->unsynced_count);
    a->unsynced_count = 0;
    return true;
}

void apply_free(struct agent *a)
{
    while (a->unsynced_count)
        transfer_free(a->unsynced[--a->unsynced_count]);
}

void apply_enqueue(struct agent *a, struct item *it)
{
    bool large = (it->change == CHANGE_ADD || it->change == CHANGE_EDIT) &&
                 it->seen.size >= AGENT_LARGE_BYTES;

    item_queue_push(agent_is_list(a, it) ? &a->ready_lists
                    : large              ? &a->ready_large
                                         : &a->ready,
                    it);
}

/* The next one that may go: lists, whose images are all in S3, before images, and these before what
 * takes long. `large` of those are about to go. */
static struct item *apply_next(struct agent *a, size_t large)
{
    struct item *it = troubles_probe(a);

    if (it)
        return it;
    while ((it = a->ready_lists.first) && troubles_shelve(a, it))
        ;
    if (!it)
        while ((it = a->ready.first) && troubles_shelve(a, it))
            ;
    if (!it && a->flying_large + large < AGENT_LARGE_MAX)
        while ((it = a->ready_large.first) && troubles_shelve(a, it))
            ;
    return it;
}

void apply_ready(struct agent *a)
{
    struct item *batch[AGENT_FLYING_MAX], *it;
    size_t count = 0, large = 0;

    if (a->stopping || a->unsynced_count || a->flying > APPLY_REFILL)
        return;
    while (a->flying + count < AGENT_FLYING_MAX && (it = apply_next(a, large))) {
        large += it->queue == &a->ready_large;
        apply_intent(a, it);
        free(it->origin); /* the image is known by now; what comes here next came from elsewhere */
        it->origin = NULL;
        pending_set(a->pending, it, ITEM_FLYING, INT64_MAX);
        batch[count++] = it;
    }
    if (count == 0)
        return; /* a dry run has nobody to submit to */
    a->unsynced_seq = a->intent_seq;
    agent_sync_begin(a);
    if (!a->fatal)
        a->unsynced_count = apply_make(a, batch, count, a->unsynced);
    (void)apply_synced(a); /* where there was nothing to wait for */
}

int apply_status(const struct transfer *t, bool done)
{
    /* The last answer is no answer to what went unheard before. */
    return !done && t->unheard && t->http_status < ACCOUNT_SERVER_FAILED ? 0 : t->http_status;
}

void apply_told(const struct transfer *t, bool puts, struct journal_record *rec)
{
    rec->etag = t->etag[0] ? t->etag : NULL;
    rec->version = t->version[0] ? t->version : NULL;
    if (puts && t->verdict == VERDICT_DONE) {
        rec->has |= JOURNAL_HAS_CRC;
        rec->crc64 = t->crc64;
    }
    rec->http_status = apply_status(t, t->verdict == VERDICT_DONE);
    rec->attempts = t->attempts;
    rec->duration_ms = t->duration_ms;
}

/* The outcome in the journal. */
static void apply_journal(struct agent *a, const struct item *it, const struct transfer *t,
                          const char *why)
{
    bool copy = it->change == CHANGE_META || (it->change == CHANGE_RENAME && it->copy);
    enum journal_op op = copy ? JOURNAL_COPY : JOURNAL_PUT;
    bool done = t->verdict == VERDICT_DONE;
    struct journal_record rec = agent_record(a, it, op, done ? JOURNAL_DONE : JOURNAL_FAILED);

    if (t->kind == TRANSFER_COPY && it->peer)
        rec.path2 = it->peer->path;
    apply_told(t, t->kind == TRANSFER_PUT, &rec);
    rec.why = why;
    agent_journal(a, &rec);
}

/* The content's checksum that the index is to keep: of what was put, or what the object had. */
static bool apply_crc(struct agent *a, const struct item *it, const struct transfer *t,
                      uint64_t *ret)
{
    const char *from = t->kind == TRANSFER_COPY && it->peer ? it->peer->key : it->key;
    struct index_entry e;

    if (t->kind == TRANSFER_PUT) {
        *ret = t->crc64;
        return true;
    }
    if (index_get(a->index, from, &e) || !(e.known.flags & KNOWN_CRC))
        return false;
    *ret = e.known.crc64;
    return true;
}

/* What the object carries now, as far as it is known. */
static uint32_t apply_mark(struct agent *a, const struct item *it, const struct transfer *t)
{
    const char *from = t->kind == TRANSFER_COPY && it->peer ? it->peer->key : it->key;
    uint32_t now = s3_attributes_mark(t->attributes);
    uint32_t before = s3_attributes_mark(t->source_attributes);
    struct index_entry e;

    if (t->kind == TRANSFER_PUT) /* one that was gone on with may have begun by other rules */
        return t->resumes ? S3_MARK_FOREIGN : now;
    if (index_get(a->index, from, &e))
        return S3_MARK_FOREIGN;
    if (t->kind == TRANSFER_META || before == now)
        return attributes_mark(&e.known);
    return attributes_mark(&e.known) == before ? now : S3_MARK_FOREIGN;
}

/* A copy keeps the metadata of its source: where the file's differ by now, the index must say what
 * the object has, and the path is looked at again. */
static void apply_copied_posix(struct agent *a, struct item *it, struct known *fresh)
{
    struct index_entry e;

    if (!it->peer || index_get(a->index, it->peer->key, &e))
        return;
    it->again |= fresh->mode != e.known.mode || fresh->uid != e.known.uid ||
                 fresh->gid != e.known.gid || fresh->mtime_ns != e.known.mtime_ns;
    fresh->mode = e.known.mode;
    fresh->uid = e.known.uid;
    fresh->gid = e.known.gid;
    fresh->mtime_ns = e.known.mtime_ns;
}

/* The transfer is done: the index learns what S3 has now. */
static void apply_landed(struct agent *a, struct item *it, const struct transfer *t)
{
    struct mapping *m = agent_mapping(a, it);
    char listed_at[AGENT_KEY_SIZE];
    struct known fresh;
    uint64_t crc = 0;
    bool has_crc = apply_crc(a, it, t, &crc), is_new = false;

    apply_journal(a, it, t, NULL);
    known_from(&it->seen, crc, t->etag, t->version, &fresh);
    attributes_note(&fresh, apply_mark(a, it, t));
    if (!has_crc)
        fresh.flags &= ~KNOWN_CRC;
    if (t->kind == TRANSFER_COPY)
        apply_copied_posix(a, it, &fresh);
    follow_landed(a, it, &fresh, listed_at);
    deletions_kept_is_back(a, m, it->key);
    if (index_put(a->index, it->key, &fresh, &is_new))
        agent_fail(a, -EIO, "writing the index");
    m->indexed += is_new;
    agent_dirty(a);
    a->crowd++;
    a->totals.puts += t->kind == TRANSFER_PUT;
    a->totals.bytes += t->kind == TRANSFER_PUT ? t->size : 0;
    a->totals.copies += t->kind != TRANSFER_PUT;
    a->totals.adds += it->change == CHANGE_ADD;
    a->totals.edits += it->change == CHANGE_EDIT;
    a->totals.metas += it->change == CHANGE_META;
    if (it->change == CHANGE_RENAME)
        rename_landed(a, it);
    troubles_passed(a, it, true);
    metrics_landed(a, it);
    if (!agent_is_list(a, it))
        a->landed_ms = a->now_ms;
    else if (!manifests_due(a, it))
        it->live = it->looked;
    it->tx = 0;
    it->change = CHANGE_NONE;
    it->relisted = false;
    it->departed = false;
    it->vacated = it->passed_on; /* what landed may have left while it was on its way */
    it->passed_on = false;
    it->failures = 0;
    item_blame(it, NULL);
    /* A copy within S3 reads no file: what was seen at its path may be gone since before it. */
    it->again |= (t->kind == TRANSFER_COPY && !(it->heard && sight_is_whole(a, m))) ||
                 (fresh.flags & KNOWN_MOVED) || sweep_missed(a, it);
    decide_done(a, it);
}

void apply_mark_uncertain(struct agent *a, const struct item *it)
{
    struct index_entry e;
    struct known k;
    bool is_new;

    if (index_get(a->index, it->key, &e) == 0) {
        k = e.known;
    } else {
        known_from(&it->seen, 0, "", "", &k);
        k.flags = KNOWN_ATTRIBUTES;
    }
    k.flags = (k.flags & ~KNOWN_LEAVING) | KNOWN_UNCERTAIN;
    if (index_put(a->index, it->key, &k, &is_new))
        agent_fail(a, -EIO, "writing the index");
    agent_mapping(a, it)->indexed += is_new;
    agent_dirty(a);
}

void apply_forget_key(struct agent *a, struct mapping *m, const char *key)
{
    bool was = false;

    if (m->held)
        (void)removals_hold_back(a, m, key);
    if (follow_lead_on(a, key) || index_remove(a->index, key, &was))
        agent_fail(a, -EIO, "writing the index");
    m->indexed -= was;
    if (m->absent)
        absent_set(a, m, key + m->prefix_len, 0);
    agent_dirty(a);
}

/* The words for a transfer that failed. */
static void apply_words(const struct transfer *t, char *out, size_t size)
{
    if (t->verdict == VERDICT_UNREADABLE)
        snprintf(out, size, "it cannot be read: %s", err_name(t->code));
    else
        snprintf(out, size, "%s: %s%s%s", verdict_name(t->verdict), t->s3_code,
                 t->s3_code[0] && t->message[0] ? ": " : "", t->message);
}

/* The transfer failed: by its verdict, look again, do it otherwise, or rest. */
static void apply_failed(struct agent *a, struct item *it, const struct transfer *t)
{
    bool copying = t->kind == TRANSFER_COPY;
    char why[ERR_TEXT_MAX];

    apply_words(t, why, sizeof why);
    apply_journal(a, it, t, why);
    if (it->change != CHANGE_RENAME)
        it->tx = 0;
    it->unreached = t->verdict == VERDICT_UNREACHED || t->verdict == VERDICT_DENIED;
    troubles_failed(a, it, trouble_of(t), t->kind, t->s3_code, t->message);
    if ((t->verdict == VERDICT_UNREACHED || t->unheard) && t->kind != TRANSFER_ABORT)
        apply_mark_uncertain(a, it);
    if (t->verdict == VERDICT_CHANGED) {
        it->hint_ms = a->now_ms;
        intake_resettle(a, it);
        if (t->written) /* the end of that is told by an event */
            pending_set(a->pending, it, ITEM_SETTLING, it->deadline_ms + WRITTEN_REST_MS);
    } else if ((t->verdict == VERDICT_ABSENT || t->verdict == VERDICT_CONFLICT) && copying) {
        it->copy = false; /* S3's source is not what we knew: put the file instead */
        intake_observe(a, it);
    } else if (t->kind == TRANSFER_META &&
               (t->verdict == VERDICT_ABSENT || t->verdict == VERDICT_CONFLICT)) {
        apply_mark_uncertain(a, it); /* the object is another or none: the file is put next */
        intake_observe(a, it);
    } else {
        decide_failed(a, it, why);
    }
}

/* Remember an upload in parts that was begun. */
static int begun_note(struct agent *a, const struct transfer *t)
{
    const struct item *it = t->owner;
    struct upload_known u = {.part_bytes = t->part_bytes,
                             .of_file = t->kind == TRANSFER_PUT,
                             .ino = it->seen.ino,
                             .size = it->seen.size,
                             .mtime_ns = it->seen.mtime_ns,
                             .ctime_ns = it->seen.ctime_ns};

    snprintf(u.key, sizeof u.key, "%s", t->key); /* keys of transfers fit */
    snprintf(u.id, sizeof u.id, "%s", t->upload_id);
    a->uncommitted++;
    return uploads_note(a->index, &u);
}

/* Uploads in parts that were begun, or may have been (`doubts`). Their ids are made durable before
 * their first parts go: after a crash they are gone on with, or aborted. */
static void apply_begun(struct agent *a, struct transfer *const *begun, size_t count, bool doubts)
{
    int rc = 0;

    if (!count && !doubts)
        return;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = begun_note(a, begun[i]);
    if (rc == 0)
        rc = agent_commit(a);
    if (rc == 0)
        rc = index_sync(a->index);
    if (rc)
        agent_fail(a, rc, "writing the index");
    for (size_t i = 0; i < count; i++) {
        if (rc || a->stopping) {
            transfer_free(begun[i]); /* the next start goes on with it, or aborts it */
            continue;
        }
        a->flying++;
        a->flying_large += is_large(begun[i]);
        uploaders_submit(a->uploaders, begun[i]);
    }
}

/* S3 does not have the upload in parts any more. */
static void apply_upload_over(struct agent *a, const struct transfer *t)
{
    if (uploads_forget(a->index, t->key))
        agent_fail(a, -EIO, "writing the index");
    agent_dirty(a);
}

/* An upload that was in the item's way was aborted: now its own transfer. That the old one is gone
 * is durable first: after a crash it would be taken for the new one (doubts_interrupted). */
static void apply_aborted(struct agent *a, struct item *it, const struct transfer *t)
{
    int rc;

    if (t->verdict != VERDICT_DONE) {
        apply_failed(a, it, t);
        return;
    }
    rc = agent_commit(a);
    if (rc == 0)
        rc = index_sync(a->index);
    if (rc)
        agent_fail(a, rc, "writing the index");
    if (!a->stopping && !a->fatal)
        apply_submit(a, it);
}

/* The outcome of an item's own transfer. */
static void apply_outcome(struct agent *a, struct transfer *t)
{
    if (t->resumes && t->parts_kept)
        log_info("%s: an upload in parts was gone on with: S3 had %u of its parts", t->key,
                 t->parts_kept);
    if (t->upload_over)
        apply_upload_over(a, t);
    else if (t->upload_id)
        orphans_left(a);
    if (((const struct item *)t->owner)->manifest)
        manifests_outcome(a, t->owner, t);
    else if (t->kind == TRANSFER_ABORT)
        apply_aborted(a, t->owner, t);
    else if (t->verdict == VERDICT_DONE)
        apply_landed(a, t->owner, t);
    else
        apply_failed(a, t->owner, t);
}

void apply_outcomes(struct agent *a)
{
    struct transfer *begun[AGENT_FLYING_MAX], *t;
    bool doubts = false;
    size_t count = 0;

    while (!a->fatal && count < AGENT_FLYING_MAX && (t = uploaders_next(a->uploaders))) {
        a->flying--;
        a->flying_large -= is_large(t);
        if (t->until_us && t->kind != TRANSFER_STRAYS) {
            doubts_note(a, t);
            doubts = true;
        }
        if (t->verdict == VERDICT_BEGUN) {
            begun[count++] = t;
            continue;
        }
        if (t->owner == &a->expiry)
            trash_expire_outcome(a, t);
        else if (t->kind == TRANSFER_DELETE || t->kind == TRANSFER_DELETE_MANY)
            deletions_outcome(a, t);
        else if (t->kind == TRANSFER_STRAYS)
            doubts_looked(a, t);
        else if (!t->owner)
            orphans_aborted(a, t);
        else if (((const struct item *)t->owner)->state == ITEM_DELETING)
            trash_outcome(a, t);
        else
            apply_outcome(a, t);
        transfer_free(t);
    }
    apply_begun(a, begun, count, doubts);
}
