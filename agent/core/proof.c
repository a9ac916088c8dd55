/* Pure. Files held against what S3 tells of objects. See proof.h. */
#include "agent/core/proof.h"

#include "base/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB       (UINT64_C(1) << 20)
#define PARTS_MAX 10000 /* of an upload, S3's */

/* Does a file of this size go in `parts` parts of this many bytes? */
static bool gives(uint64_t size, uint64_t part_bytes, uint64_t parts)
{
    return (size + part_bytes - 1) / part_bytes == parts;
}

/* Note a part size, once. */
static void note_size(uint64_t out[PROOF_SIZES_MAX], size_t *count, uint64_t part_bytes)
{
    for (size_t i = 0; i < *count; i++)
        if (out[i] == part_bytes)
            return;
    if (*count < PROOF_SIZES_MAX)
        out[(*count)++] = part_bytes;
}

size_t proof_part_sizes(uint64_t size, uint64_t parts, uint64_t out[PROOF_SIZES_MAX])
{
    /* aws 8 MiB, rclone 5, s3cmd 15, the SDKs' managers 5 to 16, s5cmd 50, others. */
    static const unsigned usual[] = {8, 5, 15, 16, 50, 64, 10, 20, 25, 32, 100, 128, 256, 512};
    size_t count = 0;
    if (parts == 0 || parts > PARTS_MAX || size == 0)
        return 0;
    if (parts == 1) {
        out[0] = size; /* whatever it was */
        return 1;
    }
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (gives(size, usual[i] * MIB, parts))
            note_size(out, &count, usual[i] * MIB);
    for (uint64_t mib = size / parts / MIB; count < PROOF_SIZES_MAX; mib++) {
        if (mib && gives(size, mib * MIB, parts))
            note_size(out, &count, mib * MIB);
        if (mib * MIB >= size)
            break;
    }
    return count;
}

/* The bytes of an MD5 in hex. */
static bool read_md5(const char *text, size_t n, uint8_t out[CHECKSUM_BYTES_MAX])
{
    return n == 2 * MD5_BYTES && hex_decode(text, n, out) == 0;
}

/* Take the ETag of an upload in parts: "<md5>-<parts>". */
static bool take_parts(struct proof *p, const char *etag)
{
    const char *dash = strchr(etag, '-');
    uint64_t out[PROOF_SIZES_MAX];
    char *end;
    if (!dash || !read_md5(etag, (size_t)(dash - etag), p->expected))
        return false;
    p->size_count = proof_part_sizes(p->size, strtoull(dash + 1, &end, 10), out);
    if (*end != '\0' || p->size_count == 0) {
        p->size_count = 0;
        return false;
    }
    for (size_t i = 0; i < p->size_count; i++) {
        p->sizes[i].part_bytes = out[i];
        checksum_begin(&p->sizes[i].part, CHECKSUM_MD5);
        checksum_begin(&p->sizes[i].whole, CHECKSUM_MD5);
    }
    return true;
}

/* Take what is compared from the checksums of the whole object. */
static bool take_checksum(struct proof *p, const struct s3_head *head, enum checksum_kind kind)
{
    if (!head || !head->has[kind])
        return false;
    p->kind = kind;
    memcpy(p->expected, head->checksums[kind], checksum_bytes(kind));
    return true;
}

/* Take the ETag, if it can be computed of a file. */
static bool take_etag(struct proof *p, const struct s3_head *head, const char *etag)
{
    p->kind = CHECKSUM_MD5;
    p->by_etag = true;
    if (head && head->etag_is_opaque)
        return false;
    return read_md5(etag, strlen(etag), p->expected) || take_parts(p, etag);
}

/* The words for what cannot be compared. */
static const char *obstacle(const struct s3_head *head, const char *etag)
{
    if (head && head->etag_is_opaque)
        return "it is encrypted, so that its ETag is no MD5, and it has no checksum of the whole";
    if (strchr(etag, '-'))
        return "it went in parts of unknown size, and it has no checksum of the whole";
    return "its ETag is no MD5, and it has no checksum of the whole";
}

