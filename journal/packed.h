/*
 * A closed segment, compressed: the bytes of the file. Pure. Private to journal/.
 *
 *   packed := frame* table
 *   frame  := a Zstandard frame (RFC 8878) with the size of its content and a checksum of it
 *   table  := a skippable frame, as zstd's "seekable format" has it (DESIGN.md has the bytes)
 *
 * Frames do not depend on one another, and none has more than PACKED_FRAME_MAX plain bytes, which
 * end with a line: so a line is read by decompressing one frame. Any tool for .zst files
 * decompresses the whole. What the table says of a frame the frame itself says, too: so where they
 * differ it shows which of them is damaged.
 */
#ifndef LOCKSTEP_JOURNAL_PACKED_H
#define LOCKSTEP_JOURNAL_PACKED_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define PACKED_FRAME_MAX (256u << 10) /* plain bytes of a frame */
#define PACKED_FRAME_ROOM                                                                          \
    (264u << 10)                     /* bytes that no frame reaches, however bad it compresses     \
                                      */
#define PACKED_FRAMES_MAX (1u << 20) /* of a file */
#define PACKED_FOOTER     9          /* bytes at the end of a table */
#define PACKED_ENTRY      12         /* bytes of a frame in it */
#define PACKED_TABLE_HEAD 8          /* bytes before its entries */
/* PACKED_TABLE(n): bytes of a table of n frames. */
#define PACKED_TABLE(n) (PACKED_TABLE_HEAD + (uint64_t)(n)*PACKED_ENTRY + PACKED_FOOTER)

/* What is wrong with a compressed file. */
struct journal_damage {
    const char *kind; /* "frame", "table", "truncated", "trailing" */
    uint64_t offset;  /* in the file */
    uint64_t bytes;   /* from there on */
    uint64_t from;    /* of the segment's bytes these are lost; from == to: none */
    uint64_t to;      /* UINT64_MAX: all that follow */
};

struct packed_frame {
    uint32_t packed; /* bytes in the file */
    uint32_t plain;  /* bytes of the segment */
    uint32_t sum;    /* low half of XXH64 of these: what the frame ends with */
};

/* What compresses and decompresses; of one thread. packed_coder_new(): NULL without memory.
 * packed_coder_free(NULL) is allowed. */
struct packed_coder;
struct packed_coder *packed_coder_new(void);
void packed_coder_free(struct packed_coder *c);

/* packed_cut(in): how many of the bytes that come next are one frame: up to the last LF among the
 * first PACKED_FRAME_MAX, or these where there is none. 0 for none. */
size_t packed_cut(struct span in);

/* packed_frame_encode(c, plain, out, ret): append the frame of so many bytes. 0, -ENOMEM,
 * ERR_LIMIT. */
int packed_frame_encode(struct packed_coder *c, struct span plain, struct buf *out,
                        struct packed_frame *ret) __attribute__((warn_unused_result));

/* packed_frame_look(in, ret): the frame that `in` begins with, by what stands at its begin and its
 * end. 0, ERR_CORRUPT, -ENODATA where more bytes would be needed. */
int packed_frame_look(struct span in, struct packed_frame *ret) __attribute__((warn_unused_result));

/* packed_frame_decode(c, in, to, ret): its plain bytes, whose checksum is right. 0, ERR_CORRUPT,
 * -ENOMEM. */
int packed_frame_decode(struct packed_coder *c, struct span in, char to[PACKED_FRAME_MAX],
                        struct packed_frame *ret) __attribute__((warn_unused_result));

/* packed_table_encode(frames, count, out): append the table. 0, -ENOMEM, ERR_LIMIT.
 *
 * packed_table_begins(in, ret_size): does `in` begin with a table, of which the first
 * PACKED_TABLE_HEAD bytes are there? Then what it says its size is.
 *
 * packed_footer_decode(footer, ret_count): of how many frames it is that ends so. 0 or ERR_CORRUPT.
 *
 * packed_table_decode(in, ret): all of a table, of as many frames as its footer says; ret has room
 * for them. 0 or ERR_CORRUPT. */
int packed_table_encode(const struct packed_frame *frames, size_t count, struct buf *out)
    __attribute__((warn_unused_result));
bool packed_table_begins(struct span in, uint64_t *ret_size);
int packed_footer_decode(const unsigned char footer[PACKED_FOOTER], size_t *ret_count)
    __attribute__((warn_unused_result));
int packed_table_decode(struct span in, struct packed_frame *ret)
    __attribute__((warn_unused_result));

#endif
