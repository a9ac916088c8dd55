/* Shell. Gone paths and the guard. What it holds is in holds.c; what the lists have let go goes on
 * in deletions.c. */
#include "agent/service/agent.h"
#include "agent/service/follow.h"
#include "agent/service/gone.h"
#include "agent/service/holds.h"
#include "agent/service/marker.h"

#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define GONE_AGAIN_MS 250 /* a gone path that may still be explained is considered again */

void removals_queue(struct agent *a, struct item *it)
{
    item_queue_push(&a->relist, it);
    relist_wanted(a);
}

bool removals_under_way(const struct agent *a)
{
    if (!pending_count_state(a->pending, ITEM_GONE))
        return false;
    for (unsigned m = 0; m < a->mapping_count; m++)
        for (const struct item *it = pending_first(a->pending, m); it; it = it->mate_next)
            if (it->state == ITEM_GONE &&
                (it->deadline_ms != INT64_MAX || !gone_is_out_of_sight(&a->mappings[m], it)))
                return true;
    return false;
}

/* It leaves by itself, soon: no scan has to end before, and nobody has to release it. */
static bool is_about_to_leave(const struct item *it)
{
    return it->leaving &&
           (it->state == ITEM_SETTLING || it->state == ITEM_OBSERVING ||
            it->state == ITEM_OBSERVED || (it->state == ITEM_GONE && it->deadline_ms != INT64_MAX));
}

bool removals_to_come(struct agent *a, const struct mapping *m)
{
    for (const struct item *it = pending_first(a->pending, m->id); it; it = it->mate_next)
        if (is_about_to_leave(it) && deletions_has_object(a, it->key))
            return true;
    return false;
}

void removals_all_seen(struct agent *a, struct mapping *m)
{
    for (struct item *it = pending_first(a->pending, m->id); it; it = it->mate_next)
        if (it->state == ITEM_GONE && it->deadline_ms == INT64_MAX)
            pending_set(a->pending, it, ITEM_GONE, a->now_ms + GONE_AGAIN_MS);
}

void removals_scanned(struct agent *a, struct mapping *m)
{
    m->confirming = false;
    removals_all_seen(a, m);
}

/* When the look at all names that a gone path waits for is asked about next: it is asked for where
 * the next one would come too late, but not so often that we would do little else. */
static int64_t ask_for_names(struct agent *a, struct mapping *m)
{
    int64_t ask_ms = gone_names_ms(a, m);

    if (!m->lost && a->now_ms < ask_ms && !a->options.once)
        return ask_ms;
    if (!m->lost && !m->confirming && watchers_glance(a->watchers, m->id))
        agent_fail(a, -ENOMEM, "asking for a look at all names");
    m->confirming = !m->lost;
    return INT64_MAX;
}

/* Nothing explains it any more: its rows are to leave the lists. */
static void removals_begin(struct agent *a, struct item *it)
{
    struct index_entry e;

    /* The remains of an interrupted transfer are only cleaned up: no removal to guard. */
    if (index_get(a->index, it->key, &e) == 0 && (e.known.flags & KNOWN_UNCERTAIN) &&
        !e.known.etag[0])
        it->released = true;
    it->change = CHANGE_REMOVE;
    pending_set(a->pending, it, ITEM_LISTING, INT64_MAX);
    removals_queue(a, it);
}

void removals_gone_due(struct agent *a, struct item *it)
{
    struct mapping *m = agent_mapping(a, it);

    it->gone_wait = gone_explained(a, m, it);
    if (it->state != ITEM_GONE)
        return; /* what was there may be back: it is looked at again */
    if (it->gone_wait == GONE_NOT && sweep_covers(a, it))
        it->gone_wait = GONE_PLACES;
    switch (it->gone_wait) {
    case GONE_NOT:
        removals_begin(a, it);
        break;
    case GONE_SCAN:
    case GONE_SIGHT:
    case GONE_MARKER:
        pending_set(a->pending, it, ITEM_GONE, INT64_MAX);
        break;
    case GONE_NAMES:
        pending_set(a->pending, it, ITEM_GONE, ask_for_names(a, m));
        break;
    case GONE_CLAIM:
    case GONE_WAY:
    case GONE_EVENTS:
    case GONE_PLACES:
        pending_set(a->pending, it, ITEM_GONE, a->now_ms + GONE_AGAIN_MS);
        break;
    case GONE_SETTLING:
    case GONE_WAIT_COUNT:
        break;
    }
}

