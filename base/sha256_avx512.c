/*
 * Sixteen SHA-256 hashes (FIPS 180-4) side by side with the AVX-512 instructions of x86-64. Pure.
 *
 * A register has the same word of sixteen texts, each in a lane of 32 bits. So the texts have to be
 * of one length, and a block of each is turned by ninety degrees before its rounds.
 */
#include "base/sha256_ways.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define LANES       SHA256_LANES
#define WORDS       16
#define ROUNDS      64
#define WITH_AVX512 __attribute__((target("avx512f,avx512bw")))
#define INLINED     WITH_AVX512 __attribute__((always_inline)) static inline /* stays in registers */

/* The words a to h of all lanes. */
struct state {
    __m512i a, b, c, d, e, f, g, h;
};

/* The words that the next rounds take, the i-th one made anew after its round. */
struct words {
    __m512i of[WORDS];
};

bool sha256_avx512_works(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
}

INLINED __m512i xor_of(__m512i x, __m512i y, __m512i z)
{
    return _mm512_ternarylogic_epi32(x, y, z, 0x96);
}

INLINED __m512i sum_of(__m512i x, __m512i y)
{
    return _mm512_add_epi32(x, y);
}

/* FIPS 180-4, 4.1.2: the functions of a round, and those of the schedule. */
#define CHOICE_OF(x, y, z)   _mm512_ternarylogic_epi32(x, y, z, 0xca)
#define MAJORITY_OF(x, y, z) _mm512_ternarylogic_epi32(x, y, z, 0xe8)
#define TURNED(x, i, j, k)                                                                         \
    xor_of(_mm512_ror_epi32(x, i), _mm512_ror_epi32(x, j), _mm512_ror_epi32(x, k))
#define TURNED_AND_MOVED(x, i, j, k)                                                               \
    xor_of(_mm512_ror_epi32(x, i), _mm512_ror_epi32(x, j), _mm512_srli_epi32(x, k))

INLINED void round_of(struct state *s, __m512i word, uint32_t constant)
{
    __m512i given = sum_of(sum_of(s->h, word), _mm512_set1_epi32((int)constant));
    __asm__("" : "+v"(given)); /* is added first: the rest has to wait for the round before */
    const __m512i chosen = sum_of(given, CHOICE_OF(s->e, s->f, s->g));
    const __m512i t1 = sum_of(chosen, TURNED(s->e, 6, 11, 25));
    const __m512i t2 = sum_of(TURNED(s->a, 2, 13, 22), MAJORITY_OF(s->a, s->b, s->c));

    *s = (struct state){sum_of(t1, t2), s->a, s->b, s->c, sum_of(s->d, t1), s->e, s->f, s->g};
}

/* The word that is sixteen behind the i-th. */
INLINED __m512i next_word(const struct words *w, size_t i)
{
    const __m512i near = w->of[(i + 1) % WORDS], far = w->of[(i + 14) % WORDS];

    return sum_of(sum_of(w->of[i], w->of[(i + 9) % WORDS]),
                  sum_of(TURNED_AND_MOVED(near, 7, 18, 3), TURNED_AND_MOVED(far, 17, 19, 10)));
}

INLINED void all_rounds(struct state *s, struct words *w)
{
    for (const uint32_t *k = sha256_constants; k < sha256_constants + ROUNDS - WORDS; k += WORDS) {
#pragma GCC unroll 16
        for (size_t i = 0; i < WORDS; i++) {
            round_of(s, w->of[i], k[i]);
            w->of[i] = next_word(w, i);
        }
    }
#pragma GCC unroll 16
    for (size_t i = 0; i < WORDS; i++)
        round_of(s, w->of[i], sha256_constants[ROUNDS - WORDS + i]);
}

/* Rows of a matrix of 16 x 16 words become its columns: first in each quarter of the registers, by
 * words and by pairs of them, then the quarters. */
