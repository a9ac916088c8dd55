/* Shell. What the watchers do not see: after events were lost, and where watches are short. */
#include "agent/service/agent.h"
#include "agent/service/events.h"

#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>

/* Events were lost: said once until all is seen again. */
static void sight_lost(struct agent *a, struct mapping *m)
{
    struct journal_record rec = {.op = JOURNAL_OVERFLOW,
                                 .state = JOURNAL_NOTE,
                                 .mapping = m->conf->name,
                                 .why = "events were lost; the tree is scanned again"};

    m->scanning = true;
    rename_told_nothing(a);
    m->blind_ms = a->now_ms;
    if (m->incomplete_us)
        return;
    m->incomplete_us = a->real_us;
    event_tell(EVENT_EVENTS_LOST, m->conf->name, NULL,
               "%s: events were lost; scanning the tree again", m->conf->name);
    agent_journal(a, &rec);
}

/* Everything was looked at since. */
static void sight_whole(struct agent *a, struct mapping *m, int code)
{
    struct watch_stats stats;
    char why[ERR_TEXT_MAX];
    struct journal_record rec = {
        .op = JOURNAL_OVERFLOW, .state = JOURNAL_DONE, .mapping = m->conf->name, .why = why};

    watchers_stats(a->watchers, m->id, &stats);
    rec.count = stats.overflows;
    if (m->incomplete_us && a->real_us > m->incomplete_us)
        rec.duration_ms = (uint64_t)((a->real_us - m->incomplete_us) / US_PER_MS);
    m->incomplete_us = 0;
    m->scan_code = code;
    if (code)
        snprintf(why, sizeof why, "all was looked at again but what cannot be read: %s",
                 err_name(code));
    else
        snprintf(why, sizeof why, "all was looked at again");
    event_tell(EVENT_ALL_SEEN, m->conf->name, NULL,
               "%s: %s; events had been lost for %" PRIu64 " ms", m->conf->name, why,
               rec.duration_ms);
    agent_journal(a, &rec);
}

/* Watches ran out, or there are enough again. */
static void sight_watches(struct agent *a, const struct hint *h)
{
    struct watch_budget b;

    if (h->kind == HINT_WATCH_ROOM) {
        log_info("every directory is watched again");
        return;
    }
    watchers_budget(a->watchers, &b);
    event_tell(EVENT_OUT_OF_WATCHES, NULL, NULL,
               "out of inotify watches (%s): directories without one are only scanned, the least "
               "active ones first; raise %s (it is %" PRIu64
               "); `lockstep status` says how many and to what",
               err_name(h->code), b.setting, b.limit);
}

/* A file system does not answer, or does again. */
static void sight_stuck(struct mapping *m, bool stuck)
{
    m->stuck = stuck;
    if (stuck)
        event_tell(EVENT_STUCK, m->conf->name, m->conf->path,
                   "%s: the file system of %s does not answer; what is asked of it waits, other "
                   "mappings go on",
                   m->conf->name, m->conf->path);
    else
        event_tell(EVENT_ANSWERS, m->conf->name, m->conf->path,
                   "%s: the file system of %s answers again", m->conf->name, m->conf->path);
}

void sight_hint(struct agent *a, const struct hint *h)
{
    struct mapping *m = &a->mappings[h->root];

    if (h->kind == HINT_OVERFLOW)
        sight_lost(a, m);
    else if (h->kind == HINT_WHOLE)
        sight_whole(a, m, h->code);
    else if (h->kind == HINT_ROOT_STUCK || h->kind == HINT_ROOT_ANSWERS)
        sight_stuck(m, h->kind == HINT_ROOT_STUCK);
    else
        sight_watches(a, h);
}

struct blindness sight_blindness(const struct agent *a, const struct mapping *m,
                                 const struct watch_stats *stats)
{
    const int64_t now_ms = clock_mono_ms(); /* the scans' clock goes on during a turn */
    int64_t since_ms = stats->seen_from_ms;
    struct blindness b = {.others = m->others_write,
                          .all = m->unheard && !m->others_write,
                          .partly = stats->limited > 0,
                          .scanned = stats->seen_from_ms != 0,
                          .rescan_ms = stats->rescan_ms};

    if (b.scanned) {
        b.began_ms = now_ms - stats->seen_from_ms;
        b.ended_ms = now_ms - stats->seen_ms;
    }
    if (!m->unheard && stats->sliced_from_ms > since_ms)
        since_ms = stats->sliced_from_ms; /* what has no watch was listed since */
    if (m->unheard || b.partly)
        b.blind_ms = now_ms - (since_ms ? since_ms : a->started_ms);
    return b;
}

bool sight_is_whole(struct agent *a, const struct mapping *m)
{
    struct watch_stats stats;

    if (a->options.once || m->unheard || m->lost || m->stuck || m->scanning)
        return false;
    watchers_stats(a->watchers, m->id, &stats);
    return stats.last_scan_ms && !stats.scanning && !stats.unwatched;
}

void sight_json(struct json_writer *w, const struct mapping *m, const struct watch_stats *stats)
{
    char since[CLOCK_ISO_SIZE];

    json_put_bool(w, "stuck", m->stuck);
    json_put_bool(w, "possibly_incomplete", m->incomplete_us != 0);
    json_put_int(w, "directories_to_go", (int64_t)stats->to_go);
    if (m->incomplete_us)
        json_put_string(w, "incomplete_since", clock_iso(m->incomplete_us, since));
}

int sight_text(struct buf *out, const struct mapping *m, const struct watch_stats *stats)
{
    char since[CLOCK_ISO_SIZE];
    int rc = m->stuck ? buf_appendf(out, "  its file system does not answer\n") : 0;

    if (rc || !m->incomplete_us)
        return rc;
    return buf_appendf(
        out, "  possibly incomplete since %s: events were lost, %" PRIu64 " directories to go\n",
        clock_iso(m->incomplete_us, since), stats->to_go);
}

void sight_budget_json(struct json_writer *w, struct agent *a)
{
    struct watch_budget b;

    watchers_budget(a->watchers, &b);
    if (!b.unwatched)
        return;
    json_object(w, "watch_limit");
    json_put_int(w, "unwatched", (int64_t)b.unwatched);
    json_put_string(w, "setting", b.setting);
    json_put_int(w, "value", (int64_t)b.limit);
    json_put_int(w, "raise_to", (int64_t)b.limit_wanted);
    json_object_end(w);
}

int sight_budget_text(struct buf *out, struct agent *a)
{
    struct watch_budget b;

    watchers_budget(a->watchers, &b);
    if (!b.unwatched)
        return 0;
    return buf_appendf(out,
                       "out of inotify watches: %" PRIu64 " directories are only scanned\n"
                       "  raise %s from %" PRIu64 " to %" PRIu64 "\n",
                       b.unwatched, b.setting, b.limit, b.limit_wanted);
}
