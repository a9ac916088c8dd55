/*
 * Images that are on their way to S3 while something else has the only key that they had: two that
 * exchange their names, of which one has landed. The table of their rows is all that knows of them,
 * so what it says is kept in the index with each commit, for the run after a crash. Shell; of the
 * main loop.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_ADRIFT_H
#define LOCKSTEP_AGENT_SERVICE_ADRIFT_H

#include "agent/service/agent.h"

/* adrift_keep(a): before a commit. 0 or a negative code. */
int adrift_keep(struct agent *a) __attribute__((warn_unused_result));

/* adrift_load(a): before the journal is read again: into the tables what an earlier run kept; each
 * of these paths is looked at. 0 or a negative code. */
int adrift_load(struct agent *a) __attribute__((warn_unused_result));

/* adrift_landed(a): the journal was read: those that S3 has by now have their names. 0 or a
 * negative code. */
int adrift_landed(struct agent *a) __attribute__((warn_unused_result));

#endif
