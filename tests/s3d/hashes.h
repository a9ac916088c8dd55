/*
 * The digests and checksums of S3 over one stream of bytes. Pure.
 */
#ifndef LOCKSTEP_S3D_HASHES_H
#define LOCKSTEP_S3D_HASHES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first HASH_CHECKSUMS of them are x-amz-checksum-*. */
enum hash { HASH_CRC32, HASH_CRC32C, HASH_CRC64NVME, HASH_SHA1, HASH_SHA256, HASH_MD5, HASH_COUNT };
#define HASH_CHECKSUMS 5
#define HASH_BYTES_MAX 32
#define HASH_TEXT_MAX  64 /* base64, "-10000" and the NUL */

struct hash_value {
    bool set;
    uint8_t bytes[HASH_BYTES_MAX]; /* checksums big-endian */
};

struct hashes {
    unsigned want; /* a bit for each hash */
    uint32_t crc32;
    uint32_t crc32c;
    uint64_t crc64;
    void *md[HASH_COUNT]; /* digest contexts; NULL where not wanted */
};

#define HASH_BIT(hash) (1u << (hash))

/* hashes_begin(h, want) -> hashes_add... -> hashes_end(h, values): each wanted one is set. Between
 * begin and end the contexts are owned; hashes_end releases them, hashes_drop does only that. */
void hashes_begin(struct hashes *h, unsigned want);
void hashes_add(struct hashes *h, const void *p, size_t n);
void hashes_end(struct hashes *h, struct hash_value ret[HASH_COUNT]);
void hashes_drop(struct hashes *h);

/* hash_size(hash): bytes of its value. hash_name: "CRC64NVME". hash_header: "x-amz-checksum-..." of
 * a checksum. hash_element: "ChecksumCRC64NVME". hash_find(name, ret): the checksum of that name.
 */
size_t hash_size(enum hash hash);
const char *hash_name(enum hash hash);
const char *hash_header(enum hash hash);
const char *hash_element(enum hash hash);
bool hash_find(const char *name, enum hash *ret);

/* hash_text(hash, v, out): base64; returns out. hash_parse: the reverse; false if it is not one. */
char *hash_text(enum hash hash, const struct hash_value *v, char out[HASH_TEXT_MAX]);
bool hash_parse(enum hash hash, const char *text, struct hash_value *ret);
bool hash_equal(enum hash hash, const struct hash_value *a, const struct hash_value *b);

#endif
