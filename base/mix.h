/*
 * Mixing numbers for tables and seeds: not against strangers who choose them (map.h is). Pure.
 */
#ifndef LOCKSTEP_BASE_MIX_H
#define LOCKSTEP_BASE_MIX_H

#include "base/word.h"

#include <stddef.h>
#include <stdint.h>

/* mix(x): every bit of x reaches every bit of the result; mix(0) is 0. The finaliser of
 * MurmurHash3. */
static inline uint64_t mix(uint64_t x)
{
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ (x >> 33);
}

/* mix_bytes(seed, p, n): the same of n bytes. */
static inline uint64_t mix_bytes(uint64_t seed, const void *p, size_t n)
{
    const unsigned char *at = p;
    uint64_t h = mix(seed ^ n);

    for (; n >= WORD_BYTES; n -= WORD_BYTES, at += WORD_BYTES)
        h = mix(h ^ word_load(at));
    if (n > 0)
        h = mix(h ^ word_load_short(at, n));
    return h;
}

#endif
