/*
 * Checksums with the instructions of x86-64. Pure.
 *
 * CRC-64 by carry-less multiplication (Gopal et al., "Fast CRC Computation for Generic Polynomials
 * Using PCLMULQDQ Instruction", Intel 2009): a lane of 128 bits is L*x^64 + H, where L is the half
 * that comes first in memory. To move it D bits on is to take
 *
 *     L * x^(D+64)  +  H * x^D        with both powers modulo the polynomial,
 *
 * and add what lies there. Multiplying two reflected words gives their product times x, so the
 * constants are x^(D+63) and x^(D-1). Eight lanes side by side hide the instruction's latency. What
 * is left at the end is 16 bytes with the same checksum as all before, for the table. Where there
 * are registers of 512 bits, eight of them hold four lanes each.
 */
#include "base/crc_ways.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <nmmintrin.h>
#include <pthread.h>
#include <string.h>
#include <wmmintrin.h>

#define LANE  16 /* bytes */
#define LANES 8

#define WIDE  64 /* bytes of a register of 512 bits */
#define WIDES 8

/* The pair (x^(D+63), x^(D-1)) for D of one lane, of all lanes, and of all in wide registers. */
static uint64_t fold_one[2];
static uint64_t fold_all[2];
static uint64_t fold_wide[2];
static pthread_once_t folds_once = PTHREAD_ONCE_INIT;

/* Compute the constants. */
static void make_folds(void)
{
    fold_one[0] = crc64_power(LANE * 8 + 63);
    fold_one[1] = crc64_power(LANE * 8 - 1);
    fold_all[0] = crc64_power(LANE * LANES * 8 + 63);
    fold_all[1] = crc64_power(LANE * LANES * 8 - 1);
    fold_wide[0] = crc64_power(WIDE * WIDES * 8 + 63);
    fold_wide[1] = crc64_power(WIDE * WIDES * 8 - 1);
}

struct crc_x86 crc_x86_works(void)
{
    return (struct crc_x86){
        .clmul = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1"),
        .wide = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1") &&
                __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("vpclmulqdq"),
        .sse42 = __builtin_cpu_supports("sse4.2") != 0,
    };
}

/* Move a lane on, and add what lies there. */
__attribute__((target("pclmul,sse4.1"))) static inline __m128i fold(__m128i lane, __m128i by,
                                                                    __m128i there)
{
    __m128i low = _mm_clmulepi64_si128(lane, by, 0x00);
    __m128i high = _mm_clmulepi64_si128(lane, by, 0x11);

    return _mm_xor_si128(_mm_xor_si128(low, high), there);
}

/* Reduce n bytes, at least all lanes' worth, to one lane; ret_n is what remains past them. */
__attribute__((target("pclmul,sse4.1"))) static __m128i fold_bulk(uint64_t r, const uint8_t *p,
                                                                  size_t n, size_t *ret_n)
{
    __m128i one = _mm_set_epi64x((long long)fold_one[1], (long long)fold_one[0]);
    __m128i all = _mm_set_epi64x((long long)fold_all[1], (long long)fold_all[0]);
    __m128i lanes[LANES];
    __m128i lane;

    for (int i = 0; i < LANES; i++)
        lanes[i] = _mm_loadu_si128((const __m128i *)(const void *)(p + i * LANE));
    lanes[0] = _mm_xor_si128(lanes[0], _mm_cvtsi64_si128((long long)r));
    p += LANE * LANES;
    n -= LANE * LANES;
    for (; n >= LANE * LANES; p += LANE * LANES, n -= LANE * LANES)
        for (int i = 0; i < LANES; i++)
            lanes[i] =
                fold(lanes[i], all, _mm_loadu_si128((const __m128i *)(const void *)(p + i * LANE)));
    lane = lanes[0];
    for (int i = 1; i < LANES; i++)
        lane = fold(lane, one, lanes[i]);
    for (; n >= LANE; p += LANE, n -= LANE)
        lane = fold(lane, one, _mm_loadu_si128((const __m128i *)(const void *)p));
    *ret_n = n;
    return lane;
}

