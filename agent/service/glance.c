/* Shell. Status at a glance. See glance.h. */
#include "agent/service/glance.h"

#include "agent/service/stale.h"
#include "base/clock.h"
#include "base/visible.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* What comes next, and whether somebody has to do it. */
struct next {
    bool person;
    char what[2 * ERR_TEXT_MAX];
};

/* Fill it in. True, so that the first that has something to say ends the search. */
static bool __attribute__((format(printf, 3, 4)))
say(struct next *n, bool person, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(n->what, sizeof n->what, format, args);
    va_end(args);
    n->person = person;
    return true;
}

/* What an operator stopped, or what is not there. */
static bool next_of_stops(const struct agent *a, struct next *n)
{
    if (a->paused_us)
        return say(n, true, "lockstep resume, when transfers may go on");
    for (size_t i = 0; i < a->mapping_count; i++) {
        const struct mapping *m = &a->mappings[i];

        if (m->lost)
            return say(n, true, "mount %s again, as it was; a scan follows by itself",
                       m->conf->path);
        if (m->stuck)
            return say(n, true, "mend the server or the mount of %s, which does not answer",
                       m->conf->path);
    }
    return false;
}

/* What the guard holds. */
static bool next_of_held(const struct agent *a, struct next *n)
{
    for (size_t i = 0; i < a->mapping_count; i++) {
        const struct mapping *m = &a->mappings[i];

        if (m->held)
            return say(n, true,
                       "look at %s: put the files back; or, if they are meant to be gone, lockstep "
                       "release %s; or lockstep discard %s, if S3 is to keep them",
                       m->conf->path, m->conf->name, m->conf->name);
    }
    return false;
}

/* What keeps files out of S3, or lists from being rewritten. */
static bool next_of_troubles(const struct agent *a, struct next *n)
{
    const struct trouble *t, *worst = NULL;

    for (size_t at = 0; (t = troubles_next(&a->troubles, &at));)
        if (!worst || (trouble_stops_all(t->kind) && !trouble_stops_all(worst->kind)))
            worst = t;
    if (worst)
        return say(n, trouble_stops_all(worst->kind), "%s", trouble_advice(worst->kind));
    for (const struct stale_list *s = a->stale_lists; s; s = s->next)
        if (s->why[0])
            return say(n, true, "have %s rewritten, which resists: %s", s->path, s->why);
    return false;
}

/* What could not be seen. */
static bool next_of_sight(const struct agent *a, struct next *n)
{
    struct watch_stats stats;

    for (size_t i = 0; i < a->mapping_count; i++) {
        const struct mapping *m = &a->mappings[i];

        watchers_stats(a->watchers, m->id, &stats);
        if (m->scan_code && !m->scanning)
            return say(n, true, "have all of %s readable (%s), then lockstep rescan %s",
                       m->conf->path, err_name(m->scan_code), m->conf->name);
        if (m->incomplete_us)
            return say(n, false,
                       "%" PRIu64 " directories of %s are looked at again, since events "
                       "were lost",
                       stats.to_go, m->conf->name);
        if (m->scanning)
            return say(n, false, "the scan of %s ends: %" PRIu64 " directories so far",
                       m->conf->name, stats.directories);
    }
    return false;
}

/* What is on its way. */
static void next_of_items(const struct agent *a, struct next *n)
{
    size_t gone = pending_count_state(a->pending, ITEM_GONE), all = pending_count(a->pending);

    if (a->flying)
        (void)say(n, false, "%zu transfers under way end, %zu changes wait for theirs", a->flying,
                  all > a->flying ? all - a->flying : 0);
    else if (gone && gone == all)
        (void)say(n, false, "%zu gone files are given up, unless something explains them", gone);
    else if (all)
        (void)say(n, false, "%zu changes settle, and go", all);
    else
        (void)say(n, false, "what was found is looked at, and lists are rewritten");
}

/* In the order of how much it matters to a person. */
static void next_find(const struct agent *a, struct next *n)
{
    if (!next_of_stops(a, n) && !next_of_held(a, n) && !next_of_troubles(a, n) &&
        !next_of_sight(a, n))
        next_of_items(a, n);
}

/* Since when it is so. The turn that finds it may be still to come. */
static int64_t since_us(const struct agent *a, bool in_step)
{
    return in_step == a->idle ? a->idle_us : a->real_us;
}

void glance_json(struct json_writer *w, const struct agent *a, bool in_step)
{
    char iso[CLOCK_ISO_SIZE];
    struct next n;

    json_put_bool(w, "in_step", in_step);
    json_put_string(w, "since", clock_iso(since_us(a, in_step), iso));
    if (in_step)
        return;
    if (a->in_step_us)
        json_put_string(w, "last_in_step", clock_iso(a->in_step_us, iso));
    next_find(a, &n);
    json_put_string(w, "next", n.what);
    json_put_bool(w, "needs_operator", n.person);
}

int glance_line(struct buf *out, const struct agent *a, bool in_step)
{
    char iso[CLOCK_ISO_SIZE];

    return buf_appendf(out, "%s since %s\n", in_step ? "in step" : "not in step",
                       clock_iso(since_us(a, in_step), iso));
}

int glance_next(struct buf *out, const struct agent *a, bool in_step)
{
    struct next n;
    int rc;

    if (in_step)
        return 0;
    next_find(a, &n);
    rc = buf_append_str(out, n.person ? "next, for you: " : "next, by itself: ");
    if (rc == 0)
        rc = visible_append(out, n.what);
    return rc ? rc : buf_append_byte(out, '\n');
}
