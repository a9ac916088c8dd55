/* A disk without room for journal and index, and one that fails. Shell. */
#ifndef LOCKSTEP_AGENT_SERVICE_ROOM_H
#define LOCKSTEP_AGENT_SERVICE_ROOM_H

#include "agent/service/agent.h"

#include "base/json.h"

/* room_is_short(a, code): what has just failed with this code did so because the disk of journal or
 * index is full. The index's errors do not say so themselves: in the loop the disk is asked. */
bool room_is_short(const struct agent *a, int code);

/* room_wait(a, code): after the loop has ended: the agent's threads end, the journal stays open and
 * locked, status is answered, and true is returned when there is room, for a to be ended and a new
 * one begun; false where it is to stop. a->journal may be NULL: it could not be opened. */
bool room_wait(struct agent *a, int code);

/* room_is_awaited(a): room_wait is at it. */
bool room_is_awaited(const struct agent *a);

/* room_watch(a): say it once where a segment of the journal was given up. */
void room_watch(struct agent *a);

/* room_json(w, a), room_text(out, a): what `status` says of it, of an agent at work too. 0 or a
 * negative code. */
void room_json(struct json_writer *w, const struct agent *a);
int room_text(struct buf *out, const struct agent *a) __attribute__((warn_unused_result));

#endif
