/*
 * The chain of sources. Pure.
 */
#include "uploaders/credentials_plan.h"

#include "base/clock.h"
#include "uploaders/credentials_rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define METADATA_TIMEOUT_S    2
#define METADATA_ATTEMPTS     2
#define METADATA_TIMEOUT_MAX  60
#define METADATA_ATTEMPTS_MAX 10

/* A plan in the making. */
struct planner {
    const struct sources *s;
    enum keys_from from;
    struct credentials_plan plan;
    struct err *e;
};

static int no_memory(const struct planner *p)
{
    return err_set(p->e, -ENOMEM, "", "", "out of memory");
}

/* A copy into a field of the plan. NULL stays NULL. */
static int keep(const struct planner *p, char **field, const char *text)
{
    if (!text)
        return 0;
    *field = strdup(text);
    return *field ? 0 : no_memory(p);
}

/* Note why a source has nothing. Always 1. */
static int pass(struct planner *p, const char *why)
{
    size_t n = strlen(p->plan.tried);
    snprintf(p->plan.tried + n, sizeof(p->plan.tried) - n, "%s%s", n ? "; " : "", why);
    return 1;
}

/* Say what the source is: "words", or "words of the source, for role ARN". */
static void name_source(struct planner *p, const char *words)
{
    const struct credentials_plan *plan = &p->plan;
    const char *arn = plan->role_count ? plan->roles[plan->role_count - 1].arn : NULL;
    if (arn)
        snprintf(p->plan.words, sizeof(p->plan.words), "role %.180s by %.110s", arn, words);
    else
        snprintf(p->plan.words, sizeof(p->plan.words), "%.300s", words);
}

/* The file that a message about a profile points to. */
static const char *config_of(const struct planner *p)
{
    return p->s->config_file ? p->s->config_file : "";
}

/* --- environment ------------------------------------------------------------------------------ */

/* The environment's keys are usable as they are. */
static int check_environment(const struct sources *s, struct err *e)
{
    if (!s->secret_key)
        return err_set(e, ERR_SYNTAX, "environment", "set AWS_SECRET_ACCESS_KEY too",
                       "AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY");
    if (!s->access_key)
        return err_set(e, ERR_SYNTAX, "environment", "set AWS_ACCESS_KEY_ID too",
                       "AWS_SECRET_ACCESS_KEY is set without AWS_ACCESS_KEY_ID");
    if (!credentials_clean(s->access_key) || !credentials_clean(s->secret_key) ||
        !credentials_clean(s->session_token))
        return err_set(e, ERR_SYNTAX, "environment", "printable ASCII without blanks",
                       "a key of AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or AWS_SESSION_TOKEN "
                       "has a byte that does not belong there");
    return 0;
}

/* The keys of the environment; 1 where it has none. */
static int take_environment(struct planner *p)
{
    const struct sources *s = p->s;
    int64_t expires_us = CREDENTIALS_FOREVER;
    if (!s->access_key && !s->secret_key)
        return 1;
    int rc = check_environment(s, p->e);
    if (rc)
        return rc;
    if (s->expiration && clock_parse(s->expiration, 0, &expires_us) != 0)
        return err_set(p->e, ERR_SYNTAX, "AWS_CREDENTIAL_EXPIRATION", "2026-01-02T03:04:05Z",
                       "\"%s\" is not a time", s->expiration);
    p->plan.source = PLAN_ENVIRONMENT;
    name_source(p, "environment");
    rc =
        credentials_make(s->access_key, s->secret_key, s->session_token, expires_us, &p->plan.keys);
    return rc ? no_memory(p) : 0;
}

static int plan_environment(struct planner *p)
{
    if (p->s->profile_explicit && p->from == KEYS_AUTO)
        return pass(p, "environment: passed over, s3.profile is set");
    int rc = take_environment(p);
    return rc == 1 ? pass(p, "environment: AWS_ACCESS_KEY_ID is not set") : rc;
}

/* --- roles ------------------------------------------------------------------------------------ */

