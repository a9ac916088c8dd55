/*
 * Keeps the keys fresh. Shell.
 */
#include "uploaders/keeper.h"

#include "base/clock.h"
#include "base/log.h"
#include "uploaders/credentials_fetch.h"
#include "uploaders/credentials_plan.h"
#include "uploaders/credentials_rules.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

/* Between two renewals because S3 refused the keys: from a second, doubled each time up to a
 * minute, anew after two quiet minutes. So keys that are refused for another reason cost STS
 * little. */
#define FORCED_FIRST_US US_PER_S
#define FORCED_MAX_US   (60 * US_PER_S)

struct keeper {
    /* As given; never changes. */
    char *profile;
    char *region;
    bool fips; /* of the options */
    bool dualstack;
    enum keys_from from;
    char *ca_file;
    char *proxy;
    int stop_fd; /* readable: the end */
    bool started;
    pthread_t thread;

    struct fetcher fetcher; /* the thread's, after keeper_new */
    atomic_uint generation;

    pthread_mutex_t lock; /* for what follows */
    pthread_cond_t wake;  /* on the real clock, which is the one that keys expire by */
    bool stopping;
    bool forced; /* S3 refused the keys: somebody waits for others */
    bool asking; /* the source, right now */
    struct credentials keys;
    char from_words[PLAN_WORDS_MAX];
    bool extended;
    int64_t next_us; /* when to ask again; CREDENTIALS_FOREVER: when told */
    unsigned failures;
    int64_t failing_since_us;
    char why[ERR_TEXT_MAX];
    int64_t forced_us; /* the latest of those, and how long to wait before the next */
    int64_t forced_pause_us;
};

/* Any number, for the jitter. */
static uint32_t roll(void)
{
    uint32_t dice;
    if (getrandom(&dice, sizeof(dice), GRND_NONBLOCK) != (ssize_t)sizeof(dice))
        dice = (uint32_t)clock_real_us();
    return dice;
}

/* Plan and ask. */
static int ask(struct keeper *k, const struct sources *s, struct fetched *ret,
               struct credentials_plan *plan, struct err *e)
{
    int rc = credentials_plan(s, k->from, region_resolve(s, k->region), plan, e);
    plan->sts_fips = fips_resolve(s, k->fips);
    plan->sts_dualstack = dualstack_resolve(s, k->dualstack);
    return rc ?: credentials_fetch(plan, &k->fetcher, ret, e);
}

/* The keys are those of the environment, which stay as they are. */
static bool is_fixed(const struct credentials_plan *plan)
{
    return plan->source == PLAN_ENVIRONMENT && plan->role_count == 0;
}

/* When to ask again for what has come. */
static int64_t next_us(const struct fetched *got, const struct credentials_plan *plan)
{
    if (is_fixed(plan))
        return CREDENTIALS_FOREVER;
    if (got->extended)
        return rules_extended_at(clock_real_us(), roll());
    return rules_renew_at(clock_real_us(), got->keys.expires_us, roll());
}

/* New keys take the place of the old ones. Called under the lock. */
static void take(struct keeper *k, struct fetched *got, const struct credentials_plan *plan)
{
    bool same = credentials_same(&k->keys, &got->keys);
    struct credentials old = k->keys;
    k->keys = got->keys;
    k->extended = got->extended;
    k->next_us = next_us(got, plan);
    k->failures = 0;
    k->why[0] = '\0';
    memcpy(k->from_words, plan->words, sizeof(k->from_words));
    if (!same)
        atomic_fetch_add(&k->generation, 1);
    credentials_wipe(&old);
}

/* It did not work. Called under the lock. True where the log has not been told yet. */
static bool back_off(struct keeper *k, const struct err *e)
{
    int64_t now_us = clock_real_us();
    if (k->failures == 0)
        k->failing_since_us = now_us;
    k->failures++;
    k->next_us = rules_again_at(now_us, k->failures, roll());
    snprintf(k->why, sizeof(k->why), "%.140s%s%.330s", e->where, *e->where ? ": " : "", e->what);
    return k->failures == 1;
}

