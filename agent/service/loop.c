/* Shell. The loop: what one turn does, and what wakes it. */
#include "agent/service/agent.h"

#include "agent/core/ways.h"
#include "agent/service/anchors.h"
#include "agent/service/departed.h"
#include "agent/service/events.h"
#include "agent/service/finder.h"
#include "agent/service/list_holds.h"
#include "agent/service/listed.h"
#include "agent/service/mentioned.h"
#include "agent/service/publish.h"
#include "agent/service/pulse.h"
#include "agent/service/reload.h"
#include "agent/service/retention.h"
#include "agent/service/stale.h"
#include "agent/service/undo.h"
#include "agent/service/wait.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/replace.h"

#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define TURN_BUSY_MS 50
#define DAY_US       (24 * 3600 * US_PER_S)
#define STOP_WAIT_MS 10000 /* transfers under way may end within this when the agent is stopped */

/* Letters from the threads that read and rewrite files. */
static void turn_work(struct agent *a)
{
    struct job *job;

    while (!a->fatal && (job = work_next(a->work))) {
        switch (job->kind) {
        case JOB_HASH:
            decide_hashed(a, job);
            break;
        case JOB_CHECK:
            publish_checked(a, job);
            break;
        case JOB_NAMED:
            list_holds_answered(a, job);
            break;
        case JOB_MANIFEST:
            manifests_made(a, job);
            break;
        case JOB_PASS:
            relist_passed(a, job);
            break;
        case JOB_ASK_INTENT:
            relist_ask(a, job);
            continue; /* the thread's again */
        case JOB_TELL_END:
            relist_ended(a, job);
            break;
        case JOB_TELL_NAMES:
            relist_noted(a, job);
            break;
        }
        job_free(job);
    }
}

/* Since when is there nothing that lists could still wait for? 0: there is. No image is under way
 * any more or, of more of them, none that rows name already. */
static int64_t turn_landed_ms(struct agent *a)
{
    int64_t followed_ms = a->followed_ms;

    if (!a->ready.count && !a->ready_large.count && !a->flying)
        return a->landed_ms;
    if (!followed_ms || pending_count_state(a->pending, ITEM_CHECKING))
        return 0; /* all items are not walked at every turn */
    a->followed_ms = 0;
    return followed_ms;
}

/* Lists that wait for images are looked at as soon as they may have come. */
static void turn_wake_lists(struct agent *a)
{
    int64_t landed_ms;

    if (!pending_count_state(a->pending, ITEM_WAITING) || (landed_ms = turn_landed_ms(a)) == 0)
        return;
    for (unsigned m = 0; m < a->mapping_count; m++)
        for (struct item *it = pending_first(a->pending, m); it; it = it->mate_next)
            if (it->state == ITEM_WAITING && it->checked_ms <= landed_ms &&
                !publish_is_early(a, it))
                intake_observe(a, it);
}

/* Is a whole scan under way? Its end is a hint. */
static bool turn_scanning(const struct agent *a)
{
    for (size_t i = 0; i < a->mapping_count; i++)
        if (a->mappings[i].scanning)
            return true;
    return false;
}

/* The states in which an item goes on by itself, soon. */
static bool turn_active(const struct agent *a)
{
    static const enum item_state active[] = {ITEM_SETTLING, ITEM_OBSERVING, ITEM_OBSERVED,
                                             ITEM_HASHING,  ITEM_CHECKING,  ITEM_READY,
                                             ITEM_FLYING,   ITEM_LISTING,   ITEM_DELETING};

    for (size_t i = 0; i < sizeof active / sizeof *active; i++)
        if (pending_count_state(a->pending, active[i]))
            return true;
    return removals_under_way(a) || turn_scanning(a) || intake_busy(a) || a->sweeps || a->flying ||
           a->pass_running || a->relist.count || follow_pending(a);
}

/* With --once: is there nothing left that may still succeed? */
static bool turn_once_done(struct agent *a)
{
    if (turn_active(a))
        return false;
    for (const struct stale_list *s = a->stale_lists; s; s = s->next)
        if (s->failures < AGENT_ONCE_TRIES)
            return false;
    for (unsigned m = 0; m < a->mapping_count; m++)
        for (const struct item *it = pending_first(a->pending, m); it; it = it->mate_next)
            if ((it->state == ITEM_RETRY && it->failures < AGENT_ONCE_TRIES) ||
                (it->state == ITEM_WAITING && it->checked_ms <= a->landed_ms))
                return false;
    return true;
}

#define CROWD 2000 /* items and names whose memory is worth the time to give it back */

/* The memory that many items and listings took is the system's again: the allocator would keep it.
 */
