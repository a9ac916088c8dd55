/* How many requests a second a server takes that says SlowDown. Pure. */
#include "uploaders/throttle.h"

#include "base/clock.h"

#define BETA        0.7 /* what is left after a cut */
#define SCALE       0.4 /* of the cubic */
#define UNUSED      2.0 /* a limit this many times what is sent limits nothing */
#define ROOT_ROUNDS 60

/* The cube root of x >= 0, by Newton. */
static double cube_root(double x)
{
    double r = x > 1 ? x : 1;
    for (int i = 0; i < ROOT_ROUNDS; i++)
        r = (2 * r + x / (r * r)) / 3;
    return r;
}

bool throttle_cut(struct throttle *t, double sent, int64_t sent_us, int64_t now_us)
{
    if (t->on && sent_us <= t->cut_us)
        return false;
    double used = t->on && t->rate < sent ? t->rate : sent;
    if (used < THROTTLE_RATE_MIN / BETA)
        used = THROTTLE_RATE_MIN / BETA;
    t->on = true;
    t->cut = used;
    t->plateau = cube_root(used * (1 - BETA) / SCALE);
    t->rate = used * BETA;
    t->cut_us = now_us;
    return true;
}

double throttle_look(struct throttle *t, double sent, int64_t now_us)
{
    if (!t->on)
        return 0;
    double since = (double)(now_us - t->cut_us) / (double)US_PER_S - t->plateau;
    t->rate = SCALE * since * since * since + t->cut;
    if (since > 0 && t->rate > UNUSED * sent && t->rate > UNUSED * t->cut) {
        t->on = false;
        return 0;
    }
    return t->rate;
}
