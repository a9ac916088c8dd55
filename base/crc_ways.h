/*
 * The ways to compute a checksum, for base/crc.c to choose from and for tests to compare. Pure.
 *
 * They work on the bare register: no ones put in at the start, none at the end. Each continues r
 * over n bytes. Bits are reflected: the lowest bit of a word is the coefficient of the highest
 * power, so that 1 is the top bit.
 */
#ifndef LOCKSTEP_BASE_CRC_WAYS_H
#define LOCKSTEP_BASE_CRC_WAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRC64_POLY UINT64_C(0x9a6c9329ac4bc9b5) /* 0xad93d23594c93659 reflected */
#define CRC32_POLY UINT32_C(0x82f63b78)         /* 0x1edc6f41 reflected */

/* With tables, eight bytes a step; on every processor. */
uint64_t crc64_by_table(uint64_t r, const void *p, size_t n);
uint32_t crc32_by_table(uint32_t r, const void *p, size_t n);

/* crc64_multiply(a, b): the product modulo the polynomial. crc64_power(n): x^n modulo it. */
uint64_t crc64_multiply(uint64_t a, uint64_t b);
uint64_t crc64_power(uint64_t n);

/* With the instructions of x86-64; to be called only where crc_x86_works says so. */
struct crc_x86 {
    bool clmul; /* crc64_by_clmul may be called */
    bool wide;  /* crc64_by_wide_clmul may be called: four at once, in registers of 512 bits */
    bool sse42; /* crc32_by_sse42 may be called */
};
struct crc_x86 crc_x86_works(void);
uint64_t crc64_by_clmul(uint64_t r, const void *p, size_t n);
uint64_t crc64_by_wide_clmul(uint64_t r, const void *p, size_t n);
uint32_t crc32_by_sse42(uint32_t r, const void *p, size_t n);

/* With the instructions of ARM64; to be called only where crc_arm_works says so. */
struct crc_arm {
    bool pmull; /* crc64_by_pmull may be called */
    bool crc32; /* crc32_by_arm may be called */
};
struct crc_arm crc_arm_works(void);
uint64_t crc64_by_pmull(uint64_t r, const void *p, size_t n);
uint32_t crc32_by_arm(uint32_t r, const void *p, size_t n);

#endif
