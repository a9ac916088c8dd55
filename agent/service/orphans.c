/*
 * Shell. Uploads in parts that nobody goes on with are aborted: S3 keeps their parts, and bills
 * them, for ever.
 *
 * An upload of ours is an orphan if its mapping was scanned and its path has no item: whatever is
 * there now came to rest without it (the file is gone, was renamed, or is small now). Each has an
 * item while it is needed, so no age is waited for. Those of a mapping that left the configuration
 * are orphans too. Looked for once all is scanned, once a day, and again when what was on its way
 * has come to rest: what was found at work then, and what a transfer left behind since.
 */
#include "agent/service/agent.h"
#include "agent/service/uploads.h"

#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ORPHANS_MS       (24 * 3600 * MS_PER_S) /* between sweeps */
#define ORPHANS_AGAIN_MS (600 * MS_PER_S)       /* where some may still be gone on with */
#define ORPHANS_BATCH    64                     /* aborted at once */

/* What a sweep found, as transfers that abort it. */
struct orphans {
    struct agent *agent;
    struct transfer *found[ORPHANS_BATCH];
    size_t count;
    bool skipped; /* some had an item */
};

/* uploads_each's callback: gather those without an item. */
static int gather(void *arg, const struct upload_known *u)
{
    struct orphans *o = arg;
    struct transfer *t;

    if (o->count == ORPHANS_BATCH)
        return 1;
    if (pending_find(o->agent->pending, u->key)) {
        o->skipped = true;
        return 0;
    }
    t = transfer_new(TRANSFER_ABORT, u->key);
    if (t)
        t->upload_id = strdup(u->id);
    if (!t || !t->upload_id) {
        transfer_free(t);
        return -ENOMEM;
    }
    o->found[o->count++] = t;
    return 0;
}

bool orphans_may_judge(const struct agent *a)
{
    for (size_t i = 0; i < a->mapping_count; i++) {
        const struct mapping *m = &a->mappings[i];

        if (m->scanning || m->scan_code || m->lost || a->rest || sweep_pending(a, m->id))
            return false;
    }
    return true;
}

void orphans_sweep(struct agent *a)
{
    struct orphans o = {.agent = a};
    int rc;

    bool due = a->now_ms >= a->orphans_ms || (a->orphans_skipped && report_in_step(a));

    if (!due || a->options.dry_run || a->fatal || a->aborting || !orphans_may_judge(a))
        return;
    rc = uploads_each(a->index, gather, &o);
    if (rc < 0) {
        agent_fail(a, rc, "reading the uploads in parts");
        return;
    }
    a->orphans_skipped = o.skipped;
    a->orphans_full = rc == 1;
    a->orphans_ms = a->now_ms + (o.skipped ? ORPHANS_AGAIN_MS : ORPHANS_MS);
    for (size_t i = 0; i < o.count; i++) {
        a->flying++;
        a->aborting++;
        uploaders_submit(a->uploaders, o.found[i]);
    }
}

void orphans_left(struct agent *a)
{
    a->orphans_skipped = true; /* until all is in step, or has not been for long */
    if (a->now_ms + ORPHANS_AGAIN_MS < a->orphans_ms)
        a->orphans_ms = a->now_ms + ORPHANS_AGAIN_MS;
}

int64_t orphans_deadline(const struct agent *a)
{
    return a->orphans_ms > a->now_ms ? a->orphans_ms : INT64_MAX;
}

/* One could not be aborted: all are tried again after a while. */
static void aborted_not(struct agent *a, const struct transfer *t)
{
    int64_t rest_ms = order_backoff_ms(++a->orphans_failures, (uint64_t)a->real_us);

    if (a->now_ms + rest_ms < a->orphans_ms)
        a->orphans_ms = a->now_ms + rest_ms;
    log_warning("%s: an upload in parts could not be aborted: %s: %s %s; tried again in %" PRId64
                " s",
                t->key, verdict_name(t->verdict), t->s3_code, t->message,
                (a->orphans_ms - a->now_ms) / MS_PER_S);
}

void orphans_aborted(struct agent *a, const struct transfer *t)
{
    struct upload_known u;

    a->aborting--;
    if (t->verdict == VERDICT_DONE) {
        a->orphans_failures = 0;
        log_info("%s: an upload in parts that nothing came of was aborted", t->key);
        /* Meanwhile another may have been begun. */
        if (uploads_find(a->index, t->key, &u) == 0 && strcmp(u.id, t->upload_id) == 0) {
            if (uploads_forget(a->index, t->key))
                agent_fail(a, -EIO, "writing the index");
            agent_dirty(a);
        }
    } else {
        aborted_not(a, t);
    }
    if (!a->aborting && a->orphans_full && t->verdict == VERDICT_DONE)
        a->orphans_ms = a->now_ms; /* there may be more */
}
