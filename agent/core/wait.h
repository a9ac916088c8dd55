/*
 * Waiting until all that was on disk at a moment is in S3. Pure.
 *
 *   MARKING  a mark that was made then comes back: what events and scans tell of is told
 *   SEEING   nothing that was lost on the way is unseen, no range is left to be swept
 *   OPEN     no path is open that was open by then
 *   LISTS    what renames and removals made stale is rewritten
 *   LAST     no path is open that was open by then: the rewritten lists are in S3, too
 *   DONE
 *
 * Each condition need only hold once: what comes later is not waited for.
 */
#ifndef LOCKSTEP_AGENT_CORE_WAIT_H
#define LOCKSTEP_AGENT_CORE_WAIT_H

#include <stdbool.h>

enum wait_stage { WAIT_MARKING, WAIT_SEEING, WAIT_OPEN, WAIT_LISTS, WAIT_LAST, WAIT_DONE };

struct wait_facts {
    bool marked;  /* the mark came back */
    bool whole;   /* every tree was seen as a whole, nothing is to be swept */
    bool open;    /* a path that was open when OPEN or LAST began still is */
    bool lists;   /* lists are stale or being rewritten */
    bool in_step; /* nothing at all is open */
};

/* wait_next(stage, facts): the stage that follows, or the same. */
enum wait_stage wait_next(enum wait_stage stage, const struct wait_facts *facts);

#endif