static void turn_give_back(struct agent *a)
{
    if (a->crowd < CROWD || a->options.once)
        return;           /* it goes on counting */
    (void)malloc_trim(0); /* whether it found any */
    a->crowd = 0;
}

/* Say once, in log and journal, that everything known is in S3. */
static void turn_idle(struct agent *a)
{
    struct journal_record rec = {.op = JOURNAL_IDLE, .state = JOURNAL_NOTE};
    bool idle = report_in_step(a);

    if (pending_count(a->pending) > a->crowd)
        a->crowd = pending_count(a->pending);
    if (idle && !a->idle && !a->options.dry_run) {
        follow_close(a);
        idle = report_in_step(a);
    }
    if (idle == a->idle || a->options.dry_run)
        return;
    if (a->idle)
        a->in_step_us = a->real_us;
    a->idle = idle;
    a->idle_us = a->real_us;
    if (!idle)
        return;
    ways_clear(a->ways);
    agent_journal(a, &rec);
    a->uncommitted++; /* so that the journal is synced too */
    if (agent_commit(a))
        agent_fail(a, -EIO, "writing the index");
    event_tell(EVENT_IN_STEP, NULL, NULL,
               "in step (since the start: %" PRIu64 " adds, %" PRIu64 " edits, %" PRIu64
               " metadata changes, %" PRIu64 " renames, %" PRIu64 " removals, %" PRIu64
               " lists rewritten)",
               a->totals.adds, a->totals.edits, a->totals.metas, a->totals.renames,
               a->totals.removes, a->totals.lists_rewritten);
    pulse_status(a);
    turn_give_back(a);
}

/* Undo texts live as long as the journal's records of them. Where the journal's beginning was taken
 * away, those that are older by a day than what is left are named by no record. */
static void turn_undo(const struct agent *a)
{
    struct journal_reader *reader = NULL;
    struct journal_record first;
    enum journal_read got;
    struct err e = {0};

    if (journal_reader_open(a->conf->journal_dir, 0, &reader, &e))
        return; /* it is looked at again */
    got = journal_read(reader, &first, NULL, &e);
    if (got == JOURNAL_READ_ERROR && e.code == ERR_CORRUPT)
        got = journal_read(reader, &first, NULL, &e); /* that was the gap before it */
    if (got == JOURNAL_READ_RECORD && first.seq > 1 &&
        undo_expire(a->undo_dir, first.time_us - DAY_US))
        log_warning("%s: undo texts that no record names any more cannot be removed", a->undo_dir);
    journal_reader_close(reader);
}

/* Temporary files of an agent that was killed go. */
static void turn_leftovers(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return; /* there is none yet */
    if (replace_sweep(fd))
        log_warning("%s: temporary files that were left there cannot be removed", dir);
    (void)close(fd); /* read only */
}

#define EXPIRE_MS   3600000 /* between sweeps of what the index remembers for a while */
#define DEPARTED_MS 1000    /* between the pieces of that of paths that rows left */

/* Forget some of the paths that rows left: there may be millions. */
static void turn_expire_departed(struct agent *a)
{
    bool some = false;

    if (a->now_ms < a->departed.due_ms)
        return;
    a->departed.due_ms = a->now_ms + DEPARTED_MS;
    if (departed_expire(a->index, a->real_us / US_PER_S, &a->departed, &some))
        agent_fail(a, -EIO, "writing the index");
    if (some)
        agent_dirty(a);
}

/* Forget what is too old to matter. */
static void turn_expire(struct agent *a)
{
    rename_expire(a);
    if (a->options.dry_run)
        return;
    turn_expire_departed(a);
    if (a->now_ms < a->expire_ms)
        return;
    a->expire_ms = a->now_ms + EXPIRE_MS;
    if (mentioned_expire(a->index))
        agent_fail(a, -EIO, "writing the index");
    turn_undo(a);
    turn_leftovers(a->conf->journal_dir);
    turn_leftovers(a->undo_dir);
}

/* The journal goes on where it cannot be signed, so that is said. */
static void turn_signing(struct agent *a)
{
    struct journal_health health;

    journal_health(a->journal, &health);
    if (health.signing != a->signing && health.signing)
        event_tell(EVENT_NOT_SIGNED, NULL, NULL,
                   "journal: a checkpoint cannot be written: %s; it is tried again",
                   err_name(health.signing));
    else if (health.signing != a->signing)
        log_info("journal: checkpoints are written again");
    a->signing = health.signing;
}