uint64_t crc64_by_clmul(uint64_t r, const void *p, size_t n)
{
    const uint8_t *end = (const uint8_t *)p + n;
    uint8_t rest[LANE];
    size_t rest_n;
    __m128i lane;

    if (n < LANE * LANES)
        return crc64_by_table(r, p, n);
    (void)pthread_once(&folds_once, make_folds); /* cannot fail with these arguments */
    lane = fold_bulk(r, p, n, &rest_n);
    memcpy(rest, &lane, sizeof(rest));
    return crc64_by_table(crc64_by_table(0, rest, sizeof(rest)), end - rest_n, rest_n);
}

/* Fold n bytes, a multiple of all wide registers' worth, into these lanes. */
__attribute__((target("avx512f,vpclmulqdq"))) static void
fold_wide_bulk(uint64_t r, const uint8_t *p, size_t n, uint8_t out[WIDE * WIDES])
{
    __m512i by = _mm512_set4_epi64((long long)fold_wide[1], (long long)fold_wide[0],
                                   (long long)fold_wide[1], (long long)fold_wide[0]);
    __m512i wides[WIDES];

    for (int i = 0; i < WIDES; i++)
        wides[i] = _mm512_loadu_si512(p + i * WIDE);
    wides[0] = _mm512_xor_si512(wides[0], _mm512_zextsi128_si512(_mm_cvtsi64_si128((long long)r)));
    for (p += WIDE * WIDES, n -= WIDE * WIDES; n > 0; p += WIDE * WIDES, n -= WIDE * WIDES)
        for (int i = 0; i < WIDES; i++)
            wides[i] = _mm512_ternarylogic_epi64(_mm512_clmulepi64_epi128(wides[i], by, 0x00),
                                                 _mm512_clmulepi64_epi128(wides[i], by, 0x11),
                                                 _mm512_loadu_si512(p + i * WIDE),
                                                 0x96); /* the sum of the three */
    for (int i = 0; i < WIDES; i++)
        _mm512_storeu_si512(out + i * WIDE, wides[i]);
}

uint64_t crc64_by_wide_clmul(uint64_t r, const void *p, size_t n)
{
    uint8_t lanes[WIDE * WIDES];
    size_t bulk = n / sizeof(lanes) * sizeof(lanes);

    if (bulk == 0)
        return crc64_by_clmul(r, p, n);
    (void)pthread_once(&folds_once, make_folds); /* cannot fail with these arguments */
    fold_wide_bulk(r, p, bulk, lanes);
    r = crc64_by_clmul(0, lanes, sizeof(lanes));
    return crc64_by_clmul(r, (const uint8_t *)p + bulk, n - bulk);
}

__attribute__((target("sse4.2"))) uint32_t crc32_by_sse42(uint32_t r, const void *p, size_t n)
{
    const uint8_t *c = p;
    uint64_t wide = r;

    for (; n >= 8; c += 8, n -= 8) {
        uint64_t v;

        memcpy(&v, c, 8);
        wide = _mm_crc32_u64(wide, v);
    }
    r = (uint32_t)wide;
    for (; n > 0; c++, n--)
        r = _mm_crc32_u8(r, *c);
    return r;
}

#else

struct crc_x86 crc_x86_works(void)
{
    return (struct crc_x86){false, false, false};
}

/* Never called; here so that one program text serves all processors. */
uint64_t crc64_by_clmul(uint64_t r, const void *p, size_t n)
{
    return crc64_by_table(r, p, n);
}

uint64_t crc64_by_wide_clmul(uint64_t r, const void *p, size_t n)
{
    return crc64_by_table(r, p, n);
}

uint32_t crc32_by_sse42(uint32_t r, const void *p, size_t n)
{
    return crc32_by_table(r, p, n);
}

#endif