/* duration_seconds as a number; 0 where it is not set. */
static int parse_duration(const struct planner *p, const struct layer *l, unsigned *ret)
{
    const char *text = layer_get(l, duration);
    char *end;
    if (!text)
        return 0;
    unsigned long value = strtoul(text, &end, 10);
    if (*end || value < ROLE_DURATION_MIN_S || value > ROLE_DURATION_MAX_S)
        return err_set(p->e, ERR_SYNTAX, config_of(p), "seconds from 900 to 43200",
                       "profile \"%s\" has duration_seconds = %.40s", l->name, text);
    *ret = (unsigned)value;
    return 0;
}

/* The name of a role's session: as told, else "lockstep-HOST". */
static int name_session(const struct planner *p, const char *told, struct role *role)
{
    char name[ROLE_SESSION_MAX + 1];
    if (told && !rules_session_name(told))
        return err_set(p->e, ERR_SYNTAX, config_of(p), "2 to 64 of A-Z, a-z, 0-9 and _+=,.@-",
                       "\"%.80s\" cannot be a role's session name", told);
    rules_default_session(p->s->host, name);
    return keep(p, &role->session_name, told ? told : name);
}

/* The role of a profile, put before those that are there: it is assumed last. */
static int add_role(struct planner *p, const struct layer *l)
{
    struct credentials_plan *plan = &p->plan;
    struct role role = {0};
    if (layer_get(l, mfa_serial))
        return err_set(p->e, -ENOTSUP, config_of(p), "a role without mfa_serial",
                       "profile \"%s\" needs a one-time code (mfa_serial), which nobody is there "
                       "to type",
                       l->name);
    memmove(plan->roles + 1, plan->roles, plan->role_count * sizeof(plan->roles[0]));
    plan->roles[0] = role;
    plan->role_count++;
    int rc = parse_duration(p, l, &plan->roles[0].duration_s);
    rc = rc ?: keep(p, &plan->roles[0].arn, layer_get(l, role_arn));
    rc = rc ?: keep(p, &plan->roles[0].external_id, layer_get(l, external_id));
    return rc ?: name_session(p, layer_get(l, session_name), &plan->roles[0]);
}

/* --- web identity ----------------------------------------------------------------------------- */

/* A role by a token in a file. 1 where there is no token file. */
static int take_web(struct planner *p, const char *file, const char *arn, const char *session,
                    const struct layer *l)
{
    struct credentials_plan *plan = &p->plan;
    char words[PLAN_WORDS_MAX];
    if (!file)
        return 1;
    if (!arn)
        return err_set(p->e, ERR_SYNTAX, "web identity", "set AWS_ROLE_ARN (role_arn) too",
                       "a token file is set, but no role to use it for");
    if (!credentials_clean(arn))
        return err_set(p->e, ERR_SYNTAX, "AWS_ROLE_ARN", "arn:aws:iam::ACCOUNT:role/NAME",
                       "the role's name has a byte that does not belong there");
    plan->source = PLAN_WEB_IDENTITY;
    snprintf(words, sizeof(words), "web identity of role %.200s", arn);
    name_source(p, words);
    int rc = l ? parse_duration(p, l, &plan->web.duration_s) : 0;
    rc = rc ?: keep(p, &plan->token_file, file);
    rc = rc ?: keep(p, &plan->web.arn, arn);
    return rc ?: name_session(p, session, &plan->web);
}

/* The web identity of a profile alone. */
static int take_profile_web(struct planner *p, const struct layer *l)
{
    return take_web(p, layer_get(l, token_file), layer_get(l, role_arn), layer_get(l, session_name),
                    l);
}

/* Of the environment, each value else of the profile. */
static int plan_web_identity(struct planner *p)
{
    const struct sources *s = p->s;
    const struct layer *l = &s->profiles[0];
    bool env = !(s->profile_explicit && p->from == KEYS_AUTO);
    const char *file = env && s->token_file ? s->token_file : layer_get(l, token_file);
    const char *arn = env && s->role_arn ? s->role_arn : layer_get(l, role_arn);
    const char *session = env && s->session_name ? s->session_name : layer_get(l, session_name);
    int rc = take_web(p, file, arn, session, l);
    return rc == 1 ? pass(p, "web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set") : rc;
}

