/*
 * Checksums by tables, eight bytes a step, and arithmetic of polynomials modulo the CRC's. Pure.
 */
#include "base/crc_ways.h"

#include <endian.h>
#include <pthread.h>
#include <string.h>

static uint64_t table64[8][256];
static uint32_t table32[8][256];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

/* Fill both tables: [k][b] is the effect of the byte b followed by k zero bytes. */
static void make_tables(void)
{
    for (unsigned b = 0; b < 256; b++) {
        uint64_t r64 = b;
        uint32_t r32 = b;

        for (int bit = 0; bit < 8; bit++) {
            r64 = r64 >> 1 ^ (r64 & 1 ? CRC64_POLY : 0);
            r32 = r32 >> 1 ^ (r32 & 1 ? CRC32_POLY : 0);
        }
        table64[0][b] = r64;
        table32[0][b] = r32;
    }
    for (int k = 1; k < 8; k++) {
        for (unsigned b = 0; b < 256; b++) {
            uint64_t r64 = table64[k - 1][b];
            uint32_t r32 = table32[k - 1][b];

            table64[k][b] = r64 >> 8 ^ table64[0][r64 & 0xff];
            table32[k][b] = r32 >> 8 ^ table32[0][r32 & 0xff];
        }
    }
}

/* Eight bytes as a little-endian number. */
static uint64_t load64(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, 8);
    return le64toh(v);
}

uint64_t crc64_by_table(uint64_t r, const void *p, size_t n)
{
    const uint8_t *c = p;

    (void)pthread_once(&tables_once, make_tables); /* cannot fail with these arguments */
    for (; n >= 8; c += 8, n -= 8) {
        uint64_t v = r ^ load64(c);

        r = table64[7][v & 0xff] ^ table64[6][v >> 8 & 0xff] ^ table64[5][v >> 16 & 0xff] ^
            table64[4][v >> 24 & 0xff] ^ table64[3][v >> 32 & 0xff] ^ table64[2][v >> 40 & 0xff] ^
            table64[1][v >> 48 & 0xff] ^ table64[0][v >> 56];
    }
    for (; n > 0; c++, n--)
        r = r >> 8 ^ table64[0][(r ^ *c) & 0xff];
    return r;
}

uint32_t crc32_by_table(uint32_t r, const void *p, size_t n)
{
    const uint8_t *c = p;

    (void)pthread_once(&tables_once, make_tables); /* cannot fail with these arguments */
    for (; n >= 8; c += 8, n -= 8) {
        uint64_t v = r ^ load64(c);

        r = table32[7][v & 0xff] ^ table32[6][v >> 8 & 0xff] ^ table32[5][v >> 16 & 0xff] ^
            table32[4][v >> 24 & 0xff] ^ table32[3][v >> 32 & 0xff] ^ table32[2][v >> 40 & 0xff] ^
            table32[1][v >> 48 & 0xff] ^ table32[0][v >> 56];
    }
    for (; n > 0; c++, n--)
        r = r >> 8 ^ table32[0][(r ^ *c) & 0xff];
    return r;
}

uint64_t crc64_multiply(uint64_t a, uint64_t b)
{
    uint64_t product = 0;

    for (; a != 0; a <<= 1) {
        if (a >> 63)
            product ^= b;
        b = b >> 1 ^ (b & 1 ? CRC64_POLY : 0);
    }
    return product;
}

uint64_t crc64_power(uint64_t n)
{
    uint64_t square = UINT64_C(1) << 62; /* x */
    uint64_t power = UINT64_C(1) << 63;  /* 1 */

    for (; n != 0; n >>= 1) {
        if (n & 1)
            power = crc64_multiply(power, square);
        square = crc64_multiply(square, square);
    }
    return power;
}
