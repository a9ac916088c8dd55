/* What all workers share of how fast they may go. Shell. */
#include "uploaders/flow.h"

#include "base/clock.h"
#include "base/log.h"
#include "uploaders/throttle.h"
#include "uploaders/tokens.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define REQUEST_BURST_S 0.1   /* that much of a second's requests may go at once */
#define BYTES_BURST_S   0.1   /* and of its bytes */
#define PIECE_LEAST     16384 /* bytes of a body at once, however low the limit */
#define BODIES_GAIN     2.0   /* times what keeps the server busy */
#define YIELD_US        20000
#define TOLD_US         60000000 /* SlowDown is told in the log at most this often */

struct flow {
    unsigned workers;
    bool fixed;
    struct retry_quota quota;
    atomic_uint size;    /* of the window */
    atomic_uint bodies;  /* large ones of one worker */
    atomic_bool rated;   /* requests are limited, by the server or the operator */
    atomic_bool metered; /* bytes are */

    pthread_mutex_t lock;
    struct window window;
    struct throttle throttle;
    struct tokens server;   /* requests that the server takes */
    struct tokens requests; /* and that the operator allows */
    struct tokens bytes;
    int64_t
        small_until_us; /* a small body waits for bytes: large ones let it go first until then */
    struct uploaders_limits limits;
    uint64_t throttled; /* answers */
    int64_t told_us;    /* 0: never */
};

struct flow *flow_new(unsigned workers, unsigned in_flight, bool fixed, int64_t now_us)
{
    struct flow *f = calloc(1, sizeof(*f));
    if (!f)
        return NULL;
    f->workers = workers;
    f->fixed = fixed;
    retry_quota_init(&f->quota);
    window_init(&f->window, 2 * workers, in_flight, now_us);
    atomic_init(&f->size, fixed ? in_flight : f->window.size);
    atomic_init(&f->bodies, fixed ? in_flight : 0);
    atomic_init(&f->rated, false);
    atomic_init(&f->metered, false);
    pthread_mutex_init(&f->lock, NULL);
    return f;
}

void flow_free(struct flow *f)
{
    if (!f)
        return;
    pthread_mutex_destroy(&f->lock);
    free(f);
}

struct retry_quota *flow_quota(struct flow *f)
{
    return &f->quota;
}

unsigned flow_share(const struct flow *f, unsigned number)
{
    unsigned size = atomic_load_explicit(&f->size, memory_order_relaxed);
    unsigned share = size / f->workers + (number < size % f->workers ? 1 : 0);
    return share > 0 ? share : 1;
}

unsigned flow_bodies(const struct flow *f)
{
    return atomic_load_explicit(&f->bodies, memory_order_relaxed);
}

/* Large bodies at once of one worker, as of the last round; under the lock. */
static unsigned count_bodies(const struct flow *f)
{
    return (unsigned)(BODIES_GAIN * f->window.busy / f->workers + 0.5);
}

/* The flags that spare the lock; under it. */
static void set_flags(struct flow *f)
{
    atomic_store_explicit(&f->rated, f->throttle.on || f->limits.requests_s > 0,
                          memory_order_relaxed);
    atomic_store_explicit(&f->metered, f->limits.bytes_s > 0, memory_order_relaxed);
    if (f->fixed)
        return;
    atomic_store_explicit(&f->size, f->window.size, memory_order_relaxed);
    atomic_store_explicit(&f->bodies, count_bodies(f), memory_order_relaxed);
}

/* What a bucket holds of a rate. */
static double burst(double rate, double share_s)
{
    return rate * share_s > 1 ? rate * share_s : 1;
}

/* Requests that the server takes a second, as far as is known; under the lock. */
static double taken(const struct flow *f)
{
    double least = f->window.size; /* before the first round there is no other figure */
    return f->window.calls_s > least ? f->window.calls_s : least;
}

/* The rate that the server takes, as of now; under the lock. */
static void look_at_throttle(struct flow *f, int64_t now_us)
{
    if (!f->throttle.on)
        return;
    double rate = throttle_look(&f->throttle, taken(f), now_us);
    if (rate > 0) {
        tokens_set(&f->server, rate, burst(rate, REQUEST_BURST_S), now_us);
        return;
    }
    f->server = (struct tokens){.rate = 0};
    log_info("S3 takes as many requests as there are again");
}