void proof_begin(struct proof *p, const struct s3_head *head, const char *etag, uint64_t size)
{
    *p = (struct proof){.size = size};
    p->possible = take_checksum(p, head, CHECKSUM_CRC64NVME) ||
                  take_checksum(p, head, CHECKSUM_SHA256) ||
                  take_checksum(p, head, CHECKSUM_SHA1) || take_etag(p, head, etag);
    if (!p->possible) {
        p->by_etag = false;
        p->possible =
            take_checksum(p, head, CHECKSUM_CRC32C) || take_checksum(p, head, CHECKSUM_CRC32);
    }
    if (!p->possible)
        snprintf(p->why, sizeof p->why, "%s", obstacle(head, etag));
    else if (p->size_count == 0)
        checksum_begin(&p->sum, p->kind);
}

/* Bytes of an upload in parts of one size. */
static void parts_add(struct proof_parts *parts, const uint8_t *data, size_t n)
{
    uint8_t md5[CHECKSUM_BYTES_MAX];
    while (n > 0) {
        uint64_t room = parts->part_bytes - parts->filled;
        size_t k = n < room ? n : (size_t)room;
        checksum_add(&parts->part, data, k);
        parts->filled += k;
        data += k;
        n -= k;
        if (parts->filled < parts->part_bytes)
            continue;
        checksum_add(&parts->whole, md5, checksum_end(&parts->part, md5));
        checksum_begin(&parts->part, CHECKSUM_MD5);
        parts->filled = 0;
    }
}

void proof_add(struct proof *p, const void *data, size_t n)
{
    struct checksum crc = {.kind = CHECKSUM_CRC64NVME, .crc = p->crc64};
    checksum_add(&crc, data, n);
    p->crc64 = crc.crc;
    p->seen += n;
    if (!p->possible)
        return;
    if (p->size_count == 0 && p->kind != CHECKSUM_CRC64NVME)
        checksum_add(&p->sum, data, n);
    for (size_t i = 0; i < p->size_count; i++)
        parts_add(&p->sizes[i], data, n);
}

/* The parts' ETag by one of the sizes is S3's. */
static bool parts_fit(struct proof *p)
{
    uint8_t md5[CHECKSUM_BYTES_MAX];
    for (size_t i = 0; i < p->size_count; i++) {
        struct proof_parts *parts = &p->sizes[i];
        if (parts->filled > 0)
            checksum_add(&parts->whole, md5, checksum_end(&parts->part, md5));
        checksum_end(&parts->whole, md5);
        if (memcmp(md5, p->expected, MD5_BYTES) != 0)
            continue;
        snprintf(p->means, sizeof p->means, "the ETag (MD5s of parts of %llu MiB)",
                 (unsigned long long)(parts->part_bytes / MIB));
        return true;
    }
    return false;
}

enum proof_verdict proof_end(struct proof *p)
{
    uint8_t sum[CHECKSUM_BYTES_MAX];
    if (p->seen != p->size)
        return PROOF_DIFFERENT;
    if (!p->possible)
        return PROOF_IMPOSSIBLE;
    if (p->size_count > 0) {
        if (parts_fit(p))
            return PROOF_EQUAL;
        snprintf(
            p->why, sizeof p->why,
            "it went in parts of no usual size, or it differs; it has no checksum of the whole");
        return p->size_count == 1 && p->sizes[0].part_bytes == p->size ? PROOF_DIFFERENT
                                                                       : PROOF_IMPOSSIBLE;
    }
    snprintf(p->means, sizeof p->means, p->by_etag ? "the ETag (%s)" : "%s",
             checksum_name(p->kind));
    if (p->kind == CHECKSUM_CRC64NVME)
        p->sum.crc = p->crc64;
    checksum_end(&p->sum, sum);
    return memcmp(sum, p->expected, checksum_bytes(p->kind)) == 0 ? PROOF_EQUAL : PROOF_DIFFERENT;
}
