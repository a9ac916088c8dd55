/*
 * Where an image is whose place left since all was in step last, by itself or with a directory that
 * was renamed, or that it was deleted: where looks tell nothing (any more), as when S3 is refused
 * for long, and what waits is too much to be looked at. Shell: the loop asks.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_EXPLAIN_H
#define LOCKSTEP_AGENT_SERVICE_EXPLAIN_H

#include "agent/service/agent.h"

/* explain_left(a, key, to): an event told that what was at the key is at `to` now; NULL: a file was
 * deleted, or nobody knows where a directory went. */
void explain_left(struct agent *a, const char *key, const char *to);

/* explain_place(a, m, key, now): the key of the place to which what lists name by this key came, if
 * the index has an image there, or one was seen there. False: neither. */
bool explain_place(struct agent *a, const struct mapping *m, const char *key,
                   char now[AGENT_KEY_SIZE]);

/* explain_touched(a, it): a hint came for the item; what a list has that was not in it at its last
 * reading was written from then on. explain_begin(a, it, job): it is read by this job; behind it,
 * explain_end(a, it, job): what the list names was there then, or when it was written. */
void explain_touched(const struct agent *a, struct item *it);
void explain_begin(const struct agent *a, struct item *it, struct job *job);
void explain_end(struct agent *a, struct item *it, const struct job *job);

/* explain_rewritten(a, key): rows that lists get by this name are of what is there now, whatever
 * they named by it before. */
void explain_rewritten(struct agent *a, const char *key);

/* explain_row(a, it, path, away): the list names this path, at which nothing is, nor in S3; away:
 * nor is there a directory for it. True: its rows are old ones from now on (departed.h), or wait
 * for what is on its way, or for a look where it must be. */
bool explain_row(struct agent *a, const struct item *it, const char *path, bool away);

#endif
