/*
 * An object in parts: how it is divided, and what its parts say of it. Pure.
 */
#ifndef LOCKSTEP_UPLOADERS_PARTS_H
#define LOCKSTEP_UPLOADERS_PARTS_H

#include "uploaders/answers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARTS_MAX 10000 /* S3's */

/* Parts of one size; the last may be shorter. */
struct parts_plan {
    uint64_t size; /* of the whole */
    uint64_t part_bytes;
    unsigned count;
};

/* parts_divide(size, part_bytes, ret): parts of this many bytes, or of as many as it takes to have
 * no more than 10,000, rounded up to whole MiB. False where S3 has no room for such an object, or
 * where there is nothing to divide. */
bool parts_divide(uint64_t size, uint64_t part_bytes, struct parts_plan *ret);

/* parts_copy_bytes(size, part_bytes): a good size for the parts of a copy inside S3, which are not
 * sent: larger than those of files, but enough of them to be copied side by side. */
uint64_t parts_copy_bytes(uint64_t size, uint64_t part_bytes);

/* parts_offset(plan, i), parts_length(plan, i): where part i (from 0) lies, how long it is. */
uint64_t parts_offset(const struct parts_plan *plan, unsigned i);
uint64_t parts_length(const struct parts_plan *plan, unsigned i);

/* parts_same(listed, p, n, crc): is the part that S3 has these n bytes, whose CRC-64/NVME is crc?
 * By size and checksum, or by the ETag, an MD5, where S3 tells no checksum. */
bool parts_same(const struct s3_part *listed, const void *p, size_t n, uint64_t crc);

/* parts_etag(parts, count, out): the ETag that S3 gives to these parts: the MD5 of their MD5s, "-"
 * and their number. False where their ETags are not MD5s (SSE-KMS, SSE-C), or without memory. */
bool parts_etag(const struct s3_part *parts, unsigned count, char out[S3_ETAG_MAX]);

/* parts_crc(parts, count, ret): the whole's CRC-64/NVME; false where a part has none. */
bool parts_crc(const struct s3_part *parts, unsigned count, uint64_t *ret);

#endif
