/* An object in parts: how it is divided, and what its parts say of it. Pure. */
#include "uploaders/parts.h"

#include "base/crc.h"
#include "base/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PART_STEP     (UINT64_C(1) << 20) /* part sizes are whole MiB */
#define PART_SIZE_MAX (UINT64_C(5) << 30)
#define COPY_PARTS    256 /* of a copy, where they are larger than a file's */

/* n / d, rounded up. */
static uint64_t divide_up(uint64_t n, uint64_t d)
{
    return n / d + (n % d != 0);
}

bool parts_divide(uint64_t size, uint64_t part_bytes, struct parts_plan *ret)
{
    uint64_t least = divide_up(size, PARTS_MAX);
    if (part_bytes < least)
        part_bytes = least;
    if (size == 0 || part_bytes > PART_SIZE_MAX)
        return false;
    part_bytes = part_bytes ? divide_up(part_bytes, PART_STEP) * PART_STEP : PART_STEP;
    *ret = (struct parts_plan){size, part_bytes, (unsigned)divide_up(size, part_bytes)};
    return true;
}

uint64_t parts_copy_bytes(uint64_t size, uint64_t part_bytes)
{
    uint64_t share = divide_up(size, COPY_PARTS);
    if (share > PART_SIZE_MAX)
        share = PART_SIZE_MAX;
    return share > part_bytes ? share : part_bytes;
}

uint64_t parts_offset(const struct parts_plan *plan, unsigned i)
{
    return (uint64_t)i * plan->part_bytes;
}

uint64_t parts_length(const struct parts_plan *plan, unsigned i)
{
    uint64_t left = plan->size - parts_offset(plan, i);
    return left < plan->part_bytes ? left : plan->part_bytes;
}

bool parts_same(const struct s3_part *listed, const void *p, size_t n, uint64_t crc)
{
    uint8_t digest[MD5_BYTES];
    char text[2 * MD5_BYTES + 1];
    if (listed->size != n)
        return false;
    if (listed->has_crc)
        return listed->crc64 == crc;
    digest_md5(p, n, digest);
    return strcmp(listed->etag, hex_encode(digest, sizeof(digest), text)) == 0;
}

bool parts_etag(const struct s3_part *parts, unsigned count, char out[S3_ETAG_MAX])
{
    uint8_t *all = malloc((size_t)count * MD5_BYTES);
    uint8_t digest[MD5_BYTES];
    char text[2 * MD5_BYTES + 1];
    bool good = all != NULL;
    for (unsigned i = 0; i < count && good; i++)
        good = strlen(parts[i].etag) == sizeof(text) - 1 &&
               hex_decode(parts[i].etag, sizeof(text) - 1, all + (size_t)i * MD5_BYTES) == 0;
    if (good) {
        digest_md5(all, (size_t)count * MD5_BYTES, digest);
        snprintf(out, S3_ETAG_MAX, "%s-%u", hex_encode(digest, sizeof(digest), text), count);
    }
    free(all);
    return good;
}

bool parts_crc(const struct s3_part *parts, unsigned count, uint64_t *ret)
{
    uint64_t crc = 0;
    for (unsigned i = 0; i < count; i++) {
        if (!parts[i].has_crc)
            return false;
        crc = crc64nvme_combine(crc, parts[i].crc64, parts[i].size);
    }
    *ret = crc;
    return true;
}
