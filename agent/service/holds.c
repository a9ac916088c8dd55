/* Shell. What the guard holds. See holds.h. */
#include "agent/service/holds.h"

#include "agent/service/events.h"
#include "agent/service/list_holds.h"
#include "agent/service/marker.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/visible.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define META_NAME_SIZE (CONF_NAME_MAX + 8)

static char *meta_name(const char *kind, const struct conf_mapping *m, char out[META_NAME_SIZE])
{
    snprintf(out, META_NAME_SIZE, "%s:%s", kind, m->name);
    return out;
}

/* Keep a value of the mapping's in the index. */
static void note(struct agent *a, const char *kind, const struct mapping *m, const void *value,
                 size_t size)
{
    char name[META_NAME_SIZE];

    if (index_meta_put(a->index, meta_name(kind, m->conf, name), value, size))
        agent_fail(a, -EIO, "writing the index");
    agent_dirty(a);
}

/* index_each_held's callback: count. */
static int held_count(void *arg, const char *key, bool released)
{
    (void)key;
    *(uint64_t *)arg += !released;
    return 0;
}

int holds_note(struct index *ix, const struct conf_mapping *m, struct hold_note *ret)
{
    struct hold_note n = {0};
    char name[META_NAME_SIZE];
    size_t size = sizeof n;
    int rc = index_meta_get(ix, meta_name("hold", m, name), &n, &size);

    if (rc)
        return rc;
    n.why[sizeof n.why - 1] = '\0';
    *ret = n;
    return 0;
}

int holds_load(struct agent *a, struct mapping *m)
{
    struct hold_note n = {.why = "held since an earlier run"};
    char name[META_NAME_SIZE];
    size_t size = sizeof m->hourly;
    int rc = index_meta_get(a->index, meta_name("passed", m->conf, name), &m->hourly, &size);

    if (rc && rc != -ENOENT)
        return rc;
    rc = index_each_held(a->index, m->conf->prefix, held_count, &m->held);
    if (rc || !m->held)
        return rc;
    rc = holds_note(a->index, m->conf, &n);
    memcpy(m->hold_why, n.why, sizeof n.why);
    m->hold_us = n.since_us;
    return rc == -ENOENT ? 0 : rc;
}

void holds_passed(struct agent *a, struct mapping *m, uint64_t count)
{
    guard_passed(&m->hourly, GUARD_HOUR_MS, count, a->real_us / US_PER_MS);
    if (!a->options.dry_run)
        note(a, "passed", m, &m->hourly, sizeof m->hourly);
}

void holds_take(struct agent *a, struct mapping *m, struct item *it)
{
    bool fresh = false;
    int rc = a->options.dry_run ? 0 : index_hold(a->index, it->key, false, &fresh);

    if (rc && rc != -ENAMETOOLONG) /* such a name was never a key */
        agent_fail(a, rc, "writing the index");
    m->held += fresh;
    agent_dirty(a);
    decide_done(a, it);
}

void holds_tell(struct agent *a, struct mapping *m, uint64_t count)
{
    struct hold_note n = {0};
    struct journal_record rec = {.op = JOURNAL_HOLD,
                                 .state = JOURNAL_NOTE,
                                 .mapping = m->conf->name,
                                 .count = count,
                                 .why = m->hold_why};

    if (!m->hold_us)
        m->hold_us = a->real_us;
    m->hold_told = true;
    event_tell(EVENT_REMOVALS_HELD, m->conf->name, NULL,
               "%s: %" PRIu64 " removals are held: %s. Adds go on. If this is meant: lockstep "
               "release %s. If the objects are to stay: lockstep discard %s",
               m->conf->name, m->held, m->hold_why, m->conf->name, m->conf->name);
    agent_journal(a, &rec);
    n.since_us = m->hold_us;
    memcpy(n.why, m->hold_why, sizeof n.why);
    note(a, "hold", m, &n, sizeof n);
}

/* Nothing is held any more. */
static void holds_end(struct agent *a, struct mapping *m)
{
    char name[META_NAME_SIZE];

    m->hold_us = 0;
    m->hold_told = false;
    m->hold_why[0] = '\0';
    if (index_meta_remove(a->index, meta_name("hold", m->conf, name)))
        agent_fail(a, -EIO, "writing the index");
    agent_dirty(a);
}

