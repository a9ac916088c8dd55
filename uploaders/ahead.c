/* Is a file better read by a reader's thread? Pure. */
#include "uploaders/ahead.h"

#define SCORE_SLOW 4 /* a slow read adds so much, a quick one takes one off */
#define SCORE_USED 8
#define SCORE_MOST 32
#define SCORE_HOME 12 /* a quick one takes so much off while the readers are in use */

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

void ahead_timed(struct ahead *a, uint64_t bytes, int64_t took_us)
{
    unsigned less = ahead_is_slow(a) ? SCORE_HOME : 1;
    if (took_us > AHEAD_SLOW_US + (int64_t)(bytes / AHEAD_BYTES_PER_US))
        a->score = a->score + SCORE_SLOW < SCORE_MOST ? a->score + SCORE_SLOW : SCORE_MOST;
    else
        a->score = a->score > less ? a->score - less : 0;
}