void flow_ended(struct flow *f, const struct window_sample *s, int64_t now_us)
{
    pthread_mutex_lock(&f->lock);
    window_add(&f->window, s, now_us);
    look_at_throttle(f, now_us);
    set_flags(f);
    pthread_mutex_unlock(&f->lock);
}

void flow_throttled(struct flow *f, int64_t sent_us, int64_t now_us)
{
    pthread_mutex_lock(&f->lock);
    f->throttled++;
    if (throttle_cut(&f->throttle, taken(f), sent_us, now_us)) {
        window_cut(&f->window, now_us);
        look_at_throttle(f, now_us);
        set_flags(f);
        if (f->told_us == 0 || now_us - f->told_us > TOLD_US) {
            log_info("S3 says SlowDown: %.0f requests a second for now, %u at once",
                     f->throttle.rate, f->window.size);
            f->told_us = now_us;
        }
    }
    pthread_mutex_unlock(&f->lock);
}

/* The longer of two waits. */
static int64_t longer(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t flow_admit(struct flow *f, size_t bytes)
{
    bool rated = atomic_load_explicit(&f->rated, memory_order_relaxed);
    bool metered = bytes > 0 && atomic_load_explicit(&f->metered, memory_order_relaxed);
    if (!rated && !metered)
        return 0;
    int64_t now_us = clock_mono_us(), bytes_us = 0;
    pthread_mutex_lock(&f->lock);
    look_at_throttle(f, now_us);
    int64_t wait_us =
        longer(tokens_wait_us(&f->server, 1, now_us), tokens_wait_us(&f->requests, 1, now_us));
    if (bytes > 0)
        bytes_us = tokens_wait_us(&f->bytes, (double)bytes, now_us);
    wait_us = longer(wait_us, bytes_us);
    f->small_until_us = bytes_us > 0 ? now_us + wait_us + YIELD_US : 0;
    if (wait_us == 0) {
        tokens_take(&f->server, 1);
        tokens_take(&f->requests, 1);
        tokens_take(&f->bytes, (double)bytes);
    }
    set_flags(f);
    pthread_mutex_unlock(&f->lock);
    return wait_us;
}

int64_t flow_body(struct flow *f, size_t *n)
{
    if (!atomic_load_explicit(&f->metered, memory_order_relaxed))
        return 0;
    int64_t now_us = clock_mono_us();
    pthread_mutex_lock(&f->lock);
    size_t piece = f->bytes.most > PIECE_LEAST ? (size_t)f->bytes.most : PIECE_LEAST;
    if (*n > piece)
        *n = piece;
    int64_t wait_us = f->small_until_us > now_us ? f->small_until_us - now_us
                                                 : tokens_wait_us(&f->bytes, (double)*n, now_us);
    if (wait_us == 0)
        tokens_take(&f->bytes, (double)*n);
    pthread_mutex_unlock(&f->lock);
    return wait_us;
}

void flow_limit(struct flow *f, const struct uploaders_limits *limits, int64_t now_us)
{
    double requests = (double)limits->requests_s, bytes = (double)limits->bytes_s;
    pthread_mutex_lock(&f->lock);
    f->limits = *limits;
    tokens_set(&f->requests, requests, burst(requests, REQUEST_BURST_S), now_us);
    tokens_set(&f->bytes, bytes, burst(bytes, BYTES_BURST_S), now_us);
    set_flags(f);
    pthread_mutex_unlock(&f->lock);
}

void flow_look(struct flow *f, struct uploaders_flow *ret, int64_t now_us)
{
    pthread_mutex_lock(&f->lock);
    look_at_throttle(f, now_us);
    *ret = (struct uploaders_flow){
        .at_once = atomic_load_explicit(&f->size, memory_order_relaxed),
        .at_once_max = f->window.most,
        .throttled = f->throttled,
        .throttled_rate = f->throttle.on ? f->throttle.rate : 0,
        .limits = f->limits,
        .retry_tokens = atomic_load_explicit(&f->quota.tokens, memory_order_relaxed),
    };
    set_flags(f);
    pthread_mutex_unlock(&f->lock);
}
