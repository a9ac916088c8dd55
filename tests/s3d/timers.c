/* Call back later. Shell. */
#include "tests/s3d/timers.h"

#include "tests/s3d/access_log.h"
#include "tests/s3d/text.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct timer {
    struct timer *next;
    int64_t due_us;
    void *argument;
};

struct timers {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    timer_function *call;
    struct timer *first; /* by due_us */
    bool finished;
};

/* Wait for the first deadline, or for a change; with the lock. */
static void wait_for_first(struct timers *t)
{
    if (!t->first) {
        (void)pthread_cond_wait(&t->changed, &t->lock); /* looked at again by the caller */
        return;
    }
    struct timespec due = {
        .tv_sec = t->first->due_us / US_PER_S,
        .tv_nsec = t->first->due_us % US_PER_S * 1000,
    };
    (void)pthread_cond_timedwait(&t->changed, &t->lock, &due); /* as above */
}

/* The thread: call back what is due. */
static void *run(void *argument)
{
    struct timers *t = argument;
    (void)pthread_mutex_lock(&t->lock);
    while (!t->finished || t->first) {
        struct timer *first = t->first;
        if (!first || (!t->finished && first->due_us > monotonic_us())) {
            wait_for_first(t);
            continue;
        }
        t->first = first->next;
        (void)pthread_mutex_unlock(&t->lock);
        t->call(first->argument);
        free(first);
        (void)pthread_mutex_lock(&t->lock);
    }
    (void)pthread_mutex_unlock(&t->lock);
    return NULL;
}

int timers_new(timer_function *f, struct timers **ret)
{
    struct timers *t = mem_new(sizeof(*t));
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes); /* these cannot fail on Linux */
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&t->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    (void)pthread_mutex_init(&t->lock, NULL);
    t->call = f;
    int failed = pthread_create(&t->thread, NULL, run, t);
    if (failed) {
        free(t);
        return -failed;
    }
    *ret = t;
    return 0;
}

void timers_add(struct timers *t, uint64_t ms, void *argument)
{
    struct timer *timer = mem_new(sizeof(*timer));
    timer->due_us = monotonic_us() + (int64_t)ms * US_PER_MS;
    timer->argument = argument;
    (void)pthread_mutex_lock(&t->lock);
    bool late = t->finished;
    struct timer **at = &t->first;
    while (!late && *at && (*at)->due_us <= timer->due_us)
        at = &(*at)->next;
    timer->next = late ? NULL : *at;
    if (!late)
        *at = timer;
    (void)pthread_cond_signal(&t->changed);
    (void)pthread_mutex_unlock(&t->lock);
    if (late) {
        free(timer);
        t->call(argument);
    }
}

void timers_finish(struct timers *t)
{
    (void)pthread_mutex_lock(&t->lock);
    t->finished = true;
    (void)pthread_cond_signal(&t->changed);
    (void)pthread_mutex_unlock(&t->lock);
    (void)pthread_join(t->thread, NULL); /* it is ours and joined once */
}

void timers_free(struct timers *t)
{
    if (!t)
        return;
    (void)pthread_cond_destroy(&t->changed);
    (void)pthread_mutex_destroy(&t->lock);
    free(t);
}
