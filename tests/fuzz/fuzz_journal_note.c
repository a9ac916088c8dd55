/* Keys, notes, checkpoints, proofs: no bytes crash their parsers; what is taken is written back as
 * it was, and nothing that was not signed verifies. */
#include "journal/proof.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A key has one text form. */
static void try_key(struct span in)
{
    char text[JOURNAL_KEY_TEXT_MAX];
    struct journal_key key;

    if (journal_key_parse(in, &key))
        return;
    journal_key_format(&key, text);
    if (strlen(text) > in.n || memcmp(text, in.p, strlen(text)) != 0 || in.n > strlen(text) + 1)
        abort();
}

/* The key of the seeds, made of zeroes. */
static struct journal_secret seed_key(void)
{
    static const uint8_t seed[ED25519_SEED_BYTES];
    struct journal_secret secret;

    if (journal_secret_init(&secret, SPAN("a.example/log"), seed))
        abort();
    return secret;
}

/* A note that the key has signed is one that it signs again in the same bytes: its line stands
 * among the signatures. */
static void try_note(struct span in, const struct journal_secret *secret)
{
    char signer[JOURNAL_SIGNER_MAX];
    struct journal_checkpoint c;
    struct journal_note note;
    struct buf again;
    const char *line;

    if (journal_note_parse(in, &note))
        return;
    if (note.text.n + 1 + note.signatures.n != in.n || journal_note_signer(&note, signer)[0] == 0)
        abort();
    (void)!journal_checkpoint_parse(note.text, &c);
    if (journal_note_verify(&note, &secret->key, 1, NULL))
        return;
    buf_init(&again, JOURNAL_NOTE_MAX + 1024);
    if (journal_note_sign(note.text, secret, &again))
        abort();
    line = again.data + note.text.n + 1;
    if (!memmem(note.signatures.p, note.signatures.n, line, strlen(line)))
        abort();
    buf_release(&again);
}

static void try_file(struct span in, const struct journal_secret *secret)
{
    const char *at = in.p;
    struct span note;

    while (journal_checkpoints_next(&in, &note)) {
        if (note.p != at || in.p != note.p + note.n + 1)
            abort();
        at = in.p;
        try_note(note, secret);
    }
}

/* A proof that carries its line has one text form. */
static void try_proof(struct span in, const struct journal_secret *secret)
{
    struct journal_proof p;
    struct buf store, again;

    buf_init(&store, JOURNAL_LINE_MAX + 4);
    buf_init(&again, in.n + 4096);
    if (journal_proof_parse(in, &store, &p) == 0) {
        (void)!journal_proof_check(&p, &secret->key, 1, NULL);
        if (p.line.p) {
            if (journal_proof_render(&p, &again) || again.len != in.n ||
                memcmp(again.data, in.p, in.n) != 0)
                abort();
        }
    }
    buf_release(&store);
    buf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct span in = {(const char *)data, size};
    struct journal_secret secret = seed_key(), other;

    try_key(in);
    if (journal_secret_parse(in, &other) == 0)
        journal_secret_wipe(&other);
    try_note(in, &secret);
    try_file(in, &secret);
    try_proof(in, &secret);
    return 0;
}
