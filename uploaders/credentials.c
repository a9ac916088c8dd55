/*
 * The chain of providers, and the rules of those that need no I/O. Pure.
 */
#include "uploaders/credentials.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_REGION "us-east-1"

/* Asked in this order. */
static const struct credentials_provider providers[] = {
    {"environment", credentials_from_environment},
    {"profile", credentials_from_profile},
};

void credentials_wipe(struct credentials *c)
{
    secret_free(c->access_key);
    secret_free(c->secret_key);
    secret_free(c->session_token);
    *c = (struct credentials){0};
}

/* Copies of the three strings, token NULL allowed. 0 or -ENOMEM. */
static int fill(struct credentials *ret, const char *access_key, const char *secret_key,
                const char *session_token)
{
    struct credentials c = {.expires_us = CREDENTIALS_FOREVER};
    c.access_key = strdup(access_key);
    c.secret_key = strdup(secret_key);
    c.session_token = session_token ? strdup(session_token) : NULL;
    if (!c.access_key || !c.secret_key || (session_token && !c.session_token)) {
        credentials_wipe(&c);
        return -ENOMEM;
    }
    *ret = c;
    return 0;
}

int credentials_copy(const struct credentials *from, struct credentials *ret)
{
    int rc = fill(ret, from->access_key, from->secret_key, from->session_token);
    if (rc)
        return rc;
    ret->expires_us = from->expires_us;
    ret->provider = from->provider;
    return 0;
}

/* The text may stand in a header: printable ASCII, no blanks. NULL is fine. */
static bool is_clean(const char *s)
{
    for (; s && *s; s++)
        if (*s <= ' ' || *s > '~')
            return false;
    return true;
}

/* The environment's keys are usable as they are. */
static int check_environment(const struct sources *s, struct err *e)
{
    if (!s->env_secret_key)
        return err_set(e, ERR_SYNTAX, "environment", "set AWS_SECRET_ACCESS_KEY too",
                       "AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY");
    if (!s->env_access_key)
        return err_set(e, ERR_SYNTAX, "environment", "set AWS_ACCESS_KEY_ID too",
                       "AWS_SECRET_ACCESS_KEY is set without AWS_ACCESS_KEY_ID");
    if (!is_clean(s->env_access_key) || !is_clean(s->env_secret_key) ||
        !is_clean(s->env_session_token))
        return err_set(e, ERR_SYNTAX, "environment", "printable ASCII without blanks",
                       "a key of AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or AWS_SESSION_TOKEN "
                       "has a byte that does not belong there");
    return 0;
}

int credentials_from_environment(const struct sources *s, struct credentials *ret, struct err *e)
{
    int64_t expires_us = CREDENTIALS_FOREVER;
    if (s->profile_explicit || (!s->env_access_key && !s->env_secret_key))
        return 1;
    int rc = check_environment(s, e);
    if (rc)
        return rc;
    if (s->env_expiration && clock_parse(s->env_expiration, 0, &expires_us) != 0)
        return err_set(e, ERR_SYNTAX, "AWS_CREDENTIAL_EXPIRATION", "2026-01-02T03:04:05Z",
                       "\"%s\" is not a time", s->env_expiration);
    rc = fill(ret, s->env_access_key, s->env_secret_key, s->env_session_token);
    if (rc)
        return err_set(e, rc, "", "", "out of memory");
    ret->expires_us = expires_us;
    return 0;
}

/* The profile takes its keys from where we cannot. */
static int refuse_other(const struct sources *s, const char *other, struct err *e)
{
    return err_set(e, -ENOTSUP, s->config_file ? s->config_file : "",
                   "keys in the profile or in the environment",
                   "profile \"%s\" uses %s, which is not supported", s->profile_name, other);
}

/* The keys that one file has for the profile; 1 where it has none. */
static int take_keys(const struct sources *s, const struct profile *p, const char *file,
                     struct credentials *ret, struct err *e)
{
    if (!p->access_key && !p->secret_key)
        return 1;
    if (!p->secret_key || !p->access_key)
        return err_set(e, ERR_SYNTAX, file ? file : "", "both, or neither",
                       "profile \"%s\" has %s without %s", s->profile_name,
                       p->access_key ? "aws_access_key_id" : "aws_secret_access_key",
                       p->access_key ? "aws_secret_access_key" : "aws_access_key_id");
    int rc = fill(ret, p->access_key, p->secret_key, p->session_token);
    return rc ? err_set(e, rc, "", "", "out of memory") : 0;
}

int credentials_from_profile(const struct sources *s, struct credentials *ret, struct err *e)
{
    if (s->config.role || s->credentials.role)
        return refuse_other(s, s->config.role ? s->config.other : s->credentials.other, e);
    int rc = take_keys(s, &s->credentials, s->credentials_file, ret, e);
    if (rc != 1)
        return rc;
    if (s->config.process || s->credentials.process)
        return refuse_other(s, "credential_process", e);
    return take_keys(s, &s->config, s->config_file, ret, e);
}

/* Nobody has keys: say where they were looked for. */
static int tell_no_keys(const struct sources *s, struct err *e)
{
    if (s->unread.code) {
        if (e)
            *e = s->unread;
        return s->unread.code;
    }
    return err_set(e, -ENOKEY, s->credentials_file ? s->credentials_file : "",
                   "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, or "
                   "aws_access_key_id and aws_secret_access_key in the profile",
                   "no credentials for S3 in the environment and in profile \"%s\"",
                   s->profile_name);
}

int credentials_resolve(const struct sources *s, struct credentials *ret, struct err *e)
{
    for (size_t i = 0; i < sizeof(providers) / sizeof(providers[0]); i++) {
        int rc = providers[i].get(s, ret, e);
        if (rc == 0)
            ret->provider = providers[i].name;
        if (rc != 1)
            return rc;
    }
    return tell_no_keys(s, e);
}

/* The first text that is there. */
static const char *first_of(const char *a, const char *b, const char *c, const char *d)
{
    return a ? a : b ? b : c ? c : d;
}

const char *region_resolve(const struct sources *s, const char *option)
{
    const char *known = first_of(option, s->env_region, s->config.region, s->credentials.region);
    return known ? known : DEFAULT_REGION;
}

const char *endpoint_url_resolve(const struct sources *s, const char *option)
{
    return first_of(option, s->env_endpoint_url, s->config.endpoint_url,
                    s->credentials.endpoint_url);
}