/* --- profiles --------------------------------------------------------------------------------- */

/* The keys that one file has for the profile; 1 where it has none. */
static int take_keys(struct planner *p, const struct layer *l, const struct profile *from,
                     const char *file)
{
    char words[PLAN_WORDS_MAX];
    if (!from->access_key && !from->secret_key)
        return 1;
    if (!from->secret_key || !from->access_key)
        return err_set(p->e, ERR_SYNTAX, file ? file : "", "both, or neither",
                       "profile \"%s\" has %s without %s", l->name,
                       from->access_key ? "aws_access_key_id" : "aws_secret_access_key",
                       from->access_key ? "aws_secret_access_key" : "aws_access_key_id");
    snprintf(words, sizeof(words), "profile \"%.100s\"", l->name);
    p->plan.source = PLAN_FILE;
    name_source(p, words);
    int rc = credentials_make(from->access_key, from->secret_key, from->session_token,
                              CREDENTIALS_FOREVER, &p->plan.keys);
    return rc ? no_memory(p) : 0;
}

/* credential_process; 1 where there is none. */
static int take_process(struct planner *p, const struct layer *l)
{
    char words[PLAN_WORDS_MAX];
    const char *command = layer_get(l, process);
    if (!command)
        return 1;
    snprintf(words, sizeof(words), "credential_process of profile \"%.100s\"", l->name);
    p->plan.source = PLAN_PROCESS;
    name_source(p, words);
    return keep(p, &p->plan.command, command);
}

/* Keys by a login are not for us. */
static int refuse_login(const struct planner *p, const struct layer *l)
{
    const char *login = layer_get(l, login);
    if (!login)
        return 1;
    return err_set(p->e, -ENOTSUP, config_of(p),
                   "a role, keys, credential_process, or the host's own identity",
                   "profile \"%s\" uses %s, which needs the login of a person", l->name, login);
}

/* Whatever the profile has but a role by another profile. 1 where it has nothing. */
static int take_profile(struct planner *p, const struct layer *l)
{
    int rc = take_profile_web(p, l);
    if (rc == 1)
        rc = refuse_login(p, l);
    if (rc == 1)
        rc = take_keys(p, l, &l->credentials, p->s->credentials_file);
    if (rc == 1)
        rc = take_process(p, l);
    if (rc == 1)
        rc = take_keys(p, l, &l->config, p->s->config_file);
    return rc;
}

static int plan_profile(struct planner *p)
{
    char why[160];
    const struct layer *l = &p->s->profiles[0];
    int rc = take_profile(p, l);
    if (rc != 1)
        return rc;
    if (p->s->unread.code)
        snprintf(why, sizeof(why), "profile \"%.40s\": %.90s: %s", l->name, p->s->unread.where,
                 err_name(p->s->unread.code));
    else
        snprintf(why, sizeof(why), "profile \"%.60s\": %s", l->name,
                 l->credentials.found || l->config.found ? "has no keys" : "does not exist");
    return pass(p, why);
}

/* --- container and instance ------------------------------------------------------------------- */

/* Where the container's endpoint is. */
static int container_url(struct planner *p)
{
    const struct sources *s = p->s;
    struct credentials_plan *plan = &p->plan;
    char url[RULES_URL_MAX];
    int n;
    if (s->container_relative)
        n = snprintf(url, sizeof(url), "http://169.254.170.2%s", s->container_relative);
    else
        n = snprintf(url, sizeof(url), "%s", s->container_full);
    if (n < 0 || (size_t)n >= sizeof(url) ||
        (s->container_relative && s->container_relative[0] != '/'))
        return err_set(p->e, ERR_SYNTAX,
                       s->container_relative ? "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
                                             : "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                       s->container_relative ? "a path that begins with \"/\"" : "a URL",
                       "the address of the container's endpoint cannot be used");
    int rc = rules_container_url(url, p->e);
    return rc ?: keep(p, &plan->url, url);
}

