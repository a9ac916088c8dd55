/* Shell. What systemd is told: a line of status, and that the agent lives. */
#include "agent/service/agent.h"

#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#define PULSE_MS     20000 /* where there is no watchdog */
#define PULSE_MIN_MS 50
#define PULSE_PARTS  3 /* beats in the time after which the manager gives the agent up */

/* The age of the oldest change that is not in S3, in seconds. */
static int64_t oldest_s(const struct agent *a)
{
    int64_t since_ms = a->now_ms;

    for (unsigned m = 0; m < a->mapping_count; m++)
        for (const struct item *it = pending_first(a->pending, m); it; it = it->mate_next)
            since_ms = it->since_ms < since_ms ? it->since_ms : since_ms;
    return (a->now_ms - since_ms) / MS_PER_S;
}

/* The line: what a person has to do something about comes first. */
static void status_line(const struct agent *a, char *out, size_t size)
{
    const struct mapping *lost = NULL, *scanning = NULL;
    uint64_t held = 0;

    for (size_t i = 0; i < a->mapping_count; i++) {
        held += a->mappings[i].held;
        if (a->mappings[i].lost || a->mappings[i].stuck)
            lost = &a->mappings[i];
        if (a->mappings[i].scanning)
            scanning = &a->mappings[i];
    }
    if (lost)
        snprintf(out, size, "%s cannot be reached or does not answer", lost->conf->path);
    else if (held)
        snprintf(out, size, "%" PRIu64 " removals are held: lockstep status says why", held);
    else if (a->paused_us)
        snprintf(out, size, "transfers are paused, %zu changes open", pending_count(a->pending));
    else if (a->idle)
        snprintf(out, size, "in step");
    else if (scanning && !pending_count(a->pending))
        snprintf(out, size, "scanning %s", scanning->conf->path);
    else
        snprintf(out, size, "%zu changes open, %zu in flight, the oldest since %" PRId64 " s",
                 pending_count(a->pending), a->flying, oldest_s(a));
}

void pulse_status(struct agent *a)
{
    char line[sizeof a->pulse.line];

    if (!a->pulse.source)
        return;
    status_line(a, line, sizeof line);
    if (strcmp(line, a->pulse.line) == 0)
        return;
    memcpy(a->pulse.line, line, sizeof line);
    (void)sd_notifyf(0, "STATUS=%s", line); /* told again with the next change */
}

/* Has the watchers' thread gone round since the last beat? Asks it to, for the next one. */
static bool is_alive(struct agent *a)
{
    uint64_t rounds = watchers_rounds(a->watchers);
    bool alive = rounds != a->pulse.rounds;

    a->pulse.rounds = rounds;
    if (!alive && !a->pulse.missed)
        log_error("the watchers' thread has not moved for %" PRId64
                  " ms; unless it does, systemd's watchdog ends the agent",
                  a->pulse.ms);
    a->pulse.missed = !alive;
    return alive;
}

static int on_pulse(sd_event_source *s, uint64_t usec, void *arg)
{
    struct agent *a = arg;
    int rc;

    (void)usec;
    agent_now(a);
    if (is_alive(a) && a->pulse.watchdog)
        (void)sd_notify(0, "WATCHDOG=1"); /* one that is lost is made up for by the next */
    pulse_status(a);
    rc = sd_event_source_set_time_relative(s, (uint64_t)(a->pulse.ms * US_PER_MS));
    return rc < 0 ? rc : sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
}

int pulse_begin(struct agent *a)
{
    uint64_t usec = 0;
    int rc;

    if (!getenv("NOTIFY_SOCKET"))
        return 0;
    a->pulse.watchdog = sd_watchdog_enabled(0, &usec) > 0;
    a->pulse.ms = a->pulse.watchdog ? (int64_t)(usec / US_PER_MS) / PULSE_PARTS : PULSE_MS;
    if (a->pulse.ms < PULSE_MIN_MS)
        a->pulse.ms = PULSE_MIN_MS;
    a->pulse.rounds = UINT64_MAX;
    rc = sd_event_add_time_relative(a->event, &a->pulse.source, CLOCK_MONOTONIC, 0, US_PER_MS,
                                    on_pulse, a);
    return rc < 0 ? rc : 0;
}
