/*
 * What could still explain that a path is gone, before its removal is asked for. Shell.
 *
 * A file that is not where it was may have been renamed, may lie where nobody could look, or an
 * event may be on its way that tells. Only when nothing of that is left its rows and its object go.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_GONE_H
#define LOCKSTEP_AGENT_SERVICE_GONE_H

#include "agent/service/agent.h"

/* gone_explained(a, m, it): the first that is left, in the order of enum gone_wait; GONE_NOT: none.
 * May have places, or the marker, looked at. */
enum gone_wait gone_explained(struct agent *a, struct mapping *m, struct item *it);

/* gone_is_out_of_sight(m, it): it may be where the last looks failed. */
bool gone_is_out_of_sight(const struct mapping *m, const struct item *it);

/* gone_names_ms(a, m): from when on another look at all names may be asked for. */
int64_t gone_names_ms(struct agent *a, const struct mapping *m);

/* gone_json(w, a, m), gone_text(out, a, m): how many gone paths of the mapping wait for what. */
void gone_json(struct json_writer *w, const struct agent *a, const struct mapping *m);
int gone_text(struct buf *out, const struct agent *a, const struct mapping *m)
    __attribute__((warn_unused_result));

#endif
