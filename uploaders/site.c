/* What all requests of an engine share: endpoint, keys, clock. Shell. */
#include "uploaders/site.h"

#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define RENEW_BEFORE_US (10 * 60 * US_PER_S) /* keys are renewed this long before they expire */
#define RENEW_PAUSE_US  (60 * US_PER_S)      /* between two attempts to renew them */
#define DESCRIBE_MAX    1024

struct site {
    /* As given; never changes. */
    char *profile;
    char *url; /* of the endpoint; NULL: Amazon's */
    enum s3_addressing addressing;
    struct endpoint first;
    char description[DESCRIBE_MAX];

    _Atomic int64_t offset_us;
    atomic_uint generation; /* counts changes of what the lock guards; starts at 1 */

    pthread_mutex_t lock;
    struct endpoint endpoint;
    struct credentials credentials;
    int64_t renewed_us; /* when keys were last asked for */
};

void site_view_wipe(struct site_view *v)
{
    credentials_wipe(&v->credentials);
    sigv4_key_wipe(&v->key);
    memset(v, 0, sizeof(*v));
}

/* Endpoint and keys out of options, environment and files. */
static int resolve(struct site *s, const struct uploaders_options *opt,
                   const struct sources *sources, struct err *e)
{
    const char *url = endpoint_url_resolve(sources, opt->endpoint);
    if (url && !(s->url = strdup(url)))
        return err_set(e, -ENOMEM, "", "", "no memory for the endpoint");
    s->addressing = opt->addressing;
    struct endpoint_options eo = {.bucket = opt->bucket,
                                  .region = region_resolve(sources, opt->region),
                                  .url = s->url,
                                  .addressing = s->addressing};
    int code = endpoint_resolve(&eo, &s->first, e);
    if (code != 0)
        return code;
    s->endpoint = s->first;
    endpoint_describe(&s->first, s->description, sizeof(s->description));
    return credentials_resolve(sources, &s->credentials, e);
}

int site_new(const struct uploaders_options *opt, struct site **ret, struct err *e)
{
    struct site *s = calloc(1, sizeof(*s));
    if (!s)
        return err_set(e, -ENOMEM, "", "", "no memory for the endpoint");
    pthread_mutex_init(&s->lock, NULL);
    atomic_init(&s->generation, 1);
    atomic_init(&s->offset_us, 0);
    s->renewed_us = clock_real_us();
    struct sources sources = {0};
    int code = 0;
    if (opt->profile && !(s->profile = strdup(opt->profile)))
        code = err_set(e, -ENOMEM, "", "", "no memory for the endpoint");
    if (code == 0)
        code = sources_read(s->profile, &sources, e);
    if (code == 0)
        code = resolve(s, opt, &sources, e);
    sources_release(&sources);
    if (code != 0) {
        site_free(s);
        return code;
    }
    *ret = s;
    return 0;
}

void site_free(struct site *s)
{
    if (!s)
        return;
    credentials_wipe(&s->credentials);
    pthread_mutex_destroy(&s->lock);
    free(s->profile);
    free(s->url);
    free(s);
}

const char *site_describe(const struct site *s)
{
    return s->description;
}

const struct endpoint *site_endpoint(const struct site *s)
{
    return &s->first;
}

int64_t site_clock_offset_us(const struct site *s)
{
    return atomic_load_explicit(&s->offset_us, memory_order_relaxed);
}

int64_t site_now_us(const struct site *s)
{
    return clock_real_us() + site_clock_offset_us(s);
}

void site_learn_clock(struct site *s, int64_t offset_us)
{
    atomic_store_explicit(&s->offset_us, offset_us, memory_order_relaxed);
}

int site_learn_region(struct site *s, const char *region)
{
    struct endpoint_options eo = {
        .bucket = s->first.bucket, .region = region, .url = s->url, .addressing = s->addressing};
    struct endpoint ep;
    int code = endpoint_resolve(&eo, &ep, NULL);
    if (code != 0)
        return code;
    pthread_mutex_lock(&s->lock);
    if (strcmp(s->endpoint.region, ep.region) != 0) {
        s->endpoint = ep;
        atomic_fetch_add(&s->generation, 1);
    }
    pthread_mutex_unlock(&s->lock);
    return 0;
}

/* Ask the providers again. Called without the lock: it reads files. */
static int ask_again(const struct site *s, struct credentials *ret)
{
    struct sources sources = {0};
    int code = sources_read(s->profile, &sources, NULL);
    if (code == 0)
        code = credentials_resolve(&sources, ret, NULL);
    sources_release(&sources);
    return code;
}

int site_renew(struct site *s, unsigned generation)
{
    pthread_mutex_lock(&s->lock);
    bool mine = atomic_load(&s->generation) == generation;
    if (mine)
        s->renewed_us = clock_real_us();
    pthread_mutex_unlock(&s->lock);
    if (!mine)
        return 0;
    struct credentials fresh = {0};
    int code = ask_again(s, &fresh);
    if (code != 0)
        return code;
    pthread_mutex_lock(&s->lock);
    struct credentials old = s->credentials;
    s->credentials = fresh;
    atomic_fetch_add(&s->generation, 1);
    pthread_mutex_unlock(&s->lock);
    credentials_wipe(&old);
    return 0;
}

/* A fresh copy of endpoint and keys. */
static int copy(struct site *s, struct site_view *v)
{
    site_view_wipe(v);
    pthread_mutex_lock(&s->lock);
    v->endpoint = s->endpoint;
    int code = credentials_copy(&s->credentials, &v->credentials);
    if (code == 0)
        v->generation = atomic_load(&s->generation);
    pthread_mutex_unlock(&s->lock);
    return code;
}

/* Keys near their end are renewed, by one worker and not too often. */
static void renew_in_time(struct site *s, const struct site_view *v)
{
    int64_t now_us = clock_real_us();
    if (v->generation == 0 || v->credentials.expires_us == CREDENTIALS_FOREVER ||
        v->credentials.expires_us - now_us > RENEW_BEFORE_US)
        return;
    pthread_mutex_lock(&s->lock);
    bool due = now_us - s->renewed_us >= RENEW_PAUSE_US;
    if (due)
        s->renewed_us = now_us;
    pthread_mutex_unlock(&s->lock);
    if (due)
        (void)!site_renew(s, v->generation); /* the old ones are used until S3 refuses them */
}

int site_look(struct site *s, int64_t now_us, struct site_view *v)
{
    renew_in_time(s, v);
    if (v->generation != atomic_load(&s->generation)) {
        int code = copy(s, v);
        if (code != 0)
            return code;
    }
    char now[CLOCK_AMZ_SIZE];
    clock_amz(now_us, now);
    if (strncmp(v->key.day, now, SIGV4_DAY_SIZE - 1) == 0)
        return 0;
    return sigv4_key_derive(v->credentials.access_key, v->credentials.secret_key, now,
                            v->endpoint.region, "s3", &v->key);
}
