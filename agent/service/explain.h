/*
 * Where an image is whose place left with a directory that was renamed since all was in step last,
 * where looks and events tell nothing (any more): as when S3 is refused for long, and what waits is
 * too much to be looked at. Shell: the loop asks.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_EXPLAIN_H
#define LOCKSTEP_AGENT_SERVICE_EXPLAIN_H

#include "agent/service/agent.h"

/* explain_place(a, m, key, now): the key of the place to which that of this key came, if the index
 * has an image there, or one was seen there. False: neither. */
bool explain_place(struct agent *a, const struct mapping *m, const char *key,
                   char now[AGENT_KEY_SIZE]);

/* explain_row(a, m, path): a list names this path, at which nothing is, nor in S3. True: its rows
 * are old ones from now on (departed.h), or wait for what is on its way. */
bool explain_row(struct agent *a, const struct mapping *m, const char *path);

#endif
