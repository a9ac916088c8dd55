/*
 * Mixing numbers for tables and seeds: not against strangers who choose them (map.h is). Pure.
 */
#ifndef LOCKSTEP_BASE_MIX_H
#define LOCKSTEP_BASE_MIX_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

    while (n > 0) {
        uint64_t word = 0;
        const size_t step = n < sizeof(word) ? n : sizeof(word);

        memcpy(&word, at, step);
        h = mix(h ^ word);
        at += step;
        n -= step;
    }
    return h;
}

#endif
