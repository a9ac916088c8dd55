/* Is a file better read by a reader's thread? Pure. */
#include "uploaders/ahead.h"

#define SCORE_SLOW   4 /* a slow read adds so much, a quick one takes one off */
#define SCORE_USED   8
#define SCORE_MOST   32
#define BYTES_A_WAIT (1u << 20) /* a large file that is waited for is waited for more often */
#define SCORE_HOME   12         /* a quick one takes so much off while the readers are in use */

bool ahead_is_slow(const struct ahead *a)
{
    return a->score >= SCORE_USED;
}

bool ahead_hands_on(struct ahead *a)
{
    if (!ahead_is_slow(a))
        return false;
    a->since = (a->since + 1) % AHEAD_PROBE;
    return a->since != 0;
}

bool ahead_watches(const struct ahead *a)
{
    return a->watch > 0 || ahead_is_slow(a);
}

void ahead_timed(struct ahead *a, uint64_t bytes, int64_t took_us, int64_t waits)
{
    bool slow = took_us > AHEAD_SLOW_US + (int64_t)(bytes / AHEAD_BYTES_PER_US);
    unsigned less = ahead_is_slow(a) ? SCORE_HOME : 1;
    if (slow && waits != 0)
        a->watch = AHEAD_WATCH;
    else if (a->watch > 0)
        a->watch--;
    if (slow && waits < 0)
        return;
    if (slow && waits > 0)
        a->score = a->score + SCORE_SLOW < SCORE_MOST ? a->score + SCORE_SLOW : SCORE_MOST;
    else
        a->score = a->score > less ? a->score - less : 0;
}

void ahead_timed_large(struct ahead *a, uint64_t bytes, int64_t took_us, int64_t waits)
{
    ahead_timed(a, bytes, took_us, waits > (int64_t)(bytes / BYTES_A_WAIT));
}

bool ahead_is_enough(const struct ahead *a, const struct ahead_bodies *b, uint64_t n)
{
    unsigned worth = b->worth > AHEAD_LARGE ? b->worth : AHEAD_LARGE;
    if (b->count < AHEAD_LARGE || b->bytes + n <= AHEAD_LARGE_BYTES)
        return false;
    if (ahead_is_slow(a))
        return b->count - b->reading >= worth;
    return b->all >= b->processors || b->count >= worth;
}
