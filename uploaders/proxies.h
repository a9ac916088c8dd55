/*
 * What a proxy's URL and a list of exceptions say, as curl reads them. Pure.
 *
 * libcurl goes by the same rules where it tunnels TLS through a proxy; a request without TLS is
 * written differently where a proxy reads it, so we have to know beforehand.
 */
#ifndef LOCKSTEP_UPLOADERS_PROXIES_H
#define LOCKSTEP_UPLOADERS_PROXIES_H

#include "base/buf.h"

#include <stdbool.h>

/* proxies_except(list, authority): NO_PROXY's list, with commas or blanks, names the host of
 * "host[:port]": "*"; a name, with or without a dot before it, for itself and all below it; an
 * address; a network with the bits of its prefix (10.0.0.0/8). */
bool proxies_except(const char *list, struct span authority);

/* proxies_reads(url): that proxy speaks HTTP: no scheme, http or https. Others (socks5) only pass
 * bytes on. */
bool proxies_reads(const char *url);

/* proxies_authorization(url, out): append the value of Proxy-Authorization for user and password of
 * the URL, nothing where it has none. 0 or as buf_append. */
int proxies_authorization(const char *url, struct buf *out) __attribute__((warn_unused_result));

#endif
