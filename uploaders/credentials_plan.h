/*
 * Which source the keys come from, and by which roles: the chain of the AWS SDKs. Pure.
 *
 *   environment -> role of the profile -> web identity -> keys of the credentials file ->
 *   credential_process -> keys of the config file -> container endpoint -> instance metadata
 *
 * The first one that is set up is the source, and whatever goes wrong with it is an error: the rest
 * is not asked. A profile chosen by the option passes over the environment. Logins of a person
 * (sso, mfa) are refused in plain words: nobody is there to type.
 */
#ifndef LOCKSTEP_UPLOADERS_CREDENTIALS_PLAN_H
#define LOCKSTEP_UPLOADERS_CREDENTIALS_PLAN_H

#include "uploaders/credentials.h"
#include "uploaders/sources.h"
#include "uploaders/uploaders.h"

#define PLAN_ROLES_MAX SOURCES_PROFILES_MAX
#define PLAN_WORDS_MAX 320

/* A role to be assumed. Strings are malloc'd. */
struct role {
    char *arn;
    char *session_name;
    char *external_id;   /* NULL: none */
    unsigned duration_s; /* 0: STS's default */
};

enum plan_source {
    PLAN_ENVIRONMENT,  /* `keys` */
    PLAN_FILE,         /* `keys` */
    PLAN_PROCESS,      /* `command` */
    PLAN_WEB_IDENTITY, /* `web` and `token_file` */
    PLAN_CONTAINER,    /* `url`, `token` or `token_file` */
    PLAN_INSTANCE      /* `url` */
};

/* Strings are malloc'd or NULL. Holds secrets: credentials_plan_release. */
struct credentials_plan {
    enum plan_source source;
    struct credentials keys;
    char *command;
    struct role web;
    char *token_file; /* read anew at each use */
    char *token;
    char *url;
    unsigned timeout_s; /* PLAN_INSTANCE: of one attempt */
    unsigned attempts;
    struct role roles[PLAN_ROLES_MAX]; /* assumed one after the other, the first with the keys of
                                          the source */
    size_t role_count;
    char *region;
    char *sts_url; /* NULL: Amazon's of the region, as these two say: */
    bool sts_fips; /* the caller's to set, as is: */
    bool sts_dualstack;
    bool last_resort;           /* nothing is set up: metadata are asked since they may be there */
    char words[PLAN_WORDS_MAX]; /* of the source, for logs and status */
    char tried[ERR_TEXT_MAX];   /* why each source before it has none */
};

/*
 * credentials_plan(s, from, region, ret, e): `from` KEYS_AUTO: the whole chain, else that source
 * alone. region: of the requests, for STS. 0; -ENOKEY where none is set up; ERR_SYNTAX for a
 * setting that makes no sense, half of a pair of keys among them; -ENOTSUP for a login.
 */
int credentials_plan(const struct sources *s, enum keys_from from, const char *region,
                     struct credentials_plan *ret, struct err *e)
    __attribute__((warn_unused_result));
void credentials_plan_release(struct credentials_plan *p);

#endif
