/* Shell. What operators ask for over the socket. */
#include "agent/service/orders.h"

#include "agent/service/events.h"
#include "agent/service/holds.h"
#include "agent/service/marker.h"
#include "agent/service/pulse.h"
#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>
#include <string.h>

#define ORDERS_TEXT_MAX (1 << 20)

/* Does the request mean this mapping? */
static bool is_meant(const struct request *r, const struct mapping *m)
{
    return !r->mapping[0] || strcmp(r->mapping, m->conf->name) == 0;
}

static int answer_unknown(const struct request *r, struct buf *out)
{
    return buf_appendf(out, "%d\nno mapping is named \"%s\"\n", EXIT_USAGE, r->mapping);
}

/* Say to one mapping what the order is. False where its marker forbids it. */
static bool say_to(struct agent *a, struct mapping *m, const char *part, bool discard,
                   const struct ucred *peer, uint64_t *count)
{
    if (discard) {
        if (m->held)
            *count += holds_discard(a, m, part, peer);
        return true;
    }
    if (marker_verdict(m) == GUARD_MARKER_MISSING) {
        if (marker_look(a, m)) /* it may be back, where no event tells */
            agent_fail(a, -ENOMEM, "looking at the marker");
        return false;
    }
    if (m->held || m->changed || marker_verdict(m) == GUARD_MARKER_OTHER)
        *count += holds_release(a, m, part, peer);
    return true;
}

/* "release" and "discard": of one mapping, of a part of it, or of all. */
static int orders_held(struct agent *a, const struct request *r, const struct ucred *peer,
                       bool discard, struct buf *out)
{
    char key[AGENT_KEY_SIZE];
    const char *missing = NULL;
    uint64_t count = 0;
    bool found = false;

    if (r->path[0] && (!r->mapping[0] || path_check(r->path)))
        return buf_appendf(out, "%d\na path goes with a mapping, and lies below its tree\n",
                           EXIT_USAGE);
    for (size_t i = 0; i < a->mapping_count; i++) {
        struct mapping *m = &a->mappings[i];

        if (!is_meant(r, m) || (r->path[0] && !agent_key(a, m->id, r->path, key)))
            continue;
        found = true;
        if (!say_to(a, m, r->path[0] ? key : NULL, discard, peer, &count))
            missing = m->conf->name;
    }
    if (!found)
        return answer_unknown(r, out);
    if (missing)
        return buf_appendf(out,
                           "%d\nthe marker of %s is not there: put it back, or take it out of the "
                           "configuration; its removals stay held\n",
                           EXIT_HELD, missing);
    return buf_appendf(out, "%d\n%" PRIu64 " held removals are %s\n", EXIT_IN_STEP, count,
                       discard ? "discarded: the objects stay" : "released");
}

int orders_release(struct agent *a, const struct request *r, const struct ucred *peer,
                   struct buf *out)
{
    return orders_held(a, r, peer, false, out);
}

int orders_discard(struct agent *a, const struct request *r, const struct ucred *peer,
                   struct buf *out)
{
    return orders_held(a, r, peer, true, out);
}

/* Have all of a mapping scanned. False where its root is not there to be. */
static bool rescan_mapping(struct agent *a, struct mapping *m)
{
    if (m->lost)
        return false;
    if (watchers_rescan(a->watchers, m->id, "")) {
        agent_fail(a, -ENOMEM, "asking for a scan");
        return false;
    }
    m->scanning = true;
    return true;
}

/* The mapping that has the path in its tree, the nearest one; *ret_path: below its root. */
static struct mapping *mapping_of_path(struct agent *a, const char *path, const char **ret_path)
{
    struct mapping *best = NULL;
    size_t best_n = 0;

    for (size_t i = 0; i < a->mapping_count; i++) {
        struct mapping *m = &a->mappings[i];
        size_t n = strlen(m->conf->path);

        if (strncmp(path, m->conf->path, n) != 0 || (path[n] && path[n] != '/') ||
            (best && n <= best_n))
            continue;
        best = m;
        best_n = n;
        *ret_path = path[n] ? path + n + 1 : "";
    }
    return best;
}

