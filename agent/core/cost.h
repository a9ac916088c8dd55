/*
 * What requests and storage cost, in billionths of the currency. Pure.
 */
#ifndef LOCKSTEP_AGENT_CORE_COST_H
#define LOCKSTEP_AGENT_CORE_COST_H

#include "conf/conf.h"
#include "uploaders/uploaders.h"

#define COST_TEXT_SIZE 64

/* cost_requests(p, r), cost_storage(p, bytes): INT64_MAX where it is more than that. */
int64_t cost_requests(const struct conf_prices *p, const struct s3_requests *r);
int64_t cost_storage(const struct conf_prices *p, uint64_t bytes); /* a month */

/* cost_text(billionths, out): "0.000175"; at least two digits behind the point; returns out. */
char *cost_text(int64_t billionths, char out[COST_TEXT_SIZE]);

#endif
