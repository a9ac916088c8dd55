/*
 * How long closed segments of the journal stay on this host. Shell.
 *
 * The oldest goes first, and one at a time: once it was closed longer ago than the configuration
 * says, once S3 has it where the journal goes there, and once neither recovery nor an open intent
 * would read it. The journal says what was removed before it is (journal_retire).
 */
#ifndef LOCKSTEP_AGENT_SERVICE_RETENTION_H
#define LOCKSTEP_AGENT_SERVICE_RETENTION_H

#include <stdint.h>

struct agent;

/* retention_step(a): remove what is due; looks at the journal's directory where something may be.
 * retention_deadline(a): when it is wanted again; monotonic milliseconds. */
void retention_step(struct agent *a);
int64_t retention_deadline(const struct agent *a);

#endif
