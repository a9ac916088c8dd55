/* Shell. Gone paths: the guard, the held ones; what the lists have let go goes on in deletions.c.
 */
#include "agent/service/agent.h"

#include "agent/service/holds.h"
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define GONE_AGAIN_MS    250   /* a gone path that may still be explained is considered again */
#define GONE_PATIENCE_MS 30000 /* for this long at most, where only events are on their way */
#define NAMES_REST_TIMES                                                                           \
    9 /* all names are looked at again when the last time is this many times its duration past */

void removals_queue(struct agent *a, struct item *it)
{
    item_queue_push(&a->relist, it);
    relist_wanted(a);
}

/* Some path that is still to be planned has this image's inode: it may have been renamed to it. */
static bool may_be_claimed(struct agent *a, const struct item *it, const struct known *known)
{
    const struct item *other = sighted_find(a, it->mapping, known->ino);

    return other && other != it && other->mapping == it->mapping &&
           !plan_is_other(&other->seen, known) &&
           (other->state == ITEM_SETTLING || other->state == ITEM_OBSERVING ||
            other->state == ITEM_OBSERVED || other->state == ITEM_HASHING);
}

/* An event told where the file went, and what is there was not decided yet. */
static bool is_on_its_way(struct agent *a, const struct item *it)
{
    const struct item *heir = rename_heir(a, it);

    return (heir && !heir->decided) || rename_is_under_way(a, it);
}

/* A scan of the mapping is under way: its end wakes what waits for it. */
static bool scan_under_way(struct agent *a, const struct mapping *m)
{
    struct watch_stats stats;

    if (m->scanning)
        return true;
    watchers_stats(a->watchers, m->id, &stats);
    return stats.scanning;
}

/* Are there places of which no event tells? */
static bool is_partly_deaf(const struct mapping *m, const struct watch_stats *s)
{
    return m->unheard || s->limited > 0;
}

/* Renames of which no event tells are found by scans alone, and a scan may pass by the new place
 * before and by the old one after such a rename. So a path that is gone, and was not deleted under
 * the eyes of a watch, is given up only when all names were looked at (by a whole scan, or a glance
 * at all directories) and that began later. Comes the next one too late, it is asked for, but not
 * so often that we would do little else. Where events tell of everything they are believed. True:
 * wait. */
static bool await_names(struct agent *a, struct mapping *m, struct item *it)
{
    struct watch_stats s;
    int64_t ask_ms;

    if (it->told_gone)
        return false;
    watchers_stats(a->watchers, m->id, &s);
    if (!is_partly_deaf(m, &s) || s.names_from_ms >= it->gone_ms)
        return false;
    ask_ms = s.names_ms + NAMES_REST_TIMES * (s.names_ms - s.names_from_ms);
    if (!m->lost && a->now_ms < ask_ms && !a->options.once) {
        pending_set(a->pending, it, ITEM_GONE, ask_ms);
        return true;
    }
    pending_set(a->pending, it, ITEM_GONE, INT64_MAX);
    if (!m->lost && !m->confirming && watchers_glance(a->watchers, m->id))
        agent_fail(a, -ENOMEM, "asking for a look at all names");
    m->confirming = !m->lost;
    return true;
}

/* The last scan could not see all, or looks at single paths fail, and no event told of the file's
 * end: it may have been renamed to where nobody could look. Its object, and above all its rows,
 * stay until all was seen. A path that is too long to be looked at is no such place: nothing in it
 * can have an object. */
static bool is_out_of_sight(const struct mapping *m, const struct item *it)
{
    return ((m->scan_code && m->scan_code != -ENAMETOOLONG) || m->unseen) && !it->told_gone;
}

