/* A bucket of tokens. Pure. */
#include "uploaders/tokens.h"

#include "base/clock.h"

/* What came in since the last look. */
static void refill(struct tokens *t, int64_t now_us)
{
    if (now_us <= t->at_us)
        return;
    t->have += t->rate * (double)(now_us - t->at_us) / (double)US_PER_S;
    if (t->have > t->most)
        t->have = t->most;
    t->at_us = now_us;
}

void tokens_set(struct tokens *t, double rate, double most, int64_t now_us)
{
    if (t->rate > 0)
        refill(t, now_us);
    else
        *t = (struct tokens){.have = most, .at_us = now_us};
    t->rate = rate;
    t->most = most;
    if (t->have > most)
        t->have = most;
}

int64_t tokens_wait_us(struct tokens *t, double n, int64_t now_us)
{
    if (t->rate <= 0)
        return 0;
    refill(t, now_us);
    double want = n < t->most ? n : t->most;
    if (t->have >= want)
        return 0;
    return (int64_t)((want - t->have) / t->rate * (double)US_PER_S) + 1;
}

void tokens_take(struct tokens *t, double n)
{
    if (t->rate > 0)
        t->have -= n;
}
