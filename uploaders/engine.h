/*
 * Inside the engine: how a task reaches a worker. Shell.
 */
#ifndef LOCKSTEP_UPLOADERS_ENGINE_H
#define LOCKSTEP_UPLOADERS_ENGINE_H

#include "uploaders/worker.h"

/* engine_run(u, task): hand the task (its transfer set) to a worker and wait until the transfer
 * comes back. 0, or a negative code where that could not begin (then the task is not taken). */
int engine_run(struct uploaders *u, struct task *task) __attribute__((warn_unused_result));

/* engine_hand(u, task, reply): hand the task (its transfer set) to a worker; the transfer comes to
 * `reply`, which may have no ceiling and must outlive it. */
void engine_hand(struct uploaders *u, struct task *task, struct mailbox *reply);

#endif
