/* Shell. Observed items become changes. */
#include "agent/service/agent.h"

#include "agent/service/birth.h"
#include "agent/service/follow.h"
#include "agent/service/publish.h"

#include "base/log.h"

#include <inttypes.h>
#include <string.h>

/* Through: S3 has what the disk has, or nothing is to be done. */
void decide_done(struct agent *a, struct item *it)
{
    if (it->again) {
        it->failures = 0;
        intake_resettle(a, it);
        return;
    }
    if (manifests_step(a, it))
        return;
    sighted_forget(a, it);
    pending_forget(a->pending, it);
}

void decide_failed(struct agent *a, struct item *it, const char *why)
{
    int64_t rest;

    it->failures++;
    rest =
        order_rest_ms(it->failures, a->now_ms - it->since_ms, (uint64_t)a->real_us ^ (uintptr_t)it);
    if (it->trouble)
        rest = order_spread_ms(rest, it->trouble->open);
    item_blame(it, why);
    a->totals.failures++;
    a->complaints += !it->trouble; /* that was told for all its like */
    if (it->trouble) {
        log_debug("%s: %s; tried again in %" PRId64 " s", it->key, why, rest / 1000);
    } else if (a->complained_ms == 0 || a->now_ms - a->complained_ms > 10000) {
        log_warning("%s: %s; tried again in %" PRId64 " s (%" PRIu64 " failures since the last "
                    "such line)",
                    it->key, why, rest / 1000, a->complaints);
        a->complained_ms = a->now_ms;
        a->complaints = 0;
    }
    if (it->again) /* what happened to it while it was busy comes first */
        intake_resettle(a, it);
    else
        pending_set(a->pending, it, ITEM_RETRY, a->now_ms + rest);
}

/* The name can never be a key: say so, in the journal too, and leave it. */
static void decide_refuse(struct agent *a, struct item *it, const struct err *e)
{
    struct journal_record rec = agent_record(a, it, JOURNAL_ADD, JOURNAL_FAILED);

    rec.why = e->what;
    if (!it->why || strcmp(it->why, e->what) != 0) {
        agent_journal(a, &rec);
        log_warning("%s: it cannot be an object's key: %s; rename it to have it in S3", it->key,
                    e->what);
    }
    item_blame(it, e->what);
    it->decided = true;
    pending_set(a->pending, it, ITEM_REFUSED, INT64_MAX);
}

/* Have the content read. */
static void decide_hash(struct agent *a, struct item *it)
{
    struct job *job = job_new(JOB_HASH);

    if (job)
        job->path = strdup(it->path);
    if (!job || !job->path) {
        job_free(job);
        agent_fail(a, -ENOMEM, "reading a file");
        return;
    }
    job->item = it;
    job->root_fd = agent_mapping(a, it)->root_fd;
    job->expected = it->seen;
    pending_set(a->pending, it, ITEM_HASHING, INT64_MAX);
    a->hashing++;
    work_submit(a->work, job);
}

void decide_hashed(struct agent *a, struct job *job)
{
    struct item *it = job->item;
    char why[ERR_TEXT_MAX];

    a->hashing--;
    if (it->again || job->code == ERR_CHANGED) {
        it->hint_ms = a->now_ms;
        intake_resettle(a, it);
        return;
    }
    if (job->code) {
        snprintf(why, sizeof why, "it cannot be read: %s", err_name(job->code));
        trouble_leave(it);
        decide_failed(a, it, why);
        return;
    }
    it->hashed = true;
    it->hash = job->hash;
    pending_set(a->pending, it, ITEM_OBSERVED, INT64_MAX);
    item_queue_push(&a->observed, it);
}

void decide_ready(struct agent *a, struct item *it, enum change_kind change)
{
    it->change = change;
    if (a->options.dry_run) {
        dry_change(a, it);
        if (!it->peer) {
            decide_done(a, it);
            return;
        }
        it->peer->copied = true;
        it->peer->peer = NULL;
        it->peer = NULL;
        decide_done(a, it);
        return;
    }
    if (agent_is_list(a, it)) {
        publish_check(a, it);
        return;
    }
    pending_set(a->pending, it, ITEM_READY, INT64_MAX);
    apply_enqueue(a, it);
}

/* The content is as S3 has it: the index learns the file's new inode, ctime. */
static void decide_refresh(struct agent *a, struct item *it, struct known *known)
{
    char listed_at[AGENT_KEY_SIZE];
    struct known fresh;

    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): S3 has it, so it is known */
    known_from(&it->seen, known->crc64, known->etag, known->version, &fresh);
    fresh.flags |= known->flags & (KNOWN_LISTED | KNOWN_ATTRIBUTES);
    fresh.moved_to = known->flags & KNOWN_LISTED ? known->moved_to : NULL;
    if (!a->options.dry_run) {
        if (known->flags & KNOWN_MOVED) /* it is back, and S3 has it here */
            follow_landed(a, it, &fresh, listed_at);
        deletions_kept_is_back(a, agent_mapping(a, it), it->key);
        if (index_put(a->index, it->key, &fresh, NULL))
            agent_fail(a, -EIO, "writing the index");
        agent_dirty(a);
    }
    /* What S3 has may be a list as it was before a rewrite that is not there yet: who saves that
     * again brings old rows back. */
    if (agent_is_list(a, it) && !a->options.dry_run)
        publish_check(a, it);
    else
        decide_done(a, it);
}

