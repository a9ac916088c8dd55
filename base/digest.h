/*
 * Digests over OpenSSL, and their text forms. Pure.
 */
#ifndef LOCKSTEP_BASE_DIGEST_H
#define LOCKSTEP_BASE_DIGEST_H

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32
#define SHA256_HEX   65 /* 64 digits and the NUL */
#define MD5_BYTES    16

void digest_sha256(const void *p, size_t n, uint8_t out[SHA256_BYTES]);
void digest_hmac_sha256(const void *key, size_t key_n, const void *p, size_t n,
                        uint8_t out[SHA256_BYTES]);
void digest_md5(const void *p, size_t n, uint8_t out[MD5_BYTES]);

/* digest_sha256_each(first, texts, count, out): SHA-256(first || texts[i]) into out[i], for each of
 * `count` texts; where the processor can, in half the time that one after the other takes. `out`
 * lies apart from the texts. */
void digest_sha256_each(uint8_t first, const struct span *texts, size_t count,
                        uint8_t (*out)[SHA256_BYTES]);

/* digest_sha256_strided(p, stride, n, count, out): SHA-256 of `count` texts of n bytes (a multiple
 * of 64), the i-th of them at p + i * stride, into out[i]: sixteen or two side by side, whichever
 * is faster on this processor, as far as they fill that, else one by one. Any thread. */
void digest_sha256_strided(const char *p, size_t stride, size_t n, size_t count,
                           uint8_t (*out)[SHA256_BYTES]);

/* A SHA-256 in pieces: begin, add..., end. Embedded, no allocation. */
struct sha256 {
    _Alignas(16) unsigned char state[128];
};
void sha256_begin(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *p, size_t n);
void sha256_end(struct sha256 *s, uint8_t out[SHA256_BYTES]);

/* sha256_add_both(a, x, b, y): x to a and y to b. As far as both have whole blocks of 64 bytes, and
 * had before, it takes little more time than one of them where the processor can. */
void sha256_add_both(struct sha256 *a, struct span x, struct sha256 *b, struct span y);

/* hex_encode(p, n, out): 2n lower-case digits and a NUL; returns out. */
char *hex_encode(const void *p, size_t n, char *out);
/* hex_decode(text, text_n, out): text_n/2 bytes. 0 or ERR_SYNTAX. */
int hex_decode(const char *text, size_t text_n, uint8_t *out) __attribute__((warn_unused_result));

/* base64_size(n): characters of n bytes in base64 with padding, without NUL. */
size_t base64_size(size_t n);
/* base64_encode(p, n, out): base64_size(n) characters and a NUL; returns out. */
char *base64_encode(const void *p, size_t n, char *out);
/* base64_decode(text, text_n, out, ret_n): strict (padding required, no white space, no stray
 * bits). out has room for text_n / 4 * 3 bytes. 0 or ERR_SYNTAX. */
int base64_decode(const char *text, size_t text_n, uint8_t *out, size_t *ret_n)
    __attribute__((warn_unused_result));

#endif
