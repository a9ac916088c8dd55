/*
 * AWS Signature Version 4, as S3 wants it (S3 API Reference, "Authenticating Requests"). Pure.
 *
 *   sigv4_key_derive         once a day and region
 *   sigv4_encode_path/query  what is sent and what is signed are the same text
 *   sigv4_sign               the value of the Authorization header, in a few microseconds
 *
 * The path is encoded once and never normalised: "//", "." and ".." stay as they are, so whoever
 * sends the request must not normalise it either.
 */
#ifndef LOCKSTEP_UPLOADERS_SIGV4_H
#define LOCKSTEP_UPLOADERS_SIGV4_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"

#define SIGV4_UNSIGNED_PAYLOAD "UNSIGNED-PAYLOAD"
#define SIGV4_EMPTY_SHA256     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

#define SIGV4_PAIRS_MAX   64          /* headers, or query parameters, of one request */
#define SIGV4_DAY_SIZE    9           /* "20260102" and the NUL */
#define SIGV4_SCOPE_MAX   192         /* bytes of "20260102/us-east-1/s3/aws4_request" */
#define SIGV4_ID_MAX      128         /* bytes of an access key id */
#define SIGV4_REQUEST_MAX (64 * 1024) /* ceiling to give the buffers of one request */

/* A signing key, good for one day, region and service. Holds key material: sigv4_key_wipe it. */
struct sigv4_key {
    char id[SIGV4_ID_MAX + 1]; /* the access key id */
    char day[SIGV4_DAY_SIZE];
    char scope[SIGV4_SCOPE_MAX];
    uint8_t bytes[SHA256_BYTES];
    struct sha256 inner; /* HMAC's two states after the padded key, so that each use starts there */
    struct sha256 outer;
};

/* A header (name in lower case) or a query parameter (both unencoded; value "" where it has none).
 */
struct sigv4_pair {
    const char *name;
    const char *value;
};

struct sigv4_request {
    const char *method;
    const char *path;  /* encoded (sigv4_encode_path), begins with '/' */
    const char *query; /* encoded and sorted (sigv4_encode_query); "" where there is none */
    const struct sigv4_pair *headers; /* in any order; "host" must be among them */
    size_t header_count;
    const char *payload_hash; /* SHA-256 in hex, or SIGV4_UNSIGNED_PAYLOAD */
    const char *time;         /* "20260102T030405Z" (clock_amz) */
};

/*
 * sigv4_key_derive(id, secret, day, region, service, ret): the key of `day` (the first 8 bytes of
 * `day` count, so a time will do). 0, or ERR_LIMIT where id, secret or scope are too long.
 */
int sigv4_key_derive(const char *id, const char *secret, const char *day, const char *region,
                     const char *service, struct sigv4_key *ret)
    __attribute__((warn_unused_result));

/* sigv4_key_wipe(key): overwrite with zeroes. */
void sigv4_key_wipe(struct sigv4_key *key);

/* sigv4_encode_path(path, out): append `path`, all but A-Za-z0-9-_.~ and '/' percent-encoded.
 * 0, or as buf_append. */
int sigv4_encode_path(const char *path, struct buf *out) __attribute__((warn_unused_result));

/* sigv4_encode(text, out): the same with '/' encoded too (for a value in a query). */
int sigv4_encode(const char *text, struct buf *out) __attribute__((warn_unused_result));

/* sigv4_encode_query(pairs, n, out): append "a=1&b=", encoded, sorted by encoded name, then value.
 * 0, ERR_LIMIT past SIGV4_PAIRS_MAX pairs, or as buf_append. */
int sigv4_encode_query(const struct sigv4_pair *pairs, size_t n, struct buf *out)
    __attribute__((warn_unused_result));

/*
 * The stages, each appended to `out`; a vector that fails names the stage. Headers that are never
 * signed (connection, expect, user-agent, transfer-encoding...) are left out by the rules
 * themselves. 0; -EINVAL where there is no "host" header or the day is not the key's; ERR_LIMIT
 * past SIGV4_PAIRS_MAX headers; or as buf_append.
 */
int sigv4_canonical_request(const struct sigv4_request *req, struct buf *out)
    __attribute__((warn_unused_result));
int sigv4_string_to_sign(const struct sigv4_key *key, const char *time, struct span canonical,
                         struct buf *out) __attribute__((warn_unused_result));
void sigv4_signature(const struct sigv4_key *key, struct span string_to_sign, char out[SHA256_HEX]);

/*
 * sigv4_sign(key, req, scratch, out): append the Authorization header's value to `out`. `scratch`
 * is overwritten; hand in the same one each time and no memory is allocated. Errors as above.
 */
int sigv4_sign(const struct sigv4_key *key, const struct sigv4_request *req, struct buf *scratch,
               struct buf *out) __attribute__((warn_unused_result));

/*
 * sigv4_chunk(key, time, hash, signature), sigv4_trailer: of a body that is signed as it goes (S3
 * API Reference, "Signature calculations for the Authorization header: transferring payload in
 * multiple chunks"). `signature` is the one before (the request's, at first) and becomes that of
 * the next chunk, whose bytes have this SHA-256; of the trailer, whose lines ("name:value" LF) have
 * it. The key's day is that of `time`.
 */
void sigv4_chunk(const struct sigv4_key *key, const char *time, const char *hash,
                 char signature[SHA256_HEX]);
void sigv4_trailer(const struct sigv4_key *key, const char *time, const char *hash,
                   char signature[SHA256_HEX]);

/*
 * sigv4_presign(key, req, params, n, session_token, expires_s, scratch, out): append the whole
 * query of a presigned URL: `params` and the X-Amz- ones, sorted, X-Amz-Signature last. req->query
 * and req->payload_hash are not looked at (the payload is unsigned); the headers of req must be
 * sent with the URL. session_token NULL: none. expires_s 1..604800, else -EINVAL.
 */
int sigv4_presign(const struct sigv4_key *key, const struct sigv4_request *req,
                  const struct sigv4_pair *params, size_t n, const char *session_token,
                  unsigned expires_s, struct buf *scratch, struct buf *out)
    __attribute__((warn_unused_result));

#endif
