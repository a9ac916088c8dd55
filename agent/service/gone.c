/* Shell. What could still explain that a path is gone. See gone.h. */
#include "agent/service/gone.h"

#include "agent/service/marker.h"
#include "agent/service/seek.h"
#include "base/clock.h"
#include "base/visible.h"

#include <inttypes.h>
#include <string.h>

#define GONE_PATIENCE_MS 30000 /* at most, where only what we do not hold back is on its way */
#define NAMES_REST_TIMES                                                                           \
    9 /* all names are looked at again when the last time is this many times its duration past */

/* As `status` has them: the name for programs, and the words for people. */
static const struct {
    const char *name, *words;
} waits[] = {
    [GONE_NOT] = {"decided", "nothing explains it"},
    [GONE_SETTLING] = {"settling", "the path may be there again in a moment"},
    [GONE_SCAN] = {"scan", "a scan is under way, which may find the file elsewhere"},
    [GONE_SIGHT] = {"sight", "not everything could be looked at; the file may be there"},
    [GONE_NAMES] = {"names", "no event tells of all renames here: all names are looked at first"},
    [GONE_MARKER] = {"marker", "the marker of the tree is looked at"},
    [GONE_CLAIM] = {"claim", "a path that is being looked at may be its new name"},
    [GONE_WAY] = {"way", "an event told where it went; that is being looked at"},
    [GONE_EVENTS] = {"events", "events or listings are on their way that may tell"},
    [GONE_PLACES] = {"places", "the places where events say that it went are looked at"},
};

/* What is asked of the keys that a gone image had before. */
struct back {
    const struct agent *agent;
    const struct item *it;
};

/* index_fn: it was renamed from this key, whose path is about to be looked at. */
static int may_be_back(void *arg, const char *key, const struct known *known)
{
    const struct back *b = arg;
    const struct item *o;

    if (!(known->flags & KNOWN_MOVED) || !known->moved_to ||
        strcmp(known->moved_to, b->it->key) != 0)
        return 0;
    o = pending_find(b->agent->pending, key);
    return o && rename_is_open(o) && b->agent->now_ms - b->it->gone_ms < GONE_PATIENCE_MS;
}

/* Some path that is still to be planned has this image's inode, or had the image: it may have been
 * renamed to it. */
static bool may_be_claimed(struct agent *a, const struct item *it)
{
    struct back b = {.agent = a, .it = it};
    const struct item *other;
    struct index_entry e;

    if (index_get(a->index, it->key, &e))
        return false;
    if (e.known.ino && index_each_inode(a->index, e.known.ino, may_be_back, &b) > 0)
        return true;
    other = sighted_find(a, it->mapping, e.known.ino);
    return other && other != it && other->mapping == it->mapping &&
           !plan_is_other(&other->seen, &e.known) &&
           (other->state == ITEM_SETTLING || other->state == ITEM_OBSERVING ||
            other->state == ITEM_OBSERVED || other->state == ITEM_HASHING);
}

/* An event told where the file went, and what is there was not decided yet. A place that is empty,
 * too, explains nothing: two such would wait for each other. */
static bool is_on_its_way(struct agent *a, const struct item *it)
{
    const struct item *heir = rename_heir(a, it);

    return (heir && !heir->decided && heir->state != ITEM_GONE) || rename_is_under_way(a, it);
}

/* A scan of the mapping is under way: its end wakes what waits for it. */
static bool scan_under_way(const struct mapping *m, const struct watch_stats *stats)
{
    return m->scanning || stats->scanning;
}

/* Renames of which no event tells are found by scans alone, and a scan may pass by the new place
 * before and by the old one after such a rename. So a path that is gone, and was not deleted under
 * the eyes of a watch, is given up only when all names were looked at (by a whole scan, or a glance
 * at all directories) and that began later. Where events tell of everything they are believed, if
 * all that they told is known. */
static bool wants_names(const struct item *it, const struct watch_stats *s, bool told)
{
    return !told && !it->told_gone && s->names_from_ms < it->gone_ms;
}

