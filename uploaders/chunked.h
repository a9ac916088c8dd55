/*
 * A body that is signed as it goes, in chunks, with its CRC-64/NVME behind it: its framing and its
 * signatures (S3 API Reference, "Signature calculations for trailing headers"). Pure.
 *
 *   8000;chunk-signature=<hex> CRLF <bytes> CRLF ... 0;chunk-signature=<hex> CRLF
 *   x-amz-checksum-crc64nvme:<base64> CRLF x-amz-trailer-signature:<hex> CRLF CRLF
 *
 * Each signature covers the one before it, the first one the request's. So nothing of the body need
 * be known when the request goes, and each chunk is sent as soon as it is hashed.
 */
#ifndef LOCKSTEP_UPLOADERS_CHUNKED_H
#define LOCKSTEP_UPLOADERS_CHUNKED_H

#include "base/crc.h"
#include "uploaders/retry.h"
#include "uploaders/sigv4.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHUNKED_PAYLOAD   "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" /* in place of a hash */
#define CHUNKED_TRAILER   "x-amz-checksum-crc64nvme"
#define CHUNKED_BYTES     ((size_t)32 * 1024) /* of a chunk but the last; S3 takes 8 KiB and more */
#define CHUNKED_FRONT_MAX 96                  /* bytes before those of a chunk */
#define CHUNKED_BACK_MAX  288                 /* and behind them */
#define CHUNKED_STRIDE    (CHUNKED_BYTES + 89) /* from one with a frame to the next */

/* Zeroed, then chunked_begin. Holds key material: chunked_wipe. */
struct chunked {
    uint64_t n; /* bytes of the body, without frames; the owner's */
    struct sigv4_key key;
    char time[CLOCK_AMZ_SIZE];
    char first[SHA256_HEX]; /* the request's signature */
    char latest[SHA256_HEX];
};

/* chunked_length(n): how long a body of n bytes is with its frames. */
uint64_t chunked_length(uint64_t n);

/* chunked_begin(c, key, time, signature): of the request (64 digits in hex). chunked_again(c): the
 * same request goes once more. chunked_wipe(c): overwrite with zeroes. */
void chunked_begin(struct chunked *c, const struct sigv4_key *key, const char *time,
                   const char *signature);
void chunked_again(struct chunked *c);
void chunked_wipe(struct chunked *c);

/* chunked_front_length(n): bytes that go before a chunk of n. chunked_front(c, digest, n, out): the
 * next chunk, whose n bytes (1 and more) have this SHA-256: what goes before them, without a NUL;
 * its length. */
size_t chunked_front_length(size_t n);
size_t chunked_front(struct chunked *c, const uint8_t digest[SHA256_BYTES], size_t n,
                     char out[CHUNKED_FRONT_MAX]);

/* chunked_back(out), chunked_last(c, crc, out): what goes behind them, and behind the last ones of
 * a body with this CRC-64/NVME; its length. */
size_t chunked_back(char out[CHUNKED_BACK_MAX]);
size_t chunked_last(struct chunked *c, uint64_t crc, char out[CHUNKED_BACK_MAX]);

/* How a request with such a body ended. */
struct chunked_end {
    bool asks; /* it is not known whether the server takes any */
    bool told; /* the answer has the checksum, which was nowhere but in the trailer */
    enum verdict verdict;
    enum transport transport;
    int status;
};

/* What that says of whether the server takes them. After the last two the body is to go as a whole.
 */
enum chunked_said {
    CHUNKED_SAYS_NOTHING,
    CHUNKED_TAKEN,   /* it does */
    CHUNKED_REFUSED, /* it does not, unless it refuses the whole, too */
    CHUNKED_UNHEARD, /* perhaps it is lost because of them: it was not heard */
};

/* chunked_judge(end): only who tells the checksum has taken it, also where the server is known to:
 * another machine may have answered. A server that is busy says nothing. */
enum chunked_said chunked_judge(const struct chunked_end *end);

#endif
