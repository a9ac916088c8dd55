/*
 * RecordIO, as MXNet and SageMaker read it: a file of records, each an image with its labels. Pure.
 *
 * The format, little-endian:
 *
 *   part   = u32 magic 0xced7230a, u32 flag << 29 | n, n bytes, 0 to 3 zero bytes up to a multiple
 *            of 4
 *   record = one part of flag 0, or a part of flag 1, any number of flag 2, one of flag 3
 *
 * A payload that has the magic at a multiple of 4 is cut there: the magic's four bytes are left out
 * of the file, and put back by the reader between two parts. So the magic stands at multiples of 4
 * nowhere but at the beginning of a part, and only the last part of a record may need zero bytes.
 *
 *   payload = u32 flag, f32 label, u64 id, u64 0, flag f32 labels, the bytes of the image file
 *
 * With flag 0 there is one label, in its field; else there are `flag` labels, and the field is 0.
 */
#ifndef LOCKSTEP_LISTS_RECORD_H
#define LOCKSTEP_LISTS_RECORD_H

#include "lists/lists.h"

#define RECORD_MAGIC       UINT32_C(0xced7230a)
#define RECORD_PAYLOAD_MAX ((UINT32_C(1) << 29) - 1)
#define RECORD_PART_HEAD   8
#define RECORD_IMAGE_HEAD  24
#define RECORD_LABELS_MAX  (LST_ROW_BYTES_MAX / 2) /* of a row */

/* record_frame(payload, out): append it as a record. 0, -ENOMEM, ERR_LIMIT (also for a payload that
 * is too long); on error out is as before. */
int record_frame(struct span payload, struct buf *out) __attribute__((warn_unused_result));

/*
 * Reading, by whoever does the I/O:
 *
 *   record_begin(&r) -> read r.want bytes of the file at r.at -> record_step
 *        ^                                                          |
 *        +------------- RECORD_MORE, RECORD_WHOLE ------------------+-> RECORD_END, RECORD_BAD
 *
 * Fewer than r.want bytes are given only where the file ends.
 */
enum record_next {
    RECORD_MORE,
    RECORD_WHOLE, /* r.payload is that of the record which begins at r.begin */
    RECORD_END,   /* the file ends where a record may */
    RECORD_BAD    /* r.why, at r.at: where in the file the bytes lie that are wrong */
};

struct record_reader {
    uint64_t at;
    size_t want;
    struct buf payload;
    uint64_t begin;
    const char *why; /* static */
    uint32_t flag;   /* of the part */
    uint32_t n;      /* the same: bytes without those that fill up */
    bool inside;     /* the part's head was read */
    bool open;       /* the record has more parts */
    bool taken;      /* the payload was handed out */
};

void record_begin(struct record_reader *r);
void record_release(struct record_reader *r);
/* record_step(r, bytes, ret): what they mean. 0 or -ENOMEM. */
int record_step(struct record_reader *r, struct span bytes, enum record_next *ret)
    __attribute__((warn_unused_result));

/* What a payload says before its image. */
struct record_image {
    uint64_t id;
    size_t label_n;
    struct span labels; /* label_n floats as they lie in the file */
    struct span bytes;  /* the image file */
};

/* record_image(payload, ret): false where it is none: shorter than it says. */
bool record_image(struct span payload, struct record_image *ret);

/* record_label(image, i): label i, which is less than label_n. */
float record_label(const struct record_image *image, size_t i);

/* record_head(row, first_label, out, ret_id): append the payload of an image row up to its image;
 * first_label: leave out the labels behind the first. 0, -ENOMEM, or ERR_SYNTAX for a row that
 * cannot be packed: *ret_why tells. */
int record_head(const struct lst_row *row, bool first_label, struct buf *out, uint64_t *ret_id,
                const char **ret_why) __attribute__((warn_unused_result));

#endif
