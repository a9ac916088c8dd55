/* Frames and the table of a compressed segment. Pure. See packed.h. */
#include "journal/packed.h"

#include "base/err.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#define LEVEL          3  /* 6 is 9 % smaller and takes three times as long */
#define WINDOW_LOG     18 /* of 2: a frame's bytes */
#define TABLE_MAGIC    UINT32_C(0x184D2A5E)
#define FOOTER_MAGIC   UINT32_C(0x8F92EAB1)
#define HAS_SUMS       0x80 /* of a table's descriptor: entries have checksums; all else is 0 */
#define DESCRIPTOR     4    /* offset of a frame's */
#define HAS_SUM        0x04 /* of it: the frame ends with a checksum */
#define HAS_DICTIONARY 0x03
#define FRAME_LEAST    10 /* bytes of a frame: magic, descriptor, size, a block's head */

_Static_assert(1u << WINDOW_LOG == PACKED_FRAME_MAX, "a frame is one window");
_Static_assert(ZSTD_COMPRESSBOUND(PACKED_FRAME_MAX) + 4 < PACKED_FRAME_ROOM, "any frame has room");

struct packed_coder {
    ZSTD_CCtx *pack;
    ZSTD_DCtx *unpack;
};

static uint32_t get32(const void *at)
{
    const unsigned char *p = at;

    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put32(unsigned char *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (unsigned char)(value >> (8 * i));
}

struct packed_coder *packed_coder_new(void)
{
    return calloc(1, sizeof(struct packed_coder));
}

void packed_coder_free(struct packed_coder *c)
{
    if (!c)
        return;
    ZSTD_freeCCtx(c->pack);
    ZSTD_freeDCtx(c->unpack);
    free(c);
}

size_t packed_cut(struct span in)
{
    const size_t n = in.n < PACKED_FRAME_MAX ? in.n : PACKED_FRAME_MAX;
    const char *lf = n ? memrchr(in.p, '\n', n) : NULL;

    return lf ? (size_t)(lf + 1 - in.p) : n;
}

/* What compresses, set up once. 0 or -ENOMEM. */
static int set_up(struct packed_coder *c)
{
    if (c->pack)
        return 0;
    c->pack = ZSTD_createCCtx();
    if (!c->pack || ZSTD_isError(ZSTD_CCtx_setParameter(c->pack, ZSTD_c_compressionLevel, LEVEL)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(c->pack, ZSTD_c_windowLog, WINDOW_LOG)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(c->pack, ZSTD_c_checksumFlag, 1))) {
        ZSTD_freeCCtx(c->pack);
        c->pack = NULL;
        return -ENOMEM;
    }
    return 0;
}

int packed_frame_encode(struct packed_coder *c, struct span plain, struct buf *out,
                        struct packed_frame *ret)
{
    size_t n;
    int rc;

    if (plain.n == 0 || plain.n > PACKED_FRAME_MAX)
        return ERR_LIMIT;
    rc = set_up(c);
    if (rc == 0)
        rc = buf_reserve(out, PACKED_FRAME_ROOM);
    if (rc)
        return rc;
    n = ZSTD_compress2(c->pack, out->data + out->len, PACKED_FRAME_ROOM, plain.p, plain.n);
    if (ZSTD_isError(n))
        return -ENOMEM; /* of what it may say there is nothing else where there is room */
    *ret =
        (struct packed_frame){(uint32_t)n, (uint32_t)plain.n, get32(out->data + out->len + n - 4)};
    out->len += n;
    out->data[out->len] = '\0';
    return 0;
}

int packed_frame_look(struct span in, struct packed_frame *ret)
{
    unsigned long long plain;
    unsigned char descriptor;
    size_t n;

    if (in.n < FRAME_LEAST)
        return -ENODATA;
    descriptor = (unsigned char)in.p[DESCRIPTOR];
    if (get32(in.p) != ZSTD_MAGICNUMBER || !(descriptor & HAS_SUM) || descriptor & HAS_DICTIONARY)
        return ERR_CORRUPT;
    plain = ZSTD_getFrameContentSize(in.p, in.n);
    if (plain == ZSTD_CONTENTSIZE_UNKNOWN || plain == ZSTD_CONTENTSIZE_ERROR || plain == 0 ||
        plain > PACKED_FRAME_MAX)
        return ERR_CORRUPT;
    n = ZSTD_findFrameCompressedSize(in.p, in.n);
    if (ZSTD_isError(n))
        return ZSTD_getErrorCode(n) == ZSTD_error_srcSize_wrong ? -ENODATA : ERR_CORRUPT;
    if (n > PACKED_FRAME_ROOM)
        return ERR_CORRUPT;
    *ret = (struct packed_frame){(uint32_t)n, (uint32_t)plain, get32(in.p + n - 4)};
    return 0;
}

int packed_frame_decode(struct packed_coder *c, struct span in, char to[PACKED_FRAME_MAX],
                        struct packed_frame *ret)
{
    struct packed_frame f;
    size_t n;

    if (packed_frame_look(in, &f))
        return ERR_CORRUPT;
    if (!c->unpack && !(c->unpack = ZSTD_createDCtx()))
        return -ENOMEM;
    n = ZSTD_decompressDCtx(c->unpack, to, PACKED_FRAME_MAX, in.p, f.packed);
    if (ZSTD_isError(n))
        return ZSTD_getErrorCode(n) == ZSTD_error_memory_allocation ? -ENOMEM : ERR_CORRUPT;
    if (n != f.plain)
        return ERR_CORRUPT;
    *ret = f;
    return 0;
}

int packed_table_encode(const struct packed_frame *frames, size_t count, struct buf *out)
{
    unsigned char bytes[PACKED_ENTRY];
    const size_t before = out->len;
    int rc;

    if (count > PACKED_FRAMES_MAX)
        return ERR_LIMIT;
    put32(bytes, TABLE_MAGIC);
    put32(bytes + 4, (uint32_t)(PACKED_TABLE(count) - PACKED_TABLE_HEAD));
    rc = buf_append(out, bytes, PACKED_TABLE_HEAD);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        put32(bytes, frames[i].packed);
        put32(bytes + 4, frames[i].plain);
        put32(bytes + 8, frames[i].sum);
        rc = buf_append(out, bytes, PACKED_ENTRY);
    }
    put32(bytes, (uint32_t)count);
    bytes[4] = HAS_SUMS;
    put32(bytes + 5, FOOTER_MAGIC);
    if (rc == 0)
        rc = buf_append(out, bytes, PACKED_FOOTER);
    if (rc && out->data)
        out->data[out->len = before] = '\0';
    return rc;
}

