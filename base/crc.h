/*
 * Checksums. Pure; the fastest way that the processor has is chosen once, at first use.
 *
 * CRC-64/NVME: polynomial 0xad93d23594c93659, reflected, init and xorout all ones; the check value
 * of "123456789" is ae8b14860a799888. CRC-32C (Castagnoli): e3069283. Both are used by S3 in
 * x-amz-checksum-*, as base64 of the big-endian value.
 */
#ifndef LOCKSTEP_BASE_CRC_H
#define LOCKSTEP_BASE_CRC_H

#include <stddef.h>
#include <stdint.h>

/* crc64nvme(crc, p, n): continue `crc` (0 to begin) over n bytes. */
uint64_t crc64nvme(uint64_t crc, const void *p, size_t n);

/* crc64nvme_combine(a, b, b_n): the checksum of A||B from those of A and of B (b_n bytes). */
uint64_t crc64nvme_combine(uint64_t a, uint64_t b, uint64_t b_n);

/* crc32c(crc, p, n): continue `crc` (0 to begin) over n bytes. */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);

#define CRC64_BASE64_SIZE 13 /* 12 characters and the NUL */

/* crc64nvme_base64(crc, out): S3's spelling; returns out. */
char *crc64nvme_base64(uint64_t crc, char out[CRC64_BASE64_SIZE]);
/* crc64nvme_parse(text, ret): the reverse. 0 or ERR_SYNTAX. */
int crc64nvme_parse(const char *text, uint64_t *ret) __attribute__((warn_unused_result));

#endif
