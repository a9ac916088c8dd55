/*
 * Checksums by tables, eight bytes a step, and how two checksums combine. Pure.
 *
 * Bits are reflected: the lowest bit of a word is the coefficient of the highest power.
 */
#include "base/crc.h"

#include "base/digest.h"
#include "base/err.h"

#include <endian.h>
#include <pthread.h>
#include <string.h>

#define POLY64 UINT64_C(0x9a6c9329ac4bc9b5) /* 0xad93d23594c93659 reflected */
#define POLY32 UINT32_C(0x82f63b78)         /* 0x1edc6f41 reflected */

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
            r64 = r64 >> 1 ^ (r64 & 1 ? POLY64 : 0);
            r32 = r32 >> 1 ^ (r32 & 1 ? POLY32 : 0);
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

uint64_t crc64nvme(uint64_t crc, const void *p, size_t n)
{
    const uint8_t *c = p;
    uint64_t r = ~crc;

    (void)pthread_once(&tables_once, make_tables); /* cannot fail with these arguments */
    for (; n >= 8; c += 8, n -= 8) {
        uint64_t v = r ^ load64(c);

        r = 0;
        for (int k = 0; k < 8; k++)
            r ^= table64[7 - k][v >> 8 * k & 0xff];
    }
    for (; n > 0; c++, n--)
        r = r >> 8 ^ table64[0][(r ^ *c) & 0xff];
    return ~r;
}

uint32_t crc32c(uint32_t crc, const void *p, size_t n)
{
    const uint8_t *c = p;
    uint32_t r = ~crc;

    (void)pthread_once(&tables_once, make_tables); /* cannot fail with these arguments */
    for (; n >= 8; c += 8, n -= 8) {
        uint64_t v = r ^ load64(c);

        r = 0;
        for (int k = 0; k < 8; k++)
            r ^= table32[7 - k][v >> 8 * k & 0xff];
    }
    for (; n > 0; c++, n--)
        r = r >> 8 ^ table32[0][(r ^ *c) & 0xff];
    return ~r;
}

/* The product of two polynomials modulo the CRC's, all reflected (1 is the top bit). */
static uint64_t multiply64(uint64_t a, uint64_t b)
{
    uint64_t product = 0;

    for (; a != 0; a <<= 1) {
        if (a >> 63)
            product ^= b;
        b = b >> 1 ^ (b & 1 ? POLY64 : 0);
    }
    return product;
}

/* x^(8n) modulo the polynomial: what n zero bytes multiply by. */
static uint64_t power_of_bytes(uint64_t n)
{
    uint64_t square = UINT64_C(1) << (63 - 8); /* x^8 */
    uint64_t power = UINT64_C(1) << 63;        /* x^0 */

    for (; n != 0; n >>= 1) {
        if (n & 1)
            power = multiply64(power, square);
        square = multiply64(square, square);
    }
    return power;
}

/* The ones put in at the start and the end cancel out, so A's checksum is simply moved up. */
uint64_t crc64nvme_combine(uint64_t a, uint64_t b, uint64_t b_n)
{
    return multiply64(a, power_of_bytes(b_n)) ^ b;
}

char *crc64nvme_base64(uint64_t crc, char out[CRC64_BASE64_SIZE])
{
    uint64_t big = htobe64(crc);

    return base64_encode(&big, sizeof(big), out);
}

int crc64nvme_parse(const char *text, uint64_t *ret)
{
    uint8_t bytes[(CRC64_BASE64_SIZE - 1) / 4 * 3];
    uint64_t big;
    size_t n;
    int rc;

    if (strlen(text) != CRC64_BASE64_SIZE - 1)
        return ERR_SYNTAX;
    rc = base64_decode(text, CRC64_BASE64_SIZE - 1, bytes, &n);
    if (rc < 0)
        return rc;
    if (n != sizeof(big))
        return ERR_SYNTAX;
    memcpy(&big, bytes, sizeof(big));
    *ret = be64toh(big);
    return 0;
}
