/*
 * Is a file what an object is, without a download? Pure.
 *
 * The file's bytes are given in order; what S3 tells of the object says what is computed of them.
 * The strongest that both sides have decides: a checksum of the whole object (CRC-64/NVME, SHA-256,
 * SHA-1), the ETag where it is an MD5, the ETag of an upload in parts for the part sizes that tools
 * use, CRC-32C, CRC-32. What remains cannot be compared, and that is what is said of it.
 */
#ifndef LOCKSTEP_AGENT_CORE_PROOF_H
#define LOCKSTEP_AGENT_CORE_PROOF_H

#include "base/checksum.h"
#include "uploaders/uploaders.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROOF_SIZES_MAX 8 /* part sizes that are tried at once */

enum proof_verdict {
    PROOF_EQUAL,
    PROOF_DIFFERENT,
    PROOF_IMPOSSIBLE /* S3 has nothing that can be compared; `why` tells */
};

/* An ETag of parts for one part size. */
struct proof_parts {
    uint64_t part_bytes;
    uint64_t filled; /* of the current part */
    struct checksum part;
    struct checksum whole;
};

struct proof {
    uint64_t size;
    uint64_t seen;
    bool by_etag; /* `kind` is the MD5 of an ETag */
    bool possible;
    enum checksum_kind kind; /* of what is compared; CHECKSUM_MD5 with sizes: parts */
    uint8_t expected[CHECKSUM_BYTES_MAX];
    struct checksum sum; /* of that kind */
    uint64_t crc64;      /* always: the index keeps it */
    struct proof_parts sizes[PROOF_SIZES_MAX];
    size_t size_count;
    char why[96];   /* PROOF_IMPOSSIBLE */
    char means[64]; /* by what it was shown: "CRC-64/NVME", "the ETag (MD5)"... */
};

/* proof_begin(p, head, etag, size): head may be NULL (nothing is known but the ETag and the size).
 */
void proof_begin(struct proof *p, const struct s3_head *head, const char *etag, uint64_t size);

/* proof_add(p, data, n): the next bytes of the file. */
void proof_add(struct proof *p, const void *data, size_t n);

/* proof_end(p): all were given. p->crc64 is the file's CRC-64/NVME, whatever the verdict. */
enum proof_verdict proof_end(struct proof *p);

/* proof_part_sizes(size, parts, out): the part sizes, at most PROOF_SIZES_MAX, by which a file of
 * this size goes in so many parts: those that tools use first, then other whole MiB. Returns their
 * number. */
size_t proof_part_sizes(uint64_t size, uint64_t parts, uint64_t out[PROOF_SIZES_MAX]);

#endif
