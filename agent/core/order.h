/*
 * The order that a trainer can trust: new objects, then lists, then deletions. Pure.
 *
 * Lists are numbered by when they were looked at. When the rows of removed or renamed images have
 * left the lists on disk, the current number becomes the removals' barrier; the old objects may go
 * once every list that was not in step has been put from a look taken after the barrier.
 */
#ifndef LOCKSTEP_AGENT_CORE_ORDER_H
#define LOCKSTEP_AGENT_CORE_ORDER_H

#include "agent/core/pending.h"

struct order {
    uint64_t number; /* of the last look at a list */
};

/* order_look(o): the number of a look that is taken now. */
uint64_t order_look(struct order *o);

/* order_barrier(o): a barrier: every look so far lies before it. */
uint64_t order_barrier(struct order *o);

/* order_blocks(list, barrier): a list that is not in step still keeps the deletions of this barrier
 * back. */
bool order_blocks(const struct item *list, uint64_t barrier);

/* order_backoff_ms(failures, seed): how long a failed item rests: 1 s doubling to 5 min, with up to
 * a quarter of jitter. */
int64_t order_backoff_ms(unsigned failures, uint64_t seed);

/* order_rest_ms(failures, failing_ms, seed): the same for an item that has waited since failing_ms,
 * by as many failures as fit into that time with a rest after each. What is edited again and again
 * is tried with each edit, so it fails more often than it has rested, and would rest for five
 * minutes after a trouble of seconds. */
int64_t order_rest_ms(unsigned failures, int64_t failing_ms, uint64_t seed);

/* order_spread_ms(rest_ms, count): the rest of one of so many that fail for the same reason: all of
 * them together are not tried more than 100 times a second; at most an hour. */
int64_t order_spread_ms(int64_t rest_ms, uint64_t count);

#endif
