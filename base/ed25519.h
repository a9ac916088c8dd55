/*
 * Ed25519 signatures (RFC 8032, without context or pre-hash) over OpenSSL. Pure.
 *
 * A key is its 32 bytes seed; the public key follows from it. Signatures of the same bytes by the
 * same key are the same.
 */
#ifndef LOCKSTEP_BASE_ED25519_H
#define LOCKSTEP_BASE_ED25519_H

#include <stddef.h>
#include <stdint.h>

#define ED25519_SEED_BYTES      32
#define ED25519_PUBLIC_BYTES    32
#define ED25519_SIGNATURE_BYTES 64

/* ed25519_public(seed, out): the public key of a seed. ed25519_sign(seed, p, n, out): sign n bytes.
 * Both 0, or -ENOMEM (out unchanged). */
int ed25519_public(const uint8_t seed[ED25519_SEED_BYTES], uint8_t out[ED25519_PUBLIC_BYTES])
    __attribute__((warn_unused_result));
int ed25519_sign(const uint8_t seed[ED25519_SEED_BYTES], const void *p, size_t n,
                 uint8_t out[ED25519_SIGNATURE_BYTES]) __attribute__((warn_unused_result));

/* ed25519_verify(public, p, n, signature): 0 where the key signed these bytes, ERR_CORRUPT where it
 * did not (or is no key), -ENOMEM. */
int ed25519_verify(const uint8_t public[ED25519_PUBLIC_BYTES], const void *p, size_t n,
                   const uint8_t signature[ED25519_SIGNATURE_BYTES])
    __attribute__((warn_unused_result));

#endif
