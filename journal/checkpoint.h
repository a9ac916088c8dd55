/*
 * Checkpoints (C2SP tlog-checkpoint): what the journal's tree was at a size, signed.
 *
 *   note text := origin LF size LF base64(root) LF ( extension LF )*
 *
 * The origin is the name of the key that signs. Beside each segment lies a file of the checkpoints
 * that were made while it was written, each a signed note and an empty line. Pure, but for
 * checkpoint_file.c.
 */
#ifndef LOCKSTEP_JOURNAL_CHECKPOINT_H
#define LOCKSTEP_JOURNAL_CHECKPOINT_H

#include "journal/frame.h"
#include "journal/note.h"

#define JOURNAL_CHECKPOINT_FILE  "checkpoint" /* the newest: one signed note */
#define JOURNAL_CHECKPOINTS_MAX  (64u << 20)  /* bytes of a segment's file of checkpoints */
#define JOURNAL_CHECKPOINT_BYTES 1024         /* that no checkpoint of ours reaches */

struct journal_checkpoint {
    struct span origin;
    uint64_t size; /* leaves */
    uint8_t root[SHA256_BYTES];
};

/* journal_checkpoint_parse(text, ret): what a note's text says; extensions are passed over, as they
 * may be. 0 or ERR_SYNTAX. */
int journal_checkpoint_parse(struct span text, struct journal_checkpoint *ret)
    __attribute__((warn_unused_result));

/* journal_checkpoint_sign(tree, secret, out): append the note that says what the tree is. 0,
 * -ENOMEM, ERR_LIMIT. */
int journal_checkpoint_sign(const struct journal_tree *tree, const struct journal_secret *secret,
                            struct buf *out) __attribute__((warn_unused_result));

/* journal_checkpoints_next(rest, ret): the next whole note of a segment's file, without the empty
 * line behind it, taken off `rest`; false where none is whole. Whether it is a note is not asked:
 * it ends at the second empty line. */
bool journal_checkpoints_next(struct span *rest, struct span *ret);

/* journal_checkpoints_name(name, out): the file of checkpoints beside a segment; returns out.
 * journal_checkpoints_name_parse: the reverse. */
char *journal_checkpoints_name(struct journal_name name, char out[JOURNAL_FILE_SIZE]);
bool journal_checkpoints_name_parse(const char *file, struct journal_name *ret);

/* journal_checkpoints_read(dir_fd, file, out): all of it; out stays empty where there is none. 0,
 * ERR_LIMIT, ERR_NOT_FILE, -ENOMEM, -errno. */
int journal_checkpoints_read(int dir_fd, const char *file, struct buf *out)
    __attribute__((warn_unused_result));

/* journal_checkpoints_add(dir_fd, name, note, anew): add a note to the segment's file, durably;
 * what stands there behind the last whole note goes. anew: write all of it to a new file that takes
 * the old one's place, because an earlier call failed, and nobody knows what the disk has. Then
 * make it the newest one. 0 or a negative code: call it again with anew. */
int journal_checkpoints_add(int dir_fd, struct journal_name name, struct span note, bool anew)
    __attribute__((warn_unused_result));

#endif
