/*
 * The Merkle tree of RFC 6962 over the lines of a journal, kept as its frontier: one hash for each
 * bit set in the number of leaves. Pure. Private to journal/.
 */
#ifndef LOCKSTEP_JOURNAL_MERKLE_H
#define LOCKSTEP_JOURNAL_MERKLE_H

#include "base/buf.h"
#include "base/digest.h"

#include <stdint.h>

#define JOURNAL_TREE_LEVELS 64
#define JOURNAL_TREE_MOST   (UINT64_C(1) << 63) /* leaves that a tree is begun with: below that */
#define JOURNAL_TREE_EACH   64                  /* lines that are best pushed at once */

struct journal_tree {
    uint64_t count;                                  /* leaves */
    uint8_t node[JOURNAL_TREE_LEVELS][SHA256_BYTES]; /* [i] is set where bit i of count is */
};

/* journal_tree_push(t, line): add the leaf SHA-256(0x00 || line); the line without its LF. */
void journal_tree_push(struct journal_tree *t, struct span line);

/* journal_tree_push_each(t, lines, count): the same for each of `count` lines, in about half the
 * time. */
void journal_tree_push_each(struct journal_tree *t, const struct span *lines, size_t count);

/* journal_tree_root(t, out): the tree's root; SHA-256 of nothing for no leaves. */
void journal_tree_root(const struct journal_tree *t, uint8_t out[SHA256_BYTES]);

/* journal_tree_join(left, right, out): SHA-256(0x01 || left || right), the root over two trees; out
 * may be one of them. */
void journal_tree_join(const uint8_t *left, const uint8_t *right, uint8_t out[SHA256_BYTES]);

/* journal_tree_export(t, out): the frontier, the largest subtree first; returns the bytes.
 * journal_tree_import(t, count, p, n): the reverse. 0, or ERR_SYNTAX where n does not fit count, or
 * where count is JOURNAL_TREE_MOST or above, so that there are levels for all that may come. */
size_t journal_tree_export(const struct journal_tree *t,
                           uint8_t out[JOURNAL_TREE_LEVELS * SHA256_BYTES]);
int journal_tree_import(struct journal_tree *t, uint64_t count, const uint8_t *p, size_t n)
    __attribute__((warn_unused_result));

#endif
