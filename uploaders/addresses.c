/*
 * The addresses of S3's host, for all workers. Shell.
 */
#include "uploaders/addresses.h"

#include "base/clock.h"
#include "base/log.h"
#include "uploaders/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRESH_MS 60000 /* that an answer of the resolver is good for */
#define PAUSE_MS 10000 /* between two questions, where the resolver fails */

/* Shared with the thread, which may outlive the owner in the resolver: the last one frees it. */
struct addresses {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    unsigned owners;
    bool closing;
    bool wanted;      /* ask the resolver */
    int64_t asked_ms; /* monotonic; of the latest answer, or failure */
    bool failed;      /* that was one */
    char name[ENDPOINT_HOST_MAX + 1];
    char prefix[ENDPOINT_HOST_MAX + 16]; /* "name:port:" */
    struct spread spread;
};

/* Its own memory, when nobody has it any more. Called with the lock held. */
static void let_go(struct addresses *a)
{
    bool last = --a->owners == 0;
    pthread_mutex_unlock(&a->lock);
    if (!last)
        return;
    pthread_cond_destroy(&a->wake);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

/* One answer as text, IPv6 in brackets. false where it is neither. */
static bool write_text(const struct addrinfo *i, char out[SPREAD_TEXT_MAX])
{
    char plain[INET6_ADDRSTRLEN];
    bool v6 = i->ai_family == AF_INET6;
    if (i->ai_family != AF_INET && !v6)
        return false;
    const struct sockaddr_in *in4 = (const void *)i->ai_addr;
    const struct sockaddr_in6 *in6 = (const void *)i->ai_addr;
    const void *from = v6 ? (const void *)&in6->sin6_addr : (const void *)&in4->sin_addr;
    if (!inet_ntop(i->ai_family, from, plain, sizeof(plain)))
        return false;
    memset(out, 0, SPREAD_TEXT_MAX);
    snprintf(out, SPREAD_TEXT_MAX, v6 ? "[%.46s]" : "%.46s", plain);
    return true;
}

/* Ask the resolver: the number of addresses, or a negative EAI_ code. It may take long. */
static int ask(const char *name, char (*texts)[SPREAD_TEXT_MAX])
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *list = NULL;
    int n = 0;
    int code = getaddrinfo(name, NULL, &hints, &list);
    if (code != 0)
        return code < 0 ? code : EAI_FAIL;
    for (const struct addrinfo *i = list; i && n < SPREAD_ADDRESSES_MAX; i = i->ai_next)
        n += write_text(i, texts[n]) ? 1 : 0;
    freeaddrinfo(list);
    return n;
}

/* The thread. */
static void *run(void *arg)
{
    struct addresses *a = arg;
    char texts[SPREAD_ADDRESSES_MAX][SPREAD_TEXT_MAX];
    pthread_mutex_lock(&a->lock);
    for (;;) {
        while (!a->wanted && !a->closing)
            pthread_cond_wait(&a->wake, &a->lock);
        if (a->closing)
            break;
        pthread_mutex_unlock(&a->lock);
        int n = ask(a->name, texts); /* the name never changes */
        pthread_mutex_lock(&a->lock);
        a->wanted = false;
        a->failed = n <= 0;
        a->asked_ms = clock_mono_ms();
        if (n > 0)
            spread_set(&a->spread, (const char(*)[SPREAD_TEXT_MAX])texts, (size_t)n);
        else
            log_debug("the addresses of %s: %s", a->name, gai_strerror(n));
    }
    let_go(a);
    return NULL;
}

/* There may be a choice. */
static bool is_for_us(const struct endpoint *ep, const char *proxy)
{
    struct in_addr in4;
    struct in6_addr in6;
    const char *by = wire_proxy(proxy);
    return by && *by == '\0' && inet_pton(AF_INET, ep->name, &in4) != 1 &&
           inet_pton(AF_INET6, ep->name, &in6) != 1;
}

int addresses_new(const struct endpoint *ep, const char *proxy, struct addresses **ret)
{
    pthread_t thread;
    pthread_attr_t attr;
    *ret = NULL;
    if (!is_for_us(ep, proxy))
        return 0;
    struct addresses *a = calloc(1, sizeof(*a));
    if (!a)
        return -ENOMEM;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->wake, NULL);
    a->owners = 2;
    a->wanted = true;
    snprintf(a->name, sizeof(a->name), "%s", ep->name);
    snprintf(a->prefix, sizeof(a->prefix), "%s:%u:", ep->name, ep->port);
    int code = -pthread_attr_init(&attr);
    if (code == 0) {
        (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED); /* cannot fail */
        code = -pthread_create(&thread, &attr, run, a);
        pthread_attr_destroy(&attr);
    }
    if (code != 0) {
        pthread_mutex_lock(&a->lock);
        a->owners = 1;
        let_go(a);
        return code;
    }
    *ret = a;
    return 0;
}

void addresses_free(struct addresses *a)
{
    if (!a)
        return;
    pthread_mutex_lock(&a->lock);
    a->closing = true;
    pthread_cond_signal(&a->wake);
    let_go(a);
}

/* The address in "name:port:address:", and in out; "" where it is none of ours. */
static const char *address_of(const struct addresses *a, const char *to, char out[SPREAD_TEXT_MAX])
{
    size_t n = strlen(a->prefix), len = strlen(to);
    out[0] = '\0';
    if (len > n + 1 && len - n - 1 < SPREAD_TEXT_MAX && strncmp(to, a->prefix, n) == 0) {
        memcpy(out, to + n, len - n - 1); /* without the last ':' */
        out[len - n - 1] = '\0';
    }
    return out;
}

bool addresses_renew(struct addresses *a, char to[ADDRESSES_TO_MAX])
{
    char text[SPREAD_TEXT_MAX];
    if (!a)
        return false;
    pthread_mutex_lock(&a->lock);
    int64_t now_ms = clock_mono_ms();
    if (!a->wanted && a->asked_ms + (a->failed ? PAUSE_MS : FRESH_MS) <= now_ms) {
        a->wanted = true;
        pthread_cond_signal(&a->wake);
    }
    address_of(a, to, text);
    bool keeps = *text && spread_is_good(&a->spread, text, now_ms);
    bool has = !keeps && spread_pick(&a->spread, now_ms, text);
    pthread_mutex_unlock(&a->lock);
    if (keeps || (!has && !*to))
        return false;
    to[0] = '\0';
    if (has)
        snprintf(to, ADDRESSES_TO_MAX, "%s%s:", a->prefix, text);
    return true;
}

void addresses_failed(struct addresses *a, const char *to)
{
    char text[SPREAD_TEXT_MAX];
    if (!a)
        return;
    pthread_mutex_lock(&a->lock);
    spread_failed(&a->spread, address_of(a, to, text), clock_mono_ms());
    pthread_mutex_unlock(&a->lock);
}

void addresses_worked(struct addresses *a, const char *to)
{
    char text[SPREAD_TEXT_MAX];
    if (!a)
        return;
    pthread_mutex_lock(&a->lock);
    spread_worked(&a->spread, address_of(a, to, text));
    pthread_mutex_unlock(&a->lock);
}
