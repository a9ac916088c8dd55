/* Shell. Faults by cause: told once each, and attempts held back where everything fails. */
#include "agent/service/events.h"
#include "agent/service/metrics.h"

#include "base/clock.h"
#include "base/visible.h"

#include <inttypes.h>
#include <string.h>

#define WAKE_MS         30000 /* the items of a group are tried ahead of their time at most this often */
#define SHELF_TRIED(it) ((it)->failures > 0)

/* "s3:PutObject on s3://bucket/images/: AccessDenied: Access Denied", as it is now. */
static int describe(const struct agent *a, const struct trouble *t, struct buf *out)
{
    const char *prefix = t->mapping < a->mapping_count ? a->mappings[t->mapping].conf->prefix : "";

    return trouble_what(t, a->conf->s3.bucket, prefix, out);
}

/* One log line when a group begins or ends. */
static void tell(const struct agent *a, const struct trouble *t, bool begins)
{
    const char *mapping = t->mapping < a->mapping_count ? a->mappings[t->mapping].conf->name : NULL;
    struct buf what;

    buf_init(&what, ERR_TEXT_MAX * 4);
    if (describe(a, t, &what) == 0 && buf_append_byte(&what, '\0') == 0) {
        if (begins)
            event_tell(EVENT_CAUSE, mapping, t->example, "%s: %s; %s", t->example, what.data,
                       trouble_advice(t->kind));
        else
            event_tell(EVENT_CAUSE_OVER, mapping, NULL,
                       "over: %s (%" PRIu64 " failures in %" PRId64 " s)", what.data, t->failures,
                       (t->last_us - t->first_us) / US_PER_S);
    }
    buf_release(&what);
}

void troubles_failed(struct agent *a, struct item *it, enum trouble_kind kind,
                     enum transfer_kind transfer, const char *code, const char *message)
{
    struct gate *gate = &agent_mapping(a, it)->gate;
    bool is_new, counts, gated = transfer != TRANSFER_DELETE && transfer != TRANSFER_DELETE_MANY;
    struct trouble *t = troubles_note(&a->troubles, it, kind, trouble_operation(transfer), code,
                                      message, a->real_us, &is_new);

    metrics_failed(a, kind);
    if (t && is_new)
        tell(a, t, true);
    if (!gated)
        return;
    if (!t || !trouble_stops_all(kind)) {
        gate_other(gate);
        return;
    }
    counts = !a->options.once && (it->failures == 0 || t->open > GATE_STREAK);
    if (gate_failed(gate, counts, a->now_ms))
        event_tell(EVENT_BLOCKED, agent_mapping(a, it)->conf->name, NULL,
                   "%s: nothing gets through: from now on one file is tried now and then",
                   agent_mapping(a, it)->conf->name);
}

/* The items that rest because of such a failure are tried now. */
static void wake(struct agent *a, unsigned mapping, const struct trouble *t)
{
    for (struct item *it = pending_first(a->pending, mapping); it; it = it->mate_next)
        if (it->state == ITEM_RETRY && it->trouble && (!t || it->trouble == t))
            pending_set(a->pending, it, ITEM_RETRY, a->now_ms);
}

/* What was held back goes on. */
static void open_gate(struct agent *a, struct mapping *m)
{
    for (size_t tried = 0; tried < 2; tried++)
        while (m->shelves[tried].first)
            apply_enqueue(a, m->shelves[tried].first);
    wake(a, m->id, NULL);
    event_tell(EVENT_UNBLOCKED, m->conf->name, NULL, "%s: files get through again", m->conf->name);
}

void troubles_passed(struct agent *a, struct item *it, bool gated)
{
    struct mapping *m = agent_mapping(a, it);
    struct trouble *t = it->trouble;

    trouble_leave(it);
    if (gated && gate_passed(&m->gate)) {
        open_gate(a, m);
    } else if (t && t->open > 0 && a->now_ms - t->woken_ms > WAKE_MS) {
        t->woken_ms = a->now_ms;
        wake(a, m->id, t);
    }
}

