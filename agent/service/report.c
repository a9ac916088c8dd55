/* Shell. Status: in step or not, what is open, what failed and why. */
#include "agent/service/agent.h"

#include "agent/core/amount.h"
#include "agent/service/anchors.h"
#include "agent/service/glance.h"
#include "agent/service/gone.h"
#include "agent/service/holds.h"
#include "agent/service/orders.h"
#include "agent/service/room.h"
#include "agent/service/stale.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/visible.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define S_PER_HOUR          INT64_C(3600)
#define REPORT_PROBLEMS_MAX 100 /* paths with a reason that are shown one by one */

/* Paths that need a word: they failed, wait for something, or were refused. */
static bool is_problem(const struct item *it)
{
    return it->why && (it->state == ITEM_RETRY || it->state == ITEM_REFUSED ||
                       it->state == ITEM_WAITING || it->failures > 0);
}

/* What is gathered before it is written in one form or the other. */
struct report {
    bool in_step;
    uint64_t held;
    int64_t oldest_ms; /* age of the oldest change that is not in S3 */
    size_t pending;
    size_t problem_count;
    const struct item *problems[REPORT_PROBLEMS_MAX];
};

bool report_mapping_clear(const struct mapping *m)
{
    return !m->scanning && !m->lost && !m->held && !m->scan_code && !m->incomplete_us && !m->stuck;
}

bool report_in_step(const struct agent *a)
{
    if (pending_count(a->pending) || a->sweeps || a->stale_lists || a->pass_running ||
        follow_pending(a))
        return false;
    for (size_t i = 0; i < a->mapping_count; i++)
        if (!report_mapping_clear(&a->mappings[i]))
            return false;
    return !intake_busy(a);
}

/* Walk the items once. */
static void report_gather(const struct agent *a, struct report *r)
{
    *r = (struct report){.in_step = report_in_step(a), .pending = pending_count(a->pending)};
    for (unsigned m = 0; m < a->mapping_count; m++) {
        r->held += a->mappings[m].held;
        for (const struct item *it = pending_first(a->pending, m); it; it = it->mate_next) {
            if (a->now_ms - it->since_ms > r->oldest_ms)
                r->oldest_ms = a->now_ms - it->since_ms;
            if (!is_problem(it))
                continue;
            if (r->problem_count < REPORT_PROBLEMS_MAX)
                r->problems[r->problem_count] = it;
            r->problem_count++;
        }
    }
}

/* Items of a mapping that are not in step. */
static size_t mapping_pending(const struct agent *a, unsigned mapping)
{
    size_t n = 0;

    for (int s = 0; s < ITEM_STATE_COUNT; s++)
        n += pending_count_mapping(a->pending, mapping, (enum item_state)s);
    return n;
}

/* A mapping's state in a word. */
static const char *mapping_word(const struct agent *a, const struct mapping *m)
{
    if (m->stuck)
        return "stuck";
    if (m->lost)
        return "lost";
    if (m->scanning)
        return "scanning";
    if (m->held)
        return "held";
    if (m->scan_code || m->incomplete_us)
        return "incomplete";
    return mapping_pending(a, m->id) ? "working" : "in step";
}

static void json_blindness(struct json_writer *w, const struct mapping *m,
                           const struct blindness *b)
{
    json_put_string(w, "file_system", m->identity.fs_name);
    json_put_bool(w, "others_write", b->others);
    json_put_int(w, "rescan_s", b->rescan_ms / MS_PER_S);
    if (b->scanned) {
        json_put_int(w, "scan_began_s", b->began_ms / MS_PER_S);
        json_put_int(w, "scan_ended_s", b->ended_ms / MS_PER_S);
    }
    json_put_int(w, "blind_s", b->blind_ms / MS_PER_S);
}

/* "every 24 h", "every 900 s". */
static int text_interval(int64_t seconds, struct buf *out)
{
    bool hours = seconds % S_PER_HOUR == 0;

    return buf_appendf(out, "every %" PRId64 " %s", hours ? seconds / S_PER_HOUR : seconds,
                       hours ? "h" : "s");
}

