/*
 * Shell. Uploads in parts that may have been begun without our hearing of it: an answer was lost,
 * or a crash came first. S3 is asked for them by their key and their time, and they are aborted.
 *
 * A key is asked for while it has no item: then each upload of ours that S3 has of it, from before
 * now, is one that nobody goes on with. What is begun while S3 is asked is of a later time, and is
 * not touched. In the trash there are no items: nothing may be on its way there.
 */
#include "agent/service/agent.h"
#include "agent/service/uploads.h"

#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DOUBTS_BATCH     32                     /* asked for at once */
#define DOUBTS_AGAIN_MS  (600 * MS_PER_S)       /* where keys are at work: at the latest */
#define DOUBTS_DENIED_MS (24 * 3600 * MS_PER_S) /* where S3 will not tell */

/* What a sweep found, as transfers that ask S3. */
struct doubts {
    struct agent *agent;
    struct transfer *found[DOUBTS_BATCH];
    size_t count;
    bool skipped;   /* some had an item */
    int64_t due_us; /* of those whose time has not come, the first; INT64_MAX: none */
};

void doubts_note(struct agent *a, const struct transfer *t)
{
    int rc = uploads_doubt(a->index, t->key, t->since_us, t->until_us);
    int64_t due_ms = a->now_ms + UPLOADS_SOON_US / US_PER_MS;

    if (rc)
        agent_fail(a, rc, "writing the index");
    agent_dirty(a);
    if (due_ms < a->doubts_ms)
        a->doubts_ms = due_ms;
}

/* uploads_each_doubt's callback: gather those whose time has come and whose keys are at rest. */
static int gather(void *arg, const struct upload_doubt *d)
{
    struct doubts *s = arg;
    int64_t due_us = uploads_look_due_us(d);
    struct transfer *t;

    if (due_us > s->agent->real_us || s->count == DOUBTS_BATCH) {
        s->due_us = due_us < s->due_us ? due_us : s->due_us;
        return 0;
    }
    if (pending_find(s->agent->pending, d->key)) {
        s->skipped = true;
        return 0;
    }
    t = transfer_new(TRANSFER_STRAYS, d->key);
    if (!t)
        return -ENOMEM;
    t->since_us = d->since_us;
    t->until_us = d->until_us + UPLOADS_LATE_US + UPLOADS_SOON_US;
    if (s->agent->real_us < t->until_us)
        t->until_us = s->agent->real_us;
    s->found[s->count++] = t;
    return 0;
}

/* When to look again; what is in flight says so by itself. */
static int64_t next_ms(const struct agent *a, const struct doubts *s)
{
    int64_t wait_ms;

    if (s->due_us == INT64_MAX && !s->skipped)
        return INT64_MAX;
    wait_ms = s->due_us <= a->real_us ? 0 : (s->due_us - a->real_us) / US_PER_MS + 1;
    return a->now_ms + (wait_ms < DOUBTS_AGAIN_MS ? wait_ms : DOUBTS_AGAIN_MS); /* clocks are set */
}

void doubts_sweep(struct agent *a)
{
    struct doubts s = {.agent = a, .due_us = INT64_MAX};
    bool due = a->now_ms >= a->doubts_ms || (a->doubts_skipped && report_in_step(a));
    int rc;

    if (!due || a->now_ms < a->doubts_rest_ms || a->options.dry_run || a->fatal || a->doubting ||
        a->trashing || !orphans_may_judge(a))
        return;
    rc = uploads_each_doubt(a->index, gather, &s);
    if (rc)
        agent_fail(a, rc, "reading the uploads in doubt");
    a->doubts_skipped = s.skipped;
    a->doubts_ms = next_ms(a, &s);
    for (size_t i = 0; i < s.count; i++) {
        a->flying++;
        a->doubting++;
        uploaders_submit(a->uploaders, s.found[i]);
    }
}

/* S3 does not tell: all rest for a while. Said once of those that were asked together. */
static void looked_not(struct agent *a, const struct transfer *t)
{
    bool for_good = t->verdict == VERDICT_DENIED || t->verdict == VERDICT_REFUSED;
    int64_t rest_ms = for_good ? DOUBTS_DENIED_MS
                               : order_backoff_ms(a->doubts_failures + 1, (uint64_t)a->real_us);

    if (!a->doubts_failed)
        log_warning("%s: S3 may have an upload in parts that nobody knows of, and cannot be asked "
                    "(%s): %s: %s %s; tried again in %" PRId64 " s",
                    t->key, trouble_operation(t->kind), verdict_name(t->verdict), t->s3_code,
                    t->message, rest_ms / MS_PER_S);
    a->doubts_failed = true;
    if (a->now_ms + rest_ms > a->doubts_rest_ms)
        a->doubts_rest_ms = a->now_ms + rest_ms;
}

void doubts_looked(struct agent *a, const struct transfer *t)
{
    a->doubting--;
    if (t->aborted)
        log_info("%s: uploads in parts that were begun without an answer, and aborted: %u", t->key,
                 t->aborted);
    if (t->verdict != VERDICT_DONE) {
        looked_not(a, t);
    } else {
        if (uploads_looked(a->index, t->key, t->until_us))
            agent_fail(a, -EIO, "writing the index");
        agent_dirty(a);
    }
    if (a->doubting)
        return;
    a->doubts_failures = a->doubts_failed ? a->doubts_failures + 1 : 0;
    a->doubts_failed = false;
    a->doubts_ms = a->now_ms; /* when is the next one due? */
}

int64_t doubts_deadline(const struct agent *a)
{
    int64_t due_ms = a->doubts_ms < a->doubts_rest_ms ? a->doubts_rest_ms : a->doubts_ms;

    return due_ms > a->now_ms ? due_ms : INT64_MAX;
}

int doubts_interrupted(struct agent *a, const char *key, const struct file_stat *st,
                       int64_t since_us)
{
    struct upload_known u;
    int rc;

    if (st->size < UPLOADERS_PARTS_FROM)
        return 0;
    rc = uploads_find(a->index, key, &u);
    if (rc == 0 && u.size == st->size && u.ino == st->ino && u.mtime_ns == st->mtime_ns)
        return 0; /* its beginning had its answer */
    return rc && rc != -ENOENT ? rc : uploads_doubt(a->index, key, since_us, a->real_us);
}