/* The guard's question about the removals of one mapping that wait in `queue`. */
static struct guard_question guard_question(struct agent *a, struct mapping *m,
                                            const struct item_queue *queue)
{
    struct guard_question q = {
        .recent = guard_recent_count(&m->recent, GUARD_WINDOW_MS, a->now_ms),
        .hourly = guard_recent_count(&m->hourly, GUARD_HOUR_MS, a->real_us / US_PER_MS),
        .held = m->held > m->named ? m->held - m->named : 0,
        .indexed = m->indexed,
        .root_lost = m->lost,
        .root_changed = m->changed,
        .marker = marker_verdict(m)};

    for (const struct item *it = queue->first; it; it = it->next) {
        if (it->mapping != m->id || it->state != ITEM_LISTING || it->released)
            continue;
        q.removals++;
        q.objects += deletions_has_object(a, it->key);
    }
    return q;
}

void removals_guard(struct agent *a, struct mapping *m)
{
    struct guard_limits limits = {.max_removals = m->conf->max_removals,
                                  .max_percent = m->conf->max_removal_percent,
                                  .max_hourly = m->conf->max_removals_hourly};
    const uint64_t held = m->held;
    struct guard_question q;
    enum guard_verdict v;

    q = guard_question(a, m, &a->relist);
    if (!q.removals)
        return;
    v = guard_ask(&limits, &q);
    if (v == GUARD_PASS) {
        guard_passed(&m->recent, GUARD_WINDOW_MS, q.removals, a->now_ms);
        holds_passed(a, m, q.removals);
        return;
    }
    if (v != GUARD_HELD)
        guard_words(v, &limits, &q, m->hold_why, sizeof m->hold_why);
    for (struct item *it = a->relist.first, *next; it; it = next) {
        next = it->next;
        if (it->mapping != m->id || it->state != ITEM_LISTING || it->released)
            continue;
        if (!a->options.dry_run)
            follow_held(a, it);
        holds_take(a, m, it);
    }
    if (a->options.dry_run)
        dry_held(a, m, q.removals);
    else if (m->held > held || !m->hold_told) /* else a list that waits had them looked at again */
        holds_tell(a, m, q.removals);
}

void removals_to_barrier(struct agent *a, struct item *it)
{
    struct mapping *m = agent_mapping(a, it);

    /* What landed since the pass began may have come over an image whose rows it took there. */
    if (it->change == CHANGE_RENAME && follow_emptied(a, it)) {
        it->relisted = false;
        removals_queue(a, it);
        return;
    }
    pending_set(a->pending, it, ITEM_BARRIER, INT64_MAX);
    item_queue_push(it->again ? &a->leaving : &a->barrier, it);
    if (it->barrier < m->barrier_least)
        m->barrier_least = it->barrier;
}

/* A file that went before it came to S3: its rows have left the lists, there is no object. */
void removals_unlisted(struct agent *a, struct item *it)
{
    struct journal_record rec = agent_record(a, it, JOURNAL_REMOVE, JOURNAL_DONE);

    agent_journal(a, &rec);
    it->tx = 0;
    it->was_there = false;
    free(it->image);
    it->image = NULL;
    decide_done(a, it);
}

void removals_aborted(struct agent *a, struct item *it, const char *why)
{
    struct journal_record rec = agent_record(a, it, JOURNAL_REMOVE, JOURNAL_ABORT);

    rec.why = why;
    if (it->tx)
        agent_journal(a, &rec);
    it->tx = 0;
}

void removals_called_off(struct agent *a, struct item *it)
{
    if (it->change == CHANGE_RENAME)
        rename_through(a, it);
    else
        removals_aborted(a, it, "the path changed again before its object was deleted");
    it->tx = 0;
    it->released = false;
    it->inquired = false;
    it->relisted = false;
    it->copied = false; /* what may be renamed from here next has not landed yet */
    intake_resettle(a, it);
}

void removals_recall(struct agent *a, struct item *it)
{
    if (it->queue == &a->relist && (it->state == ITEM_LISTING || it->copied))
        removals_called_off(a, it);
}
