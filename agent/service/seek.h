/*
 * Looks at the places to which what is gone may have gone by what events told (core/ways), before
 * it is given up and its rows are dropped. However long the listing of such a place takes, and
 * whatever was at the path before and after: each is looked at once. Shell: the loop asks.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_SEEK_H
#define LOCKSTEP_AGENT_SERVICE_SEEK_H

#include "agent/service/agent.h"

/* seek_item(a, it): where the gone item's file may be, and what lists may have for it.
 *   SEEK_DONE    nowhere, or that was looked at
 *   SEEK_ASKED   looks are on their way; of the item itself, too, if something may have come back
 *   SEEK_UNSURE  so are none, but not all is known that events told */
enum seek { SEEK_DONE, SEEK_ASKED, SEEK_UNSURE };
enum seek seek_item(struct agent *a, struct item *it);

/* seek_rows(a, m): a pass over the lists is to begin. Items that wait for it go back to the start,
 * if their files may have gone somewhere since they were given up; so are the images looked for of
 * which the table knows that they are gone. True: the pass waits for that. */
bool seek_rows(struct agent *a, const struct mapping *m);

#endif
