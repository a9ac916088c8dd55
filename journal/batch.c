/* Closing and finding batches. Pure. */
#include "journal/batch.h"

#include "base/crc.h"

#include <string.h>

void journal_chain_next(const uint8_t chain[SHA256_BYTES], struct span body,
                        uint8_t out[SHA256_BYTES])
{
    struct sha256 sha;

    sha256_begin(&sha);
    sha256_add(&sha, chain, SHA256_BYTES);
    sha256_add(&sha, body.p, body.n);
    sha256_end(&sha, out);
}

int journal_batch_seal(struct journal_head *head, struct buf *out, size_t from, uint64_t records)
{
    struct journal_commit commit = {.last = head->next_seq - 1, .records = records};
    struct span body;
    int rc = buf_reserve(out, JOURNAL_COMMIT_MAX);

    if (rc)
        return rc;
    body = (struct span){out->data + from, out->len - from};
    commit.bytes = body.n;
    commit.crc = crc32c(0, body.p, body.n);
    journal_chain_next(head->chain, body, commit.chain);
    rc = journal_commit_encode(&commit, out);
    if (rc == 0)
        memcpy(head->chain, commit.chain, SHA256_BYTES);
    return rc;
}

void journal_batch_leaves(struct journal_tree *tree, struct span lines)
{
    struct span leaves[JOURNAL_TREE_EACH];
    size_t n = 0;

    while (journal_line_next(&lines, &leaves[n])) {
        n += journal_kind_of(leaves[n]) != JOURNAL_KIND_COMMIT;
        if (n == JOURNAL_TREE_EACH) {
            journal_tree_push_each(tree, leaves, n);
            n = 0;
        }
    }
    journal_tree_push_each(tree, leaves, n);
}

int journal_batch_close(struct journal_head *head, struct buf *out, size_t from, uint64_t records)
{
    const size_t n = out->len - from;
    int rc = journal_batch_seal(head, out, from, records);

    if (rc == 0)
        journal_batch_leaves(&head->tree, (struct span){out->data + from, n});
    return rc;
}

/* Whether the commit line's last number and count are those of the lines in the body. */
static bool commit_describes(const struct journal_commit *commit, struct span body)
{
    struct span line, last = {NULL, 0};
    uint64_t records = 0, seq;

    while (journal_line_next(&body, &line)) {
        if (journal_kind_of(line) != JOURNAL_KIND_RECORD)
            continue;
        records++;
        last = line;
    }
    if (records != commit->records)
        return false;
    return records == 0 || (journal_line_seq(last, &seq) == 0 && seq == commit->last);
}

/* Hold the run of bytes before a commit line against it. */
static enum journal_step batch_check(struct span run, struct journal_batch *batch)
{
    const struct journal_commit *commit = &batch->commit;

    batch->kind = "commit";
    batch->why = "the commit line speaks of more bytes than stand before it";
    if (commit->bytes == 0 || commit->bytes > run.n || commit->bytes > JOURNAL_BATCH_MAX)
        return JOURNAL_STEP_BROKEN;
    batch->body.p = run.p + run.n - commit->bytes;
    batch->body.n = (size_t)commit->bytes;
    if (crc32c(0, batch->body.p, batch->body.n) != commit->crc) {
        batch->kind = "crc";
        batch->why = "the batch's CRC-32C is not the one in its commit line";
        return JOURNAL_STEP_BROKEN;
    }
    batch->why = "the commit line's number or count is not that of its records";
    if (!commit_describes(commit, batch->body))
        return JOURNAL_STEP_BROKEN;
    batch->skipped = run.n - batch->body.n;
    batch->kind = NULL;
    batch->why = NULL;
    return JOURNAL_STEP_GOOD;
}

enum journal_step journal_batch_next(struct span in, struct journal_batch *ret)
{
    struct journal_batch batch = {0};
    struct span rest = in, line;
    enum journal_step step;

    while (journal_line_next(&rest, &line)) {
        if (journal_kind_of(line) != JOURNAL_KIND_COMMIT ||
            journal_commit_decode(line, &batch.commit))
            continue;
        batch.size = (size_t)(rest.p - in.p);
        step = batch_check((struct span){in.p, (size_t)(line.p - in.p)}, &batch);
        *ret = batch;
        return step;
    }
    return JOURNAL_STEP_MORE;
}
