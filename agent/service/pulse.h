/*
 * What systemd is told: a line of status, and that the agent lives.
 *
 * The watchdog is fed from the loop, and only if the watchers' thread has gone round since the last
 * time: these two never wait for a disk or for S3, so they stand still for no good reason. Threads
 * that read files or wait for servers may hang with those; a restart would not help them.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_PULSE_H
#define LOCKSTEP_AGENT_SERVICE_PULSE_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct agent;

struct pulse {
    sd_event_source *source; /* NULL: no service manager listens */
    bool watchdog;           /* and it wants to know that we live */
    bool missed;             /* the last beat was */
    int64_t ms;              /* between beats */
    uint64_t rounds;         /* of the watchers' thread at the last beat */
    char line[512];          /* as it was told last */
};

/* pulse_begin(a): beat from now on, if the service manager listens. 0 or a negative code. */
int pulse_begin(struct agent *a) __attribute__((warn_unused_result));

/* pulse_status(a): tell the line of status now, if it is another one. */
void pulse_status(struct agent *a);

#endif
