/*
 * What a list holds, in numbers. Pure.
 */
#ifndef LOCKSTEP_LISTS_TALLY_H
#define LOCKSTEP_LISTS_TALLY_H

#include "lists/lists.h"

struct lst_tally {
    uint64_t rows;
    uint64_t images;
    uint64_t blanks;
    uint64_t others;
    uint64_t label_fewest; /* label fields of a row */
    uint64_t label_most;
    uint64_t boxes;    /* rows whose labels are boxes, as for detection */
    uint64_t no_class; /* rows whose label is no class */
    uint64_t *classes; /* rows of each class */
    size_t class_n;    /* the highest class and one; 0: none */
    size_t class_room;
};

/* lst_tally_add(t, row): 0 or -ENOMEM. lst_tally_all(t, text): every row. A tally begins zeroed;
 * lst_tally_release frees. */
int lst_tally_add(struct lst_tally *t, const struct lst_row *row)
    __attribute__((warn_unused_result));
int lst_tally_all(struct lst_tally *t, struct span text) __attribute__((warn_unused_result));
void lst_tally_release(struct lst_tally *t);

/* lst_tally_merge(t, other): add the classes of another. 0 or -ENOMEM. */
int lst_tally_merge(struct lst_tally *t, const struct lst_tally *other)
    __attribute__((warn_unused_result));

/* lst_tally_is_detection(t): all images have boxes. */
bool lst_tally_is_detection(const struct lst_tally *t);

/* The extremes of the classes that have rows. */
struct lst_extremes {
    uint64_t fewest;
    uint64_t most;
    size_t fewest_class;
    size_t most_class;
    size_t used;  /* classes with rows */
    size_t empty; /* classes without, below the highest */
};
struct lst_extremes lst_tally_extremes(const struct lst_tally *t);

#endif
