/*
 * Which paths a list names, in few bytes: enough to say of a change that it does not concern the
 * list. A yes may be wrong, and costs a reading; a no is certain. Pure.
 *
 * Every image that the list names is in it, and every directory above one, since a change may be of
 * a directory. A leaf has up to LEAF_NAMES_MAX of them, so that memory stays bounded while a long
 * list is read:
 *
 *   u32 format, u32 count, u32 bits; u32 starts[2^bits + 1]; u32 rests[count]
 *
 * Of the 64 bits of a name's hash the first `bits` are the number of its bucket, whose names stand
 * in rests[] from starts[bucket] to starts[bucket + 1]: the 32 bits that follow, ascending. With 16
 * to 31 names a bucket that is little more than 4 bytes a name, and one of 10^8 other names is
 * taken for one of them. Numbers are those of the machine; a leaf that is none says yes.
 */
#ifndef LOCKSTEP_LISTS_MENTIONS_H
#define LOCKSTEP_LISTS_MENTIONS_H

#include "lists/lists.h"

#define LEAF_NAMES_MAX (1 << 17)

struct mentions;

/* mentions_new(max_bytes, ret): nothing is named; all leaves together have up to max_bytes. 0 or
 * -ENOMEM. mentions_free: NULL is allowed. */
int mentions_new(size_t max_bytes, struct mentions **ret) __attribute__((warn_unused_result));
void mentions_free(struct mentions *m);

/* mentions_add(m, image): a path in normal form. mentions_add_all(m, list): all that it names.
 * mentions_end(m): nothing more comes. 0, -ENOMEM, ERR_LIMIT; then it is of no use. */
int mentions_add(struct mentions *m, const char *image) __attribute__((warn_unused_result));
int mentions_add_all(struct mentions *m, struct span list) __attribute__((warn_unused_result));
int mentions_end(struct mentions *m) __attribute__((warn_unused_result));

/* mentions_next(m, at, ret): the leaves after mentions_end, one after the other; *at = 0 to begin.
 * False at the end. */
bool mentions_next(const struct mentions *m, size_t *at, struct span *ret);

/* mentions_sought(changes, ret, ret_n): the paths of a batch, as a leaf is asked for them; *ret is
 * the caller's to free. 0 or -ENOMEM. */
int mentions_sought(const struct lst_changes *changes, uint64_t **ret, size_t *ret_n)
    __attribute__((warn_unused_result));

/* mentions_leaf_has(leaf, sought, n): may it name one of them? */
bool mentions_leaf_has(struct span leaf, const uint64_t *sought, size_t n);

#endif
