/*
 * Checksums of objects. Pure. OpenSSL's low-level functions are used for the reasons that digest.c
 * gives.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/checksum.h"

#include "base/crc.h"

#include <endian.h>
#include <openssl/md5.h>
#include <openssl/sha.h>
#include <string.h>

_Static_assert(sizeof(SHA256_CTX) <= sizeof(((struct checksum *)0)->state), "too small");
_Static_assert(sizeof(SHA_CTX) <= sizeof(((struct checksum *)0)->state), "too small");
_Static_assert(sizeof(MD5_CTX) <= sizeof(((struct checksum *)0)->state), "too small");

static const struct {
    size_t bytes;
    const char *name;
} kinds[CHECKSUM_COUNT] = {
    [CHECKSUM_CRC64NVME] = {8, "CRC-64/NVME"}, [CHECKSUM_SHA256] = {32, "SHA-256"},
    [CHECKSUM_SHA1] = {20, "SHA-1"},           [CHECKSUM_CRC32C] = {4, "CRC-32C"},
    [CHECKSUM_CRC32] = {4, "CRC-32"},          [CHECKSUM_MD5] = {16, "MD5"},
};

size_t checksum_bytes(enum checksum_kind kind)
{
    return kinds[kind].bytes;
}

const char *checksum_name(enum checksum_kind kind)
{
    return kinds[kind].name;
}

/* CRC-32 as zip and Ethernet have it (polynomial 04c11db7, reflected), by half bytes: for objects
 * that have nothing better. `r` is the register. */
static uint32_t crc32_add(uint32_t r, const void *p, size_t n)
{
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    const uint8_t *c = p;
    for (; n > 0; c++, n--) {
        r ^= *c;
        r = r >> 4 ^ table[r & 15];
        r = r >> 4 ^ table[r & 15];
    }
    return r;
}

void checksum_begin(struct checksum *c, enum checksum_kind kind)
{
    c->kind = kind;
    c->crc = 0;
    if (kind == CHECKSUM_SHA256)
        SHA256_Init((SHA256_CTX *)(void *)c->state);
    else if (kind == CHECKSUM_SHA1)
        SHA1_Init((SHA_CTX *)(void *)c->state);
    else if (kind == CHECKSUM_MD5)
        MD5_Init((MD5_CTX *)(void *)c->state);
}

void checksum_add(struct checksum *c, const void *p, size_t n)
{
    switch (c->kind) {
    case CHECKSUM_CRC64NVME:
        c->crc = crc64nvme(c->crc, p, n);
        break;
    case CHECKSUM_SHA256:
        SHA256_Update((SHA256_CTX *)(void *)c->state, p, n);
        break;
    case CHECKSUM_SHA1:
        SHA1_Update((SHA_CTX *)(void *)c->state, p, n);
        break;
    case CHECKSUM_CRC32C:
        c->crc = crc32c((uint32_t)c->crc, p, n);
        break;
    case CHECKSUM_CRC32:
        c->crc = (uint32_t)~crc32_add(~(uint32_t)c->crc, p, n);
        break;
    case CHECKSUM_MD5:
        MD5_Update((MD5_CTX *)(void *)c->state, p, n);
        break;
    case CHECKSUM_COUNT:
        break;
    }
}

size_t checksum_end(struct checksum *c, uint8_t out[CHECKSUM_BYTES_MAX])
{
    size_t n = kinds[c->kind].bytes;
    uint64_t wide = htobe64(c->crc);
    uint32_t narrow = htobe32((uint32_t)c->crc);
    if (c->kind == CHECKSUM_SHA256)
        SHA256_Final(out, (SHA256_CTX *)(void *)c->state);
    else if (c->kind == CHECKSUM_SHA1)
        SHA1_Final(out, (SHA_CTX *)(void *)c->state);
    else if (c->kind == CHECKSUM_MD5)
        MD5_Final(out, (MD5_CTX *)(void *)c->state);
    else
        memcpy(out, n == sizeof(wide) ? (const void *)&wide : (const void *)&narrow, n);
    return n;
}