/* When is the next transfer due that only time asks for? */
static int64_t turn_transfers_deadline(struct agent *a)
{
    int64_t due = trash_expire_deadline(a), other = orphans_deadline(a);

    due = other < due ? other : due;
    other = doubts_deadline(a);
    due = other < due ? other : due;
    other = anchors_deadline(a);
    due = other < due ? other : due;
    other = retention_deadline(a);
    due = other < due ? other : due;
    other = troubles_deadline(a);
    return other < due ? other : due;
}

/* When must the loop wake without a letter? Milliseconds, monotonic. */
static int64_t turn_deadline(struct agent *a)
{
    int64_t due = pending_deadline(a->pending), other = relist_deadline(a);

    due = other < due ? other : due;
    other = stale_deadline(a);
    due = other < due ? other : due;
    other = takeover_deadline(a);
    due = other < due ? other : due;
    other = wait_deadline(a);
    due = other < due ? other : due;
    other = intake_deadline(a);
    due = other < due ? other : due;
    if (!a->paused_us) {
        other = turn_transfers_deadline(a);
        due = other < due ? other : due;
    }
    if ((a->observed.count || a->parked.count) && a->now_ms + AGENT_PLAN_WAIT_MS < due)
        due = a->now_ms + AGENT_PLAN_WAIT_MS;
    if ((!pending_count(a->pending) || a->sweeps) && due > a->now_ms + TURN_BUSY_MS &&
        !turn_scanning(a) && watchers_busy(a->watchers))
        due = a->now_ms + TURN_BUSY_MS; /* being in step is said when they are through */
    if (a->commit_due_ms && a->commit_due_ms < due)
        due = a->commit_due_ms;
    if (a->limits_ms < due)
        due = a->limits_ms;
    if (a->journal) {
        other = journal_deadline_ms(a->journal, a->real_us);
        if (other >= 0 && a->now_ms + other < due)
            due = a->now_ms + other;
    }
    return due;
}

/* Set the one timer. */
static void turn_timer(struct agent *a)
{
    int64_t due = turn_deadline(a);
    int rc;

    if (due == INT64_MAX) {
        rc = sd_event_source_set_enabled(a->timer, SD_EVENT_OFF);
    } else {
        if (due < a->now_ms)
            due = a->now_ms;
        rc = sd_event_source_set_time(a->timer, (uint64_t)(due * US_PER_MS));
        if (rc >= 0)
            rc = sd_event_source_set_enabled(a->timer, SD_EVENT_ONESHOT);
    }
    if (rc < 0)
        agent_fail(a, rc, "setting the timer");
}

/* Transfers that can begin now. */
static void turn_transfers(struct agent *a)
{
    deletions_step(a);
    apply_ready(a);
    orphans_sweep(a);
    doubts_sweep(a);
    trash_expire(a);
}

/* Whatever made the journal durable in this turn took the answer that would have woken the loop. */
static void turn_synced(struct agent *a)
{
    if (apply_synced(a) && !a->stopping && !a->paused_us)
        apply_ready(a);
}

/* Where an image is, and whose rows are whose, may have changed by what events told: the journal
 * knows of that only what was begun with S3. So while names change the index has it by the end of
 * the turn, unless commits take too long for that. */
static void names_change(struct agent *a)
{
    int64_t due_ms = a->commit_us / 1000 + 1;
    bool any = false;

    for (size_t i = 0; i < a->mapping_count && !a->options.dry_run; i++) {
        const struct mapping *m = &a->mappings[i];
        bool changed = m->rows && m->rows_kept != rows_changes(m->rows);

        if (changed && !a->uncommitted)
            agent_dirty(a);
        any |= changed || (m->rows && rows_any(m->rows));
    }
    if (any && a->uncommitted && due_ms < a->commit_due_ms)
        a->commit_due_ms = due_ms;
}

static void turn_commit(struct agent *a)
{
    names_change(a);
    if ((a->commit_due_ms && a->now_ms >= a->commit_due_ms) || a->uncommitted >= AGENT_COMMIT_COUNT)
        if (agent_commit(a))
            agent_fail(a, -EIO, "writing the index");
}

/* Everything that can be done now. */
static void turn(struct agent *a)
{
    agent_now(a);
    limits_tick(a);
    intake_hints(a);
    if (a->uploaders)
        apply_outcomes(a);
    (void)apply_synced(a); /* others begin below */
    turn_work(a);
    intake_due(a);
    watchers_look(a->watchers); /* while the rest is done */
    listed_step(a);
    sweep_step(a);
    decide_observed(a);
    if (!a->stopping) {
        stale_retry(a);
        relist_pass(a);
        if (!a->paused_us)
            turn_transfers(a);
        turn_wake_lists(a);
    }
    troubles_tick(a);
    turn_expire(a);
    if (a->journal && !a->fatal && journal_tick(a->journal, a->real_us))
        agent_fail(a, -EIO, "writing the journal");
    if (a->journal)
        turn_signing(a);
    if (a->journal)
        finder_step(a->finder, a->journal, a->flying > 0, a->now_ms);
    anchors_outcomes(a);
    if (!a->stopping && !a->paused_us)
        anchors_step(a);
    if (!a->stopping)
        retention_step(a);
    watchers_look(a->watchers);
    turn_commit(a);
    turn_synced(a);
    if (a->fatal)
        return;
    turn_idle(a);
    wait_turn(a);
    takeover_turn(a);
    if ((a->options.once && turn_once_done(a)) || (a->stopping && !a->flying))
        (void)sd_event_exit(a->event, 0);
    turn_timer(a);
}

