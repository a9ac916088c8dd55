/*
 * What the kernel and the disk tell of the agent. Shell; any thread: it may wait for the disk.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_VITALS_H
#define LOCKSTEP_AGENT_SERVICE_VITALS_H

#include "agent/core/metrics.h"

/* vitals_process(ret): this process. What cannot be told is 0. */
void vitals_process(struct metrics_process *ret);

/* vitals_disk(journal_dir, state_dir, anchored, ret): sizes of journal and index, free space, and
 * the closed segments behind the file `anchored` (NULL: none go anywhere). What cannot be told is
 * 0. */
void vitals_disk(const char *journal_dir, const char *state_dir, const char *anchored,
                 struct metrics_disk *ret);

#endif
