/*
 * Bytes as words, the first byte lowest, on every processor. Pure.
 */
#ifndef LOCKSTEP_BASE_WORD_H
#define LOCKSTEP_BASE_WORD_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WORD_BYTES sizeof(uint64_t)

/* word_load(p): eight bytes. */
static inline uint64_t word_load(const void *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof(word));
    return le64toh(word);
}

/* word_load_short(p, n): less than eight bytes, with zeros behind. From parts that overlap: a copy
 * of n bytes into a word is a call, and the processor waits until the word is whole. */
static inline uint64_t word_load_short(const void *p, size_t n)
{
    const unsigned char *c = p;
    uint32_t front;
    uint32_t back;

    if (n >= sizeof(front)) {
        memcpy(&front, c, sizeof(front));
        memcpy(&back, c + n - sizeof(back), sizeof(back));
        return le32toh(front) | (uint64_t)le32toh(back) << 8 * (n - sizeof(back));
    }
    if (n == 0)
        return 0;
    return (uint64_t)c[0] | (uint64_t)c[n / 2] << 8 * (n / 2) | (uint64_t)c[n - 1] << 8 * (n - 1);
}

#endif