bool packed_table_begins(struct span in, uint64_t *ret_size)
{
    if (in.n < PACKED_TABLE_HEAD || get32(in.p) != TABLE_MAGIC)
        return false;
    *ret_size = PACKED_TABLE_HEAD + (uint64_t)get32(in.p + 4);
    return true;
}

int packed_footer_decode(const unsigned char footer[PACKED_FOOTER], size_t *ret_count)
{
    const uint32_t count = get32(footer);

    if (get32(footer + 5) != FOOTER_MAGIC || footer[4] != HAS_SUMS || count > PACKED_FRAMES_MAX)
        return ERR_CORRUPT;
    *ret_count = count;
    return 0;
}

int packed_table_decode(struct span in, struct packed_frame *ret)
{
    const unsigned char *at = (const unsigned char *)in.p;
    uint64_t size;
    size_t count;

    if (in.n < PACKED_TABLE(0) || packed_footer_decode(at + in.n - PACKED_FOOTER, &count) ||
        !packed_table_begins(in, &size) || size != in.n || size != PACKED_TABLE(count))
        return ERR_CORRUPT;
    at += PACKED_TABLE_HEAD;
    for (size_t i = 0; i < count; i++, at += PACKED_ENTRY) {
        const struct packed_frame f = {get32(at), get32(at + 4), get32(at + 8)};

        if (f.packed < FRAME_LEAST || f.packed > PACKED_FRAME_ROOM || f.plain == 0 ||
            f.plain > PACKED_FRAME_MAX)
            return ERR_CORRUPT;
        ret[i] = f;
    }
    return 0;
}
