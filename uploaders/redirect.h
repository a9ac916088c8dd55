/*
 * An answer that sends a request to another host. Pure.
 */
#ifndef LOCKSTEP_UPLOADERS_REDIRECT_H
#define LOCKSTEP_UPLOADERS_REDIRECT_H

#include "uploaders/endpoint.h"

#include <stdbool.h>

/*
 * redirect_follow(from, target, ret): where an answer of `from` says that the request belongs.
 * target: its Location ("https://host[:port]/..."), or the Endpoint of its Error document ("host").
 * Only the host is taken from it; the path, which is signed, stays.
 *
 * What we send is other people's data, so not every host will do: never from TLS to none; from
 * Amazon's hosts to those of the same partition only; from any other to itself (another port) and
 * to hosts below it. Where the bucket's name is part of the host's, it must be part of the new
 * one's. false, ret untouched: not to be followed, or nothing new.
 */
bool redirect_follow(const struct endpoint *from, const char *target, struct endpoint *ret);

#endif
