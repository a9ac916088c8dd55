/*
 * Shell. A disk without room for journal and index: nothing is begun until there is, status says
 * so, and then the agent begins anew, as after a crash. What was in memory of the journal is kept
 * until it can be written.
 */
#include "agent/service/room.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/visible.h"

#include <inttypes.h>
#include <sys/statvfs.h>
#include <systemd/sd-daemon.h>

#define ROOM_SHORT_BYTES (UINT64_C(1) << 20) /* what fails with less is taken to fail for that */
#define ROOM_BYTES       (UINT64_C(8) << 20) /* to begin anew: the ballast apart, for the index */
#define ROOM_LOOK_MS     1000
#define ROOM_FIRST_MS    5000 /* a disk that is full again at once is not scanned for at once */

/* Is that an error of a full disk? */
static bool is_full(int code)
{
    return code == -ENOSPC || code == -EDQUOT;
}

/* Free bytes of a directory's file system; UINT64_MAX where they cannot be told. */
static uint64_t free_bytes(const char *dir)
{
    struct statvfs fs;

    return statvfs(dir, &fs) ? UINT64_MAX : (uint64_t)fs.f_bavail * fs.f_frsize;
}

/* Those of index and journal, the lesser. */
static uint64_t room_bytes(const struct agent *a)
{
    uint64_t index = free_bytes(a->conf->state_dir), journal = free_bytes(a->conf->journal_dir);

    return index < journal ? index : journal;
}

bool room_is_short(const struct agent *a, int code)
{
    struct journal_health health = {.degraded = false};

    if (is_full(code) || !a->fatal)
        return is_full(code);
    if (a->journal)
        journal_health(a->journal, &health);
    return health.degraded || room_bytes(a) < ROOM_SHORT_BYTES;
}

/* What the journal holds back is written, its ballast is there, and the index has room, too. */
static bool is_back(struct agent *a)
{
    struct journal_health health = {.degraded = false};
    int rc = 0;

    if (a->journal) {
        rc = journal_tick(a->journal, a->real_us);
        journal_health(a->journal, &health);
    }
    if (health.failed) /* only a new beginning helps it */
        rc = 0;
    return rc == 0 && (health.failed || !health.degraded) && room_bytes(a) >= ROOM_BYTES;
}

static int on_look(sd_event_source *s, uint64_t usec, void *arg)
{
    struct agent *a = arg;
    int rc;

    (void)usec;
    agent_now(a);
    if (a->now_ms - a->short_ms >= ROOM_FIRST_MS && is_back(a)) {
        log_info("journal: there is room again after %" PRId64 " s; the agent begins anew",
                 (a->now_ms - a->short_ms) / MS_PER_S);
        return sd_event_exit(sd_event_source_get_event(s), 1);
    }
    rc = sd_event_source_set_time_relative(s, (uint64_t)ROOM_LOOK_MS * US_PER_MS);
    return rc < 0 ? rc : sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
}

static int on_stop(sd_event_source *s, const struct signalfd_siginfo *si, void *arg)
{
    (void)si;
    (void)arg;
    return sd_event_exit(sd_event_source_get_event(s), 0);
}

/* A loop of its own: a look now and then, the socket, the watchdog. 0 or a negative code. */
static int room_loop(struct agent *a)
{
    struct err e = {0};
    int rc = sd_event_default(&a->event);

    if (rc >= 0)
        rc = sd_event_add_time_relative(a->event, NULL, CLOCK_MONOTONIC,
                                        (uint64_t)ROOM_LOOK_MS * US_PER_MS, 0, on_look, a);
    if (rc >= 0)
        rc = sd_event_add_signal(a->event, NULL, SIGTERM, on_stop, a);
    if (rc >= 0)
        rc = sd_event_add_signal(a->event, NULL, SIGINT, on_stop, a);
    if (rc >= 0)
        rc = sd_event_set_watchdog(a->event, true);
    if (rc < 0)
        return rc;
    if (control_new(a, a->conf->socket, &a->control, &e)) /* its name may need room as well */
        log_warning("%s: %s; status cannot be asked for meanwhile", e.where, e.what);
    return sd_event_loop(a->event);
}

bool room_wait(struct agent *a, int code)
{
    int rc;

    agent_now(a);
    a->room_short = true;
    a->short_ms = a->now_ms;
    log_error("journal: no room in %s (%s): nothing is begun, nothing is uploaded until there is",
              a->conf->state_dir, err_name(is_full(code) ? code : -ENOSPC));
    (void)sd_notify(0, "READY=1\nSTATUS=no room for the journal: waiting"); /* as in the agent */
    agent_end_work(a);
    rc = room_loop(a);
    if (rc < 0)
        log_error("journal: waiting for room failed: %s", err_name(rc));
    return rc == 1;
}

void room_watch(struct agent *a)
{
    struct journal_health health;

    journal_health(a->journal, &health);
    if (health.failovers != a->failovers && !health.failed)
        log_error("journal: a segment could not be written and is left as it is; what it may have "
                  "lost was written again into a new one; is the disk well?");
    a->failovers = health.failovers;
}

/* Since when, in seconds. */
static int64_t short_s(const struct agent *a)
{
    return (a->now_ms - a->short_ms) / MS_PER_S;
}

/* The answer for programs; its members are those of an agent at work where it can tell them. */
static int report_json(const struct agent *a, struct buf *out)
{
    struct json_writer w;

    json_begin(&w, out);
    json_object(&w, NULL);
    json_put_bool(&w, "running", true);
    json_put_bool(&w, "in_step", false);
    room_json(&w, a);
    if (a->journal)
        json_put_int(&w, "journal_records", (int64_t)journal_next_seq(a->journal) - 1);
    json_array(&w, "mappings");
    for (size_t i = 0; i < a->conf->mapping_count; i++) {
        json_object(&w, NULL);
        json_put_string(&w, "name", a->conf->mappings[i].name);
        json_put_string(&w, "path", a->conf->mappings[i].path);
        json_put_string(&w, "prefix", a->conf->mappings[i].prefix);
        json_put_string(&w, "state", "no room");
        json_object_end(&w);
    }
    json_array_end(&w);
    json_object_end(&w);
    return json_end(&w) ? -ENOMEM : buf_append_byte(out, '\n');
}

int room_status(const struct agent *a, bool json, struct buf *out)
{
    int rc = json ? report_json(a, out) : buf_append_str(out, "not in step\n");

    if (rc == 0 && !json)
        rc = room_text(out, a);
    if (rc)
        log_warning("the status could not be written whole");
    return EXIT_UNREACHED;
}

void room_json(struct json_writer *w, const struct agent *a)
{
    json_object(w, "journal");
    json_put_bool(w, "no_room", a->room_short);
    if (a->room_short) {
        json_put_int(w, "no_room_s", short_s(a));
        json_put_int(w, "free_bytes", (int64_t)room_bytes(a));
    }
    json_put_int(w, "segments_given_up", (int64_t)a->failovers);
    json_object_end(w);
}

int room_text(struct buf *out, const struct agent *a)
{
    int rc = 0;

    if (a->failovers)
        rc = buf_appendf(out,
                         "journal: %" PRIu64 " segments were given up because the disk failed; "
                         "they were gone on with in new ones\n",
                         a->failovers);
    if (rc || !a->room_short)
        return rc;
    rc = buf_append_str(out, "journal: no room in ");
    if (rc == 0)
        rc = visible_append(out, a->conf->state_dir);
    return rc ? rc
              : buf_appendf(out,
                            " since %" PRId64 " s: nothing is begun, nothing is uploaded until "
                            "there is\n",
                            short_s(a));
}
