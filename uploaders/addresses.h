/*
 * The addresses of S3's host, for all workers. Shell (a thread that asks the resolver; a lock).
 *
 * S3's name stands for many machines, of which each answer of DNS names a few; libcurl alone sends
 * all connections to the first that answers. So we ask ourselves, on a thread of our own since that
 * may take long, anew when an answer is older than a minute and connections are made; where the
 * resolver fails the old answer stays. As long as there is no choice libcurl does it.
 */
#ifndef LOCKSTEP_UPLOADERS_ADDRESSES_H
#define LOCKSTEP_UPLOADERS_ADDRESSES_H

#include "uploaders/endpoint.h"
#include "uploaders/spread.h"

struct addresses;

/* addresses_new(ep, proxy, ret): *ret is NULL where there is nothing to choose: the host is an
 * address, or a proxy is in the way (`proxy` as of struct wire_options). 0 or a negative code.
 * addresses_free: does not wait for the resolver; NULL is allowed. */
int addresses_new(const struct endpoint *ep, const char *proxy, struct addresses **ret)
    __attribute__((warn_unused_result));
void addresses_free(struct addresses *a);

/* What follows: any thread; NULL is allowed. */

/* addresses_renew(a, to): where `to` ("host:port:address:port", as libcurl takes it) is still good,
 * or is "" and there is no choice, it stays: false. Else it becomes another, or "": true. */
#define ADDRESSES_TO_MAX (ENDPOINT_HOST_MAX + SPREAD_TEXT_MAX + 16)
bool addresses_renew(struct addresses *a, char to[ADDRESSES_TO_MAX]);

/* addresses_failed(a, to), addresses_worked(a, to): what came of connecting there. */
void addresses_failed(struct addresses *a, const char *to);
void addresses_worked(struct addresses *a, const char *to);

#endif