int64_t gone_names_ms(struct agent *a, const struct mapping *m)
{
    struct watch_stats s;

    watchers_stats(a->watchers, m->id, &s);
    return s.names_ms + NAMES_REST_TIMES * (s.names_ms - s.names_from_ms);
}

/* The last scan could not see all, or looks at single paths fail, and no event told of the file's
 * end: it may have been renamed to where nobody could look. Its object, and above all its rows,
 * stay until all was seen. A path that is too long to be looked at is no such place: nothing in it
 * can have an object. */
bool gone_is_out_of_sight(const struct mapping *m, const struct item *it)
{
    return ((m->scan_code && m->scan_code != -ENAMETOOLONG) || m->unseen) && !it->told_gone;
}

enum gone_wait gone_explained(struct agent *a, struct mapping *m, struct item *it)
{
    struct watch_stats stats;
    enum seek seek;

    watchers_stats(a->watchers, m->id, &stats);
    if (scan_under_way(m, &stats))
        return GONE_SCAN;
    if (gone_is_out_of_sight(m, it))
        return GONE_SIGHT;
    if (wants_names(it, &stats, !m->unheard && !stats.limited))
        return GONE_NAMES;
    if (marker_awaited(a, m, it))
        return GONE_MARKER;
    if (may_be_claimed(a, it))
        return GONE_CLAIM;
    if (is_on_its_way(a, it))
        return GONE_WAY;
    if (intake_busy(a) && (a->now_ms - it->hint_ms < GONE_PATIENCE_MS || intake_holds_back(a)))
        return GONE_EVENTS;
    seek = seek_item(a, it);
    if (seek == SEEK_ASKED)
        return GONE_PLACES;
    return wants_names(it, &stats, seek == SEEK_DONE) ? GONE_NAMES : GONE_NOT;
}

/* How many gone paths wait, by reason, and of each the one that waits longest. */
struct gone_counts {
    size_t total;
    size_t count[GONE_WAIT_COUNT];
    const struct item *oldest[GONE_WAIT_COUNT];
};

static struct gone_counts count_gone(const struct agent *a, const struct mapping *m)
{
    struct gone_counts c = {0};

    if (!pending_count_mapping(a->pending, m->id, ITEM_GONE))
        return c;
    for (const struct item *it = pending_first(a->pending, m->id); it; it = it->mate_next) {
        enum gone_wait w = it->gone_wait;

        if (it->state != ITEM_GONE)
            continue;
        c.total++;
        c.count[w]++;
        if (!c.oldest[w] || it->since_ms < c.oldest[w]->since_ms)
            c.oldest[w] = it;
    }
    return c;
}

void gone_json(struct json_writer *w, const struct agent *a, const struct mapping *m)
{
    struct gone_counts c = count_gone(a, m);

    if (!c.total)
        return;
    json_array(w, "gone");
    for (size_t i = 0; i < GONE_WAIT_COUNT; i++) {
        if (!c.count[i])
            continue;
        json_object(w, NULL);
        json_put_string(w, "waits_for", waits[i].name);
        json_put_string(w, "why", waits[i].words);
        json_put_int(w, "count", (int64_t)c.count[i]);
        json_put_string(w, "oldest", c.oldest[i]->key);
        json_put_int(w, "oldest_s", (a->now_ms - c.oldest[i]->since_ms) / MS_PER_S);
        json_object_end(w);
    }
    json_array_end(w);
}

int gone_text(struct buf *out, const struct agent *a, const struct mapping *m)
{
    struct gone_counts c = count_gone(a, m);
    int rc = 0;

    for (size_t i = 0; i < GONE_WAIT_COUNT && rc == 0; i++) {
        if (!c.count[i])
            continue;
        rc = buf_appendf(
            out, "  %zu gone files keep their objects for now: %s; for %" PRId64 " s: ", c.count[i],
            /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): of a count there is an oldest */
            waits[i].words, (a->now_ms - c.oldest[i]->since_ms) / MS_PER_S);
        if (rc == 0)
            rc = visible_append(out, c.oldest[i]->key);
        if (rc == 0)
            rc = buf_append_byte(out, '\n');
    }
    return rc;
}
