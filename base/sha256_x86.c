/*
 * Many SHA-256 hashes (FIPS 180-4) with the instructions of x86-64. Pure.
 *
 * A round waits for the one before, and the processor could begin another one meanwhile: so two
 * texts go side by side, each in a lane, which takes as long as one. Texts differ in length: the
 * lane that is through takes the next one.
 */
#include "base/sha256_ways.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>
#include <string.h>

#define BLOCK       SHA256_BLOCK
#define HAS_SHA     (1u << 29) /* of EBX of leaf 7 of CPUID */
#define WITH_SHA    __attribute__((target("sha,sse4.1")))
#define QUAD_ROUNDS 4 /* rounds that one register has the words of */
#define QUADS       16

/* The words a b e f and c d g h of a state, as the instructions want them: the first one highest.
 */
struct state {
    __m128i abef, cdgh;
};

/* Sixteen words of which the next ones are made, the oldest ones in a. */
struct words {
    __m128i a, b, c, d;
};

/* A text on its way. */
struct lane {
    struct state state;
    uint8_t first;
    const uint8_t *p; /* what comes behind the first byte */
    size_t n;         /* bytes with that */
    size_t at;        /* where the next block begins */
    size_t end;       /* where the last one ends */
    uint8_t *out;
    uint8_t made[BLOCK]; /* a block that does not lie at p */
};

bool sha256_x86_works(void)
{
    unsigned a, b = 0, c, d;

    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & HAS_SHA) &&
           __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.1");
}

/* FIPS 180-4, 5.3.3. */
WITH_SHA static inline struct state first_state(void)
{
    return (struct state){_mm_set_epi32(0x6a09e667, (int)0xbb67ae85, 0x510e527f, (int)0x9b05688c),
                          _mm_set_epi32(0x3c6ef372, (int)0xa54ff53a, 0x1f83d9ab, 0x5be0cd19)};
}

/* Four rounds with these words, the quad-th of sixteen. */
WITH_SHA static inline void rounds(struct state *s, __m128i words, size_t quad)
{
    const __m128i k =
        _mm_loadu_si128((const __m128i *)(const void *)(sha256_constants + quad * QUAD_ROUNDS));
    const __m128i sum = _mm_add_epi32(words, k);

    s->cdgh = _mm_sha256rnds2_epu32(s->cdgh, s->abef, sum);
    s->abef = _mm_sha256rnds2_epu32(s->abef, s->cdgh, _mm_shuffle_epi32(sum, 0x0e));
}

/* Four words, of which each has its highest byte first in memory. */
WITH_SHA static inline __m128i load_words(const uint8_t *p)
{
    const __m128i order = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);

    return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)p), order);
}

WITH_SHA static inline struct words load_block(const uint8_t *p)
{
    return (struct words){load_words(p), load_words(p + 16), load_words(p + 32),
                          load_words(p + 48)};
}

/* The four words that come behind these sixteen. */
WITH_SHA static inline __m128i next_words(__m128i a, __m128i b, __m128i c, __m128i d)
{
    return _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(a, b), _mm_alignr_epi8(d, c, 4)),
                                d);
}

WITH_SHA static inline struct state sum_of(struct state a, struct state b)
{
    return (struct state){_mm_add_epi32(a.abef, b.abef), _mm_add_epi32(a.cdgh, b.cdgh)};
}

/* A block of each of two lanes. */
WITH_SHA static void two_blocks(struct state *sx, const uint8_t *px, struct state *sy,
                                const uint8_t *py)
{
    struct state x = *sx, y = *sy;
    struct words wx = load_block(px), wy = load_block(py);

    rounds(&x, wx.a, 0);
    rounds(&y, wy.a, 0);
    rounds(&x, wx.b, 1);
    rounds(&y, wy.b, 1);
    rounds(&x, wx.c, 2);
    rounds(&y, wy.c, 2);
    rounds(&x, wx.d, 3);
    rounds(&y, wy.d, 3);
    for (size_t quad = 4; quad < QUADS; quad += 4) {
        wx.a = next_words(wx.a, wx.b, wx.c, wx.d);
        wy.a = next_words(wy.a, wy.b, wy.c, wy.d);
        rounds(&x, wx.a, quad);
        rounds(&y, wy.a, quad);
        wx.b = next_words(wx.b, wx.c, wx.d, wx.a);
        wy.b = next_words(wy.b, wy.c, wy.d, wy.a);
        rounds(&x, wx.b, quad + 1);
        rounds(&y, wy.b, quad + 1);
        wx.c = next_words(wx.c, wx.d, wx.a, wx.b);
        wy.c = next_words(wy.c, wy.d, wy.a, wy.b);
        rounds(&x, wx.c, quad + 2);
        rounds(&y, wy.c, quad + 2);
        wx.d = next_words(wx.d, wx.a, wx.b, wx.c);
        wy.d = next_words(wy.d, wy.a, wy.b, wy.c);
        rounds(&x, wx.d, quad + 3);
        rounds(&y, wy.d, quad + 3);
    }
    *sx = sum_of(*sx, x);
    *sy = sum_of(*sy, y);
}

/* The words a to h, one after the other as FIPS 180-4 has them, and back. */
WITH_SHA static inline struct state load_state(const uint32_t h[8])
{
    const __m128i ab_cd =
        _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)h), 0xb1);
    const __m128i ef_gh =
        _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)(h + 4)), 0xb1);

    return (struct state){_mm_unpacklo_epi64(ef_gh, ab_cd), _mm_unpackhi_epi64(ef_gh, ab_cd)};
}

