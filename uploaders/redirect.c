/*
 * An answer that sends a request to another host. Pure.
 */
#include "uploaders/redirect.h"

#include "uploaders/partition.h"

#include <stdio.h>
#include <string.h>

#define URL_MAX (ENDPOINT_HOST_MAX + 32)

/* The name lies below the domain. */
static bool is_below(const char *name, const char *domain)
{
    size_t n = strlen(name), m = strlen(domain);
    return n > m + 1 && strcmp(name + n - m, domain) == 0 && name[n - m - 1] == '.';
}

/* A host that may have what `from` was meant to get. */
static bool is_near(const struct endpoint *from, const struct endpoint *to)
{
    if (from->amazon)
        return is_below(to->name, partition_of(from->region)->suffix);
    return strcmp(to->name, from->name) == 0 || is_below(to->name, from->name);
}

/* The label of the bucket, or of the access point, comes first in both. */
static bool has_bucket(const struct endpoint *from, const struct endpoint *to)
{
    if (from->addressing == S3_ADDRESS_PATH)
        return true;
    size_t n = (from->access_point ? strcspn(from->name, ".") : strlen(from->bucket)) + 1;
    return strncmp(from->name, to->name, n) == 0;
}

/* "scheme://host[:port]" of the target; the scheme is ours where it has none. */
static bool cut_target(const struct endpoint *from, const char *target, char out[URL_MAX])
{
    const char *host = strstr(target, "://");
    size_t n = host ? (size_t)(host + 3 - target) : 0;
    n += strcspn(target + n, "/?#");
    int len = snprintf(out, URL_MAX, "%s%.*s",
                       host        ? ""
                       : from->tls ? "https://"
                                   : "http://",
                       (int)(n < URL_MAX ? n : URL_MAX), target);
    return len > 0 && len < URL_MAX;
}

bool redirect_follow(const struct endpoint *from, const char *target, struct endpoint *ret)
{
    char url[URL_MAX];
    struct endpoint to;
    if (!cut_target(from, target, url) || endpoint_of_url(url, &to, NULL) != 0)
        return false;
    bool same = to.tls == from->tls && strcmp(to.host, from->host) == 0;
    if (same || (from->tls && !to.tls) || !is_near(from, &to) || !has_bucket(from, &to))
        return false;
    struct endpoint ep = *from;
    ep.tls = to.tls;
    ep.port = to.port;
    memcpy(ep.name, to.name, sizeof(ep.name));
    memcpy(ep.host, to.host, sizeof(ep.host));
    *ret = ep;
    return true;
}
