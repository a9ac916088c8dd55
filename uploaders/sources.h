/*
 * What environment and shared files say of keys, region and endpoints.
 *
 *   sources_read      Shell: all of it into memory
 *   region_resolve, endpoint_url_resolve, sts_url_resolve   Pure
 *   sources_release
 *
 * Secrets are never in a struct err. Not thread-safe; the results are the caller's own.
 */
#ifndef LOCKSTEP_UPLOADERS_SOURCES_H
#define LOCKSTEP_UPLOADERS_SOURCES_H

#include "uploaders/profile.h"

#define SOURCES_PROFILES_MAX 8 /* a profile, its source_profile, that one's, ... */

/* One profile as both files have it. Where both have a setting, the credentials file counts. */
struct layer {
    char *name;
    struct profile credentials;
    struct profile config;
};

/* Values are copies; NULL where unset or empty. */
struct sources {
    bool profile_explicit; /* by the option: passes over keys in the environment */
    bool profile_named;    /* by the option or the environment: then it must exist */
    char *access_key;      /* AWS_ACCESS_KEY_ID */
    char *secret_key;
    char *session_token;
    char *expiration;   /* AWS_CREDENTIAL_EXPIRATION */
    char *region;       /* AWS_REGION, else AWS_DEFAULT_REGION */
    char *endpoint_url; /* AWS_ENDPOINT_URL_S3, else AWS_ENDPOINT_URL */
    char *sts_url;      /* AWS_ENDPOINT_URL_STS, else AWS_ENDPOINT_URL */
    char *ignore_endpoints;
    char *use_fips; /* AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT */
    char *use_dualstack;
    char *role_arn; /* AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME, AWS_WEB_IDENTITY_TOKEN_FILE */
    char *session_name;
    char *token_file;
    char *container_relative; /* AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, ..._FULL_URI */
    char *container_full;
    char *container_token; /* AWS_CONTAINER_AUTHORIZATION_TOKEN, ..._TOKEN_FILE */
    char *container_token_file;
    char *metadata_disabled; /* AWS_EC2_METADATA_DISABLED, ..._SERVICE_ENDPOINT, ..._MODE */
    char *metadata_endpoint;
    char *metadata_mode;
    char *metadata_timeout;  /* AWS_METADATA_SERVICE_TIMEOUT, in seconds */
    char *metadata_attempts; /* AWS_METADATA_SERVICE_NUM_ATTEMPTS */
    char *host;              /* this host's name, for the sessions of roles */
    char *credentials_file;  /* the files' paths, for messages */
    char *config_file;
    struct layer profiles[SOURCES_PROFILES_MAX]; /* the one that is used, then its sources */
    size_t profile_count;                        /* at least 1 */
    struct services services;                    /* of the first profile */
    struct err unread;  /* a file at its default place that we may not read; code 0: none */
    struct err broken;  /* what is wrong with the chain of source profiles; code 0: nothing */
    char *exposed_file; /* a file with secrets that every user may read; NULL: none */
};

/* sources_read(profile, ret, e): profile NULL: by the environment. A missing file is an empty one.
 * 0, or a negative code with e (an unreadable file, a fault in it, a named profile that is in
 * neither). Shell. */
int sources_read(const char *profile, struct sources *ret, struct err *e)
    __attribute__((warn_unused_result));
void sources_release(struct sources *s);

/* layer_get(l, field): a setting of the profile as the files together have it. */
#define layer_get(l, field) ((l)->credentials.field ? (l)->credentials.field : (l)->config.field)

/* sources_next(s, e): the name of the profile that must be read as well, since the latest one takes
 * its keys from it; NULL where there is none. A chain that cannot be followed (a loop, too long) is
 * told in e. Pure. */
const char *sources_next(const struct sources *s, struct err *e);

/* layer_has_keys(l): both keys stand in the profile, in one of the files. Pure. */
bool layer_has_keys(const struct layer *l);

/* region_resolve(s, option): option, environment, profile, else "us-east-1". Borrowed. Pure. */
const char *region_resolve(const struct sources *s, const char *option);

/* endpoint_url_resolve(s, option): option, environment, services section, profile, else NULL.
 * sts_url_resolve(s): environment, services section, profile, else NULL. Borrowed. Pure. */
const char *endpoint_url_resolve(const struct sources *s, const char *option);
const char *sts_url_resolve(const struct sources *s);

/* fips_resolve(s, option), dualstack_resolve(s, option): the option, else the environment, else the
 * profile. Pure. */
bool fips_resolve(const struct sources *s, bool option);
bool dualstack_resolve(const struct sources *s, bool option);

#endif
