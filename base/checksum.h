/*
 * The checksums that S3 keeps of objects, in pieces. Pure.
 *
 * checksum_begin, checksum_add..., checksum_end. Embedded, no allocation, cannot fail.
 */
#ifndef LOCKSTEP_BASE_CHECKSUM_H
#define LOCKSTEP_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#define CHECKSUM_BYTES_MAX 32

enum checksum_kind {
    CHECKSUM_CRC64NVME,
    CHECKSUM_SHA256,
    CHECKSUM_SHA1,
    CHECKSUM_CRC32C,
    CHECKSUM_CRC32,
    CHECKSUM_MD5, /* of ETags */
    CHECKSUM_COUNT
};

struct checksum {
    enum checksum_kind kind;
    uint64_t crc;
    _Alignas(16) unsigned char state[128];
};

void checksum_begin(struct checksum *c, enum checksum_kind kind);
void checksum_add(struct checksum *c, const void *p, size_t n);
/* checksum_end(c, out): CRCs are big-endian, as S3 spells them. Returns the number of bytes. */
size_t checksum_end(struct checksum *c, uint8_t out[CHECKSUM_BYTES_MAX]);

/* checksum_bytes(kind): how many bytes it has. checksum_name(kind): in words. */
size_t checksum_bytes(enum checksum_kind kind);
const char *checksum_name(enum checksum_kind kind);

#endif
