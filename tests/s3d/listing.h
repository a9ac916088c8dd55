/*
 * One page of a listing. Pure. The caller holds the lock of the index.
 */
#ifndef LOCKSTEP_S3D_LISTING_H
#define LOCKSTEP_S3D_LISTING_H

#include "tests/s3d/index.h"

struct listing_query {
    const char *prefix;
    const char *delimiter; /* "" for none */
    const char *after;     /* keys and common prefixes greater than this only */
    size_t max;
    bool versions; /* every version, not only current objects */
};

struct listing_entry {
    struct object *object; /* a reference, or NULL: a common prefix */
    char *prefix;
    bool latest;
};

struct listing {
    struct listing_entry *at;
    size_t n;
    size_t cap;
    bool truncated;
    char *next_after; /* where the next page begins; NULL unless truncated */
};

/* listing_fill(x, q, l): fill an empty page. With `versions` a key's versions stay together, so a
 * page may hold more than max entries. listing_release(l): references and strings. */
void listing_fill(const struct index *x, const struct listing_query *q, struct listing *l);
void listing_release(struct listing *l);

#endif
