/*
 * One agent a tree: who acts on a tree holds locks on it, so that another agent, on this host or on
 * another that mounts the same file system, stands by. Shell.
 *
 * The locks are those of open file descriptions (fcntl(2), F_OFD_SETLK), which end with the
 * process. On every file system one on the directory itself, which leaves no trace; it can only be
 * a read lock, so each agent takes one on a byte of its own and then asks whether there is
 * another's. Where other hosts may write, also one on a file in it, .lockstep-lock, which NFSv4,
 * EFS and Lustre (mounted with `flock`) keep across hosts: it says who holds it, is made when it is
 * needed and goes in the end. Where that cannot be made (no right to write, no locks) no other host
 * is kept away, and the log says so.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_OWNER_H
#define LOCKSTEP_AGENT_SERVICE_OWNER_H

#include "base/err.h"
#include "conf/conf.h"

#include <stdbool.h>

struct agent;
struct owner;

/* owner_take(conf, ret, e): lock the trees of all mappings; one that is not there is passed over. 0
 * or -errno; -EBUSY: another agent acts on one of them, and e says on which, and who. */
int owner_take(const struct conf *conf, struct owner **ret, struct err *e)
    __attribute__((warn_unused_result));

/* owner_again(o, m, e): the tree of mapping number m came back, perhaps as another directory:
 * locked if it is not yet. As owner_take. */
int owner_again(struct owner *o, unsigned m, struct err *e) __attribute__((warn_unused_result));

/* owner_free(o): let go of all. NULL is allowed. */
void owner_free(struct owner *o);

/* owner_stand_by(a): a->rival tells of another agent: says so and waits. True: it is gone, a is to
 * be ended and a new one begun; false: asked to end. */
bool owner_stand_by(struct agent *a);

#endif
