/*
 * A changed configuration, taken over while the agent runs.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_RELOAD_H
#define LOCKSTEP_AGENT_SERVICE_RELOAD_H

#include "agent/service/agent.h"

#define RELOAD_LATER (-1)

/* reload(a, client, out): read the file again and take over what can be (conf_reload), or refuse it
 * whole; out gets what happened, as lines. The exit status; or RELOAD_LATER: the agent begins anew
 * with it soon (takeover.h), and the client (a descriptor, negative: nobody) is answered then. */
int reload(struct agent *a, int client, struct buf *out);

/* reload_logged(a): the same, told in the log. */
void reload_logged(struct agent *a);

#endif