/* A path: as a file, and as a directory with all beneath it, since it may be either by now. */
static int rescan_path(struct agent *a, const struct request *r, struct buf *out)
{
    const char *path = NULL;
    struct mapping *m = mapping_of_path(a, r->path, &path);

    if (!m || (path[0] && path_check(path)))
        return buf_appendf(out, "%d\nthe path lies in no mapping's tree\n", EXIT_USAGE);
    if (m->lost)
        return buf_appendf(out, "%d\n%s cannot be reached; a scan follows when it is back\n",
                           EXIT_UNREACHED, m->conf->path);
    if (!path[0]) {
        if (!rescan_mapping(a, m))
            return -ENOMEM;
    } else {
        if (!watch_filter_excludes(&m->filter, path) && strcmp(r->what, "directory") != 0)
            (void)intake_touch(a, m->id, path, JOURNAL_SRC_OPERATOR, m->conf->settle_ms);
        if (strcmp(r->what, "file") != 0 && watchers_rescan(a->watchers, m->id, path))
            return -ENOMEM;
    }
    return buf_appendf(out, "%d\n%s: it is looked at again\n", EXIT_IN_STEP, m->conf->name);
}

int orders_rescan(struct agent *a, const struct request *r, const struct ucred *peer,
                  struct buf *out)
{
    size_t begun = 0, lost = 0;

    log_info("uid %u (pid %d) asks for a scan", (unsigned)peer->uid, (int)peer->pid);
    if (r->path[0])
        return rescan_path(a, r, out);
    for (size_t i = 0; i < a->mapping_count; i++) {
        if (!is_meant(r, &a->mappings[i]))
            continue;
        if (rescan_mapping(a, &a->mappings[i]))
            begun++;
        else
            lost++;
    }
    if (!begun && !lost)
        return answer_unknown(r, out);
    if (lost)
        return buf_appendf(out,
                           "%d\n%zu mappings are scanned; %zu cannot be reached and are scanned "
                           "when they are back\n",
                           EXIT_UNREACHED, begun, lost);
    return buf_appendf(out, "%d\n%zu mappings are scanned\n", EXIT_IN_STEP, begun);
}

int orders_pause(struct agent *a, const struct request *r, const struct ucred *peer,
                 struct buf *out)
{
    (void)r;
    if (a->paused_us)
        return buf_appendf(out, "%d\ntransfers are paused already\n", EXIT_IN_STEP);
    a->paused_us = a->real_us;
    a->paused_uid = peer->uid;
    pulse_status(a);
    event_tell(EVENT_PAUSED, NULL, NULL,
               "uid %u (pid %d) pauses all transfers; %zu under way are let end",
               (unsigned)peer->uid, (int)peer->pid, a->flying);
    return buf_appendf(out,
                       "%d\ntransfers are paused, %zu under way are let end; changes are followed; "
                       "lockstep resume, or a restart, ends it\n",
                       EXIT_IN_STEP, a->flying);
}

int orders_resume(struct agent *a, const struct request *r, const struct ucred *peer,
                  struct buf *out)
{
    (void)r;
    if (!a->paused_us)
        return buf_appendf(out, "%d\ntransfers are not paused\n", EXIT_IN_STEP);
    a->paused_us = 0;
    pulse_status(a);
    event_tell(EVENT_RESUMED, NULL, NULL, "uid %u (pid %d) lets transfers go on",
               (unsigned)peer->uid, (int)peer->pid);
    return buf_appendf(out, "%d\ntransfers go on\n", EXIT_IN_STEP);
}

void orders_json(struct json_writer *w, const struct agent *a)
{
    char since[CLOCK_ISO_SIZE];

    json_put_bool(w, "paused", a->paused_us != 0);
    if (!a->paused_us)
        return;
    json_put_string(w, "paused_since", clock_iso(a->paused_us, since));
    json_put_int(w, "paused_by_uid", (int64_t)a->paused_uid);
}

int orders_text(struct buf *out, const struct agent *a)
{
    char since[CLOCK_ISO_SIZE];

    if (!a->paused_us)
        return 0;
    return buf_appendf(out,
                       "PAUSED by uid %u since %s: nothing is sent to S3\n"
                       "  to go on: lockstep resume\n",
                       (unsigned)a->paused_uid, clock_iso(a->paused_us, since));
}
