/*
 * Two lists, compared by what they mean: which images came, went, were moved, have other labels or
 * another index. The order of rows, the spelling of numbers and line endings mean nothing. Pure.
 */
#ifndef LOCKSTEP_LISTS_DIFF_H
#define LOCKSTEP_LISTS_DIFF_H

#include "lists/lists.h"

/* How the two rows of a pair differ. */
#define LST_DIFF_INDEX  1u
#define LST_DIFF_LABELS 2u
#define LST_DIFF_PATH   4u

/* The row of the old list and that of the new one that stand for the same image. */
struct lst_pair {
    uint64_t a; /* where the rows begin */
    uint64_t b;
    unsigned differ; /* LST_DIFF_...; 0: the same */
};

struct lst_diff {
    struct span a; /* the old list; borrowed */
    struct span b; /* the new one */
    struct lst_pair *pairs;
    size_t pair_n;
    size_t pair_room;
    uint64_t *removed; /* places in a */
    size_t removed_n;
    uint64_t *added; /* places in b */
    size_t added_n;
};

/*
 * lst_diff(a, b, all, ret): rows with the same path are paired, those that are the same first
 * (among rows that share a path with more than LST_DIFF_NEAR others: in order); of the rest, those
 * with the same index and labels: they were moved. What is left was removed or added. Pairs that
 * differ alone, by their place in b; with `all` those that are the same, too. Removed and added by
 * place. 0, -ENOMEM, ERR_LIMIT. lst_diff_release(d): frees.
 *
 * Memory besides the lists: 8 bytes a row of each, and 24 a pair that is kept. Rows at the begin
 * and the end that are the same byte for byte cost nothing (without `all`).
 */
#define LST_DIFF_NEAR 64
int lst_diff(struct span a, struct span b, bool all, struct lst_diff *ret)
    __attribute__((warn_unused_result));
void lst_diff_release(struct lst_diff *d);

/* lst_row_differ(x, y): LST_DIFF_... of two rows. */
unsigned lst_row_differ(const struct lst_row *x, const struct lst_row *y);

#endif
