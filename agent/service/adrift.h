/*
 * Images that are on their way to S3 while something else has the only key that they had: two that
 * exchange their names, of which one has landed. The table of their rows is all that knows of them,
 * so what it says is kept in the index with each commit, for the run after a crash; of the others
 * the index itself tells, and it is kept that there are any. Shell; of the main loop.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_ADRIFT_H
#define LOCKSTEP_AGENT_SERVICE_ADRIFT_H

#include "agent/service/agent.h"

/* adrift_keep(a, seq): before a commit, of an index that reflects the journal up to this record. 0
 * or a negative code. */
int adrift_keep(struct agent *a, uint64_t seq) __attribute__((warn_unused_result));

/* adrift_load(a, seq): before the journal is read again from this record on: into the tables what
 * an earlier run kept then, and not what is left from before (a version that keeps nothing has
 * worked with the index since); each of these paths is looked at. 0 or a negative code. */
int adrift_load(struct agent *a, uint64_t seq) __attribute__((warn_unused_result));

/* adrift_listed(a): the journal was read: what lists name by other paths than the index, by its
 * word, comes into the tables, where they were not empty at a commit before. A pass has to know of
 * all: rows go to where others leave. It reads the whole index. 0 or a negative code. */
int adrift_listed(struct agent *a) __attribute__((warn_unused_result));

/* adrift_landed(a): the journal was read: those that S3 has by now have their names. 0 or a
 * negative code. */
int adrift_landed(struct agent *a) __attribute__((warn_unused_result));

#endif
