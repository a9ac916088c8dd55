/*
 * Proofs: one that is made of any lines holds, and with one byte changed it never does.
 *
 * An input is the place of the line to prove, the place of the byte to change (two bytes) and what
 * is turned over in it, then the lines of the log.
 */
#include "journal/proof.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINES_MAX  300
#define CHOICES    4 /* bytes before the lines */
#define FIRST_BYTE UINT8_C(0xff)

/* The lines of the log; an unfinished one counts. How many. */
static size_t split(struct span in, struct span line[LINES_MAX])
{
    size_t count = 0;

    while (in.n && count < LINES_MAX) {
        const char *end = memchr(in.p, '\n', in.n);
        size_t n = end ? (size_t)(end - in.p) : in.n;

        line[count++] = (struct span){in.p, n < JOURNAL_LINE_MAX ? n : JOURNAL_LINE_MAX};
        n += end ? 1 : 0;
        in = (struct span){in.p + n, in.n - n};
    }
    return count;
}

/* The proof of one of these lines, by a checkpoint over all of them. */
static void prove(const struct span *line, size_t count, size_t at,
                  const struct journal_secret *secret, struct buf *note, struct buf *out)
{
    struct journal_tree tree = {.count = 0};
    struct journal_proof proof;
    struct proof_path path;

    for (size_t i = 0; i < at; i++)
        journal_tree_push(&tree, line[i]);
    proof_path_init(&path, &tree);
    for (size_t i = at; i < count; i++) {
        proof_path_push(&path, line[i]);
        journal_tree_push(&tree, line[i]);
    }
    proof_path_end(&path, &proof);
    if (journal_checkpoint_sign(&tree, secret, note))
        abort();
    proof.line = line[at];
    proof.checkpoint = (struct span){note->data, note->len};
    if (proof.index != at || journal_proof_render(&proof, out))
        abort();
}

/* Whether this text proves something to who has the key. */
static bool holds(struct span text, const struct journal_key *key, struct buf *store)
{
    struct journal_proof proof;

    return journal_proof_parse(text, store, &proof) == 0 &&
           journal_proof_check(&proof, key, 1, NULL) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t seed[ED25519_SEED_BYTES];
    struct span line[LINES_MAX];
    struct journal_secret secret;
    struct buf note, text, store;
    size_t count, at;

    if (size <= CHOICES)
        return 0;
    if (journal_secret_init(&secret, SPAN("a.example/log"), seed))
        abort();
    buf_init(&note, JOURNAL_NOTE_MAX);
    buf_init(&text, JOURNAL_PROOF_MAX);
    buf_init(&store, JOURNAL_LINE_MAX + 4);
    count = split((struct span){(const char *)data + CHOICES, size - CHOICES}, line);
    prove(line, count, data[0] % count, &secret, &note, &text);
    if (!holds((struct span){text.data, text.len}, &secret.key, &store))
        abort();
    at = ((size_t)data[1] << 8 | data[2]) % text.len;
    text.data[at] = (char)((uint8_t)text.data[at] ^ (data[3] ? data[3] : FIRST_BYTE));
    if (holds((struct span){text.data, text.len}, &secret.key, &store))
        abort();
    buf_release(&note);
    buf_release(&text);
    buf_release(&store);
    return 0;
}
