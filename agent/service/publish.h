/*
 * When a list may go to S3, and when the objects that lists named may be deleted. Shell: the loop
 * asks.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_PUBLISH_H
#define LOCKSTEP_AGENT_SERVICE_PUBLISH_H

#include "agent/service/agent.h"

/* publish_check(a, it): have it checked whether all images that the list names are in S3, as soon
 * as that may be.
 * publish_checked(a, job): that was done: on with the list, or it waits. */
void publish_check(struct agent *a, struct item *it);
void publish_checked(struct agent *a, struct job *job);

/* publish_awaits(a, it): an image that was not in S3 when the list was checked is on its way there,
 * so that another check would only find the same. publish_is_early(a, it): the same, or nobody has
 * taken that image in yet; it may be gone, so that this holds only until the list is due. */
bool publish_awaits(const struct agent *a, const struct item *it);
bool publish_is_early(const struct agent *a, const struct item *it);

/* publish_free_barrier(a, repository): the highest barrier whose deletions may go; 0: none may. */
uint64_t publish_free_barrier(struct agent *a, unsigned repository);

#endif
