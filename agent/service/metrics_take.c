/* Shell. The figures of this moment, from all parts of the agent. */
#include "agent/service/metrics.h"

#include "agent/service/anchors.h"
#include "agent/service/room.h"
#include "agent/service/stale.h"
#include "base/clock.h"

#include <stdio.h>
#include <string.h>

/* What the watchers know of it. */
static void take_sight(struct agent *a, const struct mapping *m, struct metrics_mapping *ret)
{
    struct watch_stats stats;
    struct blindness blind;

    watchers_stats(a->watchers, m->id, &stats);
    blind = sight_blindness(a, m, &stats);
    ret->directories = stats.directories;
    ret->watches = stats.watches;
    ret->unwatched = stats.unwatched;
    ret->limited = stats.limited;
    ret->to_go = stats.to_go;
    ret->events = stats.events;
    ret->overflows = stats.overflows;
    ret->scans = stats.scans;
    ret->blind_ms = blind.blind_ms;
    ret->rescan_ms = blind.rescan_ms;
    if (blind.scanned)
        ret->scan_age_ms = blind.ended_ms;
}

/* One mapping. */
static void take_mapping(struct agent *a, const struct mapping *m, struct metrics_mapping *ret)
{
    uint64_t open = 0;

    snprintf(ret->name, sizeof ret->name, "%s", m->conf->name);
    snprintf(ret->file_system, sizeof ret->file_system, "%s", m->identity.fs_name);
    ret->is_lists = m->conf->kind == CONF_LISTS;
    ret->scanning = m->scanning;
    ret->reachable = !m->lost && !m->stuck;
    ret->incomplete = m->scan_code || m->incomplete_us;
    ret->blocked = m->gate.closed;
    ret->files = m->indexed;
    ret->bytes = m->tally.bytes;
    ret->held = m->held;
    ret->kept = m->kept;
    ret->drifted = m->drifted;
    ret->latency = a->meters->latency[m->id];
    ret->scan_age_ms = METRICS_NOT_KNOWN;
    for (int s = 0; s < ITEM_STATE_COUNT; s++) {
        ret->states[s] = pending_count_mapping(a->pending, m->id, (enum item_state)s);
        open += ret->states[s];
    }
    for (const struct item *it = pending_first(a->pending, m->id); it; it = it->mate_next)
        if (a->now_ms - it->since_ms > ret->oldest_ms)
            ret->oldest_ms = a->now_ms - it->since_ms;
    ret->in_step = !open && report_mapping_clear(m);
    if (a->watchers)
        take_sight(a, m, ret);
}

/* What was done since the start. */
static void take_totals(const struct agent *a, struct metrics *ret)
{
    ret->changes[CHANGE_ADD] = a->totals.adds;
    ret->changes[CHANGE_EDIT] = a->totals.edits;
    ret->changes[CHANGE_META] = a->totals.metas;
    ret->changes[CHANGE_RENAME] = a->totals.renames;
    ret->changes[CHANGE_REMOVE] = a->totals.removes;
    ret->lists_rewritten = a->totals.lists_rewritten;
    ret->rows_changed = a->totals.rows_changed;
    for (const struct stale_list *s = a->stale_lists; s; s = s->next)
        ret->lists_waiting++;
}

/* S3. */
static void take_s3(struct agent *a, struct metrics *ret)
{
    struct uploaders_flow flow;
    struct uploaders_keys keys;

    uploaders_counts(a->uploaders, &ret->s3);
    uploaders_flow(a->uploaders, &flow);
    uploaders_keys(a->uploaders, &keys);
    ret->in_flight = a->flying;
    ret->at_once = flow.at_once;
    ret->at_once_max = flow.at_once_max;
    ret->keys_failures = keys.failures;
    if (keys.expires_us)
        ret->keys_expire_us = keys.expires_us;
}

/* The journal, as far as its owner knows. */
static void take_journal(const struct agent *a, struct metrics *ret)
{
    struct journal_standing standing;
    struct journal_health health;
    struct anchors_standing anchors;

    journal_standing(a->journal, &standing);
    journal_health(a->journal, &health);
    ret->journal_records = journal_next_seq(a->journal) - 1;
    ret->journal_failovers = health.failovers;
    ret->journal_failed = health.failed;
    ret->no_room |= health.degraded;
    ret->signing_failed = health.signing != 0;
    if (standing.key)
        ret->unsigned_lines = standing.lines - standing.signed_lines;
    if (standing.key && standing.signed_us)
        ret->checkpoint_age_ms = (a->real_us - standing.signed_us) / US_PER_MS;
    if (!anchors_figures(a, &anchors))
        return;
    ret->anchored = true;
    ret->anchor_failures = anchors.failures;
    snprintf(ret->anchored_segment, sizeof ret->anchored_segment, "%s", anchors.segment);
}

/* What holds files up. */
static void take_troubles(const struct agent *a, struct metrics *ret)
{
    const struct trouble *t;
    size_t at = 0;

    while ((t = troubles_next(&a->troubles, &at)) && ret->trouble_count < TROUBLES_MAX)
        ret->troubles[ret->trouble_count++] = (struct metrics_trouble){
            .cause = trouble_kind_name(t->kind),
            .operation = t->operation,
            .mapping = t->mapping < ret->mapping_count ? ret->mappings[t->mapping].name : "",
            .open = t->open};
}

struct metrics *metrics_take(struct agent *a)
{
    const size_t mappings = a->mappings && a->pending ? a->mapping_count : 0;
    struct metrics *m = metrics_new(mappings);

    if (!m)
        return NULL;
    m->taken_us = a->real_us;
    m->started_us = a->real_us - (a->now_ms - a->started_ms) * US_PER_MS;
    m->paused = a->paused_us != 0;
    m->no_room = room_is_awaited(a);
    m->standing_by = a->aside && !m->no_room;
    m->watchers_stuck = a->pulse.missed;
    m->keys_expire_us = m->checkpoint_age_ms = METRICS_NOT_KNOWN;
    memcpy(m->failures, a->meters->failures, sizeof m->failures);
    for (size_t i = 0; i < mappings; i++)
        take_mapping(a, &a->mappings[i], &m->mappings[i]);
    take_totals(a, m);
    if (a->watchers)
        m->in_step = report_in_step(a);
    if (a->uploaders)
        take_s3(a, m);
    if (a->journal)
        take_journal(a, m);
    take_troubles(a, m);
    return m;
}
