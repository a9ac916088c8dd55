/*
 * One person at a time edits a list: an advisory lock, which only those commands ask for that give
 * a person time to think. Shell.
 *
 * The lock is a file beside the list, locked while it is held and removed then, so that who dies
 * leaves a file but no lock. The agent passes over its name.
 */
#ifndef LOCKSTEP_AGENT_COMMANDS_LST_LOCK_H
#define LOCKSTEP_AGENT_COMMANDS_LST_LOCK_H

#include "base/err.h"

struct lst_lock {
    int dir_fd;
    int fd; /* -1: not held */
    char name[64];
};

/* lst_lock_take(path, ret, e): lock the list at this path, links followed. 0, -EBUSY with who has
 * it, -errno. lst_lock_drop(l): let go; harmless where nothing is held. */
int lst_lock_take(const char *path, struct lst_lock *ret, struct err *e)
    __attribute__((warn_unused_result));
void lst_lock_drop(struct lst_lock *l);

#endif
