/*
 * The ways to compute many SHA-256 hashes, for base/sha256_each.c to choose from and for tests to
 * compare. Pure.
 *
 * sha256_each_by...: SHA-256(first || texts[i]) into out[i], for `count` texts.
 * sha256_strided_by...: as digest_sha256_strided, but of as many as fill the lanes; how many.
 * One of a processor is to be called only where its ..._works says so.
 */
#ifndef LOCKSTEP_BASE_SHA256_WAYS_H
#define LOCKSTEP_BASE_SHA256_WAYS_H

#include "base/buf.h"
#include "base/digest.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

#define SHA256_BLOCK    64 /* bytes */
#define SHA256_LANES    16 /* of the widest way */
#define SHA256_END_MARK 0x80
#define SHA256_LENGTH   8 /* bytes of a text's length in bits, at the end of its last block */

extern const uint32_t sha256_constants[64]; /* FIPS 180-4, 4.2.2 */

/* The length of a text of n bytes, at the end of its last block (FIPS 180-4, 5.1.1); and all of
 * that block, where the text fills the ones before it. */
static inline void sha256_end_length(size_t n, uint8_t block[SHA256_BLOCK])
{
    const uint64_t bits = htobe64((uint64_t)n * 8);

    memcpy(&block[SHA256_BLOCK - SHA256_LENGTH], &bits, SHA256_LENGTH);
}

static inline void sha256_end_block(size_t n, uint8_t block[SHA256_BLOCK])
{
    memset(block, 0, SHA256_BLOCK);
    block[0] = SHA256_END_MARK;
    sha256_end_length(n, block);
}

/* One after the other, by OpenSSL; on every processor. */
void sha256_each_by_openssl(uint8_t first, const struct span *texts, size_t count,
                            uint8_t (*out)[SHA256_BYTES]);

/* Two at a time, with the SHA instructions of x86-64. sha256_both_by_x86: so many blocks at px into
 * the state hx (FIPS 180-4's words a to h), and at py into hy. */
bool sha256_x86_works(void);
void sha256_each_by_x86(uint8_t first, const struct span *texts, size_t count,
                        uint8_t (*out)[SHA256_BYTES]);
void sha256_both_by_x86(uint32_t hx[8], const uint8_t *px, uint32_t hy[8], const uint8_t *py,
                        size_t blocks);
size_t sha256_strided_by_x86(const uint8_t *p, size_t stride, size_t n, size_t count,
                             uint8_t (*out)[SHA256_BYTES]);

/* Sixteen at a time, with AVX-512. */
bool sha256_avx512_works(void);
size_t sha256_strided_by_avx512(const uint8_t *p, size_t stride, size_t n, size_t count,
                                uint8_t (*out)[SHA256_BYTES]);

/* sha256_both(hx, px, hy, py, blocks): as sha256_both_by_x86. False, and nothing done, where the
 * processor has no such way. Any thread. */
bool sha256_both(uint32_t hx[8], const uint8_t *px, uint32_t hy[8], const uint8_t *py,
                 size_t blocks);

#endif
