/* Well-formed UTF-8. Pure. */
#include "base/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

/* A continuation byte. */
static bool is_tail(uint8_t c)
{
    return (c & 0xc0) == 0x80;
}

/* The length of a character of two bytes or more whose first byte is c[0]. */
static size_t long_length(const uint8_t *c, size_t n)
{
    if (c[0] >= 0xc2 && c[0] <= 0xdf)
        return n >= 2 && is_tail(c[1]) ? 2 : 0;
    if ((c[0] & 0xf0) == 0xe0) {
        if (n < 3 || !is_tail(c[1]) || !is_tail(c[2]))
            return 0;
        if (c[0] == 0xe0 && c[1] < 0xa0) /* overlong */
            return 0;
        return c[0] == 0xed && c[1] > 0x9f ? 0 : 3; /* surrogates */
    }
    if (c[0] >= 0xf0 && c[0] <= 0xf4) {
        if (n < 4 || !is_tail(c[1]) || !is_tail(c[2]) || !is_tail(c[3]))
            return 0;
        if (c[0] == 0xf0 && c[1] < 0x90) /* overlong */
            return 0;
        return c[0] == 0xf4 && c[1] > 0x8f ? 0 : 4; /* beyond U+10FFFF */
    }
    return 0;
}

size_t utf8_length(const void *p, size_t n)
{
    const uint8_t *c = p;

    if (n == 0)
        return 0;
    return c[0] < 0x80 ? 1 : long_length(c, n);
}

/* Not 0 if a byte of x is zero. */
static uint64_t zero_bytes(uint64_t x)
{
    return (x - EACH_BYTE(1)) & ~x & EACH_BYTE(0x80);
}

/* None of the eight bytes at p needs an escape. (Carries make false alarms in the bytes above one
 * that does, never a missed one.) */
static bool is_plain_word(const uint8_t *p)
{
    uint64_t w;
    uint64_t low;
    uint64_t high;

    memcpy(&w, p, 8);
    low = (w - EACH_BYTE(0x20)) & ~w;
    high = (w + EACH_BYTE(1)) | w; /* 0x7f and above */
    return (((low | high) & EACH_BYTE(0x80)) | zero_bytes(w ^ EACH_BYTE('"')) |
            zero_bytes(w ^ EACH_BYTE('\\'))) == 0;
}

/* One byte that needs no escape. */
static bool is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

size_t utf8_plain(const void *p, size_t n)
{
    const uint8_t *c = p;
    size_t i = 0;

    while (n - i >= 8 && is_plain_word(c + i))
        i += 8;
    if (n >= 8 && n - i < 8 && is_plain_word(c + n - 8))
        return n;
    while (i < n && is_plain(c[i]))
        i++;
    return i;
}