/* Say that renewing has begun to fail, and what follows. */
static void log_failure(const struct keeper *k, const struct err *e)
{
    char text[2 * ERR_TEXT_MAX], iso[CLOCK_ISO_SIZE];
    int64_t expires_us = k->keys.expires_us;
    err_text(e, text, sizeof(text));
    if (expires_us == CREDENTIALS_FOREVER)
        log_warning("credentials: %s; those in use are used on, asking again", text);
    else
        log_warning("credentials: %s; those in use %s %s, asking again", text,
                    expires_us > clock_real_us() ? "are good until" : "expired at",
                    clock_iso(expires_us, iso));
}

/* Say what new keys mean for who reads the log. Called under the lock. */
static void log_success(const struct keeper *k, unsigned failures, bool was_extended)
{
    if (failures > 0)
        log_info("credentials: renewed from %s after %u failures", k->from_words, failures);
    if (k->extended && !was_extended)
        log_warning("credentials: %s has none but those that have expired; they are used on",
                    k->from_words);
    else if (!k->extended && was_extended && failures == 0)
        log_info("credentials: renewed from %s", k->from_words);
}

/* Ask the source once more. Called without the lock: it blocks. */
static void renew(struct keeper *k)
{
    struct sources s = {0};
    struct credentials_plan plan = {0};
    struct fetched got = {.extended = false};
    struct err e = {0};
    int rc = sources_read(k->profile, &s, &e);
    rc = rc ?: ask(k, &s, &got, &plan, &e);
    pthread_mutex_lock(&k->lock);
    k->forced = k->asking = false;
    if (rc == 0) {
        unsigned failures = k->failures;
        bool was_extended = k->extended;
        take(k, &got, &plan);
        log_success(k, failures, was_extended);
    } else if (rc != -ECANCELED && back_off(k, &e)) {
        log_failure(k, &e);
    }
    pthread_mutex_unlock(&k->lock);
    credentials_plan_release(&plan);
    sources_release(&s);
}

/* The thread. */
static void *run(void *arg)
{
    struct keeper *k = arg;
    pthread_mutex_lock(&k->lock);
    while (!k->stopping) {
        int64_t now_us = clock_real_us();
        if (k->forced || k->next_us <= now_us) {
            k->asking = true;
            pthread_mutex_unlock(&k->lock);
            renew(k);
            pthread_mutex_lock(&k->lock);
        } else if (k->next_us == CREDENTIALS_FOREVER) {
            pthread_cond_wait(&k->wake, &k->lock);
        } else {
            struct timespec until = {.tv_sec = k->next_us / US_PER_S,
                                     .tv_nsec = k->next_us % US_PER_S * (NS_PER_S / US_PER_S)};
            (void)pthread_cond_timedwait(&k->wake, &k->lock, &until); /* the loop looks again */
        }
    }
    pthread_mutex_unlock(&k->lock);
    return NULL;
}

/* A copy of an option; NULL stays NULL. */
static char *copy(const char *text, int *rc)
{
    char *copied = text ? strdup(text) : NULL;
    if (text && !copied)
        *rc = -ENOMEM;
    return copied;
}

/* The thread, where there is something to do for it. */
static int start(struct keeper *k, const struct credentials_plan *plan)
{
    if (is_fixed(plan))
        return 0;
    int rc = -pthread_create(&k->thread, NULL, run, k);
    k->started = rc == 0;
    if (k->started)
        (void)pthread_setname_np(k->thread, "credentials"); /* for people only */
    return rc;
}

/* The first keys, and the thread. */
static int begin(struct keeper *k, const struct sources *sources, struct err *e)
{
    struct credentials_plan plan = {0};
    struct fetched got = {.extended = false};
    int rc = ask(k, sources, &got, &plan, e);
    if (rc == 0) {
        take(k, &got, &plan);
        log_success(k, 0, false);
        rc = start(k, &plan);
        if (rc)
            err_set(e, rc, "", "", "the thread for credentials: %s", err_name(rc));
    }
    credentials_plan_release(&plan);
    return rc;
}