/* The sources only wake the turn, which runs after all of them. */
static int on_ready(sd_event_source *s, int fd, uint32_t events, void *arg)
{
    (void)s;
    (void)fd;
    (void)events;
    (void)arg;
    return 0;
}

static int on_timer(sd_event_source *s, uint64_t usec, void *arg)
{
    (void)s;
    (void)usec;
    (void)arg;
    return 0;
}

static int on_turn(sd_event_source *s, void *arg)
{
    (void)s;
    turn(arg);
    return 0;
}

static int on_stop_late(sd_event_source *s, uint64_t usec, void *arg)
{
    struct agent *a = arg;

    (void)usec;
    log_warning("%zu transfers did not end in time; they are taken up at the next start",
                a->flying);
    return sd_event_exit(sd_event_source_get_event(s), 0);
}

int loop_stop(struct agent *a)
{
    a->stopping = true;
    return sd_event_add_time_relative(a->event, NULL, CLOCK_MONOTONIC,
                                      STOP_WAIT_MS * (uint64_t)US_PER_MS, 0, on_stop_late, a);
}

static int on_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *arg)
{
    struct agent *a = arg;
    const bool anew = a->takeover.ending;

    (void)s;
    takeover_drop(a, "the agent ends");
    if (a->stopping && !anew)
        return sd_event_exit(a->event, 0);
    log_info("stopping on signal %" PRIu32 "; %zu transfers are let end", si->ssi_signo, a->flying);
    (void)sd_notify(0, "STOPPING=1"); /* nobody listens outside of systemd */
    return anew ? 0 : loop_stop(a);
}

/* SIGHUP: the configuration may have changed. Who has none to take over ends, as everywhere. */
static int on_hangup(sd_event_source *s, const struct signalfd_siginfo *si, void *arg)
{
    struct agent *a = arg;

    if (!a->options.reloads)
        return on_signal(s, si, arg);
    agent_now(a);
    reload_logged(a);
    return 0;
}

/* The journal's fdatasyncs are done by a thread, whose answers wake the turn. */
static int loop_journal(struct agent *a)
{
    int fd, rc = journal_sync_apart(a->journal, &fd);

    return rc ? rc : sd_event_add_io(a->event, NULL, fd, EPOLLIN, on_ready, a);
}

int loop_sources(struct agent *a)
{
    int rc = sd_event_add_io(a->event, NULL, watchers_fd(a->watchers), EPOLLIN, on_ready, a);

    if (rc >= 0 && a->uploaders)
        rc = sd_event_add_io(a->event, NULL, uploaders_fd(a->uploaders), EPOLLIN, on_ready, a);
    if (rc >= 0 && a->anchors)
        rc = sd_event_add_io(a->event, NULL, anchors_fd(a), EPOLLIN, on_ready, a);
    if (rc >= 0 && a->journal)
        rc = loop_journal(a);
    if (rc >= 0 && a->finder)
        rc = sd_event_add_io(a->event, NULL, finder_fd(a->finder), EPOLLIN, on_ready, a);
    if (rc >= 0)
        rc = sd_event_add_io(a->event, NULL, work_fd(a->work), EPOLLIN, on_ready, a);
    if (rc >= 0)
        rc = sd_event_add_time_relative(a->event, &a->timer, CLOCK_MONOTONIC, 0, US_PER_MS,
                                        on_timer, a);
    if (rc >= 0)
        rc = sd_event_add_post(a->event, NULL, on_turn, a);
    if (rc >= 0)
        rc = sd_event_add_signal(a->event, NULL, SIGTERM, on_signal, a);
    if (rc >= 0)
        rc = sd_event_add_signal(a->event, NULL, SIGINT, on_signal, a);
    if (rc >= 0)
        rc = sd_event_add_signal(a->event, NULL, SIGHUP, on_hangup, a);
    if (rc >= 0)
        rc = pulse_begin(a);
    return rc < 0 ? rc : 0;
}