WITH_SHA static inline void store_state(const struct state *s, uint32_t h[8])
{
    const __m128i ab_cd = _mm_unpackhi_epi64(s->abef, s->cdgh);
    const __m128i ef_gh = _mm_unpacklo_epi64(s->abef, s->cdgh);

    _mm_storeu_si128((__m128i *)(void *)h, _mm_shuffle_epi32(ab_cd, 0xb1));
    _mm_storeu_si128((__m128i *)(void *)(h + 4), _mm_shuffle_epi32(ef_gh, 0xb1));
}

/* The hash that it is at the end. */
WITH_SHA static void store_hash(const struct state *s, uint8_t out[SHA256_BYTES])
{
    const __m128i order = _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f);
    const __m128i abcd = _mm_unpackhi_epi64(s->cdgh, s->abef);
    const __m128i efgh = _mm_unpacklo_epi64(s->cdgh, s->abef);

    _mm_storeu_si128((__m128i *)(void *)out, _mm_shuffle_epi8(abcd, order));
    _mm_storeu_si128((__m128i *)(void *)(out + 16), _mm_shuffle_epi8(efgh, order));
}

void sha256_both_by_x86(uint32_t hx[8], const uint8_t *px, uint32_t hy[8], const uint8_t *py,
                        size_t blocks)
{
    struct state x = load_state(hx), y = load_state(hy);

    for (size_t i = 0; i < blocks; i++)
        two_blocks(&x, px + i * BLOCK, &y, py + i * BLOCK);
    store_state(&x, hx);
    store_state(&y, hy);
}

size_t sha256_strided_by_x86(const uint8_t *p, size_t stride, size_t n, size_t count,
                             uint8_t (*out)[SHA256_BYTES])
{
    uint8_t end[BLOCK];
    size_t done = 0;

    sha256_end_block(n, end);
    for (; count - done >= 2; done += 2) {
        const uint8_t *px = p + done * stride, *py = px + stride;
        struct state x = first_state(), y = first_state();

        for (size_t at = 0; at < n; at += BLOCK)
            two_blocks(&x, px + at, &y, py + at);
        two_blocks(&x, end, &y, end);
        store_hash(&x, out[done]);
        store_hash(&y, out[done + 1]);
    }
    return done;
}

/* Take a text. */
WITH_SHA static void lane_begin(struct lane *l, uint8_t first, struct span text, uint8_t *out)
{
    l->state = first_state();
    l->first = first;
    l->p = (const uint8_t *)text.p;
    l->n = text.n + 1;
    l->at = 0;
    l->end = (l->n + 1 + SHA256_LENGTH + BLOCK - 1) / BLOCK * BLOCK;
    l->out = out;
}

/* The next block: at p, or made with what is not there, the first byte or what follows the text. */
static const uint8_t *lane_block(struct lane *l)
{
    const size_t at = l->at, left = at < l->n ? l->n - at : 0;
    const size_t lead = at == 0, n = left < BLOCK ? left : BLOCK;

    l->at += BLOCK;
    if (lead == 0 && n == BLOCK)
        return l->p + at - 1;
    memset(l->made, 0, BLOCK);
    l->made[0] = l->first;
    if (n > lead)
        memcpy(l->made + lead, l->p + at + lead - 1, n - lead);
    if (n < BLOCK)
        l->made[n] = at <= l->n ? SHA256_END_MARK : 0;
    if (l->at == l->end)
        sha256_end_length(l->n, l->made);
    return l->made;
}

/* Where that was the last block, its hash is out: true. */
static bool lane_end(const struct lane *l)
{
    if (l->at != l->end)
        return false;
    store_hash(&l->state, l->out);
    return true;
}

void sha256_each_by_x86(uint8_t first, const struct span *texts, size_t count,
                        uint8_t (*out)[SHA256_BYTES])
{
    struct lane lanes[2], *x = &lanes[0], *y = &lanes[1];
    struct state idle = first_state(); /* a lane without a text costs nothing */
    size_t busy = 0, next = 0;

    while (busy > 0 || next < count) {
        const uint8_t *block;

        for (; busy < 2 && next < count; busy++, next++)
            lane_begin(busy == 0 ? x : y, first, texts[next], out[next]);
        block = lane_block(x);
        if (busy == 2)
            two_blocks(&x->state, block, &y->state, lane_block(y));
        else
            two_blocks(&x->state, block, &idle, block);
        if (busy == 2 && lane_end(y))
            busy--;
        if (lane_end(x)) {
            struct lane *through = x;

            x = y;
            y = through;
            busy--;
        }
    }
}

#else

bool sha256_x86_works(void)
{
    return false;
}

/* Never called; here so that one program text serves all processors. */
void sha256_each_by_x86(uint8_t first, const struct span *texts, size_t count,
                        uint8_t (*out)[SHA256_BYTES])
{
    sha256_each_by_openssl(first, texts, count, out);
}

void sha256_both_by_x86(uint32_t hx[8], const uint8_t *px, uint32_t hy[8], const uint8_t *py,
                        size_t blocks)
{
    (void)hx, (void)px, (void)hy, (void)py, (void)blocks;
}

size_t sha256_strided_by_x86(const uint8_t *p, size_t stride, size_t n, size_t count,
                             uint8_t (*out)[SHA256_BYTES])
{
    (void)p, (void)stride, (void)n, (void)count, (void)out;
    return 0;
}

#endif