bool troubles_shelve(struct agent *a, struct item *it)
{
    struct mapping *m = agent_mapping(a, it);

    if (!m->gate.closed)
        return false;
    item_queue_push(&m->shelves[SHELF_TRIED(it)], it);
    return true;
}

struct item *troubles_probe(struct agent *a)
{
    for (size_t i = 0; i < a->mapping_count; i++) {
        struct mapping *m = &a->mappings[i];

        for (size_t tried = 0; m->gate.closed && tried < 2; tried++)
            if (m->shelves[tried].first && gate_lets(&m->gate, tried > 0, a->now_ms))
                return m->shelves[tried].first;
    }
    return NULL;
}

int64_t troubles_deadline(const struct agent *a)
{
    int64_t due = INT64_MAX, other;

    for (size_t i = 0; i < a->mapping_count; i++) {
        const struct mapping *m = &a->mappings[i];

        for (size_t tried = 0; m->gate.closed && tried < 2; tried++) {
            other = m->shelves[tried].first ? gate_deadline(&m->gate, tried > 0) : INT64_MAX;
            due = other < due ? other : due;
        }
    }
    return due;
}

void troubles_tick(struct agent *a)
{
    struct trouble *t;

    while ((t = troubles_over(&a->troubles))) {
        tell(a, t, false);
        troubles_close(&a->troubles, t);
    }
}

/* One group for programs. */
static void json_trouble(struct json_writer *w, const struct agent *a, const struct trouble *t)
{
    char iso[CLOCK_ISO_SIZE];
    struct buf what;

    buf_init(&what, ERR_TEXT_MAX * 4);
    json_object(w, NULL);
    json_put_string(w, "kind", trouble_kind_name(t->kind));
    if (t->operation[0])
        json_put_string(w, "operation", t->operation);
    if (t->mapping < a->mapping_count)
        json_put_string(w, "mapping", a->mappings[t->mapping].conf->name);
    json_put_string(w, "code", t->code);
    if (describe(a, t, &what) == 0 && buf_append_byte(&what, '\0') == 0)
        json_put_string(w, "what", what.data);
    json_put_int(w, "failures", (int64_t)t->failures);
    json_put_int(w, "files", (int64_t)t->open);
    json_put_string(w, "first", clock_iso(t->first_us, iso));
    json_put_string(w, "last", clock_iso(t->last_us, iso));
    json_put_string(w, "example", t->example);
    json_put_string(w, "advice", trouble_advice(t->kind));
    json_object_end(w);
    buf_release(&what);
}

void troubles_json(struct json_writer *w, const struct agent *a)
{
    const struct trouble *t;

    json_array(w, "troubles");
    for (size_t at = 0; (t = troubles_next(&a->troubles, &at));)
        json_trouble(w, a, t);
    json_array_end(w);
}

/* One line for people. */
static int text_trouble(struct buf *out, const struct agent *a, const struct trouble *t)
{
    char first[CLOCK_ISO_SIZE], last[CLOCK_ISO_SIZE];
    int rc = describe(a, t, out);

    if (rc == 0)
        rc = buf_appendf(out, " (%" PRIu64 " failures of %" PRIu64 " files, %s to %s, for example ",
                         t->failures, t->open, clock_iso(t->first_us, first),
                         clock_iso(t->last_us, last));
    if (rc == 0)
        rc = visible_append(out, t->example);
    return rc ? rc : buf_appendf(out, "); %s\n", trouble_advice(t->kind));
}

int troubles_text(struct buf *out, const struct agent *a)
{
    const struct trouble *t;
    int rc = 0;

    for (size_t at = 0; rc == 0 && (t = troubles_next(&a->troubles, &at));)
        rc = text_trouble(out, a, t);
    for (size_t i = 0; rc == 0 && i < a->mapping_count; i++) {
        const struct mapping *m = &a->mappings[i];

        if (m->gate.closed)
            rc = buf_appendf(out,
                             "%s: nothing gets through: %zu files wait, one is tried now and "
                             "then\n",
                             m->conf->name, m->shelves[0].count + m->shelves[1].count);
    }
    return rc;
}
