/*
 * Checksums with the instructions of ARM64. Pure.
 *
 * CRC-64 as in crc_x86.c, which explains the lanes and the constants; PMULL multiplies the lower
 * halves of two registers, PMULL2 the upper ones. The instructions are written out, so that
 * compilers need not agree on the names of their intrinsics.
 */
#include "base/crc_ways.h"

#if defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__

#include <arm_neon.h>
#include <pthread.h>
#include <string.h>
#include <sys/auxv.h>

#define LANE  16 /* bytes */
#define LANES 8

/* Of AT_HWCAP (asm/hwcap.h). */
#define HAS_PMULL (1ul << 4)
#define HAS_CRC32 (1ul << 7)

/* The pair (x^(D+63), x^(D-1)) for D of one lane, and of all lanes. */
static uint64_t fold_one[2];
static uint64_t fold_all[2];
static pthread_once_t folds_once = PTHREAD_ONCE_INIT;

/* Compute the constants. */
static void make_folds(void)
{
    fold_one[0] = crc64_power(LANE * 8 + 63);
    fold_one[1] = crc64_power(LANE * 8 - 1);
    fold_all[0] = crc64_power(LANE * LANES * 8 + 63);
    fold_all[1] = crc64_power(LANE * LANES * 8 - 1);
}

struct crc_arm crc_arm_works(void)
{
    unsigned long has = getauxval(AT_HWCAP);

    return (struct crc_arm){.pmull = (has & HAS_PMULL) != 0, .crc32 = (has & HAS_CRC32) != 0};
}

/* Move a lane on, and add what lies there. */
static inline uint64x2_t fold(uint64x2_t lane, uint64x2_t by, uint64x2_t there)
{
    uint64x2_t low, high;

    __asm__(".arch_extension aes\n\t"
            "pmull %0.1q, %2.1d, %3.1d\n\t"
            "pmull2 %1.1q, %2.2d, %3.2d"
            : "=&w"(low), "=&w"(high)
            : "w"(lane), "w"(by));
    return veorq_u64(veorq_u64(low, high), there);
}

/* What lies at p. */
static inline uint64x2_t load(const uint8_t *p)
{
    return vreinterpretq_u64_u8(vld1q_u8(p));
}

/* Reduce n bytes, at least all lanes' worth, to one lane; ret_n is what remains past them. */
static uint64x2_t fold_bulk(uint64_t r, const uint8_t *p, size_t n, size_t *ret_n)
{
    uint64x2_t one = vld1q_u64(fold_one);
    uint64x2_t all = vld1q_u64(fold_all);
    uint64x2_t lanes[LANES];
    uint64x2_t lane;

    for (int i = 0; i < LANES; i++)
        lanes[i] = load(p + i * LANE);
    lanes[0] = veorq_u64(lanes[0], vcombine_u64(vcreate_u64(r), vcreate_u64(0)));
    p += LANE * LANES;
    n -= LANE * LANES;
    for (; n >= LANE * LANES; p += LANE * LANES, n -= LANE * LANES)
        for (int i = 0; i < LANES; i++)
            lanes[i] = fold(lanes[i], all, load(p + i * LANE));
    lane = lanes[0];
    for (int i = 1; i < LANES; i++)
        lane = fold(lane, one, lanes[i]);
    for (; n >= LANE; p += LANE, n -= LANE)
        lane = fold(lane, one, load(p));
    *ret_n = n;
    return lane;
}

uint64_t crc64_by_pmull(uint64_t r, const void *p, size_t n)
{
    const uint8_t *end = (const uint8_t *)p + n;
    uint64_t rest[2];
    size_t rest_n;

    if (n < LANE * LANES)
        return crc64_by_table(r, p, n);
    (void)pthread_once(&folds_once, make_folds); /* cannot fail with these arguments */
    vst1q_u64(rest, fold_bulk(r, p, n, &rest_n));
    return crc64_by_table(crc64_by_table(0, rest, sizeof(rest)), end - rest_n, rest_n);
}

uint32_t crc32_by_arm(uint32_t r, const void *p, size_t n)
{
    const uint8_t *c = p;

    for (; n >= 8; c += 8, n -= 8) {
        uint64_t v;

        memcpy(&v, c, 8);
        __asm__(".arch_extension crc\n\tcrc32cx %w0, %w0, %x1" : "+r"(r) : "r"(v));
    }
    for (; n > 0; c++, n--)
        __asm__(".arch_extension crc\n\tcrc32cb %w0, %w0, %w1" : "+r"(r) : "r"((uint32_t)*c));
    return r;
}

#else

struct crc_arm crc_arm_works(void)
{
    return (struct crc_arm){false, false};
}

/* Never called; here so that one program text serves all processors. */
uint64_t crc64_by_pmull(uint64_t r, const void *p, size_t n)
{
    return crc64_by_table(r, p, n);
}

uint32_t crc32_by_arm(uint32_t r, const void *p, size_t n)
{
    return crc32_by_table(r, p, n);
}

#endif
