/*
 * Threads that do what may wait for a disk. Shell. See pool.h.
 */
#include "watchers/pool.h"

#include "base/clock.h"
#include "base/waiters.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#define POOL_STACK_BYTES (1024 * 1024)
#define HANGING_TIMES    4 /* threads at most, as a multiple of those that were asked for */

/* A thread. */
struct worker {
    pthread_t thread;
    struct pool *pool;
    _Atomic int64_t began_ms; /* its job; 0: it has none */
};

struct pool {
    pthread_mutex_t lock;
    struct waiters idle; /* for a job, or that the pool stops */
    struct jobs lanes[POOL_LANES];
    enum pool_lane turn;
    bool stop;
    unsigned wanted; /* threads that do not hang */
    unsigned threads_max;
    unsigned thread_count;
    struct worker workers[];
};

/* Take jobs from the front: one, or more of its kind where they are not worth a thread each, or
 * there are so many that each thread has as much to do. */
static struct job *jobs_take(struct jobs *l, unsigned threads)
{
    struct job *first = l->first;
    struct job *last = first;
    const size_t share = l->count / threads;
    size_t n = 1;

    while (n < first->most && n < l->count && (n < share || n < first->least) &&
           last->next->run == first->run) {
        last = last->next;
        n++;
    }
    l->first = last->next;
    l->last = l->first == NULL ? NULL : l->last;
    l->count -= n;
    last->next = NULL;
    return first;
}

/* The next jobs, of the lane whose turn it is if that has any. */
static struct job *next_jobs(struct pool *p)
{
    for (unsigned i = 0; i < POOL_LANES; i++) {
        struct jobs *l = &p->lanes[p->turn];

        p->turn = (p->turn + 1) % POOL_LANES;
        if (l->first != NULL) {
            return jobs_take(l, p->wanted);
        }
    }
    return NULL;
}

/* Does nothing wait to be done? */
static bool is_idle(const struct pool *p)
{
    for (unsigned i = 0; i < POOL_LANES; i++) {
        if (p->lanes[i].first != NULL) {
            return false;
        }
    }
    return true;
}

/* A thread: jobs until there are none and the pool stops. Who takes one wakes the next thread where
 * there are more, so that who adds many does not have to wake one for each. */
static void *work(void *arg)
{
    struct worker *self = arg;
    struct pool *p = self->pool;
    _Alignas(16) char scratch[POOL_SCRATCH_BYTES];

    (void)pthread_setname_np(pthread_self(), "watch-pool"); /* for who looks with ps */
    pthread_mutex_lock(&p->lock);
    for (;;) {
        struct job *job = next_jobs(p);

        if (job != NULL) {
            if (!is_idle(p)) {
                waiters_wake(&p->idle);
            }
            pthread_mutex_unlock(&p->lock);
            atomic_store(&self->began_ms, clock_mono_ms());
            job->run(job, scratch);
            atomic_store(&self->began_ms, 0);
            pthread_mutex_lock(&p->lock);
        } else if (p->stop) {
            break;
        } else {
            waiters_wait(&p->idle, &p->lock);
        }
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* Start one thread that takes no signals. 0 or -errno. */
static int start_thread(struct pool *p)
{
    struct worker *w = &p->workers[p->thread_count];
    sigset_t all, before;
    pthread_attr_t attr;
    int code;

    w->pool = p;
    sigfillset(&all);
    pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, POOL_STACK_BYTES); /* else the default: more */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    code = pthread_create(&w->thread, &attr, work, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    if (code == 0) {
        p->thread_count++;
    }
    return -code;
}

int pool_new(unsigned threads, struct pool **ret)
{
    struct pool *p =
        calloc(1, sizeof(*p) + (size_t)threads * HANGING_TIMES * sizeof(p->workers[0]));
    int code = p == NULL ? -ENOMEM : 0;

    if (p == NULL) {
        return code;
    }
    p->wanted = threads;
    p->threads_max = threads * HANGING_TIMES;
    pthread_mutex_init(&p->lock, NULL);
    waiters_init(&p->idle);
    for (unsigned i = 0; i < threads && code == 0; i++) {
        code = start_thread(p);
    }
    if (p->thread_count == 0) {
        pool_free(p);
        return code;
    }
    *ret = p; /* fewer threads than asked for will do */
    return 0;
}

void pool_relieve(struct pool *p, int64_t hang_ms)
{
    const int64_t now_ms = clock_mono_ms();
    unsigned hanging = 0;

    for (unsigned i = 0; i < p->thread_count; i++) {
        const int64_t began_ms = atomic_load(&p->workers[i].began_ms);

        hanging += began_ms != 0 && now_ms - began_ms >= hang_ms;
    }
    while (p->thread_count < p->threads_max && p->thread_count < p->wanted + hanging &&
           start_thread(p) == 0) {
    }
}

void pool_free(struct pool *p)
{
    if (p == NULL) {
        return;
    }
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    waiters_wake_all(&p->idle);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->thread_count; i++) {
        pthread_join(p->workers[i].thread, NULL);
    }
    waiters_destroy(&p->idle);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

void jobs_add_take(struct jobs *l, struct job *job)
{
    job->next = NULL;
    if (l->last != NULL) {
        l->last->next = job;
    } else {
        l->first = job;
    }
    l->last = job;
    l->count++;
}

void pool_add_all_take(struct pool *p, enum pool_lane lane, struct jobs *jobs)
{
    struct jobs *l = &p->lanes[lane];

    if (jobs->first == NULL) {
        return;
    }
    pthread_mutex_lock(&p->lock);
    const bool was_idle = is_idle(p);

    if (l->last != NULL) {
        l->last->next = jobs->first;
    } else {
        l->first = jobs->first;
    }
    l->last = jobs->last;
    l->count += jobs->count;
    if (was_idle) {
        waiters_wake(&p->idle);
    }
    pthread_mutex_unlock(&p->lock);
    *jobs = (struct jobs){0};
}

void pool_add_take(struct pool *p, enum pool_lane lane, struct job *job)
{
    struct jobs one = {0};

    jobs_add_take(&one, job);
    pool_add_all_take(p, lane, &one);
}
