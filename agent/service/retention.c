/* How long closed segments stay. Shell. See retention.h. */
#include "agent/service/retention.h"

#include "agent/service/agent.h"
#include "agent/service/anchors.h"
#include "agent/service/finder.h"
#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>

#define AGAIN_MS   60000 /* from one look to the next, while the oldest is too young */
#define SOON_MS    2000  /* while it waits for something else */
#define EACH_MOST  16    /* segments of one turn: the loop has other things to do */
#define FAILURE_MS 600000

/* Was it closed long enough ago? */
static bool is_old(const struct agent *a, const struct journal_oldest *o)
{
    return a->real_us - o->closed_us >= a->conf->journal.retention_ms * US_PER_MS;
}

/* Is it what it will be, is it in S3, and would nobody read it any more? */
static bool is_free(struct agent *a, const struct journal_oldest *o)
{
    return finder_is_done(a->finder, o->file) &&
           (!a->conf->journal.prefix || anchors_has(a, o->file)) &&
           recover_seq_from(a) > o->last_seq;
}

/* Remove the oldest segment, if it is due. 0, with how long to wait for the next look; or a
 * negative code. */
static int retire_oldest(struct agent *a, int64_t *ret_wait_ms)
{
    struct journal_oldest oldest;
    int rc = journal_oldest(a->journal, &oldest);

    *ret_wait_ms = 0;
    if (rc == -ENOENT || (rc == 0 && !is_old(a, &oldest)))
        *ret_wait_ms = AGAIN_MS;
    else if (rc == 0 && !is_free(a, &oldest))
        *ret_wait_ms = SOON_MS;
    if (*ret_wait_ms)
        return 0;
    a->uncommitted++; /* so that the index says from where a recovery reads */
    if (rc == 0 && agent_commit(a))
        rc = -EIO;
    if (rc == 0)
        rc = journal_retire(a->journal, &oldest, a->real_us);
    if (rc)
        return rc;
    log_info("journal: %s, which ends with record %" PRIu64 ", is removed by retention%s",
             oldest.file, oldest.last_seq, a->conf->journal.prefix ? "; S3 has it" : "");
    return 0;
}

void retention_step(struct agent *a)
{
    int64_t wait_ms = 0;
    int rc = 0;

    if (!a->conf->journal.retention_ms || !a->journal || a->options.dry_run || a->fatal ||
        a->now_ms < a->retention_due_ms)
        return;
    for (int i = 0; rc == 0 && wait_ms == 0 && i < EACH_MOST; i++)
        rc = retire_oldest(a, &wait_ms);
    a->retention_due_ms = a->now_ms + (rc ? FAILURE_MS : wait_ms);
    if (rc)
        log_warning("journal: its oldest segment cannot be removed: %s; tried again in %" PRId64
                    " s",
                    err_name(rc), (int64_t)(FAILURE_MS / MS_PER_S));
}

int64_t retention_deadline(const struct agent *a)
{
    return a->conf->journal.retention_ms && a->journal ? a->retention_due_ms : INT64_MAX;
}
