/* RecordIO: records made and read. Pure. See record.h. */
#include "lists/record.h"

#include <string.h>

#define LENGTH_BITS 29
#define LENGTH_MASK ((UINT32_C(1) << LENGTH_BITS) - 1)

/* Flags of parts. */
#define PART_WHOLE  0u
#define PART_FIRST  1u
#define PART_MIDDLE 2u
#define PART_LAST   3u

static const char magic[4] = "\x0a\x23\xd7\xce"; /* RECORD_MAGIC as it lies in files */

static uint32_t load32(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;

    return (uint32_t)u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16 | (uint32_t)u[3] << 24;
}

static void store32(char *p, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        p[i] = (char)(unsigned char)(value >> (8 * i));
}

/* Bytes that fill up n to a multiple of 4. */
static size_t filling(size_t n)
{
    return (4 - n % 4) % 4;
}

/* The first magic at a multiple of 4, from there on; bytes.n where there is none. */
static size_t find_magic(struct span bytes, size_t from)
{
    while (from + sizeof(magic) <= bytes.n) {
        const char *hit = memmem(bytes.p + from, bytes.n - from, magic, sizeof(magic));
        size_t at = hit ? (size_t)(hit - bytes.p) : bytes.n;

        if (at % 4 == 0 || at == bytes.n)
            return at;
        from = at + filling(at);
    }
    return bytes.n;
}

/* Append one part. */
static int put_part(uint32_t flag, struct span bytes, struct buf *out)
{
    static const char zeros[4];
    char head[RECORD_PART_HEAD];
    int rc;

    memcpy(head, magic, sizeof(magic));
    store32(head + 4, flag << LENGTH_BITS | (uint32_t)bytes.n);
    rc = buf_append(out, head, sizeof(head));
    if (rc == 0)
        rc = buf_append_span(out, bytes);
    if (rc == 0)
        rc = buf_append(out, zeros, filling(bytes.n));
    return rc;
}

int record_frame(struct span payload, struct buf *out)
{
    size_t before = out->len;
    uint32_t flag = PART_FIRST;
    size_t from = 0;
    size_t at;
    int rc = 0;

    if (payload.n > RECORD_PAYLOAD_MAX)
        return ERR_LIMIT;
    while (rc == 0 && (at = find_magic(payload, from)) < payload.n) {
        rc = put_part(flag, (struct span){payload.p + from, at - from}, out);
        from = at + sizeof(magic);
        flag = PART_MIDDLE;
    }
    if (rc == 0)
        rc = put_part(flag == PART_FIRST ? PART_WHOLE : PART_LAST,
                      (struct span){payload.p + from, payload.n - from}, out);
    if (rc < 0)
        out->len = before;
    return rc;
}

void record_begin(struct record_reader *r)
{
    *r = (struct record_reader){.want = RECORD_PART_HEAD};
    buf_init(&r->payload, RECORD_PAYLOAD_MAX);
}

void record_release(struct record_reader *r)
{
    buf_release(&r->payload);
}

/* Something is wrong, so many bytes behind those that were read before. */
static enum record_next bad(struct record_reader *r, size_t behind, const char *why)
{
    r->at += behind;
    r->why = why;
    return RECORD_BAD;
}

/* The head of a part. */
static enum record_next take_head(struct record_reader *r, struct span bytes)
{
    uint32_t word;

    if (bytes.n == 0 && !r->open)
        return RECORD_END;
    if (bytes.n == 0)
        return bad(r, 0, "the file ends before the last part of a record");
    if (bytes.n < RECORD_PART_HEAD)
        return bad(r, 0, "the file ends within the head of a record");
    if (memcmp(bytes.p, magic, sizeof(magic)) != 0)
        return bad(r, 0, "no record begins here: the magic number is missing");
    word = load32(bytes.p + 4);
    r->flag = word >> LENGTH_BITS;
    r->n = word & LENGTH_MASK;
    if (r->flag > PART_LAST)
        return bad(r, 4, "a part of a record is of a kind that there is not");
    if (r->open != (r->flag == PART_MIDDLE || r->flag == PART_LAST))
        return bad(r, 4,
                   r->open ? "a record begins before the one before it has ended"
                           : "a part of a record is here without its beginning");
    if (r->n % 4 != 0 && (r->flag == PART_FIRST || r->flag == PART_MIDDLE))
        return bad(r, 4, "a record is cut where no writer cuts");
    if (!r->open)
        r->begin = r->at;
    r->inside = true;
    r->at += RECORD_PART_HEAD;
    r->want = r->n + filling(r->n);
    return RECORD_MORE;
}

/* What is wrong with the bytes of a part, or nothing. */
static enum record_next judge_part(struct record_reader *r, struct span bytes)
{
    size_t inner;

    if (bytes.n < r->want)
        return bad(r, bytes.n, "the file ends within a record");
    for (size_t i = r->n; i < bytes.n; i++)
        if (bytes.p[i] != 0)
            return bad(r, i, "a record is filled up with other bytes than zeros");
    inner = find_magic((struct span){bytes.p, r->n}, 0);
    if (inner < r->n)
        return bad(r, inner, "a record begins within another, or that was not cut there");
    if (r->payload.len + (r->open ? sizeof(magic) : 0) + r->n > RECORD_PAYLOAD_MAX)
        return bad(r, 0, "the parts of a record are longer than a record may be");
    return RECORD_MORE;
}

/* The bytes of a part. */
static int take_part(struct record_reader *r, struct span bytes, enum record_next *ret)
{
    bool last = r->flag == PART_WHOLE || r->flag == PART_LAST;
    int rc = 0;

    *ret = judge_part(r, bytes);
    if (*ret == RECORD_BAD)
        return 0;
    if (r->open)
        rc = buf_append(&r->payload, magic, sizeof(magic));
    if (rc == 0)
        rc = buf_append(&r->payload, bytes.p, r->n);
    if (rc < 0)
        return rc;
    r->at += bytes.n;
    r->want = RECORD_PART_HEAD;
    r->inside = false;
    r->open = !last;
    r->taken = last;
    *ret = last ? RECORD_WHOLE : RECORD_MORE;
    return 0;
}

int record_step(struct record_reader *r, struct span bytes, enum record_next *ret)
{
    if (r->taken)
        buf_reset(&r->payload);
    r->taken = false;
    if (r->inside)
        return take_part(r, bytes, ret);
    *ret = take_head(r, bytes);
    return 0;
}
