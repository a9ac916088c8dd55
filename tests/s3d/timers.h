/*
 * Call back later: one thread that keeps the deadlines of requests that wait. Shell. Thread-safe.
 */
#ifndef LOCKSTEP_S3D_TIMERS_H
#define LOCKSTEP_S3D_TIMERS_H

#include <stdint.h>

struct timers;

typedef void timer_function(void *argument);

/* timers_new(f, ret): f is called, on the thread of the timers. 0 or -errno. */
int timers_new(timer_function *f, struct timers **ret) __attribute__((warn_unused_result));

/* timers_add(t, ms, argument): call f(argument) in ms milliseconds; at once after timers_finish. */
void timers_add(struct timers *t, uint64_t ms, void *argument);

/* timers_finish(t): call back all that wait now and end the thread. timers_free(t): after it. */
void timers_finish(struct timers *t);
void timers_free(struct timers *t);

#endif
