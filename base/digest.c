/*
 * Digests. Pure.
 *
 * OpenSSL's low-level functions are used on purpose: they need no fetch and no allocation a call
 * and cannot fail, which EVP in OpenSSL 3 cannot say of itself.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/digest.h"

#include "base/sha256_ways.h"

#include <openssl/md5.h>
#include <openssl/sha.h>
#include <string.h>

#define SHA256_BLOCK 64
#define HMAC_BLOCK   SHA256_BLOCK /* RFC 2104's B */

_Static_assert(sizeof(SHA256_CTX) <= sizeof(((struct sha256 *)0)->state), "struct sha256 is small");
_Static_assert(_Alignof(SHA256_CTX) <= 16, "struct sha256 is aligned too loosely");

/* OpenSSL's context inside ours. */
static SHA256_CTX *context(struct sha256 *s)
{
    /* cppcheck-suppress ctuuninitvar; SHA256_Init is what fills it */
    return (SHA256_CTX *)(void *)s->state;
}

void sha256_begin(struct sha256 *s)
{
    SHA256_Init(context(s));
}

void sha256_add(struct sha256 *s, const void *p, size_t n)
{
    SHA256_Update(context(s), p, n);
}

void sha256_end(struct sha256 *s, uint8_t out[SHA256_BYTES])
{
    SHA256_Final(out, context(s));
}

/* So many whole blocks were taken into the state: they count in its length in bits. */
static void count_blocks(SHA256_CTX *c, size_t blocks)
{
    const uint64_t bits = ((uint64_t)c->Nh << 32 | c->Nl) + (uint64_t)blocks * SHA256_BLOCK * 8;

    c->Nl = (SHA_LONG)bits;
    c->Nh = (SHA_LONG)(bits >> 32);
}

void sha256_add_both(struct sha256 *a, struct span x, struct sha256 *b, struct span y)
{
    SHA256_CTX *ca = context(a), *cb = context(b);
    const size_t blocks = (x.n < y.n ? x.n : y.n) / SHA256_BLOCK;
    size_t done = 0;

    if (ca->num == 0 && cb->num == 0 && blocks > 0 &&
        sha256_both(ca->h, (const uint8_t *)x.p, cb->h, (const uint8_t *)y.p, blocks)) {
        count_blocks(ca, blocks);
        count_blocks(cb, blocks);
        done = blocks * SHA256_BLOCK;
    }
    SHA256_Update(ca, x.p + done, x.n - done);
    SHA256_Update(cb, y.p + done, y.n - done);
}

void digest_sha256(const void *p, size_t n, uint8_t out[SHA256_BYTES])
{
    struct sha256 s;

    sha256_begin(&s);
    sha256_add(&s, p, n);
    sha256_end(&s, out);
}

/* Begin one of HMAC's two hashes: the key block, each byte xored with `pad`. */
static void hmac_begin(struct sha256 *s, const uint8_t block[HMAC_BLOCK], uint8_t pad)
{
    uint8_t padded[HMAC_BLOCK];

    for (size_t i = 0; i < HMAC_BLOCK; i++)
        padded[i] = block[i] ^ pad;
    sha256_begin(s);
    sha256_add(s, padded, sizeof(padded));
    explicit_bzero(padded, sizeof(padded));
}

/* RFC 2104. */
void digest_hmac_sha256(const void *key, size_t key_n, const void *p, size_t n,
                        uint8_t out[SHA256_BYTES])
{
    uint8_t block[HMAC_BLOCK] = {0};
    struct sha256 s;

    if (key_n > HMAC_BLOCK)
        digest_sha256(key, key_n, block);
    else if (key_n > 0)
        memcpy(block, key, key_n);
    hmac_begin(&s, block, 0x36);
    sha256_add(&s, p, n);
    sha256_end(&s, out);
    hmac_begin(&s, block, 0x5c);
    sha256_add(&s, out, SHA256_BYTES);
    sha256_end(&s, out);
    explicit_bzero(block, sizeof(block));
}

void digest_md5(const void *p, size_t n, uint8_t out[MD5_BYTES])
{
    MD5_CTX ctx;

    MD5_Init(&ctx);
    MD5_Update(&ctx, p, n);
    MD5_Final(out, &ctx);
}