bool removals_hold_back(struct agent *a, struct mapping *m, const char *key)
{
    bool was;

    if (a->options.dry_run)
        return false;
    if (index_unhold(a->index, key, &was))
        agent_fail(a, -EIO, "writing the index");
    list_holds_forget(a, m, key);
    if (!was)
        return false;
    m->held--;
    agent_dirty(a);
    if (m->held)
        return true;
    log_info("%s: all held removals are back on disk", m->conf->name);
    holds_end(a, m);
    return true;
}

void removals_enrol(struct agent *a, struct mapping *m)
{
    m->changed = false;
    note(a, "root", m, &m->identity, sizeof m->identity);
}

bool holds_covers(const char *part, const char *key)
{
    size_t n = part ? strlen(part) : 0;

    return n == 0 || (strncmp(key, part, n) == 0 && (key[n] == '\0' || key[n] == '/'));
}

/* The keys of held removals. */
struct held_keys {
    const char *part;
    char **keys;
    size_t count;
    bool released; /* which ones */
};

/* index_each_held's callback. */
static int held_gather(void *arg, const char *key, bool released)
{
    struct held_keys *h = arg;
    char **more;

    if (released != h->released || !holds_covers(h->part, key))
        return 0;
    if ((h->count & (h->count - 1)) == 0) {
        more = realloc(h->keys, (h->count ? 2 * h->count : 1) * sizeof *more);
        if (!more)
            return -ENOMEM;
        h->keys = more;
    }
    h->keys[h->count] = strdup(key);
    return h->keys[h->count++] ? 0 : -ENOMEM;
}

/* Let go of the gathered keys. */
static void held_keys_release(struct held_keys *h)
{
    for (size_t i = 0; i < h->count; i++)
        free(h->keys[i]);
    free(h->keys);
}

/* Take the held keys back among the items, as released. How many. */
static uint64_t take_back(struct agent *a, struct mapping *m, const char *part, bool released)
{
    struct held_keys h = {.part = part, .released = released};
    int rc = index_each_held(a->index, m->conf->prefix, held_gather, &h);
    uint64_t count = h.count;

    for (size_t i = 0; rc == 0 && i < h.count; i++) {
        struct item *it;
        bool was;

        rc = index_unhold(a->index, h.keys[i], &was);
        list_holds_forget(a, m, h.keys[i]);
        intake_touch_key(a, m->id, h.keys[i], JOURNAL_SRC_OPERATOR, 0);
        it = pending_find(a->pending, h.keys[i]);
        if (it) {
            it->released = true;
            it->was_there = true; /* in S3 or not: its rows have to leave */
        }
        m->held -= was && !released;
    }
    held_keys_release(&h);
    agent_dirty(a);
    if (rc)
        agent_fail(a, rc, "releasing removals");
    return count;
}

void holds_resume_released(struct agent *a)
{
    for (size_t i = 0; i < a->mapping_count; i++)
        (void)take_back(a, &a->mappings[i], NULL, true);
}

/* How many are held there. */
static uint64_t count_covered(struct agent *a, const struct mapping *m, const char *part)
{
    struct held_keys h = {.part = part};
    uint64_t count = m->held;

    if (!part)
        return count;
    if (index_each_held(a->index, m->conf->prefix, held_gather, &h))
        agent_fail(a, -EIO, "reading the index");
    count = h.count;
    held_keys_release(&h);
    return count;
}

/* Journal what an operator says of them, before anything follows from it. How many they are. */
static uint64_t journal_said(struct agent *a, const struct mapping *m, const char *part,
                             const struct ucred *who, enum journal_state state)
{
    char why[128];
    const char *word = state == JOURNAL_ABORT ? "discarded" : "released";
    struct journal_record rec = {.op = JOURNAL_RELEASE,
                                 .state = state,
                                 .source = JOURNAL_SRC_OPERATOR,
                                 .mapping = m->conf->name,
                                 .path = part ? part + m->prefix_len : NULL,
                                 .count = count_covered(a, m, part),
                                 .why = why};

    snprintf(why, sizeof why, "%s by uid %u (pid %d)", word, (unsigned)who->uid, (int)who->pid);
    agent_journal(a, &rec);
    agent_sync(a);
    log_info("%s: %" PRIu64 " held removals were %s", m->conf->name, rec.count, why);
    return rec.count;
}

