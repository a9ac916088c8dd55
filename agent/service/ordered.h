/*
 * The index in the order of keys, a piece at a time. Shell.
 *
 * LMDB keeps keys of more than 468 bytes that begin alike out of order; those are sorted here. The
 * index may be written, by others too, between two pieces: what comes is what was there when its
 * piece was read.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_ORDERED_H
#define LOCKSTEP_AGENT_SERVICE_ORDERED_H

#include "agent/service/index.h"

struct ordered;

/* One entry. */
struct ordered_entry {
    char *key;
    struct index_entry entry; /* known.moved_to points into it */
};

/* ordered_open(ix, prefix, ret): both are borrowed. 0 or -ENOMEM. */
int ordered_open(struct index *ix, const char *prefix, struct ordered **ret)
    __attribute__((warn_unused_result));
/* ordered_next(o, ret): 1 and the next entry, valid until the next call; 0 at the end; or a
 * negative code. */
int ordered_next(struct ordered *o, const struct ordered_entry **ret)
    __attribute__((warn_unused_result));
void ordered_close(struct ordered *o);

/* ordered_places(ix, prefix, step, ret): the same for every `step`th key alone, as guesses of where
 * pages of a listing may begin. ordered_place returns the next one, valid until the next call, or
 * NULL at the end and where the index cannot be read. */
struct ordered_places;
int ordered_places_open(struct index *ix, const char *prefix, unsigned step,
                        struct ordered_places **ret) __attribute__((warn_unused_result));
const char *ordered_place(void *places);
void ordered_places_close(struct ordered_places *p);

#endif
