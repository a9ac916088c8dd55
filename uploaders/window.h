/*
 * How many requests at once are worth it: as many as the way to the server and the server hold.
 * Pure; time is an argument (microseconds, monotonic).
 *
 * What is done a second (calls, and bytes by the 64 KiB) times the least time that one unit of it
 * took is what must be under way to keep the server busy; everything beyond only waits in lines.
 * The window is twice that and a few more: it doubles from round to round while more under way is
 * more done, stands where it is not, and shrinks where the server does less or takes longer. Both
 * figures are of the last WINDOW_MEMORY rounds that counted. The least time can only be seen
 * where nothing waits in line, so once in a while, if times are longer than it says, a round goes
 * with half of what is needed. A pause is no such while: who begins again is not to be held back.
 *
 * SlowDown takes 0.3 off at once, and the window grows by one a round from there for a while.
 */
#ifndef LOCKSTEP_UPLOADERS_WINDOW_H
#define LOCKSTEP_UPLOADERS_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#define WINDOW_FIRST 8 /* requests at once, to begin with */
#define WINDOW_ROUND_US                                                                            \
    100000                 /* a round lasts this long, or as long as a call where that is more */
#define WINDOW_MEMORY   64 /* rounds */
#define WINDOW_STALE_US 20000000 /* the least time is looked at anew after this, pauses apart */
#define WINDOW_UNIT     65536

/* What was done since the round began. */
struct window_sample {
    uint64_t calls;
    uint64_t bytes;   /* of their bodies */
    uint64_t took_us; /* all calls together */
};

struct window {
    unsigned most;  /* the ceiling */
    unsigned least; /* the floor */
    unsigned size;  /* what holds now */
    int64_t began_us;
    struct window_sample sample;
    double done[WINDOW_MEMORY]; /* units a second of the last rounds */
    unsigned at;
    double quick_us; /* the least time of a unit */
    int64_t quick_at_us;
    unsigned probing; /* rounds with half a window that are left */
    double probed_us; /* the least time seen in them; 0: none */
    double busy;      /* requests that were needed to keep the server busy; 0: not known */
    double calls_s;   /* calls a second, smoothed */
    double lid;       /* after SlowDown: no more than this; 0: none */
    int64_t cut_us;
};

/* window_init(w, least, most, now_us). */
void window_init(struct window *w, unsigned least, unsigned most, int64_t now_us);

/* window_add(w, s, now_us): calls that ended. Ends the round when it is time. */
void window_add(struct window *w, const struct window_sample *s, int64_t now_us);

/* window_cut(w, now_us): the server says SlowDown (once for a wave of refusals). */
void window_cut(struct window *w, int64_t now_us);

#endif
