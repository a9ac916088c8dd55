/*
 * How long to wait for the answer to a small request. Pure: durations in, a bound out.
 *
 * Of S3's answers a few in a thousand come after seconds where the others come after milliseconds
 * (a slow disk or a lost packet on one path); asked again on a new connection, they come at once.
 * Amazon's advice for requests below 512 KiB is to ask again after 2 s, then after 4 s more. So a
 * request is given up where it stands out: after PATIENCE_FACTOR times what nine of ten took, but
 * not before 2 s; the second time after twice that; never a third time. While little is known
 * nothing is given up. What was given up counts as having taken that long: where many are slow the
 * bound grows, so a slow server is not asked everything twice.
 */
#ifndef LOCKSTEP_UPLOADERS_PATIENCE_H
#define LOCKSTEP_UPLOADERS_PATIENCE_H

#include <stdint.h>

#define PATIENCE_BODY_MAX (512 * 1024) /* bytes: a larger request is not small */
#define PATIENCE_LEAST_MS 2000
#define PATIENCE_FACTOR   4
#define PATIENCE_TIMES    2  /* that one request is given up */
#define PATIENCE_WINDOW   64 /* requests that are remembered */
#define PATIENCE_KNOWN    16 /* durations that make a rule */

/* Zeroed to begin. */
struct patience {
    uint32_t took_ms[PATIENCE_WINDOW]; /* a ring */
    unsigned count;
    unsigned next;
    uint32_t usual_ms; /* what nine of ten took, or less */
};

/* patience_note(p, took_ms): a request was answered after so long, or was given up. */
void patience_note(struct patience *p, int64_t took_ms);

/* patience_bound_ms(p, given_up): how long a request may take that was given up so many times
 * already; INT64_MAX: as long as it takes. */
int64_t patience_bound_ms(const struct patience *p, unsigned given_up);

#endif
