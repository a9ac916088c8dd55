/*
 * Keys beside those of the command line: temporary ones, that a test hands out while the server
 * runs. Shell (a lock).
 */
#ifndef LOCKSTEP_S3D_KEYRING_H
#define LOCKSTEP_S3D_KEYRING_H

#include "tests/s3d/reply.h"
#include "tests/s3d/request.h"

#include <stdint.h>

struct keyring;

/* One set of keys. It never changes, and lives as long as the ring. */
struct key {
    char *access_key;
    char *secret_key;
    char *session_token; /* NULL: requests carry none */
    int64_t expires_s;   /* since 1970; from then on they are answered ExpiredToken */
    struct key *next;
};

struct keyring *keyring_new(void);
void keyring_free(struct keyring *k);

/* keyring_find(k, id, n): the latest keys of this id, n bytes; NULL where there are none. */
const struct key *keyring_find(struct keyring *k, const char *id, size_t n);

/* keyring_answer(k, r, reply): the control endpoint /-/keys. POST with access_key, secret_key,
 * expires (seconds since 1970) and, if they are to have one, session_token: keys, in the place of
 * any of that id. */
void keyring_answer(struct keyring *k, const struct request *r, struct reply *reply);

#endif