INLINED void turn(struct words *w)
{
    struct words x;

#pragma GCC unroll 8
    for (size_t i = 0; i < WORDS; i += 2) {
        x.of[i] = _mm512_unpacklo_epi32(w->of[i], w->of[i + 1]);
        x.of[i + 1] = _mm512_unpackhi_epi32(w->of[i], w->of[i + 1]);
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < WORDS; i += 4) {
        w->of[i] = _mm512_unpacklo_epi64(x.of[i], x.of[i + 2]);
        w->of[i + 1] = _mm512_unpackhi_epi64(x.of[i], x.of[i + 2]);
        w->of[i + 2] = _mm512_unpacklo_epi64(x.of[i + 1], x.of[i + 3]);
        w->of[i + 3] = _mm512_unpackhi_epi64(x.of[i + 1], x.of[i + 3]);
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++) {
        const __m512i even = _mm512_shuffle_i32x4(w->of[i], w->of[i + 4], 0x88);
        const __m512i odd = _mm512_shuffle_i32x4(w->of[i], w->of[i + 4], 0xdd);
        const __m512i even_2 = _mm512_shuffle_i32x4(w->of[i + 8], w->of[i + 12], 0x88);
        const __m512i odd_2 = _mm512_shuffle_i32x4(w->of[i + 8], w->of[i + 12], 0xdd);

        x.of[i] = _mm512_shuffle_i32x4(even, even_2, 0x88);
        x.of[i + 4] = _mm512_shuffle_i32x4(odd, odd_2, 0x88);
        x.of[i + 8] = _mm512_shuffle_i32x4(even, even_2, 0xdd);
        x.of[i + 12] = _mm512_shuffle_i32x4(odd, odd_2, 0xdd);
    }
    *w = x;
}

/* Words have their highest byte first in memory; back and forth. */
INLINED __m512i swapped(__m512i words)
{
    const __m128i order = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);

    return _mm512_shuffle_epi8(words, _mm512_broadcast_i32x4(order));
}

/* A block of each lane, the i-th one's at p + i * stride. */
WITH_AVX512 static void add_blocks(struct state *state, const uint8_t *p, size_t stride)
{
    struct state s = *state;
    struct words w;

#pragma GCC unroll 16
    for (size_t i = 0; i < LANES; i++)
        w.of[i] = swapped(_mm512_loadu_si512(p + i * stride));
    turn(&w);
    all_rounds(&s, &w);
    *state = (struct state){sum_of(state->a, s.a), sum_of(state->b, s.b), sum_of(state->c, s.c),
                            sum_of(state->d, s.d), sum_of(state->e, s.e), sum_of(state->f, s.f),
                            sum_of(state->g, s.g), sum_of(state->h, s.h)};
}

/* FIPS 180-4, 5.3.3. */
INLINED struct state first_state(void)
{
    return (struct state){_mm512_set1_epi32(0x6a09e667), _mm512_set1_epi32((int)0xbb67ae85),
                          _mm512_set1_epi32(0x3c6ef372), _mm512_set1_epi32((int)0xa54ff53a),
                          _mm512_set1_epi32(0x510e527f), _mm512_set1_epi32((int)0x9b05688c),
                          _mm512_set1_epi32(0x1f83d9ab), _mm512_set1_epi32(0x5be0cd19)};
}

/* The hashes of sixteen. */
WITH_AVX512 static void hash_all(const uint8_t *p, size_t stride, size_t n,
                                 uint8_t (*out)[SHA256_BYTES])
{
    struct state s = first_state();
    uint8_t end[SHA256_BLOCK];
    struct words w;

    for (size_t at = 0; at < n; at += SHA256_BLOCK)
        add_blocks(&s, p + at, stride);
    sha256_end_block(n, end);
    add_blocks(&s, end, 0);
    w = (struct words){{s.a, s.b, s.c, s.d, s.e, s.f, s.g, s.h}};
    turn(&w);
    for (size_t i = 0; i < LANES; i++)
        _mm256_storeu_si256((__m256i *)(void *)out[i], _mm512_castsi512_si256(swapped(w.of[i])));
}

size_t sha256_strided_by_avx512(const uint8_t *p, size_t stride, size_t n, size_t count,
                                uint8_t (*out)[SHA256_BYTES])
{
    size_t done = 0;

    for (; count - done >= LANES; done += LANES)
        hash_all(p + done * stride, stride, n, out + done);
    return done;
}

#else

bool sha256_avx512_works(void)
{
    return false;
}

/* Never called. */
size_t sha256_strided_by_avx512(const uint8_t *p, size_t stride, size_t n, size_t count,
                                uint8_t (*out)[SHA256_BYTES])
{
    (void)p, (void)stride, (void)n, (void)count, (void)out;
    return 0;
}

#endif
