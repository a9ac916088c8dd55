/*
 * A bucket of tokens: so many a second, and no more at once than it holds. Pure; time is an
 * argument (microseconds, monotonic).
 *
 * A request for more than the bucket holds goes when it is full and leaves a debt, so that it is
 * the rate that counts, whatever the size of the pieces.
 */
#ifndef LOCKSTEP_UPLOADERS_TOKENS_H
#define LOCKSTEP_UPLOADERS_TOKENS_H

#include <stdint.h>

struct tokens {
    double rate; /* a second; 0: without limit */
    double most; /* that it holds */
    double have; /* negative: a debt */
    int64_t at_us;
};

/* tokens_set(t, rate, most, now_us): a zeroed bucket begins full; one in use keeps what it has, as
 * far as it fits. */
void tokens_set(struct tokens *t, double rate, double most, int64_t now_us);

/* tokens_wait_us(t, n, now_us): 0 where n may go now, else how long until then. */
int64_t tokens_wait_us(struct tokens *t, double n, int64_t now_us);

/* tokens_take(t, n): n go; after tokens_wait_us said 0. */
void tokens_take(struct tokens *t, double n);

#endif
