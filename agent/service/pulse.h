/*
 * What systemd is told: a line of status, and that the agent lives.
 *
 * The watchdog is fed from the loop, and only if the watchers' thread has gone round since the last
 * time: these two never wait for a disk or for S3, so they stand still for no good reason. Threads
 * that read files or wait for servers may hang with those; a restart would not help them.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_PULSE_H
#define LOCKSTEP_AGENT_SERVICE_PULSE_H

#include "agent/service/agent.h"

/* pulse_begin(a): beat from now on, if the service manager listens. 0 or a negative code. */
int pulse_begin(struct agent *a) __attribute__((warn_unused_result));

/* pulse_status(a): tell the line of status now, if it is another one. */
void pulse_status(struct agent *a);

#endif
