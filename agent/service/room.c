/*
 * Shell. A disk without room for journal and index: nothing is begun until there is, status says
 * so, and then the agent begins anew, as after a crash. What was in memory of the journal is kept
 * until it can be written.
 */
#include "agent/service/room.h"

#include "agent/service/aside.h"
#include "agent/service/events.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/visible.h"

#include <inttypes.h>
#include <sys/statvfs.h>
#include <systemd/sd-daemon.h>

#define ROOM_SHORT_BYTES (UINT64_C(1) << 20) /* what fails with less is taken to fail for that */
#define ROOM_BYTES       (UINT64_C(8) << 20) /* to begin anew: the ballast apart, for the index */
#define ROOM_FIRST_MS    5000                /* it is not looked for sooner */

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

/* There is, and not only since a moment ago: a disk that is full again at once is not scanned for.
 */
static bool is_over(struct agent *a)
{
    if (a->now_ms - a->aside_ms < ROOM_FIRST_MS || !is_back(a))
        return false;
    event_tell(EVENT_ROOM, NULL, NULL,
               "journal: there is room again after %" PRId64 " s; the agent begins anew",
               aside_s(a));
    return true;
}

static const struct aside no_room = {
    .state = "no room",
    .refusal = "there is no room for the journal: the agent waits for it",
    .is_over = is_over,
    .json = room_json,
    .text = room_text,
};

bool room_is_awaited(const struct agent *a)
{
    return a->aside == &no_room;
}

bool room_wait(struct agent *a, int code)
{
    int rc;

    agent_now(a);
    event_tell(EVENT_NO_ROOM, NULL, a->conf->state_dir,
               "journal: no room in %s (%s): nothing is begun, nothing is uploaded until there is",
               a->conf->state_dir, err_name(is_full(code) ? code : -ENOSPC));
    (void)sd_notify(0, "READY=1\nSTATUS=no room for the journal: waiting"); /* as in the agent */
    rc = aside_wait(a, &no_room);
    if (rc < 0)
        log_error("journal: waiting for room failed: %s", err_name(rc));
    return rc == 1;
}

void room_watch(struct agent *a)
{
    struct journal_health health;

    journal_health(a->journal, &health);
    if (health.failovers != a->failovers && !health.failed)
        event_tell(EVENT_SEGMENT_GIVEN_UP, NULL, NULL,
                   "journal: a segment could not be written and is left as it is; what it may have "
                   "lost was written again into a new one; is the disk well?");
    a->failovers = health.failovers;
}

void room_json(struct json_writer *w, const struct agent *a)
{
    json_object(w, "journal");
    json_put_bool(w, "no_room", room_is_awaited(a));
    if (room_is_awaited(a)) {
        json_put_int(w, "no_room_s", aside_s(a));
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
    if (rc || !room_is_awaited(a))
        return rc;
    rc = buf_append_str(out, "journal: no room in ");
    if (rc == 0)
        rc = visible_append(out, a->conf->state_dir);
    return rc ? rc
              : buf_appendf(out,
                            " since %" PRId64 " s: nothing is begun, nothing is uploaded until "
                            "there is\n",
                            aside_s(a));
}
