/* Shell. The life of an agent: from its beginning to its exit status, and anew. */
#include "agent/service/agent.h"

#include "agent/service/events.h"
#include "agent/service/owner.h"
#include "agent/service/room.h"
#include "agent/service/stale.h"
#include "base/log.h"

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

/* With --once: the exit status. */
static int agent_verdict(const struct agent *a)
{
    bool open = a->stale_lists != NULL, unreached = false;

    for (size_t i = 0; i < a->mapping_count; i++)
        if (a->mappings[i].held || a->mappings[i].lost)
            return EXIT_HELD;
    for (unsigned m = 0; m < a->mapping_count; m++)
        for (const struct item *it = pending_first(a->pending, m); it; it = it->mate_next) {
            open = true;
            unreached |= it->state == ITEM_RETRY && it->unreached;
        }
    for (size_t i = 0; i < a->mapping_count; i++)
        open |= a->mappings[i].scan_code != 0;
    return unreached ? EXIT_UNREACHED : open ? EXIT_DIFFERENCES : EXIT_IN_STEP;
}

/* Signals come through the loop; threads inherit the mask. */
static void agent_signals(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL); /* fails only for a wrong `how` */
    (void)sigaction(SIGPIPE, &ignore, NULL);      /* the same */
}

/* Of the allocator, for all threads: in one of its own each thread would keep what a burst left. */
#define ARENAS_MAX 2

/* What is so large is the system's again when it is freed, and so is what is free at an arena's
 * end. These are the allocator's own habits, but it gives them up: the first large thing that is
 * freed (a segment that was compressed) has it keep twice as much in each arena for good. */
#define MAPPED_FROM (1 << 20)
#define KEPT_MAX    (1 << 20)

/* Without any of it there is only more memory. */
static void agent_allocator(void)
{
    (void)mallopt(M_ARENA_MAX, ARENAS_MAX);
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_MAX);
}

/* Wait for what would let the agent work. True: it is all to be begun anew. */
static bool agent_aside(struct agent *a, int code)
{
    if (a->rival.code == -EBUSY)
        return owner_stand_by(a);
    return room_is_short(a, code) && room_wait(a, code);
}

/* From the beginning to the end of the loop: the exit status. *ret_again: it is all begun anew,
 * since what kept the agent from its work (no room for the journal, another agent) is over, or by
 * *legacy with another configuration. */
static int agent_run(struct agent *a, struct takeover_legacy *legacy, bool *ret_again,
                     struct err *e)
{
    const bool stays = !a->options.once && !a->options.dry_run;
    int status = EXIT_UNREACHED, rc = agent_begin(a, e);
    bool goes_back = false;

    if (a->unfit)
        status = EXIT_USAGE;
    if (rc && !room_is_short(a, rc))
        goes_back = takeover_back(legacy, e);
    else
        takeover_done(legacy);
    if (rc == 0 && !a->options.dry_run) {
        event_tell(EVENT_STARTED, NULL, NULL, "%s: %zu mappings, S3 at %s",
                   a->options.once ? "reconciling" : "running", a->mapping_count,
                   uploaders_describe(a->uploaders));
        (void)sd_notify(0, "READY=1\nSTATUS=scanning"); /* nobody listens outside of systemd */
    }
    if (rc == 0 && !a->fatal) {
        rc = sd_event_loop(a->event);
        status = a->fatal || rc < 0 ? EXIT_UNREACHED : EXIT_IN_STEP;
        if (status == EXIT_IN_STEP && a->options.once)
            status = agent_verdict(a);
        if (a->options.dry_run && status == EXIT_IN_STEP && dry_found(&a->totals))
            status = EXIT_DIFFERENCES;
        if (status != EXIT_IN_STEP && a->fatal)
            err_set(e, a->fatal, NULL, NULL, "the agent had to stop: %s", err_name(a->fatal));
    }
    rc = a->fatal ? a->fatal : rc;
    *ret_again = goes_back || takeover_leave(a, legacy) ||
                 (stays && !a->stopping && rc && agent_aside(a, rc));
    if (a->rival.code == -EBUSY && stays && !*ret_again) { /* asked to end while it stood by */
        *e = (struct err){0};
        status = EXIT_IN_STEP;
    }
    return status;
}

/* One agent: the exit status. */
static int agent_life(const struct conf *conf, const struct agent_options *options,
                      struct agent_totals *ret_totals, struct takeover_legacy *legacy,
                      bool *ret_again, struct err *e)
{
    struct agent *a = calloc(1, sizeof *a);
    int status;

    *ret_again = false;
    if (!a) {
        err_set(e, -ENOMEM, NULL, NULL, "no memory");
        return EXIT_UNREACHED;
    }
    a->conf = conf;
    a->options = *options;
    takeover_inherit(a, legacy);
    status = agent_run(a, legacy, ret_again, e);
    if (a->options.dry_run) { /* the deletions go together */
        struct uploaders_options opt;

        service_uploaders_options(conf, &opt);
        s3_requests_add(&opt, TRANSFER_DELETE_MANY, a->totals.deletes, &a->totals.requests);
    }
    if (ret_totals)
        *ret_totals = a->totals;
    takeover_keep(a, legacy);
    agent_end(a);
    free(a);
    return status;
}

int service_run(const struct conf *conf, const struct agent_options *options,
                struct agent_totals *ret_totals, struct err *e)
{
    struct takeover_legacy legacy = {.conf = NULL};
    bool again;
    int status;

    agent_allocator();
    agent_signals();
    do {
        *e = (struct err){0};
        status = agent_life(conf, options, ret_totals, &legacy, &again, e);
        if (again && options->reloads)
            takeover_exchange(&legacy, options->reloads);
    } while (again);
    takeover_release(&legacy);
    return status;
}
