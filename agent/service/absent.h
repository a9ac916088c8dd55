/*
 * How many rows of which lists name images that are gone, since their policy keeps them. The index
 * remembers it; it is right as of the last time that the list was read. Shell; the loop's.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_ABSENT_H
#define LOCKSTEP_AGENT_SERVICE_ABSENT_H

#include "agent/service/agent.h"

/* absent_set(a, m, path, rows): so many in this list. absent_add: so many more. */
void absent_set(struct agent *a, struct mapping *m, const char *path, uint64_t rows);
void absent_add(struct agent *a, struct mapping *m, const char *path, uint64_t rows);

/* absent_count(a, m): m->absent, from the index. 0 or a negative code. */
int absent_count(struct agent *a, struct mapping *m) __attribute__((warn_unused_result));

#endif
