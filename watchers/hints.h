/*
 * Making hints, and lists of them. Pure.
 */
#ifndef LOCKSTEP_WATCHERS_HINTS_H
#define LOCKSTEP_WATCHERS_HINTS_H

#include "watchers/watchers.h"

/* Hints in order, linked through their letters. */
struct hint_list {
    struct hint *first;
    struct hint *last;
};

/* hint_new(kind, root, path, path2): a hint with copies of the paths (NULL: none). NULL without
 * memory. */
struct hint *hint_new(enum hint_kind kind, unsigned root, const char *path, const char *path2);

void hint_list_add_take(struct hint_list *list, struct hint *h);
/* hint_list_pop(list): the first one, the caller's; NULL if there is none. */
struct hint *hint_list_pop(struct hint_list *list);
void hint_list_release(struct hint_list *list);

/* listing_free(l): NULL is allowed. */
void listing_free(struct listing *l);

/* listing_sort(l): into the order that watchers.h promises. */
void listing_sort(struct listing *l);

#endif
