/*
 * What environment and files say, held against each other. Pure.
 */
#include "uploaders/sources.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEFAULT_REGION "us-east-1"

bool layer_has_keys(const struct layer *l)
{
    return (l->credentials.access_key && l->credentials.secret_key) ||
           (l->config.access_key && l->config.secret_key);
}

/* A profile of this name was read. */
static bool was_read(const struct sources *s, const char *name)
{
    for (size_t i = 0; i < s->profile_count; i++)
        if (strcmp(s->profiles[i].name, name) == 0)
            return true;
    return false;
}

const char *sources_next(const struct sources *s, struct err *e)
{
    const struct layer *latest = &s->profiles[s->profile_count - 1];
    const char *name = layer_get(latest, source_profile);
    bool keys_first = s->profile_count > 1 && layer_has_keys(latest);
    if (!name || !layer_get(latest, role_arn) || layer_get(latest, token_file) || keys_first)
        return NULL;
    if (strcmp(name, latest->name) == 0 && layer_has_keys(latest))
        return NULL; /* role and keys in one profile */
    const char *file = s->config_file ? s->config_file : "";
    if (was_read(s, name)) {
        err_set(e, ERR_SYNTAX, file, "a source_profile with keys at the end of the chain",
                "profile \"%s\" names \"%s\" as source_profile, which leads back to itself",
                latest->name, name);
        return NULL;
    }
    if (s->profile_count == SOURCES_PROFILES_MAX) {
        err_set(e, ERR_LIMIT, file, "at most 8 profiles in a chain",
                "the chain of source_profile from \"%s\" on is too long", s->profiles[0].name);
        return NULL;
    }
    return name;
}

/* The first text that is there. */
static const char *first_of(const char *a, const char *b, const char *c, const char *d)
{
    return a ? a : b ? b : c ? c : d;
}

const char *region_resolve(const struct sources *s, const char *option)
{
    const struct layer *l = &s->profiles[0];
    const char *known = first_of(option, s->region, l->config.region, l->credentials.region);
    return known ? known : DEFAULT_REGION;
}

/* A yes of the environment, or where that is silent, of the profile. */
static bool says_yes(const char *environment, const char *profile)
{
    const char *text = environment ? environment : profile;
    return text && strcasecmp(text, "true") == 0;
}

/* Addresses in environment and files are not to be looked at. */
static bool ignores_endpoints(const struct sources *s)
{
    return says_yes(s->ignore_endpoints, layer_get(&s->profiles[0], ignore_endpoints));
}

bool fips_resolve(const struct sources *s, bool option)
{
    return option || says_yes(s->use_fips, layer_get(&s->profiles[0], use_fips));
}

bool dualstack_resolve(const struct sources *s, bool option)
{
    return option || says_yes(s->use_dualstack, layer_get(&s->profiles[0], use_dualstack));
}

const char *endpoint_url_resolve(const struct sources *s, const char *option)
{
    const struct layer *l = &s->profiles[0];
    if (option || ignores_endpoints(s))
        return option;
    return first_of(s->endpoint_url, s->services.s3_url, l->config.endpoint_url,
                    l->credentials.endpoint_url);
}

const char *sts_url_resolve(const struct sources *s)
{
    const struct layer *l = &s->profiles[0];
    if (ignores_endpoints(s))
        return NULL;
    return first_of(s->sts_url, s->services.sts_url, l->config.endpoint_url,
                    l->credentials.endpoint_url);
}

/* A layer's memory. */
static void layer_release(struct layer *l)
{
    free(l->name);
    profile_release(&l->credentials);
    profile_release(&l->config);
}

void sources_release(struct sources *s)
{
    char *texts[] = {
        s->access_key,
        s->secret_key,
        s->session_token,
        s->expiration,
        s->region,
        s->endpoint_url,
        s->sts_url,
        s->ignore_endpoints,
        s->use_fips,
        s->use_dualstack,
        s->role_arn,
        s->session_name,
        s->token_file,
        s->container_relative,
        s->container_full,
        s->container_token,
        s->container_token_file,
        s->metadata_disabled,
        s->metadata_endpoint,
        s->metadata_mode,
        s->metadata_timeout,
        s->metadata_attempts,
        s->host,
        s->credentials_file,
        s->config_file,
        s->exposed_file,
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        secret_free(texts[i]);
    for (size_t i = 0; i < SOURCES_PROFILES_MAX; i++)
        layer_release(&s->profiles[i]);
    services_release(&s->services);
    *s = (struct sources){0};
}