static int take_container(struct planner *p)
{
    const struct sources *s = p->s;
    char words[PLAN_WORDS_MAX];
    if (!s->container_relative && !s->container_full)
        return 1;
    int rc = container_url(p);
    if (rc)
        return rc;
    if (!s->container_token_file && s->container_token && !rules_header_value(s->container_token))
        return err_set(p->e, ERR_SYNTAX, "AWS_CONTAINER_AUTHORIZATION_TOKEN",
                       "a line of printable text",
                       "the token has a byte that does not belong "
                       "there");
    p->plan.source = PLAN_CONTAINER;
    snprintf(words, sizeof(words), "container endpoint %.*s", (int)rules_authority(p->plan.url),
             p->plan.url);
    name_source(p, words);
    rc = keep(p, &p->plan.token_file, s->container_token_file);
    return rc ?: keep(p, &p->plan.token, s->container_token_file ? NULL : s->container_token);
}

static int plan_container(struct planner *p)
{
    int rc = take_container(p);
    return rc == 1 ? pass(p, "container: AWS_CONTAINER_CREDENTIALS_*_URI is not set") : rc;
}

/* A number of the environment within bounds; what is none, or 0, leaves the default. */
static unsigned number(const char *text, unsigned otherwise, unsigned most)
{
    char *end;
    unsigned long value = text ? strtoul(text, &end, 10) : 0;
    if (!text || *end || value == 0)
        return otherwise;
    return value > most ? most : (unsigned)value;
}

/* Where the instance's metadata are. */
static int take_instance(struct planner *p)
{
    const struct sources *s = p->s;
    const struct layer *l = &s->profiles[0];
    struct credentials_plan *plan = &p->plan;
    const char *url = s->metadata_endpoint ? s->metadata_endpoint : layer_get(l, metadata_endpoint);
    const char *mode = s->metadata_mode ? s->metadata_mode : layer_get(l, metadata_mode);
    char words[PLAN_WORDS_MAX];
    if (s->metadata_disabled && strcasecmp(s->metadata_disabled, "true") == 0)
        return 1;
    if (!url)
        url = mode && strcasecmp(mode, "ipv6") == 0 ? "http://[fd00:ec2::254]"
                                                    : "http://169.254.169.254";
    int rc = rules_metadata_url(url, p->e);
    if (rc)
        return rc;
    plan->source = PLAN_INSTANCE;
    plan->timeout_s = number(s->metadata_timeout, METADATA_TIMEOUT_S, METADATA_TIMEOUT_MAX);
    plan->attempts = number(s->metadata_attempts, METADATA_ATTEMPTS, METADATA_ATTEMPTS_MAX);
    snprintf(words, sizeof(words), "instance metadata at %.100s", url);
    name_source(p, words);
    return keep(p, &plan->url, url);
}

static int plan_instance(struct planner *p)
{
    int rc = take_instance(p);
    p->plan.last_resort = rc == 0 && p->from == KEYS_AUTO;
    return rc == 1 ? pass(p, "instance metadata: AWS_EC2_METADATA_DISABLED is set") : rc;
}

/* --- role of the profile ---------------------------------------------------------------------- */

/* The source that credential_source names. */
static int take_named(struct planner *p, const struct layer *l, const char *name)
{
    int rc;
    if (strcasecmp(name, "Environment") == 0)
        rc = take_environment(p);
    else if (strcasecmp(name, "EcsContainer") == 0)
        rc = take_container(p);
    else if (strcasecmp(name, "Ec2InstanceMetadata") == 0)
        rc = take_instance(p);
    else
        return err_set(p->e, ERR_SYNTAX, config_of(p),
                       "Environment, EcsContainer or Ec2InstanceMetadata",
                       "profile \"%s\" has credential_source = %.60s", l->name, name);
    if (rc == 1)
        return err_set(p->e, -ENOKEY, config_of(p), "a source that has keys",
                       "profile \"%s\" takes its keys from %s, which has none", l->name, name);
    return rc;
}

/* The profile assumes a role with the keys of another source. */
static bool has_role(const struct sources *s, size_t i)
{
    const struct layer *l = &s->profiles[i];
    return layer_get(l, role_arn) && !layer_get(l, token_file) && (i == 0 || !layer_has_keys(l));
}

