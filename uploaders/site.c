/* What all requests of an engine share: endpoint, keys, clock. Shell. */
#include "uploaders/site.h"

#include "base/clock.h"
#include "base/log.h"
#include "uploaders/keeper.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define DESCRIBE_MAX 1024

struct site {
    /* As given; never changes. */
    char *url; /* of the endpoint; NULL: Amazon's */
    enum s3_addressing addressing;
    bool fips;
    bool dualstack;
    struct endpoint first;
    char description[DESCRIBE_MAX];
    struct keeper *keeper;
    char *expected_owner; /* NULL: none */
    bool requester_pays;
    enum s3_payload_signing payload_signing;

    _Atomic int64_t offset_us;
    atomic_uint conditions[SITE_DELETE_COUNT]; /* enum site_condition */
    atomic_bool bare_parts;
    atomic_uint chunks;         /* enum site_chunks */
    atomic_uint chunks_unheard; /* how often CHUNKED_UNHEARD was learned */
    atomic_uint generation;     /* counts changes of what the lock guards; starts at 1 */

    pthread_mutex_t lock;
    struct endpoint endpoint;
};

void site_view_wipe(struct site_view *v)
{
    credentials_wipe(&v->credentials);
    sigv4_key_wipe(&v->key);
    memset(v, 0, sizeof(*v));
}

/* The loopback: nobody else hears what is sent there. */
static bool is_own_host(const char *name)
{
    return strcmp(name, "localhost") == 0 || strcmp(name, "::1") == 0 ||
           (strncmp(name, "127.", 4) == 0 && strspn(name, "0123456789.") == strlen(name));
}

/* The site's options for a region. */
static struct endpoint_options endpoint_in(const struct site *s, const char *bucket,
                                           const char *region)
{
    return (struct endpoint_options){.bucket = bucket,
                                     .region = region,
                                     .url = s->url,
                                     .addressing = s->addressing,
                                     .fips = s->fips,
                                     .dualstack = s->dualstack};
}

/* Endpoint and keys out of options, environment and files. */
static int resolve(struct site *s, const struct uploaders_options *opt,
                   const struct sources *sources, struct err *e)
{
    const char *url = endpoint_url_resolve(sources, opt->endpoint);
    if (url && !(s->url = strdup(url)))
        return err_set(e, -ENOMEM, "", "", "no memory for the endpoint");
    s->addressing = opt->addressing;
    s->fips = fips_resolve(sources, opt->fips);
    s->dualstack = dualstack_resolve(sources, opt->dualstack);
    struct endpoint_options eo = endpoint_in(s, opt->bucket, region_resolve(sources, opt->region));
    int code = endpoint_resolve(&eo, &s->first, e);
    if (code != 0)
        return code;
    if (opt->secret_headers && !s->first.tls && !is_own_host(s->first.name))
        return err_set(e, ERR_REFUSED, s->first.name, "an endpoint with https://",
                       "a customer's key of encryption would be sent over plain http");
    s->endpoint = s->first;
    endpoint_describe(&s->first, s->description, sizeof(s->description));
    if (sources->exposed_file)
        log_warning("credentials: every user of this host can read %s; chmod it to 0600",
                    sources->exposed_file);
    return keeper_new(sources, opt, &s->keeper, e);
}

int site_new(const struct uploaders_options *opt, struct site **ret, struct err *e)
{
    struct site *s = calloc(1, sizeof(*s));
    if (!s)
        return err_set(e, -ENOMEM, "", "", "no memory for the endpoint");
    pthread_mutex_init(&s->lock, NULL);
    atomic_init(&s->generation, 1);
    atomic_init(&s->offset_us, 0);
    s->requester_pays = opt->requester_pays;
    s->payload_signing = opt->payload_signing;
    s->expected_owner = opt->expected_owner ? strdup(opt->expected_owner) : NULL;
    for (size_t i = 0; i < SITE_DELETE_COUNT; i++)
        atomic_init(&s->conditions[i], SITE_CONDITION_UNKNOWN);
    struct sources sources = {0};
    int code = sources_read(opt->profile, &sources, e);
    if (code == 0 && opt->expected_owner && !s->expected_owner)
        code = err_set(e, -ENOMEM, "", "", "no memory for the endpoint");
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
    keeper_free(s->keeper);
    pthread_mutex_destroy(&s->lock);
    free(s->url);
    free(s->expected_owner);
    free(s);
}

const char *site_describe(const struct site *s)
{
    return s->description;
}

bool site_signs_payload(enum s3_payload_signing how, bool tls)
{
    return how == S3_PAYLOAD_ALWAYS || (how == S3_PAYLOAD_AUTO && !tls);
}

