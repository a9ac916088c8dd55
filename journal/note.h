/*
 * Signed notes (C2SP signed-note): a text, an empty line, and lines of signatures.
 *
 *   text with its LF  LF  ( "— " name " " base64(id || signature) LF )+
 *
 * UTF-8 without control characters; the last empty line ends the text. What keys sign is the text.
 * Pure.
 */
#ifndef LOCKSTEP_JOURNAL_NOTE_H
#define LOCKSTEP_JOURNAL_NOTE_H

#include "journal/key.h"

#define JOURNAL_NOTE_MAX       (256u << 10) /* bytes of a note */
#define JOURNAL_NOTE_SIGNATURE 8192u        /* characters of one signature's base64 */

struct journal_note {
    struct span text;       /* with its last LF */
    struct span signatures; /* whole lines; at least one */
};

/* journal_note_parse(in, ret): all of `in` is one note; ret points into it. 0, ERR_SYNTAX,
 * ERR_LIMIT past JOURNAL_NOTE_MAX. */
int journal_note_parse(struct span in, struct journal_note *ret)
    __attribute__((warn_unused_result));

/* journal_note_verify(n, keys, count, ret): is the note signed by one of these keys? 0, and ret
 * (may be NULL) is the first that did; ERR_REFUSED: none of them has; ERR_CORRUPT: one of them is
 * named, but has not signed this; -ENOMEM. Signatures by others are passed over. */
int journal_note_verify(const struct journal_note *n, const struct journal_key *keys, size_t count,
                        const struct journal_key **ret) __attribute__((warn_unused_result));

/* journal_note_signer(n, out): "<name>+<id>" of the first signature, for people. Returns out. */
#define JOURNAL_SIGNER_MAX (JOURNAL_KEY_NAME_MAX + 2 + 2 * JOURNAL_KEY_ID_BYTES)
char *journal_note_signer(const struct journal_note *n, char out[JOURNAL_SIGNER_MAX]);

/* journal_note_sign(text, secret, out): append the note of a text that ends in LF. 0, -ENOMEM,
 * ERR_LIMIT past out's ceiling; then out may have grown by a part. */
int journal_note_sign(struct span text, const struct journal_secret *secret, struct buf *out)
    __attribute__((warn_unused_result));

#endif
