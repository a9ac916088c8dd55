/*
 * Status at a glance: in step or not, since when, and what comes next. Shell: reads the agent.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_GLANCE_H
#define LOCKSTEP_AGENT_SERVICE_GLANCE_H

#include "agent/service/agent.h"

/* glance_json(w, a, in_step): "in_step", "since", "last_in_step", "next", "needs_operator". */
void glance_json(struct json_writer *w, const struct agent *a, bool in_step);

/* glance_line(out, a, in_step): the first line. glance_next(out, a, in_step): the line of what
 * comes next; nothing where all is in step. */
int glance_line(struct buf *out, const struct agent *a, bool in_step)
    __attribute__((warn_unused_result));
int glance_next(struct buf *out, const struct agent *a, bool in_step)
    __attribute__((warn_unused_result));

#endif
