/* Threads that read files for the workers. Shell. */
#include "uploaders/readers.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>

#define STACK_BYTES (256 * 1024) /* they call nothing deep */

struct readers {
    struct mailbox *inbox;
    pthread_mutex_t lock;
    pthread_t threads[READERS_MAX];
    unsigned count;
    unsigned free;  /* threads that wait, less tasks that wait for them */
    unsigned large; /* tasks of the large lane that are being read, or wait for that */
    bool stopped;
};

int64_t readers_waits(void)
{
    struct rusage ru;
    return getrusage(RUSAGE_THREAD, &ru) == 0 ? ru.ru_nvcsw : 0;
}

/* Read, and see how that goes. */
static void read_task(struct task *task)
{
    int64_t began_us = clock_mono_us(), waits = readers_waits();
    task->read(task);
    task->read_us = clock_mono_us() - began_us;
    task->read_waits = readers_waits() - waits;
}

/* A thread: read until the mailbox is closed. */
static void *run(void *arg)
{
    struct readers *r = arg;
    for (struct letter *l; (l = mailbox_wait(r->inbox));) {
        struct task *task = (struct task *)l;
        pthread_mutex_lock(&r->lock);
        bool stopped = r->stopped;
        pthread_mutex_unlock(&r->lock);
        if (stopped)
            continue; /* it is among those that its worker has begun: it is freed there */
        read_task(task);
        pthread_mutex_lock(&r->lock);
        r->free++;
        r->large -= task->lane == LANE_LARGE;
        pthread_mutex_unlock(&r->lock);
        worker_read_end(task);
    }
    return NULL;
}

struct readers *readers_new(void)
{
    struct readers *r = calloc(1, sizeof(*r));
    if (!r)
        return NULL;
    if (mailbox_new(0, &r->inbox) != 0) {
        free(r);
        return NULL;
    }
    pthread_mutex_init(&r->lock, NULL);
    return r;
}

/* One more thread, under the lock. False where the system gives none. */
static bool begin_thread(struct readers *r)
{
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0)
        return false;
    (void)pthread_attr_setstacksize(&attributes, STACK_BYTES); /* else the usual size */
    int code = pthread_create(&r->threads[r->count], &attributes, run, r);
    pthread_attr_destroy(&attributes);
    if (code != 0)
        return false;
    pthread_setname_np(r->threads[r->count], "read");
    r->count++;
    return true;
}

bool readers_hand(struct readers *r, struct task *task)
{
    pthread_mutex_lock(&r->lock);
    if (r->free > 0)
        r->free--;
    else if (r->count < READERS_MAX)
        (void)begin_thread(r); /* else it waits for one of those that there are */
    bool can = r->count > 0 && !r->stopped;
    r->large += can && task->lane == LANE_LARGE;
    pthread_mutex_unlock(&r->lock);
    return can && mailbox_send(r->inbox, &task->letter);
}

unsigned readers_large(struct readers *r)
{
    pthread_mutex_lock(&r->lock);
    unsigned large = r->large;
    pthread_mutex_unlock(&r->lock);
    return large;
}

void readers_stop(struct readers *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    r->stopped = true;
    pthread_mutex_unlock(&r->lock);
    mailbox_close(r->inbox);
    for (unsigned i = 0; i < r->count; i++)
        pthread_join(r->threads[i], NULL);
    r->count = 0;
}

void readers_free(struct readers *r)
{
    if (!r)
        return;
    readers_stop(r);
    mailbox_free(r->inbox);
    pthread_mutex_destroy(&r->lock);
    free(r);
}