/* What the last role of the chain is assumed with, where its profile says so itself. */
static int take_role_source(struct planner *p, const struct layer *l)
{
    const char *profile = layer_get(l, source_profile);
    const char *named = layer_get(l, credential_source);
    if (profile && named)
        return err_set(p->e, ERR_SYNTAX, config_of(p), "one of the two",
                       "profile \"%s\" has both source_profile and credential_source", l->name);
    if (named)
        return take_named(p, l, named);
    if (!profile)
        return err_set(p->e, ERR_SYNTAX, config_of(p), "source_profile or credential_source",
                       "profile \"%s\" has role_arn, but nothing to assume the role with", l->name);
    int rc = take_keys(p, l, &l->credentials, p->s->credentials_file); /* it names itself */
    return rc == 1 ? take_keys(p, l, &l->config, p->s->config_file) : rc;
}

/* The role of the profile, and its sources down to the keys. */
static int plan_role(struct planner *p)
{
    const struct sources *s = p->s;
    if (!has_role(s, 0))
        return 1; /* plan_profile says what the profile has */
    if (s->broken.code) {
        if (p->e)
            *p->e = s->broken;
        return s->broken.code;
    }
    for (size_t i = 0; i < s->profile_count; i++) {
        const struct layer *l = &s->profiles[i];
        bool last = i + 1 == s->profile_count;
        int rc = has_role(s, i) ? add_role(p, l) : take_profile(p, l);
        if (rc == 1)
            return err_set(p->e, -ENOKEY, config_of(p), "a profile with keys",
                           "profile \"%s\" takes its keys from profile \"%s\", which has none",
                           s->profiles[i - 1].name, l->name);
        if (rc || !has_role(s, i))
            return rc;
        if (last || layer_get(l, credential_source))
            return take_role_source(p, l);
    }
    return 1; /* not reached: the last one returns */
}

/* --- the chain -------------------------------------------------------------------------------- */

static const struct {
    enum keys_from from;
    int (*step)(struct planner *p);
} steps[] = {
    {KEYS_ENVIRONMENT, plan_environment},   {KEYS_PROFILE, plan_role},
    {KEYS_WEB_IDENTITY, plan_web_identity}, {KEYS_PROFILE, plan_profile},
    {KEYS_CONTAINER, plan_container},       {KEYS_INSTANCE, plan_instance},
};

static void role_release(struct role *r)
{
    free(r->arn);
    free(r->session_name);
    free(r->external_id);
}

void credentials_plan_release(struct credentials_plan *p)
{
    credentials_wipe(&p->keys);
    secret_free(p->token);
    free(p->command);
    free(p->token_file);
    free(p->url);
    free(p->region);
    free(p->sts_url);
    role_release(&p->web);
    for (size_t i = 0; i < p->role_count; i++)
        role_release(&p->roles[i]);
    *p = (struct credentials_plan){0};
}

/* Nobody is set up: say where was looked. */
static int tell_no_keys(const struct planner *p)
{
    return err_set(p->e, -ENOKEY, p->s->credentials_file ? p->s->credentials_file : "",
                   "keys in the environment or in a profile, a role, or the host's own identity",
                   "no credentials for S3: %.400s", p->plan.tried);
}

/* Where STS is. */
static int add_sts(struct planner *p, const char *region)
{
    int rc = keep(p, &p->plan.region, region);
    return rc ?: keep(p, &p->plan.sts_url, sts_url_resolve(p->s));
}

int credentials_plan(const struct sources *s, enum keys_from from, const char *region,
                     struct credentials_plan *ret, struct err *e)
{
    struct planner p = {.s = s, .from = from, .e = e};
    int rc = 1;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && rc == 1; i++)
        if (from == KEYS_AUTO || from == steps[i].from)
            rc = steps[i].step(&p);
    if (rc == 1)
        rc = tell_no_keys(&p);
    rc = rc ?: add_sts(&p, region);
    if (rc)
        credentials_plan_release(&p.plan);
    else
        *ret = p.plan;
    return rc;
}