enum s3_payload_signing site_payload_signing(const struct site *s)
{
    return s->payload_signing;
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

enum site_condition site_condition(const struct site *s, enum site_delete request)
{
    return (enum site_condition)atomic_load_explicit(&s->conditions[request], memory_order_relaxed);
}

void site_learn_condition(struct site *s, enum site_delete request, enum site_condition what)
{
    unsigned was = atomic_exchange(&s->conditions[request], what);
    if (was != what && what == SITE_CONDITION_IGNORED)
        log_info("%s: it does not hold the condition of %s: each object is looked at before it is "
                 "deleted",
                 s->description, request == SITE_DELETE_ONE ? "DELETE" : "DeleteObjects");
}

bool site_parts_are_bare(const struct site *s)
{
    return atomic_load_explicit(&s->bare_parts, memory_order_relaxed);
}

void site_learn_bare_parts(struct site *s)
{
    if (!atomic_exchange(&s->bare_parts, true))
        log_info("%s: it does not take the checksums of parts in CompleteMultipartUpload: they are "
                 "left out",
                 s->description);
}

bool site_may_take_chunks(const struct site *s)
{
    unsigned what = atomic_load_explicit(&s->chunks, memory_order_relaxed);
    return what == SITE_CHUNKS_UNKNOWN || what == SITE_CHUNKS_TAKEN;
}

enum site_chunks site_ask_chunks(struct site *s)
{
    unsigned what = SITE_CHUNKS_UNKNOWN;
    if (atomic_compare_exchange_strong(&s->chunks, &what, SITE_CHUNKS_ASKED))
        return SITE_CHUNKS_ASKED;
    return what == SITE_CHUNKS_TAKEN ? SITE_CHUNKS_TAKEN : SITE_CHUNKS_UNKNOWN;
}

void site_learn_chunks(struct site *s, enum chunked_said said)
{
    unsigned was = SITE_CHUNKS_ASKED, what = SITE_CHUNKS_UNKNOWN;
    if (said == CHUNKED_TAKEN)
        what = SITE_CHUNKS_TAKEN;
    else if (said == CHUNKED_REFUSED ||
             (said == CHUNKED_UNHEARD && atomic_fetch_add(&s->chunks_unheard, 1) > 0))
        what = SITE_CHUNKS_REFUSED;
    if (what == SITE_CHUNKS_UNKNOWN) {
        (void)atomic_compare_exchange_strong(&s->chunks, &was, what); /* else it is known by now */
        return;
    }
    was = atomic_exchange(&s->chunks, what);
    if (was != what && what == SITE_CHUNKS_REFUSED)
        log_info("%s: it does not take parts that are signed in chunks: each is signed as a whole",
                 s->description);
}

int site_learn_region(struct site *s, const char *region)
{
    struct endpoint_options eo = endpoint_in(s, s->first.bucket, region);
    struct endpoint ep;
    int code = endpoint_resolve(&eo, &ep, NULL);
    if (code != 0)
        return code;
    pthread_mutex_lock(&s->lock);
    bool is_new = strcmp(s->endpoint.region, ep.region) != 0;
    if (is_new) {
        s->endpoint = ep;
        atomic_fetch_add(&s->generation, 1);
    }
    pthread_mutex_unlock(&s->lock);
    if (is_new)
        log_warning(
            "the bucket %s is in the region %s, not in %s: requests are signed for that from "
            "now on; set s3.region",
            ep.bucket, ep.region, s->first.region);
    return 0;
}

void site_renew(struct site *s, unsigned keys_generation)
{
    keeper_renew(s->keeper, keys_generation);
}

void site_renew_now(struct site *s)
{
    keeper_renew(s->keeper, keeper_generation(s->keeper));
}

bool site_is_renewing(struct site *s, unsigned keys_generation)
{
    return keeper_is_renewing(s->keeper, keys_generation);
}

void site_keys(struct site *s, struct uploaders_keys *ret)
{
    keeper_describe(s->keeper, ret);
}

/* A fresh copy of endpoint and keys. */
static int copy(struct site *s, struct site_view *v)
{
    site_view_wipe(v);
    int code = keeper_copy(s->keeper, &v->credentials, &v->keys_generation);
    if (code != 0)
        return code;
    pthread_mutex_lock(&s->lock);
    v->endpoint = s->endpoint;
    v->expected_owner = s->expected_owner;
    v->requester_pays = s->requester_pays;
    v->payload_signing = s->payload_signing;
    v->generation = atomic_load(&s->generation);
    pthread_mutex_unlock(&s->lock);
    return 0;
}

int site_look(struct site *s, int64_t now_us, struct site_view *v)
{
    if (v->generation != atomic_load(&s->generation) ||
        v->keys_generation != keeper_generation(s->keeper)) {
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