/* How blind it is, for people. */
static int text_blindness(const struct mapping *m, const struct blindness *b, struct buf *out)
{
    char began[AMOUNT_SIZE], ended[AMOUNT_SIZE];
    int rc = buf_append_str(out, "  ");

    if (rc == 0)
        rc = visible_append(out, m->identity.fs_name);
    if (rc == 0)
        rc = buf_append_str(out, b->others   ? ": other hosts' changes are found by scans only, "
                                 : b->all    ? ": changes are found by scans only, "
                                 : b->partly ? ": in directories without a watch changes are found "
                                               "by scans only, "
                                             : ": events tell of every change; scanned ");
    if (rc == 0)
        rc = b->rescan_ms ? text_interval(b->rescan_ms / MS_PER_S, out)
                          : buf_append_str(out, "when asked");
    if (rc)
        return rc;
    if (!b->scanned)
        return buf_append_str(out, "; no scan has seen everything yet\n");
    return buf_appendf(out, "; the last whole scan began %s ago, ended %s ago\n",
                       amount_time(b->began_ms / MS_PER_S, began),
                       amount_time(b->ended_ms / MS_PER_S, ended));
}

static void json_mapping(struct json_writer *w, const struct agent *a, const struct mapping *m)
{
    struct watch_stats stats;
    struct blindness blind;

    watchers_stats(a->watchers, m->id, &stats);
    blind = sight_blindness(a, m, &stats);
    json_object(w, NULL);
    json_put_string(w, "name", m->conf->name);
    json_put_string(w, "kind", m->conf->kind == CONF_LISTS ? "lists" : "repository");
    json_put_string(w, "path", m->conf->path);
    json_put_string(w, "prefix", m->conf->prefix);
    json_put_string(w, "state", mapping_word(a, m));
    json_put_int(w, "objects", (int64_t)m->indexed);
    json_put_int(w, "bytes", (int64_t)m->tally.bytes);
    json_put_int(w, "pending", (int64_t)mapping_pending(a, m->id));
    json_put_int(w, "held", (int64_t)m->held);
    holds_json(w, m);
    gone_json(w, a, m);
    if (m->kept)
        json_put_int(w, "kept", (int64_t)m->kept);
    if (m->absent)
        json_put_int(w, "absent_rows", (int64_t)m->absent);
    if (m->drifted) {
        json_put_int(w, "drifted", (int64_t)m->drifted);
        json_put_string(w, "drifted_key", m->drift_key);
    }
    if (m->unmanifested) {
        json_put_int(w, "unmanifested", (int64_t)m->unmanifested);
        json_put_string(w, "unmanifested_why", m->manifest_why);
    }
    json_put_int(w, "directories", (int64_t)stats.directories);
    json_put_int(w, "watches", (int64_t)stats.watches);
    json_put_int(w, "unwatched", (int64_t)stats.unwatched);
    json_put_int(w, "overflows", (int64_t)stats.overflows);
    sight_json(w, m, &stats);
    json_blindness(w, m, &blind);
    json_object_end(w);
}

static void json_problems(struct json_writer *w, const struct agent *a, const struct report *r)
{
    json_array(w, "problems");
    for (size_t i = 0; i < r->problem_count && i < REPORT_PROBLEMS_MAX; i++) {
        const struct item *it = r->problems[i];

        json_object(w, NULL);
        json_put_string(w, "key", it->key);
        json_put_string(w, "state", item_state_name(it->state));
        json_put_string(w, "why", it->why);
        json_put_int(w, "failures", it->failures);
        json_put_int(w, "age_s", (a->now_ms - it->since_ms) / MS_PER_S);
        json_object_end(w);
    }
    for (const struct stale_list *s = a->stale_lists; s; s = s->next) {
        char key[AGENT_KEY_SIZE];

        if (!s->why[0] || !agent_key(a, s->mapping, s->path, key))
            continue;
        json_object(w, NULL);
        json_put_string(w, "key", key);
        json_put_string(w, "state", "rewriting");
        json_put_string(w, "why", s->why);
        json_put_int(w, "failures", s->failures);
        json_object_end(w);
    }
    json_array_end(w);
}

/* How many items are in which state. */
static void json_states(struct json_writer *w, const struct agent *a)
{
    json_object(w, "states");
    for (int s = 0; s < ITEM_STATE_COUNT; s++) {
        size_t n = pending_count_state(a->pending, (enum item_state)s);

        if (n)
            json_put_int(w, item_state_name((enum item_state)s), (int64_t)n);
    }
    json_object_end(w);
}

