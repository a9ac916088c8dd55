/*
 * Batches: closing one for the writer, finding the next one in bytes. Pure. Private to journal/.
 */
#ifndef LOCKSTEP_JOURNAL_BATCH_H
#define LOCKSTEP_JOURNAL_BATCH_H

#include "journal/frame.h"

/* Where a journal stands after a batch: all that the next one is built upon. */
struct journal_head {
    uint64_t next_seq;
    uint8_t chain[SHA256_BYTES];
    struct journal_tree tree;
};

/* journal_chain_next(chain, body, out): SHA-256(chain || body). */
void journal_chain_next(const uint8_t chain[SHA256_BYTES], struct span body,
                        uint8_t out[SHA256_BYTES]);

/* journal_batch_seal(head, out, from, records): append the commit line of the lines that stand in
 * `out` from `from` on (of which `records` are records, the last numbered head->next_seq - 1) and
 * move the chain on. 0, -ENOMEM, ERR_LIMIT (then head and out are as they were).
 * journal_batch_leaves(tree, lines): move the tree on over whole batches, or what will be some.
 * journal_batch_close(head, out, from, records): both. */
int journal_batch_seal(struct journal_head *head, struct buf *out, size_t from, uint64_t records)
    __attribute__((warn_unused_result));
void journal_batch_leaves(struct journal_tree *tree, struct span lines);
int journal_batch_close(struct journal_head *head, struct buf *out, size_t from, uint64_t records)
    __attribute__((warn_unused_result));

enum journal_step {
    JOURNAL_STEP_GOOD,   /* a batch that its commit line describes */
    JOURNAL_STEP_BROKEN, /* a commit line, and bytes before it that are not its batch */
    JOURNAL_STEP_MORE    /* no whole commit line in these bytes */
};

struct journal_batch {
    uint64_t skipped;             /* bytes before the body that belong to no batch */
    struct span body;             /* GOOD only */
    struct journal_commit commit; /* as it is written */
    size_t size;                  /* bytes up to the end of the commit line, from the start */
    const char *kind;             /* BROKEN only: "crc" or "commit" */
    const char *why;              /* and in words */
};

/* journal_batch_next(in, ret): the next batch in `in`, which begins where the last one ended. After
 * damage `in` may begin anywhere. ret is written unless MORE. */
enum journal_step journal_batch_next(struct span in, struct journal_batch *ret);

#endif
