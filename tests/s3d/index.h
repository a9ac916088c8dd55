/*
 * The keys of a bucket in the order of their bytes, each with its versions, newest first. Pure.
 *
 * A skip list: insert, remove and seek in O(log n), walking in order. The caller holds the lock.
 */
#ifndef LOCKSTEP_S3D_INDEX_H
#define LOCKSTEP_S3D_INDEX_H

#include "tests/s3d/object.h"

struct index;

struct index *index_new(void);
/* index_free(x): with the references that it holds. */
void index_free(struct index *x);

/* index_get(x, key): the newest version (a borrowed pointer, perhaps a delete marker), or NULL. */
struct object *index_get(const struct index *x, const char *key);

/* index_set(x, key, newest): put in place of what is there; takes over the reference, lets go of
 * none. newest NULL takes the key out. Returns what was there (the caller's reference now). */
struct object *index_set(struct index *x, const char *key, struct object *newest);

/* index_seek(x, from, after): the newest version of the first key >= from, or > from if `after`.
 * NULL at the end. Borrowed. */
struct object *index_seek(const struct index *x, const char *from, bool after);

size_t index_count(const struct index *x);

#endif
