/* Threads that wait for something that a lock protects. Shell. See waiters.h. */
#include "base/waiters.h"

void waiters_init(struct waiters *w)
{
    (void)sem_init(&w->tokens, 0, 0); /* fails only for other arguments; so do the calls below */
    w->asleep = 0;
}

void waiters_destroy(struct waiters *w)
{
    (void)sem_destroy(&w->tokens);
}

void waiters_wait(struct waiters *w, pthread_mutex_t *lock)
{
    w->asleep++;
    (void)pthread_mutex_unlock(lock);
    while (sem_wait(&w->tokens) != 0) {
        /* interrupted by a signal */
    }
    (void)pthread_mutex_lock(lock);
}

void waiters_wake(struct waiters *w)
{
    if (w->asleep > 0) {
        w->asleep--;
        (void)sem_post(&w->tokens); /* there are never more tokens than threads */
    }
}

void waiters_wake_all(struct waiters *w)
{
    while (w->asleep > 0)
        waiters_wake(w);
}