/* Where the credentials are from, until when they are good, and what keeps others away. */
static void json_keys(struct json_writer *w, const struct agent *a)
{
    struct uploaders_keys keys;
    char iso[CLOCK_ISO_SIZE];

    uploaders_keys(a->uploaders, &keys);
    json_object(w, "credentials");
    json_put_string(w, "from", keys.from);
    if (keys.expires_us)
        json_put_string(w, "expires", clock_iso(keys.expires_us, iso));
    if (keys.extended)
        json_put_bool(w, "extended", true);
    if (keys.failures) {
        json_put_int(w, "failures", keys.failures);
        json_put_string(w, "failing_since", clock_iso(keys.failing_since_us, iso));
        json_put_string(w, "why", keys.why);
    }
    json_object_end(w);
}

static int report_json(struct agent *a, const struct report *r, struct buf *out)
{
    struct json_writer w;

    json_begin(&w, out);
    json_object(&w, NULL);
    json_put_bool(&w, "running", true);
    glance_json(&w, a, r->in_step);
    orders_json(&w, a);
    takeover_json(&w, a);
    json_put_string(&w, "s3", uploaders_describe(a->uploaders));
    json_keys(&w, a);
    limits_json(&w, a);
    json_put_int(&w, "pending", (int64_t)r->pending);
    json_states(&w, a);
    json_put_int(&w, "in_flight", (int64_t)a->flying);
    json_put_int(&w, "held", (int64_t)r->held);
    json_put_int(&w, "oldest_unsynced_s", r->oldest_ms / MS_PER_S);
    json_put_int(&w, "uptime_s", (a->now_ms - a->started_ms) / MS_PER_S);
    json_put_int(&w, "journal_records", (int64_t)journal_next_seq(a->journal) - 1);
    room_json(&w, a);
    json_array(&w, "mappings");
    for (size_t i = 0; i < a->mapping_count; i++)
        json_mapping(&w, a, &a->mappings[i]);
    json_array_end(&w);
    anchors_json(&w, a);
    sight_budget_json(&w, a);
    json_put_int(&w, "problem_count", (int64_t)r->problem_count);
    troubles_json(&w, a);
    json_problems(&w, a, r);
    recent_json(&w, &a->recent, a->now_ms);
    json_object_end(&w);
    return json_end(&w) ? -ENOMEM : buf_append_byte(out, '\n');
}

/* What is wrong with what. */
static int text_problem(struct buf *out, const char *name, const char *why)
{
    int rc = buf_append_str(out, "  ");

    if (rc == 0)
        rc = visible_append(out, name);
    if (rc == 0)
        rc = buf_append_str(out, ": ");
    return rc ? rc : visible_append(out, why);
}

/* The lines about problems that are not told by their groups. */
static int text_problems(const struct agent *a, const struct report *r, struct buf *out)
{
    char age[AMOUNT_SIZE];
    int rc = 0;

    for (size_t i = 0; i < r->problem_count && i < REPORT_PROBLEMS_MAX && rc == 0; i++) {
        const struct item *it = r->problems[i];

        if (it->trouble)
            continue;
        rc = text_problem(out, it->key, it->why);
        if (rc == 0)
            rc = buf_appendf(out, " (%u failures, since %s)\n", it->failures,
                             amount_time((a->now_ms - it->since_ms) / MS_PER_S, age));
    }
    if (rc == 0 && r->problem_count > REPORT_PROBLEMS_MAX)
        rc = buf_appendf(out, "  and %zu more\n", r->problem_count - REPORT_PROBLEMS_MAX);
    for (const struct stale_list *s = a->stale_lists; s && rc == 0; s = s->next) {
        char key[AGENT_KEY_SIZE];

        if (!s->why[0] || !agent_key(a, s->mapping, s->path, key))
            continue;
        rc = text_problem(out, key, s->why);
        if (rc == 0)
            rc = buf_appendf(out, " (it cannot be rewritten, %u failures)\n", s->failures);
    }
    return rc;
}

