/*
 * Lists whose policy holds removals: before images leave the lists, those that such a list names
 * are put among the removals that wait for an operator. Shell; the loop's but for list_holds_look.
 *
 *   relist_pass -> list_holds_ask -> JOB_NAMED: list_holds_look -> list_holds_answered ->
 * relist_pass
 *
 * Held removals of this kind are marked in the index apart from the guard's, which hold all that
 * comes after them.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_LIST_HOLDS_H
#define LOCKSTEP_AGENT_SERVICE_LIST_HOLDS_H

#include "agent/service/agent.h"

/* list_holds(policy): lists with this policy (or NULL) hold removals. */
bool list_holds(const struct conf_policy *policy);

/* list_holds_ask(a, m): removals of the mapping wait for a pass that no list was asked about yet,
 * and some list may hold them: it is looked for. True: the pass must wait for list_holds_answered.
 */
bool list_holds_ask(struct agent *a, const struct mapping *m);

/* list_holds_look(job): JOB_NAMED, on the thread: which of the names do the lists name? A list that
 * cannot be read may name any. */
void list_holds_look(struct job *job);

/* list_holds_answered(a, job): what was found is held, the rest may go. */
void list_holds_answered(struct agent *a, struct job *job);

/*
 * A row may be written between the question and the pass. So a pass rewrites lists that hold
 * removals before all others, and asks once more, of the very rows that a rewrite is to drop:
 *
 * list_holds_names(a, m, job): before the items go into the pass: it is to be asked about these. 0
 * or -ENOMEM.
 * list_holds_spare(job, list, undo): on the thread, when nothing of this rewrite is done yet.
 * ERR_REFUSED: it would drop rows that the list holds; they are withdrawn from the job's changes,
 * and it is to be made anew. 0: it may go on; or -ENOMEM.
 * list_holds_passed(a, job): the pass is through; what was found is held.
 */
int list_holds_names(struct agent *a, const struct mapping *m, struct job *job)
    __attribute__((warn_unused_result));
int list_holds_spare(struct job *job, struct pass_list *list, struct span undo)
    __attribute__((warn_unused_result));
void list_holds_passed(struct agent *a, struct job *job);

/* list_holds_forget(a, m, key): the removal is not held any more. list_holds_forget_key: the same
 * without an agent; *ret_was: a list held it. list_holds_count(a, m): m->named, from the index. 0
 * or a negative code. */
int list_holds_forget_key(struct index *ix, const char *key, bool *ret_was)
    __attribute__((warn_unused_result));
void list_holds_forget(struct agent *a, struct mapping *m, const char *key);
int list_holds_count(struct agent *a, struct mapping *m) __attribute__((warn_unused_result));

/* list_holds_keys(a, m, ret): the keys of the mapping's held removals as a map, or NULL where there
 * are none; the caller's. 0 or a negative code. */
int list_holds_keys(struct agent *a, const struct mapping *m, struct map **ret)
    __attribute__((warn_unused_result));

#endif
