/* How long things took. Pure. */
#include "agent/core/latency.h"

static const int64_t bounds_ms[LATENCY_CLASSES] = {100,   250,   500,   1000,   2500,   5000,
                                                   10000, 30000, 60000, 300000, 900000, 3600000};

int64_t latency_bound_ms(size_t i)
{
    return bounds_ms[i];
}

void latency_add(struct latency *l, int64_t took_ms)
{
    size_t i = 0;

    if (took_ms < 0)
        took_ms = 0;
    while (i < LATENCY_CLASSES && took_ms > bounds_ms[i])
        i++;
    l->classes[i]++;
    l->count++;
    l->sum_ms += (uint64_t)took_ms;
}
