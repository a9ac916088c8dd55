/*
 * A filter of names with its own copy of the patterns, for the walk. Pure.
 */
#ifndef LOCKSTEP_WATCHERS_FILTER_H
#define LOCKSTEP_WATCHERS_FILTER_H

#include "watchers/watchers.h"

struct filter;

/* filter_new(f, ret): copy the patterns of `f` (and the defaults). 0 or -ENOMEM. */
int filter_new(const struct watch_filter *f, struct filter **ret)
    __attribute__((warn_unused_result));

/* filter_free(f): NULL is allowed. */
void filter_free(struct filter *f);

/* filter_excludes_name(f, dir, name): is dir/name passed over? `dir` ("" is the root) is known not
 * to be excluded, so only patterns that match dir/name itself are held against it. Any thread. */
bool filter_excludes_name(const struct filter *f, const char *dir, const char *name);

#endif
