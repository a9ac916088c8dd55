/*
 * How long things took, in classes: what a histogram of Prometheus's is made from. Pure.
 */
#ifndef LOCKSTEP_AGENT_CORE_LATENCY_H
#define LOCKSTEP_AGENT_CORE_LATENCY_H

#include <stddef.h>
#include <stdint.h>

#define LATENCY_CLASSES 12 /* with an upper bound; one more has none */

struct latency {
    uint64_t classes[LATENCY_CLASSES + 1]; /* how many fell in each, not in those below */
    uint64_t count;
    uint64_t sum_ms;
};

/* latency_bound_ms(i): the upper bound of a class, itself in it; i < LATENCY_CLASSES. They rise. */
int64_t latency_bound_ms(size_t i);

/* latency_add(l, took_ms): one more; what is negative (a clock that was set) counts as 0. */
void latency_add(struct latency *l, int64_t took_ms);

#endif
