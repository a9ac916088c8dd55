/*
 * A watched root: opened, and held against what its path is later. Shell.
 */
#ifndef LOCKSTEP_WATCHERS_ROOTS_H
#define LOCKSTEP_WATCHERS_ROOTS_H

#include "watchers/filter.h"
#include "watchers/place.h"
#include "watchers/stall.h"

struct root {
    char *path;
    struct filter *filter;
    struct place_root place;
    struct root_identity identity; /* as it was opened; of roots_compare, one call at a time */
    atomic_bool lost;
    struct stall stall;
    size_t looks_out;  /* checks in the pool; the tracker thread's */
    int64_t rescan_ms; /* as the options say */
    int64_t sliced_ms; /* when the last slice of the rotation began; the tracker thread's */
    bool remote;
};

/* roots_open(r, opt, watch, stop, e): r is zeroed. Watches are placed if `watch` and opt->with
 * says so; looks give up once *stop is true. 0 or -errno, said in e; roots_release either way. */
int roots_open(struct root *r, const struct watch_root *opt, bool watch, const atomic_bool *stop,
               struct err *e) __attribute__((warn_unused_result));

/* roots_mark(r, fan, code, e): the root may use fan (borrowed); NULL: it cannot be had, and why is
 * `code`. 0, or ERR_REFUSED, said in e, if the root wants fanotify and cannot have it. */
int roots_mark(struct root *r, struct fan *fan, int code, struct err *e)
    __attribute__((warn_unused_result));

void roots_release(struct root *r);

/* roots_compare(r): is the path the directory that is open? 0 or why not. A root that was lost and
 * is there again under another mount is taken for the old one if identity_same_tree says so. May
 * wait for a disk. */
int roots_compare(struct root *r) __attribute__((warn_unused_result));

/* roots_guard(r): watch the directory above the root, if watches are placed at all. The watch
 * descriptor, or -1 where that cannot be: then the next scan notices that a root was removed. */
int roots_guard(const struct root *r) __attribute__((warn_unused_result));

#endif
