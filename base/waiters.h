/*
 * Threads that wait for something that a lock protects. Shell.
 *
 * Used as a condition variable is, where several threads wait for one thing. Condition variables of
 * glibc before 2.41 can lose a signal then (https://sourceware.org/bugzilla/show_bug.cgi?id=25847):
 * a thread sleeps for good beside work that was announced. Here each thread that sleeps is counted,
 * and a semaphore gets a token for each that is woken, both with the lock held.
 */
#ifndef LOCKSTEP_BASE_WAITERS_H
#define LOCKSTEP_BASE_WAITERS_H

#include <pthread.h>
#include <semaphore.h>

struct waiters {
    sem_t tokens;    /* threads that were woken and sleep still */
    unsigned asleep; /* threads that nobody woke yet */
};

/* waiters_init(w): nobody waits. waiters_destroy(w): nobody does any more. */
void waiters_init(struct waiters *w);
void waiters_destroy(struct waiters *w);

/* waiters_wait(w, lock): leave the lock, sleep until woken, take the lock. What was waited for may
 * be gone again: look, and wait once more. */
void waiters_wait(struct waiters *w, pthread_mutex_t *lock);

/* waiters_wake(w): wake one, if any waits; with the lock held. waiters_wake_all(w): the same. */
void waiters_wake(struct waiters *w);
void waiters_wake_all(struct waiters *w);

#endif