uint64_t holds_release(struct agent *a, struct mapping *m, const char *part,
                       const struct ucred *who)
{
    uint64_t count = journal_said(a, m, part, who, JOURNAL_NOTE);

    if (!part && m->changed)
        removals_enrol(a, m);
    if (!part)
        marker_enrol(a, m);
    (void)take_back(a, m, part, false);
    if (!m->held)
        holds_end(a, m);
    return count;
}

/* One held removal that shall not happen. */
static int discard_one(struct agent *a, struct mapping *m, const char *key)
{
    struct journal_record rec = {.op = JOURNAL_REMOVE,
                                 .state = JOURNAL_DONE,
                                 .source = JOURNAL_SRC_OPERATOR,
                                 .mapping = m->conf->name,
                                 .path = key + m->prefix_len,
                                 .why = "discarded: the object is kept"};
    bool held, kept = false;
    int rc = index_unhold(a->index, key, &held);

    list_holds_forget(a, m, key);
    if (rc == 0 && deletions_has_object(a, key)) {
        agent_journal(a, &rec);
        rc = deletions_keep_key(a->index, key, &kept);
    }
    m->held -= held;
    m->indexed -= kept;
    m->kept += kept;
    return rc;
}

uint64_t holds_discard(struct agent *a, struct mapping *m, const char *part,
                       const struct ucred *who)
{
    struct held_keys h = {.part = part};
    uint64_t count = journal_said(a, m, part, who, JOURNAL_ABORT);
    int rc = index_each_held(a->index, m->conf->prefix, held_gather, &h);

    for (size_t i = 0; rc == 0 && i < h.count; i++)
        rc = discard_one(a, m, h.keys[i]);
    held_keys_release(&h);
    if (rc)
        agent_fail(a, rc, "discarding removals");
    agent_dirty(a);
    if (!m->held)
        holds_end(a, m);
    return count;
}

/* The word for what would hold every removal, or NULL. */
static const char *gate_word(const struct mapping *m)
{
    static const char *const words[] = {
        [GUARD_MARKER_MISSING] = "no marker", [GUARD_MARKER_OTHER] = "another marker"};

    return m->changed ? "another root" : words[marker_verdict(m)];
}

void holds_json(struct json_writer *w, const struct mapping *m)
{
    char iso[CLOCK_ISO_SIZE];

    if (gate_word(m))
        json_put_string(w, "guard_shut", gate_word(m));
    if (!m->held)
        return;
    json_put_string(w, "held_why", m->hold_why);
    if (m->hold_us)
        json_put_string(w, "held_since", clock_iso(m->hold_us, iso));
}

/* The lines about a root or a marker that is not what it was. */
static int gate_text(struct buf *out, const struct mapping *m)
{
    enum guard_marker marker = marker_verdict(m);
    int rc = 0;

    if (m->changed)
        rc = buf_appendf(out,
                         "  another device or directory lies under the path than when it was "
                         "enrolled: every removal is held\n"
                         "  if it is the right one: lockstep release %s\n",
                         m->conf->name);
    if (rc || marker == GUARD_MARKER_FINE)
        return rc;
    rc = buf_append_str(out, "  the marker ");
    if (rc == 0)
        rc = visible_append(out, m->conf->marker);
    if (rc == 0 && marker == GUARD_MARKER_MISSING)
        rc = buf_append_str(out, " is not there: every removal is held until it is back\n");
    else if (rc == 0)
        rc = buf_appendf(out,
                         " is another file than before: every removal is held\n"
                         "  if it is the right one: lockstep release %s\n",
                         m->conf->name);
    return rc;
}

int holds_lines(struct buf *out, const char *name, uint64_t count, const struct hold_note *note)
{
    char iso[CLOCK_ISO_SIZE] = "an earlier run";

    if (note->since_us)
        clock_iso(note->since_us, iso);
    return buf_appendf(out,
                       "  %" PRIu64 " removals of %s are held since %s: %s\n"
                       "  which: lockstep release --list %s\n"
                       "  if they are meant: lockstep release %s\n"
                       "  if the objects are to stay: lockstep discard %s\n",
                       count, name, iso, note->why, name, name, name);
}

int holds_text(struct buf *out, const struct mapping *m)
{
    struct hold_note n = {.since_us = m->hold_us};
    int rc = gate_text(out, m);

    if (rc || !m->held)
        return rc;
    memcpy(n.why, m->hold_why, sizeof n.why);
    return holds_lines(out, m->conf->name, m->held, &n);
}
