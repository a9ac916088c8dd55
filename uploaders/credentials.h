/*
 * Keys: the four things that sign a request, and how they are let go. Pure.
 *
 *   sources_read (sources.h)  ->  credentials_plan (credentials_plan.h)  ->  credentials_fetch
 *   environment and files         which source, by the SDKs' order           asks it
 *
 * The keeper (keeper.h) does all three, again and again, ahead of each expiry.
 */
#ifndef LOCKSTEP_UPLOADERS_CREDENTIALS_H
#define LOCKSTEP_UPLOADERS_CREDENTIALS_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define CREDENTIALS_FOREVER INT64_MAX

/* Keys. Holds secrets: credentials_wipe it. All strings malloc'd. */
struct credentials {
    char *access_key;
    char *secret_key;
    char *session_token; /* NULL: none */
    int64_t expires_us;  /* CREDENTIALS_FOREVER where nothing says */
};

/* credentials_wipe(c): zeroes, then free; c is empty again. */
void credentials_wipe(struct credentials *c);

/* credentials_make(access_key, secret_key, session_token, expires_us, ret): copies; token NULL:
 * none. 0 or -ENOMEM. credentials_copy(from, ret): a snapshot. 0 or -ENOMEM. */
int credentials_make(const char *access_key, const char *secret_key, const char *session_token,
                     int64_t expires_us, struct credentials *ret)
    __attribute__((warn_unused_result));
int credentials_copy(const struct credentials *from, struct credentials *ret)
    __attribute__((warn_unused_result));

/* credentials_same(a, b): the same keys. */
bool credentials_same(const struct credentials *a, const struct credentials *b);

/* credentials_clean(text): it may stand in a header: printable ASCII, no blanks. NULL is fine. */
bool credentials_clean(const char *text);

#endif