/* The lines about objects of files that are gone, and about manifests that are not there. */
static int text_strays(const struct mapping *m, struct buf *out)
{
    int rc = 0;

    if (m->kept)
        rc = buf_appendf(out, "  %" PRIu64 " objects of files that are gone are kept\n", m->kept);
    if (rc == 0 && m->absent)
        rc = buf_appendf(out,
                         "  %" PRIu64 " rows name images that are gone, as on_remove = \"keep\" "
                         "wants it\n",
                         m->absent);
    if (rc == 0 && m->unmanifested)
        rc = buf_appendf(out, "  %" PRIu64 " manifests cannot be made of their lists%s",
                         m->unmanifested, m->manifest_why[0] ? "; the last: " : "");
    if (rc == 0 && m->unmanifested)
        rc = visible_append(out, m->manifest_why);
    if (rc == 0 && m->unmanifested)
        rc = buf_append_byte(out, '\n');
    if (rc || !m->drifted)
        return rc;
    rc = buf_appendf(out,
                     "  %" PRIu64 " objects were not deleted, since somebody else had put others "
                     "there; the last: ",
                     m->drifted);
    if (rc == 0)
        rc = visible_append(out, m->drift_key);
    return rc ? rc : buf_append_byte(out, '\n');
}

/* The lines about one mapping. */
static int text_mapping(const struct agent *a, const struct mapping *m, struct buf *out)
{
    struct watch_stats stats;
    struct blindness blind;
    char bytes[AMOUNT_SIZE];
    int rc;

    watchers_stats(a->watchers, m->id, &stats);
    rc = buf_appendf(out, "%s: %s, %" PRIu64 " objects of %s, %" PRIu64 " watches, %zu pending\n",
                     m->conf->name, mapping_word(a, m), m->indexed,
                     amount_bytes(m->tally.bytes, bytes), stats.watches, mapping_pending(a, m->id));
    blind = sight_blindness(a, m, &stats);
    if (rc == 0)
        rc = text_blindness(m, &blind, out);
    if (rc == 0)
        rc = holds_text(out, m);
    if (rc == 0)
        rc = gone_text(out, a, m);
    if (rc == 0)
        rc = text_strays(m, out);
    if (rc == 0)
        rc = sight_text(out, m, &stats);
    return rc;
}

/* The lines about the credentials. */
static int text_keys(const struct agent *a, struct buf *out)
{
    struct uploaders_keys keys;
    char iso[CLOCK_ISO_SIZE];
    int rc = buf_append_str(out, "credentials: ");

    uploaders_keys(a->uploaders, &keys);
    if (rc == 0)
        rc = visible_append(out, keys.from);
    if (rc == 0 && keys.expires_us)
        rc = buf_appendf(out, ", %s %s", keys.extended ? "used on, expired" : "good until",
                         clock_iso(keys.expires_us, iso));
    if (rc == 0 && keys.failures)
        rc = buf_appendf(out, "\n  cannot be renewed since %s (%u failures): ",
                         clock_iso(keys.failing_since_us, iso), keys.failures);
    if (rc == 0 && keys.failures)
        rc = visible_append(out, keys.why);
    return rc ? rc : buf_append_byte(out, '\n');
}

static int report_text(struct agent *a, const struct report *r, struct buf *out)
{
    char oldest[AMOUNT_SIZE];
    int rc = glance_line(out, a, r->in_step);

    if (rc == 0)
        rc = orders_text(out, a);
    if (rc == 0)
        rc = takeover_text(out, a);
    if (rc == 0)
        rc = glance_next(out, a, r->in_step);
    if (rc == 0)
        rc = buf_appendf(out, "S3: %s\n", uploaders_describe(a->uploaders));
    if (rc == 0)
        rc = text_keys(a, out);
    if (rc == 0)
        rc = limits_text(out, a);
    if (rc == 0)
        rc = room_text(out, a);
    for (size_t i = 0; i < a->mapping_count && rc == 0; i++)
        rc = text_mapping(a, &a->mappings[i], out);
    if (rc == 0)
        rc = anchors_text(out, a);
    if (rc == 0)
        rc = sight_budget_text(out, a);
    if (rc == 0 && r->pending)
        rc = buf_appendf(out, "%zu changes open, %zu transfers in flight, the oldest since %s\n",
                         r->pending, a->flying, amount_time(r->oldest_ms / MS_PER_S, oldest));
    if (rc == 0)
        rc = troubles_text(out, a);
    return rc ? rc : text_problems(a, r, out);
}

int report_status(struct agent *a, bool json, struct buf *out)
{
    struct report r;

    report_gather(a, &r);
    if (json ? report_json(a, &r, out) : report_text(a, &r, out))
        log_warning("the status could not be written whole");
    return r.held ? EXIT_HELD : r.in_step ? EXIT_IN_STEP : EXIT_DIFFERENCES;
}
