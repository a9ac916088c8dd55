/*
 * Whose requests these are, and where they go: keys, region and endpoint as the AWS tools find
 * them.
 *
 *   sources_read         Shell: environment and shared files into memory
 *   credentials_resolve  the chain of providers, first match wins
 *   region_resolve, endpoint_url_resolve   Pure
 *   sources_release
 *
 * Secrets are never in a struct err. Not thread-safe; the results are the caller's own.
 */
#ifndef LOCKSTEP_UPLOADERS_CREDENTIALS_H
#define LOCKSTEP_UPLOADERS_CREDENTIALS_H

#include "uploaders/profile.h"

#include <stdint.h>

#define CREDENTIALS_FOREVER INT64_MAX

/* Keys. Holds secrets: credentials_wipe it. All strings malloc'd. */
struct credentials {
    char *access_key;
    char *secret_key;
    char *session_token;  /* NULL: none */
    int64_t expires_us;   /* CREDENTIALS_FOREVER where nothing says */
    const char *provider; /* static words for logs: "environment", "profile" */
};

/* credentials_wipe(c): zeroes, then free; c is empty again. */
void credentials_wipe(struct credentials *c);

/* credentials_copy(from, ret): a snapshot. 0 or -ENOMEM. */
int credentials_copy(const struct credentials *from, struct credentials *ret)
    __attribute__((warn_unused_result));

/* What the environment and the files say. Values are copies; NULL where unset or empty. */
struct sources {
    char *profile_name; /* the option, else AWS_PROFILE, else AWS_DEFAULT_PROFILE, else "default" */
    bool profile_explicit; /* by the option: passes over keys in the environment */
    bool profile_named;    /* by the option or the environment: then it must exist */
    char *env_access_key;
    char *env_secret_key;
    char *env_session_token;
    char *env_expiration;
    char *env_region;       /* AWS_REGION, else AWS_DEFAULT_REGION */
    char *env_endpoint_url; /* AWS_ENDPOINT_URL_S3, else AWS_ENDPOINT_URL */
    char *credentials_file; /* their paths, for messages */
    char *config_file;
    struct profile credentials; /* the profile in either file */
    struct profile config;
    struct err unread; /* a file at its default place that we may not read; code 0: none */
};

/* sources_read(profile, ret, e): profile NULL: by the environment. A missing file is an empty one.
 * 0, or a negative code with e (an unreadable file, a fault in it, a named profile that is in
 * neither). Shell. */
int sources_read(const char *profile, struct sources *ret, struct err *e)
    __attribute__((warn_unused_result));
void sources_release(struct sources *s);

/* One way to come to keys. get: 0 with *ret, 1 where this provider is not set up (the next is
 * asked), or a negative code with e: then the chain ends. */
struct credentials_provider {
    const char *name;
    int (*get)(const struct sources *s, struct credentials *ret, struct err *e);
};

/* The rules of the two providers that need no I/O. Pure. */
int credentials_from_environment(const struct sources *s, struct credentials *ret, struct err *e);
int credentials_from_profile(const struct sources *s, struct credentials *ret, struct err *e);

/* credentials_resolve(s, ret, e): ask the providers in order. 0; -ENOKEY where none has any;
 * ERR_SYNTAX for half of a pair of keys; -ENOTSUP where the profile names a source that is not
 * known here. */
int credentials_resolve(const struct sources *s, struct credentials *ret, struct err *e)
    __attribute__((warn_unused_result));

/* region_resolve(s, option): option, environment, profile, else "us-east-1". Borrowed. Pure. */
const char *region_resolve(const struct sources *s, const char *option);

/* endpoint_url_resolve(s, option): option, environment, profile, else NULL. Borrowed. Pure. */
const char *endpoint_url_resolve(const struct sources *s, const char *option);

#endif
