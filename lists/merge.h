/*
 * Three lists made one, row by row: what two people did to the same list. Pure.
 *
 * Rows of one image are found as lst_diff finds them. Ours keeps its order and its bytes; what
 * theirs changed, moved or removed is done to it, what theirs added follows at the end. The two may
 * change different fields of one row. Where they cannot be made one, both rows stand between
 * markers, as in other merges, for a person to choose.
 */
#ifndef LOCKSTEP_LISTS_MERGE_H
#define LOCKSTEP_LISTS_MERGE_H

#include "lists/lists.h"

struct lst_merge_options {
    bool renumber;    /* an added row whose index is taken gets the next free one */
    unsigned marker;  /* characters of a marker; 0: 7 */
    const char *ours; /* what the markers say; NULL: "ours", "theirs" */
    const char *theirs;
};

struct lst_merge_stats {
    uint64_t changed;    /* rows of ours that became theirs, or partly */
    uint64_t dropped;    /* rows of ours that theirs removed */
    uint64_t added;      /* rows of theirs alone */
    uint64_t renumbered; /* of these */
    uint64_t conflicts;
};

/* lst_merge(base, ours, theirs, opt, out, ret): append the merged list to out. 0, -ENOMEM,
 * ERR_LIMIT. */
int lst_merge(struct span base, struct span ours, struct span theirs,
              const struct lst_merge_options *opt, struct buf *out, struct lst_merge_stats *ret)
    __attribute__((warn_unused_result));

#endif
