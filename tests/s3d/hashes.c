/* The digests and checksums of S3 over one stream of bytes. Pure. */
#include "tests/s3d/hashes.h"

#include "base/crc.h"
#include "base/digest.h"
#include "tests/s3d/text.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct kind {
    size_t size;
    const char *name;
    const char *header;
    const char *element;
    const char *digest; /* OpenSSL's name, or NULL */
};

static const struct kind kinds[HASH_COUNT] = {
    [HASH_CRC32] = {4, "CRC32", "x-amz-checksum-crc32", "ChecksumCRC32", NULL},
    [HASH_CRC32C] = {4, "CRC32C", "x-amz-checksum-crc32c", "ChecksumCRC32C", NULL},
    [HASH_CRC64NVME] = {8, "CRC64NVME", "x-amz-checksum-crc64nvme", "ChecksumCRC64NVME", NULL},
    [HASH_SHA1] = {20, "SHA1", "x-amz-checksum-sha1", "ChecksumSHA1", "SHA1"},
    [HASH_SHA256] = {32, "SHA256", "x-amz-checksum-sha256", "ChecksumSHA256", "SHA256"},
    [HASH_MD5] = {16, "MD5", NULL, NULL, "MD5"},
};

/* CRC-32 of IEEE 802.3, reflected. */
#define CRC32_POLYNOMIAL UINT32_C(0xedb88320)

/* Continue a CRC-32, four bits at a time: speed is no concern, few clients send it. */
static uint32_t crc32_add(uint32_t crc, const uint8_t *p, size_t n)
{
    uint32_t table[16];
    for (uint32_t i = 0; i < 16; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 4; bit++)
            value = (value >> 1) ^ (value & 1 ? CRC32_POLYNOMIAL : 0);
        table[i] = value;
    }
    crc = ~crc;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        crc = (crc >> 4) ^ table[crc & 15];
        crc = (crc >> 4) ^ table[crc & 15];
    }
    return ~crc;
}

/* A digest that OpenSSL must have. */
static void *digest_begin(const char *name)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx || EVP_DigestInit_ex(ctx, EVP_get_digestbyname(name), NULL) != 1)
        abort();
    return ctx;
}

void hashes_begin(struct hashes *h, unsigned want)
{
    *h = (struct hashes){.want = want};
    for (int i = 0; i < HASH_COUNT; i++)
        if ((want & HASH_BIT(i)) && kinds[i].digest)
            h->md[i] = digest_begin(kinds[i].digest);
}

void hashes_add(struct hashes *h, const void *p, size_t n)
{
    if (h->want & HASH_BIT(HASH_CRC32))
        h->crc32 = crc32_add(h->crc32, p, n);
    if (h->want & HASH_BIT(HASH_CRC32C))
        h->crc32c = crc32c(h->crc32c, p, n);
    if (h->want & HASH_BIT(HASH_CRC64NVME))
        h->crc64 = crc64nvme(h->crc64, p, n);
    for (int i = 0; i < HASH_COUNT; i++)
        if (h->md[i] && EVP_DigestUpdate(h->md[i], p, n) != 1)
            abort();
}

/* The n low bytes of a value, most significant first. */
static void big_endian(uint64_t value, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(value >> (8 * (n - 1 - i)));
}

void hashes_end(struct hashes *h, struct hash_value ret[HASH_COUNT])
{
    for (int i = 0; i < HASH_COUNT; i++) {
        ret[i] = (struct hash_value){.set = (h->want & HASH_BIT(i)) != 0};
        if (h->md[i] && EVP_DigestFinal_ex(h->md[i], ret[i].bytes, NULL) != 1)
            abort();
    }
    big_endian(h->crc32, ret[HASH_CRC32].bytes, 4);
    big_endian(h->crc32c, ret[HASH_CRC32C].bytes, 4);
    big_endian(h->crc64, ret[HASH_CRC64NVME].bytes, 8);
    hashes_drop(h);
}

void hashes_drop(struct hashes *h)
{
    for (int i = 0; i < HASH_COUNT; i++)
        EVP_MD_CTX_free(h->md[i]);
    *h = (struct hashes){0};
}

size_t hash_size(enum hash hash)
{
    return kinds[hash].size;
}

const char *hash_name(enum hash hash)
{
    return kinds[hash].name;
}

const char *hash_header(enum hash hash)
{
    return kinds[hash].header;
}

const char *hash_element(enum hash hash)
{
    return kinds[hash].element;
}

bool hash_find(const char *name, enum hash *ret)
{
    for (int i = 0; i < HASH_CHECKSUMS; i++) {
        if (strcmp(kinds[i].name, name) != 0)
            continue;
        *ret = (enum hash)i;
        return true;
    }
    return false;
}

char *hash_text(enum hash hash, const struct hash_value *v, char out[HASH_TEXT_MAX])
{
    return base64_encode(v->bytes, kinds[hash].size, out);
}

bool hash_parse(enum hash hash, const char *text, struct hash_value *ret)
{
    struct hash_value value = {.set = true};
    size_t n = strlen(text);
    size_t got = 0;
    if (n != base64_size(kinds[hash].size))
        return false;
    uint8_t bytes[HASH_TEXT_MAX];
    if (base64_decode(text, n, bytes, &got) != 0 || got != kinds[hash].size)
        return false;
    memcpy(value.bytes, bytes, got);
    *ret = value;
    return true;
}

bool hash_equal(enum hash hash, const struct hash_value *a, const struct hash_value *b)
{
    return memcmp(a->bytes, b->bytes, kinds[hash].size) == 0;
}
