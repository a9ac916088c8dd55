/*
 * Checksums as S3 and the journal know them. Pure.
 */
#include "base/crc.h"

#include "base/crc_ways.h"
#include "base/digest.h"
#include "base/err.h"

#include <endian.h>
#include <pthread.h>
#include <string.h>

static uint64_t (*best64)(uint64_t r, const void *p, size_t n);
static uint32_t (*best32)(uint32_t r, const void *p, size_t n);
static pthread_once_t choice_once = PTHREAD_ONCE_INIT;

/* Take the fastest way that this processor has. */
static void choose(void)
{
    struct crc_x86 x86 = crc_x86_works();
    struct crc_arm arm = crc_arm_works();

    best64 = x86.wide    ? crc64_by_wide_clmul
             : x86.clmul ? crc64_by_clmul
             : arm.pmull ? crc64_by_pmull
                         : crc64_by_table;
    best32 = x86.sse42 ? crc32_by_sse42 : arm.crc32 ? crc32_by_arm : crc32_by_table;
}

uint64_t crc64nvme(uint64_t crc, const void *p, size_t n)
{
    (void)pthread_once(&choice_once, choose); /* cannot fail with these arguments */
    return ~best64(~crc, p, n);
}

uint32_t crc32c(uint32_t crc, const void *p, size_t n)
{
    (void)pthread_once(&choice_once, choose); /* cannot fail with these arguments */
    return ~best32(~crc, p, n);
}

/* The ones put in at the start and at the end cancel out, so A's checksum is simply moved on by
 * b_n bytes: times x^8, squared again and again as the bits of b_n say. */
uint64_t crc64nvme_combine(uint64_t a, uint64_t b, uint64_t b_n)
{
    uint64_t moved = a;

    for (uint64_t bytes = b_n, by = crc64_power(8); bytes != 0; bytes >>= 1) {
        if (bytes & 1)
            moved = crc64_multiply(moved, by);
        by = crc64_multiply(by, by);
    }
    return moved ^ b;
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
