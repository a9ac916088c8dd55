/*
 * Where bytes stand in a short text, as bits: bit i is for the byte i. Pure.
 *
 * Most rows are short, and the call of a function that searches costs more than the search. So a
 * text of up to MARKS_MAX bytes is loaded once, into registers, and asked for as many bytes as are
 * wanted. Nothing outside the text is read: the last load ends where the text ends, and overlaps
 * the one before; a text shorter than one load is put together from words inside it.
 *
 * There are two ways: words of 8 bytes, on every processor, and the registers of 16 bytes that each
 * x86-64 has. They agree; the test compares them.
 */
#ifndef LOCKSTEP_LISTS_MARKS_H
#define LOCKSTEP_LISTS_MARKS_H

#include "base/word.h"

#include <stddef.h>
#include <stdint.h>

#define MARKS_MAX       64
#define MARKS_EACH(b)   ((b)*UINT64_C(0x0101010101010101))
#define MARKS_HIGH_BITS MARKS_EACH(0x80)

/* marks_highest(bits), marks_lowest(bits): the place of the last, of the first one; there is one.
 */
static inline unsigned marks_highest(uint64_t bits)
{
    return MARKS_MAX - 1 - (unsigned)__builtin_clzll(bits);
}

static inline unsigned marks_lowest(uint64_t bits)
{
    return (unsigned)__builtin_ctzll(bits);
}

/* marks_below(n): the first n bits; n <= MARKS_MAX. */
static inline uint64_t marks_below(size_t n)
{
    return n < MARKS_MAX ? (UINT64_C(1) << n) - 1 : UINT64_MAX;
}

/* 0x80 in the place of each byte that is this one. */
static inline uint64_t marks_equal(uint64_t word, char c)
{
    uint64_t x = word ^ MARKS_EACH((uint8_t)c);

    return ~(((x & ~MARKS_HIGH_BITS) + ~MARKS_HIGH_BITS) | x | ~MARKS_HIGH_BITS);
}

/* The same for digits: what differs from '0' in the low bits by less than 10. */
static inline uint64_t marks_digit(uint64_t word)
{
    uint64_t x = word ^ MARKS_EACH((uint8_t)'0');

    return ~(((x & ~MARKS_HIGH_BITS) + MARKS_EACH(0x80 - 10)) | x) & MARKS_HIGH_BITS;
}

/* The eight high bits of a word, side by side. */
static inline uint64_t marks_gather(uint64_t high)
{
    return (high >> 7) * UINT64_C(0x0102040810204080) >> 56;
}

/*
 * By words: the whole ones from the front, and one to the end, which overlaps. They are loaded each
 * time, from the text that must still be there: that is cheaper than to keep them.
 */
struct marks_plain {
    const char *p;
    size_t n;
    uint64_t last;
    unsigned last_at;
};

static inline void marks_plain_load(struct marks_plain *m, const char *p, size_t n)
{
    m->p = p;
    m->n = n;
    m->last_at = n < WORD_BYTES ? 0 : (unsigned)(n - WORD_BYTES);
    m->last = n < WORD_BYTES ? word_load_short(p, n) : word_load(p + m->last_at);
}

static inline uint64_t marks_plain_find(const struct marks_plain *m, char c)
{
    uint64_t found = marks_gather(marks_equal(m->last, c)) << m->last_at;

    for (size_t i = 0; i + WORD_BYTES < m->n; i += WORD_BYTES)
        found |= marks_gather(marks_equal(word_load(m->p + i), c)) << i;
    return found & marks_below(m->n);
}

static inline uint64_t marks_plain_digits(const struct marks_plain *m)
{
    uint64_t found = marks_gather(marks_digit(m->last)) << m->last_at;

    for (size_t i = 0; i + WORD_BYTES < m->n; i += WORD_BYTES)
        found |= marks_gather(marks_digit(word_load(m->p + i))) << i;
    return found & marks_below(m->n);
}

#if defined(__SSE2__)

#include <emmintrin.h>

#define MARKS_LOAD sizeof(__m128i)

/*
 * By registers of 16 bytes: two from the front and two to the end, which overlap in a text that is
 * shorter. They are four, not an array of four, as compilers keep arrays in memory.
 */
struct marks {
    __m128i first, second, third, fourth;
    unsigned step; /* from the first to the second, from the third to the fourth */
    unsigned back; /* where the third begins */
    uint64_t valid;
};

static inline __m128i marks_register(const char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* A text shorter than a register, with zeros behind. */
static inline __m128i marks_short_register(const char *p, size_t n)
{
    uint64_t low = n < WORD_BYTES ? word_load_short(p, n) : word_load(p);
    uint64_t high = 0;

    if (n > WORD_BYTES)
        high = word_load(p + n - WORD_BYTES) >> 8 * (MARKS_LOAD - n);
    return _mm_set_epi64x((long long)high, (long long)low);
}

/* marks_load(m, p, n): take this text; n <= MARKS_MAX. */
static inline void marks_load(struct marks *m, const char *p, size_t n)
{
    m->valid = marks_below(n);
    if (n < MARKS_LOAD) {
        m->step = 0;
        m->back = 0;
        m->first = m->second = m->third = m->fourth = marks_short_register(p, n);
        return;
    }
    m->step = (unsigned)(n < 2 * MARKS_LOAD ? n - MARKS_LOAD : MARKS_LOAD);
    m->back = (unsigned)(n - MARKS_LOAD) - m->step;
    m->first = marks_register(p);
    m->second = marks_register(p + m->step);
    m->third = marks_register(p + m->back);
    m->fourth = marks_register(p + m->back + m->step);
}

/* The bits of the four, each in its place. */
static inline uint64_t marks_bits(const struct marks *m, __m128i first, __m128i second,
                                  __m128i third, __m128i fourth)
{
    uint64_t front = (unsigned)_mm_movemask_epi8(first) |
                     (uint64_t)(unsigned)_mm_movemask_epi8(second) << m->step;
    uint64_t back = (unsigned)_mm_movemask_epi8(third) |
                    (uint64_t)(unsigned)_mm_movemask_epi8(fourth) << m->step;

    return (front | back << m->back) & m->valid;
}

/* marks_find(m, c): where this byte stands. */
static inline uint64_t marks_find(const struct marks *m, char c)
{
    const __m128i wanted = _mm_set1_epi8(c);

    return marks_bits(m, _mm_cmpeq_epi8(m->first, wanted), _mm_cmpeq_epi8(m->second, wanted),
                      _mm_cmpeq_epi8(m->third, wanted), _mm_cmpeq_epi8(m->fourth, wanted));
}

/* All ones where a digit stands. */
static inline __m128i marks_digit_bytes(__m128i bytes)
{
    __m128i value = _mm_sub_epi8(bytes, _mm_set1_epi8('0'));

    return _mm_cmpeq_epi8(_mm_min_epu8(value, _mm_set1_epi8(9)), value);
}

/* marks_digits(m): where digits stand. */
static inline uint64_t marks_digits(const struct marks *m)
{
    return marks_bits(m, marks_digit_bytes(m->first), marks_digit_bytes(m->second),
                      marks_digit_bytes(m->third), marks_digit_bytes(m->fourth));
}

#else

struct marks {
    struct marks_plain plain;
};

static inline void marks_load(struct marks *m, const char *p, size_t n)
{
    marks_plain_load(&m->plain, p, n);
}

static inline uint64_t marks_find(const struct marks *m, char c)
{
    return marks_plain_find(&m->plain, c);
}

static inline uint64_t marks_digits(const struct marks *m)
{
    return marks_plain_digits(&m->plain);
}

#endif

#endif
