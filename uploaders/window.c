/* How many requests at once are worth it. Pure. */
#include "uploaders/window.h"

#include "base/clock.h"

#include <string.h>

#define GAIN         2.0 /* times what keeps the server busy */
#define SHRINK       0.9 /* at most so much less from round to round */
#define CUT          0.7
#define LID_US       60000000 /* after SlowDown the window grows slowly for so long */
#define PROBE_ROUNDS 2
#define LONGER       1.25    /* times the least: there is a line */
#define IDLE_US      2000000 /* a pause after which a round says nothing */
#define SMOOTH       0.7

void window_init(struct window *w, unsigned least, unsigned most, int64_t now_us)
{
    memset(w, 0, sizeof(*w));
    w->most = most;
    w->least = least < most ? least : most;
    w->size = WINDOW_FIRST < w->least ? w->least : WINDOW_FIRST < most ? WINDOW_FIRST : most;
    w->began_us = now_us;
}

/* The most of the rounds that are remembered. */
static double most_done(const struct window *w)
{
    double most = 0;
    for (unsigned i = 0; i < WINDOW_MEMORY; i++)
        most = w->done[i] > most ? w->done[i] : most;
    return most;
}

/* Within floor and ceiling. */
static unsigned fit(const struct window *w, double size)
{
    if (w->lid > 0 && size > w->lid)
        size = w->lid;
    return size < w->least ? w->least : size > w->most ? w->most : (unsigned)size;
}

/* What the round says of the least time of a unit; true while a half window is wanted. */
static bool learn_quick(struct window *w, double unit_us, int64_t now_us)
{
    if (w->quick_us <= 0 || unit_us <= w->quick_us * LONGER) {
        if (w->quick_us <= 0 || unit_us < w->quick_us)
            w->quick_us = unit_us;
        w->quick_at_us = now_us;
        w->probing = 0;
        return false;
    }
    if (w->probing == 0 && now_us - w->quick_at_us > WINDOW_STALE_US) {
        w->probing = PROBE_ROUNDS;
        return true;
    }
    if (w->probing == 0)
        return false;
    if (--w->probing > 0)
        return true;
    w->quick_us = unit_us; /* of the last round of the probe, which began with no line */
    w->quick_at_us = now_us;
    return false;
}

/* The round is over: what follows for the window. */
static void end_round(struct window *w, int64_t span_us, int64_t now_us)
{
    const struct window_sample *s = &w->sample;
    double units = (double)s->calls + (double)s->bytes / WINDOW_UNIT;
    double unit_us = (double)s->took_us / units;
    double calls_s = (double)s->calls * (double)US_PER_S / (double)span_us;
    w->calls_s = w->calls_s > 0 ? SMOOTH * w->calls_s + (1 - SMOOTH) * calls_s : calls_s;
    w->done[w->at] = units * (double)US_PER_S / (double)span_us;
    w->at = (w->at + 1) % WINDOW_MEMORY;
    if (w->lid > 0)
        w->lid = now_us - w->cut_us > LID_US ? 0 : w->lid + 1;
    bool half = learn_quick(w, unit_us, now_us);
    double done = half ? units * (double)US_PER_S / (double)span_us : most_done(w);
    double busy = done * w->quick_us / (double)US_PER_S;
    if (!half)
        w->busy = busy;
    double target = half ? busy / 2 : GAIN * busy + WINDOW_FIRST;
    if (!half && target > 2.0 * w->size)
        target = 2.0 * w->size;
    if (!half && target < SHRINK * w->size)
        target = SHRINK * w->size;
    w->size = fit(w, target);
}

void window_add(struct window *w, const struct window_sample *s, int64_t now_us)
{
    int64_t span_us = now_us - w->began_us;
    w->sample.calls += s->calls;
    w->sample.bytes += s->bytes;
    w->sample.took_us += s->took_us;
    int64_t mean_us = w->sample.calls ? (int64_t)(w->sample.took_us / w->sample.calls) : 0;
    bool paused = span_us > IDLE_US && span_us > 4 * mean_us;
    if (!paused && (w->sample.calls == 0 || span_us < WINDOW_ROUND_US || span_us < mean_us))
        return;
    if (paused)
        w->quick_at_us += span_us;
    else
        end_round(w, span_us, now_us);
    w->began_us = now_us;
    memset(&w->sample, 0, sizeof(w->sample));
}

void window_cut(struct window *w, int64_t now_us)
{
    w->lid = CUT * w->size;
    if (w->lid < w->least)
        w->lid = w->least;
    w->size = fit(w, w->lid);
    w->cut_us = now_us;
}
