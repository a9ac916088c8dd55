/*
 * The ways to compute many SHA-256 hashes, for base/sha256_each.c to choose from and for tests to
 * compare. Pure.
 *
 * Each of sha256_each_by puts SHA-256(first || texts[i]) into out[i], for `count` texts.
 */
#ifndef LOCKSTEP_BASE_SHA256_WAYS_H
#define LOCKSTEP_BASE_SHA256_WAYS_H

#include "base/buf.h"
#include "base/digest.h"

#include <stdbool.h>

/* One after the other, by OpenSSL; on every processor. */
void sha256_each_by_openssl(uint8_t first, const struct span *texts, size_t count,
                            uint8_t (*out)[SHA256_BYTES]);

/* Two at a time, with the instructions of x86-64; to be called only where sha256_x86_works says so.
 */
bool sha256_x86_works(void);
void sha256_each_by_x86(uint8_t first, const struct span *texts, size_t count,
                        uint8_t (*out)[SHA256_BYTES]);

/* So many blocks of 64 bytes at px into the state hx (FIPS 180-4's words a to h), and at py into
 * hy. Likewise only where sha256_x86_works. */
void sha256_both_by_x86(uint32_t hx[8], const uint8_t *px, uint32_t hy[8], const uint8_t *py,
                        size_t blocks);

/* sha256_both(hx, px, hy, py, blocks): the same. False, and nothing done, where the processor has
 * no such way. Any thread. */
bool sha256_both(uint32_t hx[8], const uint8_t *px, uint32_t hy[8], const uint8_t *py,
                 size_t blocks);

#endif
