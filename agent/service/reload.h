/*
 * A changed configuration, taken over while the agent runs.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_RELOAD_H
#define LOCKSTEP_AGENT_SERVICE_RELOAD_H

#include "agent/service/agent.h"

/* reload(a, out): read the file again and take over what can be (conf_reload), or refuse it whole;
 * out gets what happened, as lines. The exit status. */
int reload(struct agent *a, struct buf *out);

/* reload_logged(a): the same, told in the log. */
void reload_logged(struct agent *a);

#endif
