/*
 * Threads that do what may wait for a disk. Shell.
 *
 * Two lanes take turns, so that neither keeps the other waiting.
 */
#ifndef LOCKSTEP_WATCHERS_POOL_H
#define LOCKSTEP_WATCHERS_POOL_H

#include <stddef.h>
#include <stdint.h>

#define POOL_SCRATCH_BYTES 65536 /* of each thread, for its job */

enum pool_lane { POOL_ANSWERS, POOL_LISTINGS, POOL_LANES };

/* Work: the first member of whatever it needs. run frees it; scratch is the thread's own. Where
 * many of a kind wait, run gets several that follow each other, through `next` (else NULL). */
struct job {
    struct job *next;
    void (*run)(struct job *job, void *scratch);
    unsigned most;  /* that run takes at once; 0: one */
    unsigned least; /* that it takes at once if they are there, even where threads have nothing to
                       do: it does not wait, and a switch between threads costs more */
};

/* Jobs in order. Zeroed: none. */
struct jobs {
    struct job *first;
    struct job *last;
    size_t count;
};

/* jobs_add_take(l, job): behind the others. */
void jobs_add_take(struct jobs *l, struct job *job);

struct pool;

/* pool_new(threads, ret): 0 or -errno. */
int pool_new(unsigned threads, struct pool **ret) __attribute__((warn_unused_result));

/* pool_free(p): run what waits, end the threads. NULL is allowed. */
void pool_free(struct pool *p);

/* pool_relieve(p, hang_ms): threads that are at one job for so long are held to hang: start others
 * in their place, a few times as many as the pool had at most. One thread. */
void pool_relieve(struct pool *p, int64_t hang_ms);

/* pool_add_take(p, lane, job): any thread.
 * pool_add_all_take(p, lane, jobs): all of these, of which none are left there. Threads are woken
 * once, and find as many as run may take. */
void pool_add_take(struct pool *p, enum pool_lane lane, struct job *job);
void pool_add_all_take(struct pool *p, enum pool_lane lane, struct jobs *jobs);

#endif
