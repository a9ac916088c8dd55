/* A body that is signed as it goes. Pure. See chunked.h. */
#include "uploaders/chunked.h"

#include <stdio.h>
#include <string.h>

#define CRLF           "\r\n"
#define SIGNATURE      ";chunk-signature="
#define TRAILER_SIGNED "x-amz-trailer-signature:"
#define CRC_DIGITS     (CRC64_BASE64_SIZE - 1)
#define HEX_DIGITS     (SHA256_HEX - 1)

_Static_assert(CHUNKED_STRIDE ==
                   sizeof("8000" SIGNATURE CRLF CRLF) - 1 + HEX_DIGITS + CHUNKED_BYTES,
               "a whole chunk's frame is as long as that");

/* Digits of n in hex. */
static size_t digits_of(size_t n)
{
    size_t digits = 1;
    while (n >>= 4)
        digits++;
    return digits;
}

size_t chunked_front_length(size_t n)
{
    return digits_of(n) + strlen(SIGNATURE) + HEX_DIGITS + strlen(CRLF);
}

/* Bytes around a chunk of n. */
static size_t frame_of(size_t n)
{
    return chunked_front_length(n) + strlen(CRLF);
}

uint64_t chunked_length(uint64_t n)
{
    const uint64_t whole = n / CHUNKED_BYTES;
    const size_t rest = n % CHUNKED_BYTES;
    const uint64_t trailer =
        strlen(CHUNKED_TRAILER ":" CRLF) + CRC_DIGITS + strlen(TRAILER_SIGNED CRLF) + HEX_DIGITS;
    const uint64_t end = frame_of(0) + trailer;
    return n + whole * frame_of(CHUNKED_BYTES) + (rest > 0 ? frame_of(rest) : 0) + end;
}

void chunked_begin(struct chunked *c, const struct sigv4_key *key, const char *time,
                   const char *signature)
{
    c->key = *key;
    snprintf(c->time, sizeof(c->time), "%s", time);
    snprintf(c->first, sizeof(c->first), "%s", signature);
    chunked_again(c);
}

void chunked_again(struct chunked *c)
{
    memcpy(c->latest, c->first, sizeof(c->latest));
}

void chunked_wipe(struct chunked *c)
{
    explicit_bzero(c, sizeof(*c));
}

size_t chunked_front(struct chunked *c, const uint8_t digest[SHA256_BYTES], size_t n,
                     char out[CHUNKED_FRONT_MAX])
{
    char hash[SHA256_HEX], line[CHUNKED_FRONT_MAX + 1];
    hex_encode(digest, SHA256_BYTES, hash);
    sigv4_chunk(&c->key, c->time, hash, c->latest);
    const int length = snprintf(line, sizeof(line), "%zx" SIGNATURE "%s" CRLF, n, c->latest);
    memcpy(out, line, (size_t)length);
    return (size_t)length;
}

size_t chunked_back(char out[CHUNKED_BACK_MAX])
{
    memcpy(out, CRLF, strlen(CRLF));
    return strlen(CRLF);
}

size_t chunked_last(struct chunked *c, uint64_t crc, char out[CHUNKED_BACK_MAX])
{
    char value[CRC64_BASE64_SIZE], line[CHUNKED_BACK_MAX], hash[SHA256_HEX], end[SHA256_HEX];
    uint8_t digest[SHA256_BYTES];
    crc64nvme_base64(crc, value);
    sigv4_chunk(&c->key, c->time, SIGV4_EMPTY_SHA256, c->latest);
    memcpy(end, c->latest, sizeof(end));
    const int n = snprintf(line, sizeof(line), CHUNKED_TRAILER ":%s\n", value);
    digest_sha256(line, (size_t)n, digest);
    hex_encode(digest, sizeof(digest), hash);
    sigv4_trailer(&c->key, c->time, hash, c->latest);
    const int length = snprintf(line, sizeof(line),
                                CRLF "0" SIGNATURE "%s" CRLF CHUNKED_TRAILER
                                     ":%s" CRLF TRAILER_SIGNED "%s" CRLF CRLF,
                                end, value, c->latest);
    memcpy(out, line, (size_t)length);
    return (size_t)length;
}

enum chunked_said chunked_judge(const struct chunked_end *end)
{
    const bool heard = end->transport == TRANSPORT_ANSWERED && end->status < 500;
    if (end->verdict == VERDICT_DONE)
        return end->told ? CHUNKED_TAKEN : CHUNKED_REFUSED;
    if (end->verdict == VERDICT_REFUSED)
        return CHUNKED_REFUSED;
    if (!end->asks || end->verdict == VERDICT_BUSY)
        return CHUNKED_SAYS_NOTHING;
    return heard ? CHUNKED_REFUSED : CHUNKED_UNHEARD;
}
