/* Shell. The file that says that a tree is what it was. See marker.h. */
#include "agent/service/marker.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"

#include <stdio.h>
#include <string.h>

/* As it is in the index ("marker:" and the mapping's name). */
struct enrolled {
    uint8_t path[SHA256_BYTES]; /* of the setting: another path is another marker */
    uint64_t ino;
    uint64_t size;
    int64_t mtime_ns;
};

static void meta_name(const struct mapping *m, char out[CONF_NAME_MAX + 8])
{
    snprintf(out, CONF_NAME_MAX + 8, "marker:%s", m->conf->name);
}

/* What is to be enrolled of the file that is there. */
static struct enrolled enrolled_of(const struct mapping *m)
{
    struct enrolled e = {0};

    digest_sha256(m->conf->marker, strlen(m->conf->marker), e.path);
    e.ino = m->marker.st.ino;
    e.size = m->marker.st.size;
    e.mtime_ns = m->marker.st.mtime_ns;
    return e;
}

/* Ask for a look. */
static int look(struct agent *a, struct mapping *m)
{
    m->marker.asked = true;
    m->marker.asked_ms = clock_mono_ms();
    return watchers_observe(a->watchers, m->id, m->conf->marker);
}

int marker_look(struct agent *a, struct mapping *m)
{
    return m->conf->marker && !m->marker.asked ? look(a, m) : 0;
}

bool marker_awaited(struct agent *a, struct mapping *m, const struct item *it)
{
    if (!m->conf->marker || m->lost || (m->marker.looked_ms && m->marker.looked_ms >= it->gone_ms))
        return false;
    if (!m->marker.asked && look(a, m))
        agent_fail(a, -ENOMEM, "looking at the marker");
    return true;
}

void marker_enrol(struct agent *a, struct mapping *m)
{
    char name[CONF_NAME_MAX + 8];
    struct enrolled now;

    if (!m->conf->marker || !m->marker.there)
        return;
    now = enrolled_of(m);
    meta_name(m, name);
    if (index_meta_put(a->index, name, &now, sizeof now))
        agent_fail(a, -EIO, "writing the index");
    agent_dirty(a);
    m->marker.enrolled = true;
    m->marker.changed = false;
}

/* Hold the file against the one that was enrolled, or enrol it. */
static void compare(struct agent *a, struct mapping *m)
{
    bool was_changed = m->marker.changed;
    char name[CONF_NAME_MAX + 8];
    struct enrolled was, now = enrolled_of(m);
    size_t size = sizeof was;
    int rc;

    meta_name(m, name);
    rc = index_meta_get(a->index, name, &was, &size);
    if (rc && rc != -ENOENT && rc != -ENOSPC) {
        agent_fail(a, rc, "reading the index");
        return;
    }
    if (rc || size != sizeof was || memcmp(was.path, now.path, sizeof was.path) != 0) {
        if (!a->options.dry_run)
            marker_enrol(a, m);
        return;
    }
    m->marker.changed = was.ino != now.ino || was.size != now.size || was.mtime_ns != now.mtime_ns;
    m->marker.enrolled = true;
    if (m->marker.changed && !was_changed)
        log_warning("%s: the marker %s is another file than when it was enrolled; removals will be "
                    "held",
                    m->conf->name, m->conf->marker);
}

void marker_observed(struct agent *a, struct mapping *m, const struct hint *h, bool of_item)
{
    bool was_there = m->marker.there || !m->marker.looked_ms;

    if (!m->conf->marker || strcmp(h->path, m->conf->marker) != 0 || (!m->marker.asked && !of_item))
        return;
    if (of_item) { /* it changed; but from when that answer is nobody knows */
        if (marker_look(a, m))
            agent_fail(a, -ENOMEM, "looking at the marker");
        return;
    }
    if (h->code == -EAGAIN) { /* the kernel does not know yet */
        if (look(a, m))
            agent_fail(a, -ENOMEM, "looking at the marker");
        return;
    }
    m->marker.asked = false;
    m->marker.looked_ms = m->marker.asked_ms;
    m->marker.there = h->code == 0 && h->st.kind == FILE_REGULAR;
    if (m->marker.there) {
        m->marker.st = h->st;
        compare(a, m);
    } else if (was_there) {
        log_warning("%s: the marker %s is not there (%s); removals will be held", m->conf->name,
                    m->conf->marker, h->code ? err_name(h->code) : "no such file");
    }
    removals_all_seen(a, m);
}

enum guard_marker marker_verdict(const struct mapping *m)
{
    if (!m->conf->marker || !m->marker.looked_ms)
        return GUARD_MARKER_FINE; /* nothing is asked of the guard before the first look */
    if (!m->marker.there)
        return GUARD_MARKER_MISSING;
    return m->marker.changed ? GUARD_MARKER_OTHER : GUARD_MARKER_FINE;
}
