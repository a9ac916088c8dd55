/*
 * Rows by what they are called: which rows of one list, or of two, have the same path or the same
 * index. Pure. Not for other rooms.
 *
 * A row is known by where it begins in its list, so it costs 8 bytes: 30 bits of its key's hash
 * above 34 bits of its place. Sorted by hash, two lists are merged like two runs; rows whose 30
 * bits are the same are told apart by their bytes, in n log n whoever chose the names.
 */
#ifndef LOCKSTEP_LISTS_KEYS_H
#define LOCKSTEP_LISTS_KEYS_H

#include "lists/lists.h"

#define REF_PLACE_BITS 34
#define REF_PLACE_MAX  ((UINT64_C(1) << REF_PLACE_BITS) - 1) /* a list of 16 GiB */

enum row_key {
    ROW_KEY_PATH, /* the path below the repository */
    ROW_KEY_INDEX /* the index without '+', blanks and leading zeros */
};

/* Rows of one list, in the order in which they were added or, after refs_sort, by hash and place.
 */
struct refs {
    struct span text; /* the list; borrowed */
    uint64_t *items;
    size_t n;
    size_t room;
};

/* rows_same_key(x, y, key): two image rows have the same. */
bool rows_same_key(const struct lst_row *x, const struct lst_row *y, enum row_key key);

/* ref_place(ref): where the row begins. */
static inline uint64_t ref_place(uint64_t ref)
{
    return ref & REF_PLACE_MAX;
}

/* refs_init(r, text): none yet. refs_release(r): frees. */
void refs_init(struct refs *r, struct span text);
void refs_release(struct refs *r);

/* refs_add(r, row, key): add an image row of the text. 0, -ENOMEM, ERR_LIMIT for a list too long.
 */
int refs_add(struct refs *r, const struct lst_row *row, enum row_key key)
    __attribute__((warn_unused_result));

/* refs_add_all(r, from, until, key): every image row between two places. Same answers. */
int refs_add_all(struct refs *r, uint64_t from, uint64_t until, enum row_key key)
    __attribute__((warn_unused_result));

/* refs_rekey(r, key): the same rows under another key; to be sorted again. */
void refs_rekey(struct refs *r, enum row_key key);

/* refs_sort(r): by hash, and where that is the same by place. In place. */
void refs_sort(struct refs *r);

/* refs_join(a, b, key, fn, arg): for each key that there is, in no particular order: its rows in a
 * and in b, each by place; one of them may have none. Both are sorted. fn may write over rows that
 * it was given, and over those before them. A non-zero answer of fn ends it and is handed back. */
typedef int refs_join_fn(void *arg, uint64_t *a, size_t a_n, uint64_t *b, size_t b_n);
int refs_join(struct refs *a, struct refs *b, enum row_key key, refs_join_fn *fn, void *arg)
    __attribute__((warn_unused_result));

/* refs_by_place(r): sort by place. */
void refs_by_place(struct refs *r);

#endif
