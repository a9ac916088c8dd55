/*
 * Keys that something was done to meanwhile, and all that lies beneath them. Pure.
 *
 * With very many of them it says that every key is one: who asks then knows nothing, but is not
 * told anything false.
 */
#ifndef LOCKSTEP_AGENT_CORE_MOVED_H
#define LOCKSTEP_AGENT_CORE_MOVED_H

#include <stdbool.h>

#define MOVED_MAX (1u << 20)

struct moved;

/* moved_new(ret): none. 0 or -ENOMEM. */
int moved_new(struct moved **ret) __attribute__((warn_unused_result));
void moved_free(struct moved *m);

/* moved_add(m, prefix, path): the key of both; a directory stands for all beneath it.
 * moved_add_all_to(m, prefix, key): those that begin with the prefix, up to this one. 0 or -ENOMEM.
 */
int moved_add(struct moved *m, const char *prefix, const char *path)
    __attribute__((warn_unused_result));
int moved_add_all_to(struct moved *m, const char *prefix, const char *key)
    __attribute__((warn_unused_result));

/* moved_has(m, key): it is one of them, or lies beneath one. */
bool moved_has(const struct moved *m, const char *key);

#endif
