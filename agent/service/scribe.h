/*
 * The figures as a file, for the textfile collector of Prometheus's node exporter: replaced as a
 * whole every SCRIBE_S, by a thread of its own. Shell.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_SCRIBE_H
#define LOCKSTEP_AGENT_SERVICE_SCRIBE_H

#include "agent/service/desk.h"
#include "base/err.h"

#define SCRIBE_S 15

struct scribe;

/* scribe_new(file, desk, ret, e): its folder must be there. The desk and the name are borrowed. 0,
 * or a negative code with e. scribe_free(s): ends, and removes the file: figures of an agent that
 * is not there would mislead. The desk is closed before that. NULL is allowed. */
int scribe_new(const char *file, struct desk *desk, struct scribe **ret, struct err *e)
    __attribute__((warn_unused_result));
void scribe_free(struct scribe *s);

#endif
