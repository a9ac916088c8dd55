/*
 * A mapping's marker: a file in its tree that operators put there, and that says that the tree is
 * what it was. It is enrolled when it is seen first and never made here. Shell.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_MARKER_H
#define LOCKSTEP_AGENT_SERVICE_MARKER_H

#include "agent/service/agent.h"

/* marker_look(a, m): have it looked at, unless that is under way; without one nothing. 0 or a
 * negative code. */
int marker_look(struct agent *a, struct mapping *m) __attribute__((warn_unused_result));

/* marker_awaited(a, m, it): a look at the marker that began after the item's file was found gone is
 * on its way, or has just been asked for; removals_all_seen follows. */
bool marker_awaited(struct agent *a, struct mapping *m, const struct item *it);

/* marker_observed(a, m, h): HINT_OBSERVED of any path; `of_item`: some item waits for this answer.
 */
void marker_observed(struct agent *a, struct mapping *m, const struct hint *h, bool of_item);

/* marker_verdict(m): as the last look found it; fine where the mapping has none. */
enum guard_marker marker_verdict(const struct mapping *m);

/* marker_enrol(a, m): from here on the file that is there is the right one. */
void marker_enrol(struct agent *a, struct mapping *m);

#endif
