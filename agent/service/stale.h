/*
 * Lists that could not be rewritten: their changes wait, in order, are tried again, and meanwhile
 * nothing is deleted from S3 that the list may name. Shell; the loop's.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_STALE_H
#define LOCKSTEP_AGENT_SERVICE_STALE_H

#include "agent/service/agent.h"

#include <stdatomic.h>

/* The changes of one pass, shared by its job and the lists that still have to get them. */
struct change_set {
    atomic_uint refs;
    struct lst_changes *changes;
};

/* One such list. */
struct stale_list {
    struct stale_list *next;
    unsigned mapping; /* of the list */
    char *path;
    struct change_set **sets;
    size_t count;
    unsigned failures;
    bool running;
    int64_t due_ms;
    char why[ERR_TEXT_MAX];
};

/* change_set_new(): no changes yet; the caller's. NULL without memory. change_set_drop(set): one
 * holder less (NULL is allowed); of any thread. */
struct change_set *change_set_new(void);
void change_set_drop(struct change_set *set);

/* stale_find(a, mapping, path): the list that waits for changes, or NULL.
 * stale_add(a, mapping, path, set, why): it still has to get these changes; why: NULL where it
 * waits behind others. */
struct stale_list *stale_find(const struct agent *a, unsigned mapping, const char *path);
void stale_add(struct agent *a, unsigned mapping, const char *path, struct change_set *set,
               const char *why);

/* stale_is_no_list(code): the code says that no list is there. stale_is_gone(a, list): it was not
 * there, and nothing says that it is elsewhere or cannot be reached. */
bool stale_is_no_list(int code);
bool stale_is_gone(struct agent *a, const struct pass_list *list);

/* stale_follow(a, from, to): the list was renamed: its changes go with it. */
void stale_follow(struct agent *a, const struct item *from, const struct item *to);

/* stale_retry(a): lists whose time has come are tried again. stale_passed(a, list): one was.
 * stale_deadline(a): when the next is due; INT64_MAX: none is. */
void stale_retry(struct agent *a);
void stale_passed(struct agent *a, const struct pass_list *list);
int64_t stale_deadline(const struct agent *a);
void stale_free_all(struct agent *a);

#endif
