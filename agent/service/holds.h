/*
 * Lists whose policy holds removals: before images leave the lists, those that such a list names
 * are put among the removals that wait for an operator. Shell; the loop's but for holds_look.
 *
 *   relist_pass -> holds_ask -> JOB_NAMED: holds_look -> holds_answered -> relist_pass
 *
 * Held removals of this kind are marked in the index apart from the guard's, which hold all that
 * comes after them.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_HOLDS_H
#define LOCKSTEP_AGENT_SERVICE_HOLDS_H

#include "agent/service/agent.h"

/* holds_ask(a, m): removals of the mapping wait for a pass that no list was asked about yet, and
 * some list may hold them: it is looked for. True: the pass must wait for holds_answered. */
bool holds_ask(struct agent *a, const struct mapping *m);

/* holds_look(job): JOB_NAMED, on the thread: which of the names do the lists name? A list that
 * cannot be read may name any. */
void holds_look(struct job *job);

/* holds_answered(a, job): what was found is held, the rest may go. */
void holds_answered(struct agent *a, struct job *job);

/* holds_forget(a, m, key): the removal is not held any more. holds_count(a, m): m->named, from the
 * index; 0 or a negative code. */
void holds_forget(struct agent *a, struct mapping *m, const char *key);
int holds_count(struct agent *a, struct mapping *m) __attribute__((warn_unused_result));

/* holds_keys(a, m, ret): the keys of the mapping's held removals as a map, or NULL where there are
 * none; the caller's. 0 or a negative code. */
int holds_keys(struct agent *a, const struct mapping *m, struct map **ret)
    __attribute__((warn_unused_result));

#endif