bool removals_under_way(const struct agent *a)
{
    if (!pending_count_state(a->pending, ITEM_GONE))
        return false;
    for (unsigned m = 0; m < a->mapping_count; m++)
        for (const struct item *it = pending_first(a->pending, m); it; it = it->mate_next)
            if (it->state == ITEM_GONE &&
                (it->deadline_ms != INT64_MAX || !is_out_of_sight(&a->mappings[m], it)))
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

void removals_gone_due(struct agent *a, struct item *it)
{
    struct mapping *m = agent_mapping(a, it);
    struct index_entry e;
    int rc;

    if (scan_under_way(a, m) || is_out_of_sight(m, it)) {
        pending_set(a->pending, it, ITEM_GONE, INT64_MAX);
        return;
    }
    if (await_names(a, m, it))
        return;
    rc = index_get(a->index, it->key, &e);
    if ((rc == 0 && may_be_claimed(a, it, &e.known)) || is_on_its_way(a, it) ||
        (a->now_ms - it->hint_ms < GONE_PATIENCE_MS && watchers_busy(a->watchers)) ||
        rename_seek(a, it)) {
        pending_set(a->pending, it, ITEM_GONE, a->now_ms + GONE_AGAIN_MS);
        return;
    }
    /* The remains of an interrupted transfer are only cleaned up: no removal to guard. */
    if (rc == 0 && (e.known.flags & KNOWN_UNCERTAIN) && !e.known.etag[0])
        it->released = true;
    it->change = CHANGE_REMOVE;
    pending_set(a->pending, it, ITEM_LISTING, INT64_MAX);
    removals_queue(a, it);
}

void removals_hold(struct agent *a, struct mapping *m, struct item *it)
{
    bool fresh = false;
    int rc = a->options.dry_run ? 0 : index_hold(a->index, it->key, false, &fresh);

    if (rc && rc != -ENAMETOOLONG) /* such a name was never a key */
        agent_fail(a, rc, "writing the index");
    m->held += fresh;
    agent_dirty(a);
    decide_done(a, it);
}

void removals_hold_tell(struct agent *a, struct mapping *m, uint64_t count)
{
    struct journal_record rec = {.op = JOURNAL_HOLD,
                                 .state = JOURNAL_NOTE,
                                 .mapping = m->conf->name,
                                 .count = count,
                                 .why = m->hold_why};

    if (a->options.dry_run) {
        dry_held(a, m, count);
        return;
    }
    log_error("%s: %" PRIu64 " removals are held: %s. Adds go on. If this is meant: lockstep "
              "release %s",
              m->conf->name, m->held, m->hold_why, m->conf->name);
    agent_journal(a, &rec);
}

/* The guard's question about the removals of one mapping that wait in `queue`. */
static struct guard_question guard_question(struct agent *a, struct mapping *m,
                                            const struct item_queue *queue)
{
    struct guard_question q = {.recent = guard_recent_count(&m->recent, a->now_ms),
                               .held = m->held - m->named,
                               .indexed = m->indexed,
                               .root_lost = m->lost,
                               .root_changed = m->changed};

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
                                  .max_percent = m->conf->max_removal_percent};
    struct guard_question q;
    enum guard_verdict v;

    q = guard_question(a, m, &a->relist);
    if (!q.removals)
        return;
    v = guard_ask(&limits, &q);
    if (v == GUARD_PASS) {
        guard_passed(&m->recent, q.removals, a->now_ms);
        return;
    }
    if (v != GUARD_HELD)
        guard_words(v, &limits, &q, m->hold_why, sizeof m->hold_why);
    for (struct item *it = a->relist.first, *next; it; it = next) {
        next = it->next;
        if (it->mapping == m->id && it->state == ITEM_LISTING && !it->released)
            removals_hold(a, m, it);
    }
    removals_hold_tell(a, m, q.removals);
}

void removals_hold_back(struct agent *a, struct mapping *m, const char *key)
{
    bool was;

    if (a->options.dry_run)
        return;
    if (index_unhold(a->index, key, &was))
        agent_fail(a, -EIO, "writing the index");
    holds_forget(a, m, key);
    if (!was)
        return;
    m->held--;
    agent_dirty(a);
    if (!m->held)
        log_info("%s: all held removals are back on disk", m->conf->name);
}

/* The keys of held removals. */
struct held_keys {
    char **keys;
    size_t count;
    bool released; /* which ones */
};

/* index_each_held's callback. */
static int held_gather(void *arg, const char *key, bool released)
{
    struct held_keys *h = arg;
    char **more;

    if (released != h->released)
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

/* Take the held keys back among the items, as released. */
static int held_take_back(struct agent *a, struct mapping *m, bool released)
{
    struct held_keys h = {.released = released};
    int rc = index_each_held(a->index, m->conf->prefix, held_gather, &h);

    for (size_t i = 0; rc == 0 && i < h.count; i++) {
        struct item *it;
        bool was;

        rc = index_unhold(a->index, h.keys[i], &was);
        holds_forget(a, m, h.keys[i]);
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
    return rc;
}

uint64_t removals_release(struct agent *a, struct mapping *m, int64_t uid)
{
    uint64_t count = m->held;
    char why[64];
    struct journal_record rec = {.op = JOURNAL_RELEASE,
                                 .state = JOURNAL_NOTE,
                                 .source = JOURNAL_SRC_OPERATOR,
                                 .mapping = m->conf->name,
                                 .count = count,
                                 .why = why};

    snprintf(why, sizeof why, "released by uid %" PRId64, uid);
    agent_journal(a, &rec);
    agent_sync(a);
    if (m->changed)
        removals_enrol(a, m);
    if (held_take_back(a, m, false))
        agent_fail(a, -EIO, "releasing removals");
    m->hold_why[0] = '\0';
    log_info("%s: %" PRIu64 " held removals were released by uid %" PRId64, m->conf->name, count,
             uid);
    return count;
}

void removals_resume_released(struct agent *a)
{
    for (size_t i = 0; i < a->mapping_count; i++)
        if (held_take_back(a, &a->mappings[i], true))
            agent_fail(a, -EIO, "releasing removals");
}

void removals_enrol(struct agent *a, struct mapping *m)
{
    char name[CONF_NAME_MAX + 8];

    m->changed = false;
    snprintf(name, sizeof name, "root:%s", m->conf->name);
    if (index_meta_put(a->index, name, &m->identity, sizeof m->identity))
        agent_fail(a, -EIO, "writing the index");
    agent_dirty(a);
}

void removals_to_barrier(struct agent *a, struct item *it)
{
    struct mapping *m = agent_mapping(a, it);

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

void removals_called_off(struct agent *a, struct item *it)
{
    struct journal_record rec;

    if (it->change == CHANGE_RENAME) {
        rename_through(a, it);
    } else if (it->tx) {
        rec = agent_record(a, it, JOURNAL_REMOVE, JOURNAL_ABORT);
        rec.why = "the path changed again before its object was deleted";
        agent_journal(a, &rec);
    }
    it->tx = 0;
    it->released = false;
    it->inquired = false;
    it->relisted = false;
    intake_resettle(a, it);
}

void removals_recall(struct agent *a, struct item *it)
{
    if (it->queue == &a->relist && (it->state == ITEM_LISTING || it->copied))
        removals_called_off(a, it);
}
