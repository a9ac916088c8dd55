/* Pure. Order of transfers and the pauses between attempts. */
#include "agent/core/order.h"

#include "base/mix.h"

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_LAST_MS  300000
#define SPREAD_MS        10
#define SPREAD_LAST_MS   3600000

uint64_t order_look(struct order *o)
{
    return ++o->number;
}

uint64_t order_barrier(struct order *o)
{
    return ++o->number;
}

bool order_blocks(const struct item *list, uint64_t barrier)
{
    return list->live < barrier;
}

int64_t order_spread_ms(int64_t rest_ms, uint64_t count)
{
    uint64_t least_ms = count > SPREAD_LAST_MS / SPREAD_MS ? SPREAD_LAST_MS : count * SPREAD_MS;

    return rest_ms > (int64_t)least_ms ? rest_ms : (int64_t)least_ms;
}

int64_t order_backoff_ms(unsigned failures, uint64_t seed)
{
    int64_t ms = BACKOFF_FIRST_MS;

    for (unsigned i = 1; i < failures && ms < BACKOFF_LAST_MS; i++)
        ms *= 2;
    if (ms > BACKOFF_LAST_MS)
        ms = BACKOFF_LAST_MS;
    return ms + (int64_t)(mix(seed) % (uint64_t)(ms / 4 + 1));
}

int64_t order_rest_ms(unsigned failures, int64_t failing_ms, uint64_t seed)
{
    unsigned rests = 1;

    for (int64_t ms = BACKOFF_FIRST_MS;
         rests < failures && ms <= failing_ms && ms < 2 * BACKOFF_LAST_MS;
         ms = 2 * ms + BACKOFF_FIRST_MS)
        rests++;
    return order_backoff_ms(rests, seed);
}
