/*
 * Proofs that a line is in a journal (C2SP tlog-proof): self-contained, checked with a public key.
 *
 *   c2sp.org/tlog-proof@v1
 *   extra <base64 of the line>
 *   index <its place among the leaves, from 0>
 *   <base64 of a hash> ...           from the leaf's sibling to the root's child (RFC 6962, 2.1.1)
 *
 *   <checkpoint>
 *
 * Pure, but for journal_prove.
 */
#ifndef LOCKSTEP_JOURNAL_PROOF_H
#define LOCKSTEP_JOURNAL_PROOF_H

#include "journal/checkpoint.h"

#define JOURNAL_PROOF_HASHES 64                                /* no tree is deeper */
#define JOURNAL_PROOF_MAX    (JOURNAL_NOTE_MAX + (128u << 10)) /* bytes of a proof */

struct journal_proof {
    uint64_t index;
    uint8_t hash[JOURNAL_PROOF_HASHES][SHA256_BYTES];
    size_t count;
    struct span line;       /* without its LF; NULL where the proof does not carry it */
    struct span checkpoint; /* the note */
};

/*
 * A proof being made, leaf by leaf:
 *
 *   proof_path_init -> proof_path_push ... -> proof_path_end
 *
 * proof_path_init(p, before): `before` is the tree of all leaves before the one to prove; copied.
 * The hashes on its left are in it already. proof_path_push(p, line): the next leaf; the first is
 * the one to prove. proof_path_end(p, ret): the path in the tree of all leaves so far, at least
 * one: ret->index, hash, count. proof_path_size(p): leaves so far.
 */
struct proof_path {
    struct journal_tree before;
    struct journal_tree region; /* of the sibling on the right that is being filled */
    uint8_t right[JOURNAL_TREE_LEVELS][SHA256_BYTES]; /* siblings on the right, by level */
    uint64_t have;                                    /* which of them are there */
    unsigned level;                                   /* of the region */
    uint64_t pushed;
};
void proof_path_init(struct proof_path *p, const struct journal_tree *before);
void proof_path_push(struct proof_path *p, struct span line);
void proof_path_end(const struct proof_path *p, struct journal_proof *ret);
uint64_t proof_path_size(const struct proof_path *p);

/* journal_proof_render(p, out): append the text. 0, -ENOMEM, ERR_LIMIT past out's ceiling.
 * journal_proof_parse(in, store, ret): the reverse; the line is decoded into store (ceiling at
 * least JOURNAL_LINE_MAX), the checkpoint points into `in`. 0, ERR_SYNTAX, -ENOMEM. */
int journal_proof_render(const struct journal_proof *p, struct buf *out)
    __attribute__((warn_unused_result));
int journal_proof_parse(struct span in, struct buf *store, struct journal_proof *ret)
    __attribute__((warn_unused_result));

/* journal_proof_root(p, size, out): the root that the line, the index and the hashes give for a
 * tree of `size` leaves. 0, or ERR_CORRUPT where they cannot be of such a tree. */
int journal_proof_root(const struct journal_proof *p, uint64_t size, uint8_t out[SHA256_BYTES])
    __attribute__((warn_unused_result));

/* journal_proof_check(p, keys, count, e): the line is in the tree of the checkpoint, which one of
 * these keys has signed. 0; ERR_CORRUPT and e says what is not so; ERR_SYNTAX: the checkpoint is
 * none, or the proof has no line; -ENOMEM. */
int journal_proof_check(const struct journal_proof *p, const struct journal_key *keys, size_t count,
                        struct err *e) __attribute__((warn_unused_result));

/* journal_prove(dir, seq, out, e): append the proof that the record of this number is in the
 * journal in `dir`, by the first checkpoint that covers it. 0; -ENOENT: there is no such record;
 * -ENODATA: no checkpoint covers it yet; ERR_CORRUPT: the journal is damaged there, or is not what
 * was signed; -errno. */
int journal_prove(const char *dir, uint64_t seq, struct buf *out, struct err *e)
    __attribute__((warn_unused_result));

#endif
