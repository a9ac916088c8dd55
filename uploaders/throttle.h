/*
 * How many requests a second a server takes that says SlowDown. Pure; time is an argument
 * (microseconds, monotonic).
 *
 * As the AWS SDKs' adaptive mode (its CUBIC): a throttled answer cuts the rate to 0.7 of what was
 * sent, and it grows again by 0.4 * (t - K)^3 + W: fast at first, slowly where it was cut (W), then
 * faster. Unlike there, answers to requests that were sent before a cut say nothing against the
 * rate after it: a wave of refusals is one cut, not many. The limit falls away once it is twice
 * what is sent.
 */
#ifndef LOCKSTEP_UPLOADERS_THROTTLE_H
#define LOCKSTEP_UPLOADERS_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

/* Requests a second at least. The SDKs go down to 0.5; S3 takes 3,500 of a prefix, and one host
 * that sends 50 is not what overloads it, while files would stay behind for hours. */
#define THROTTLE_RATE_MIN 50

/* Zeroed to begin: no limit. */
struct throttle {
    bool on;
    double rate;    /* a second, as of the last look */
    double cut;     /* W: the rate before the last cut */
    double plateau; /* K: seconds after the cut until W is reached again */
    int64_t cut_us; /* when */
};

/* throttle_cut(t, sent, sent_us, now_us): a request that was sent at sent_us was throttled; `sent`
 * are sent a second. True where that is a new cut. */
bool throttle_cut(struct throttle *t, double sent, int64_t sent_us, int64_t now_us);

/* throttle_look(t, sent, now_us): the rate that is allowed now; 0: any. */
double throttle_look(struct throttle *t, double sent, int64_t now_us);

#endif
