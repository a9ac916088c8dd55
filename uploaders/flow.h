/*
 * What all workers share of how fast they may go: the tokens of retries, the number of requests at
 * once, what a server that says SlowDown takes, and the limits that an operator sets. Shell (locks,
 * reads the clock where a rate is limited; else time is an argument: microseconds, monotonic).
 *
 * While nothing limits the rate a request costs one relaxed load here. Calls that ended are told
 * now and then, not one by one. The rules are in retry.c, window.c, throttle.c, tokens.c.
 */
#ifndef LOCKSTEP_UPLOADERS_FLOW_H
#define LOCKSTEP_UPLOADERS_FLOW_H

#include "uploaders/retry.h"
#include "uploaders/uploaders.h"
#include "uploaders/window.h"

struct flow;

/* flow_new(workers, in_flight, fixed, now_us): so many requests at once at most, or always
 * (`fixed`); NULL without memory. flow_free: NULL is allowed. */
struct flow *flow_new(unsigned workers, unsigned in_flight, bool fixed, int64_t now_us);
void flow_free(struct flow *f);

/* flow_quota(f): the tokens of retries. */
struct retry_quota *flow_quota(struct flow *f);

/* flow_share(f, number): requests at once of the worker of that number; at least 1. */
unsigned flow_share(const struct flow *f, unsigned number);

/* flow_bodies(f): large bodies of one worker in memory at once that are worth it: twice those that
 * keep S3 busy. 0: not known yet. */
unsigned flow_bodies(const struct flow *f);

/* flow_ended(f, s, now_us): calls that S3 answered. */
void flow_ended(struct flow *f, const struct window_sample *s, int64_t now_us);

/* flow_throttled(f, sent_us, now_us): a request that was sent then was answered with SlowDown or
 * the like. */
void flow_throttled(struct flow *f, int64_t sent_us, int64_t now_us);

/* flow_admit(f, bytes): may a request go that sends so many bytes at once? 0: it goes; else ask
 * again after so many microseconds. */
int64_t flow_admit(struct flow *f, size_t bytes);

/* flow_body(f, n): the same for the next *n bytes of a large body; fewer where it says so. */
int64_t flow_body(struct flow *f, size_t *n);

/* flow_limit(f, limits, now_us): see uploaders_limit. flow_look(f, ret): see uploaders_flow. */
void flow_limit(struct flow *f, const struct uploaders_limits *limits, int64_t now_us);
void flow_look(struct flow *f, struct uploaders_flow *ret, int64_t now_us);

#endif
