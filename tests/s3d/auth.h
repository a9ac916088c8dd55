/*
 * Is a request signed as AWS Signature Version 4 asks for? Pure but for the keyring's lock: the
 * time is an argument.
 *
 * This is written from the specification and shares nothing with the signer of the agent, so that
 * the two hold each other to it. Stricter than S3 in nothing, laxer in nothing that a client could
 * rely on: `host` and every x-amz-* header must be signed, the scope must name today, our region
 * and "s3", and the clocks may differ by 15 minutes.
 */
#ifndef LOCKSTEP_S3D_AUTH_H
#define LOCKSTEP_S3D_AUTH_H

#include "tests/s3d/code.h"
#include "tests/s3d/request.h"

#include "base/digest.h"
#include "tests/s3d/keyring.h"

#define AUTH_SKEW_MAX_S 900

struct auth_options {
    const char *access_key;
    const char *secret_key;
    const char *session_token; /* NULL: requests carry none */
    const char *region;
    struct keyring *ring; /* more keys; NULL: none */
};

/* What x-amz-content-sha256 says of the body. */
enum payload_kind {
    PAYLOAD_HASHED,        /* a digest: the body must have it */
    PAYLOAD_UNSIGNED,      /* UNSIGNED-PAYLOAD */
    PAYLOAD_CHUNKS_SIGNED, /* STREAMING-AWS4-HMAC-SHA256-PAYLOAD */
    PAYLOAD_CHUNKS_SIGNED_TRAILER,
    PAYLOAD_CHUNKS_UNSIGNED_TRAILER,
};

/* What later checks of the body need. */
struct auth {
    enum payload_kind kind;
    char payload_sha256[SHA256_HEX]; /* PAYLOAD_HASHED */
    char date[17];                   /* "20130524T000000Z" */
    char scope[128];                 /* "20130524/us-east-1/s3/aws4_request" */
    uint8_t signing_key[SHA256_BYTES];
    char signature[SHA256_HEX]; /* of the request: the seed of the chunks' chain */
};

/* auth_verify(o, r, now_s, ret): CODE_OK and *ret, or what S3 would answer. */
enum code auth_verify(const struct auth_options *o, const struct request *r, int64_t now_s,
                      struct auth *ret) __attribute__((warn_unused_result));

/* auth_sign(a, text, ret): the signature of a string to sign, in hex. */
void auth_sign(const struct auth *a, const char *text, size_t n, char ret[SHA256_HEX]);

#endif
