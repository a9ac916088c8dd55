/*
 * What rows do where images end, or what was theirs does; the rest of follow.c is in agent.h. For
 * agent/service/ alone.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_FOLLOW_H
#define LOCKSTEP_AGENT_SERVICE_FOLLOW_H

#include "agent/core/rows.h"

struct agent;
struct item;

/* follow_noted(a, rows, rc): rc is what the table said to a change. Something may be to be written:
 * passes wait until no more comes. */
void follow_noted(struct agent *a, const struct rows *rows, int rc);

/* follow_left(a, it): what was at the item's path is gone, and its rows have left. Where S3 has the
 * same file under another key (it was renamed over another image), the object here is an old one
 * of it from now on. */
void follow_left(struct agent *a, const struct item *it);

/* follow_emptied(a, it): what was at the item's path went on, and nothing is there any more: rows
 * of what it had overwritten there are to go with the next pass. */
void follow_emptied(struct agent *a, const struct item *it);

/* follow_held(a, it): the item's removal is held, so its rows stay. They are to name it as S3 has
 * it: the name of a place where it never landed may be another's soon. */
void follow_held(struct agent *a, const struct item *it);

#endif