int keeper_new(const struct sources *sources, const struct uploaders_options *opt,
               struct keeper **ret, struct err *e)
{
    struct keeper *k = calloc(1, sizeof(*k));
    int rc = 0;
    if (!k)
        return err_set(e, -ENOMEM, "", "", "no memory for the credentials");
    pthread_mutex_init(&k->lock, NULL);
    pthread_cond_init(&k->wake, NULL);
    atomic_init(&k->generation, 0);
    k->from = opt->keys_from;
    k->fips = opt->fips;
    k->dualstack = opt->dualstack;
    k->profile = copy(opt->profile, &rc);
    k->region = copy(opt->region, &rc);
    k->ca_file = copy(opt->ca_file, &rc);
    k->proxy = copy(opt->proxy, &rc);
    k->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (k->stop_fd < 0)
        rc = -errno;
    k->fetcher = (struct fetcher){.ca_file = k->ca_file, .proxy = k->proxy, .stop_fd = k->stop_fd};
    rc = rc ? err_set(e, rc, "", "", "the credentials: %s", err_name(rc)) : begin(k, sources, e);
    if (rc) {
        keeper_free(k);
        return rc;
    }
    *ret = k;
    return 0;
}

void keeper_free(struct keeper *k)
{
    static const uint64_t one = 1;
    if (!k)
        return;
    if (k->started) {
        pthread_mutex_lock(&k->lock);
        k->stopping = true;
        pthread_cond_signal(&k->wake);
        pthread_mutex_unlock(&k->lock);
        /* Cannot fail: nobody else writes. */
        (void)!write(k->stop_fd, &one, sizeof(one));
        pthread_join(k->thread, NULL);
    }
    if (k->stop_fd >= 0)
        close(k->stop_fd);
    credentials_wipe(&k->keys);
    pthread_cond_destroy(&k->wake);
    pthread_mutex_destroy(&k->lock);
    free(k->profile);
    free(k->region);
    free(k->ca_file);
    free(k->proxy);
    free(k);
}

unsigned keeper_generation(const struct keeper *k)
{
    return atomic_load(&k->generation);
}

int keeper_copy(struct keeper *k, struct credentials *ret, unsigned *ret_generation)
{
    pthread_mutex_lock(&k->lock);
    int rc = credentials_copy(&k->keys, ret);
    if (rc == 0)
        *ret_generation = atomic_load(&k->generation);
    pthread_mutex_unlock(&k->lock);
    return rc;
}

/* A renewal by force is due: it is not held off by a failure or by an earlier one. Under the lock.
 */
static bool may_force(struct keeper *k)
{
    int64_t now_us = clock_real_us();
    int64_t quiet_us = now_us - k->forced_us;
    if (k->failures > 0 || (k->forced_pause_us && quiet_us >= 0 && quiet_us < k->forced_pause_us))
        return false;
    if (!k->forced_pause_us || quiet_us < 0 || quiet_us > 2 * FORCED_MAX_US)
        k->forced_pause_us = FORCED_FIRST_US;
    else if (k->forced_pause_us < FORCED_MAX_US)
        k->forced_pause_us =
            2 * k->forced_pause_us < FORCED_MAX_US ? 2 * k->forced_pause_us : FORCED_MAX_US;
    k->forced_us = now_us;
    return true;
}

void keeper_renew(struct keeper *k, unsigned generation)
{
    if (!k->started)
        return;
    pthread_mutex_lock(&k->lock);
    bool begun = k->forced || k->asking;
    if (atomic_load(&k->generation) == generation && !begun && may_force(k)) {
        k->forced = true;
        pthread_cond_signal(&k->wake);
    }
    pthread_mutex_unlock(&k->lock);
}

bool keeper_is_renewing(struct keeper *k, unsigned generation)
{
    pthread_mutex_lock(&k->lock);
    bool renewing = (k->forced || k->asking) && atomic_load(&k->generation) == generation;
    pthread_mutex_unlock(&k->lock);
    return renewing;
}

void keeper_describe(struct keeper *k, struct uploaders_keys *ret)
{
    struct uploaders_keys keys = {0};
    pthread_mutex_lock(&k->lock);
    snprintf(keys.from, sizeof(keys.from), "%s", k->from_words);
    keys.expires_us = k->keys.expires_us == CREDENTIALS_FOREVER ? 0 : k->keys.expires_us;
    keys.extended = k->extended;
    keys.failures = k->failures;
    keys.failing_since_us = k->failing_since_us;
    snprintf(keys.why, sizeof(keys.why), "%s", k->why);
    pthread_mutex_unlock(&k->lock);
    *ret = keys;
}