/* A path with nothing there (no regular file). */
static void decide_absent(struct agent *a, struct item *it, const struct known *known)
{
    int64_t settle_ms = agent_mapping(a, it)->conf->settle_ms;

    if (known && (known->flags & KNOWN_KEPT))
        known = NULL; /* that its object stays was decided before */
    if (it->peer)
        rename_abandon(a, it, "the new path is gone again");
    /* Unknown to S3, but people may have listed it: only what was never seen leaves no trace. */
    if (!known && !it->image && !it->was_there && !follow_has_at(a, it)) {
        follow_passed(a, it);
        rename_remember(a, it);
        decide_done(a, it);
        return;
    }
    if (known && (known->flags & KNOWN_MOVED) && !follow_has_at(a, it)) {
        rename_resume(a, it, known);
        return;
    }
    it->gone_wait = GONE_SETTLING;
    pending_set(a->pending, it, ITEM_GONE, a->now_ms + settle_ms + AGENT_PLAN_WAIT_MS);
}

/* A path with a regular file. */
static void decide_present(struct agent *a, struct item *it, struct known *known)
{
    /* The object of a file that was gone before says nothing of where this one comes from. */
    const struct known *here = known && !(known->flags & KNOWN_KEPT) ? known : NULL;
    struct err e = {0};
    enum rename_answer renamed;

    it->released = false;
    if (agent_mapping(a, it)->held && removals_hold_back(a, agent_mapping(a, it), it->key) && here)
        it->vacated |= (here->flags & KNOWN_MOVED) != 0;
    if (s3_check_key(it->key, &e)) {
        decide_refuse(a, it, &e);
        return;
    }
    if (it->seen.nlink > 1 && !a->options.dry_run)
        birth_shared(a, it);
    if (here && !(here->flags & KNOWN_MOVED))
        follow_home(a, it, here);
    else if (!here)
        follow_returned(a, it);
    renamed = rename_consider(a, it, here);
    if (renamed == RENAME_WAIT) {
        item_queue_push(&a->parked, it);
        return;
    }
    if (renamed == RENAME_WANT_HASH) {
        decide_hash(a, it);
        return;
    }
    if (renamed == RENAME_TAKEN)
        return;
    it->decided = true;
    if (rename_must_wait(a, it, here)) {
        item_queue_push(&a->parked, it);
        return;
    }
    if (!known)
        follow_new(a, it);
    switch (plan_path(&it->seen, known, it->hashed ? &it->hash : NULL)) {
    case PLAN_NOTHING:
    case PLAN_REMOVE:
        decide_done(a, it);
        break;
    case PLAN_REFRESH:
        decide_refresh(a, it, known);
        break;
    case PLAN_HASH:
        decide_hash(a, it);
        break;
    case PLAN_ADD:
        decide_ready(a, it, CHANGE_ADD);
        break;
    case PLAN_EDIT:
        decide_ready(a, it, CHANGE_EDIT);
        break;
    case PLAN_META:
        decide_ready(a, it, CHANGE_META);
        break;
    }
}

/* Plan one observed item. */
static void decide_one(struct agent *a, struct item *it)
{
    struct index_entry entry;
    int rc = index_get(a->index, it->key, &entry);

    it->manifest = ITEM_NO_MANIFEST;
    if (rc && rc != -ENOENT) {
        agent_fail(a, rc, "reading the index");
        return;
    }
    if (rc == 0 && it->seen.kind == FILE_REGULAR && plan_is_recovered(&it->seen, &entry.known)) {
        entry.known.born_ns = it->seen.born_ns;
        if (!a->options.dry_run && index_put(a->index, it->key, &entry.known, NULL)) {
            agent_fail(a, -EIO, "writing the index");
            return;
        }
        agent_dirty(a);
    }
    if (it->seen.kind != FILE_REGULAR)
        decide_absent(a, it, rc == 0 ? &entry.known : NULL);
    else
        decide_present(a, it, rc == 0 ? &entry.known : NULL);
}

void decide_observed(struct agent *a)
{
    size_t count;

    if (a->parked.count && a->now_ms - a->parked_ms >= AGENT_PLAN_WAIT_MS) {
        while (a->parked.first)
            item_queue_push(&a->observed, a->parked.first);
        a->parked_ms = a->now_ms;
    }
    count = a->observed.count;
    if (!count || (pending_count_state(a->pending, ITEM_OBSERVING) &&
                   a->now_ms - a->observed.first->observed_ms < AGENT_PLAN_WAIT_MS))
        return;
    while (count-- && a->observed.first && !a->fatal) {
        struct item *it = a->observed.first;

        item_queue_leave(it);
        decide_one(a, it);
    }
}
