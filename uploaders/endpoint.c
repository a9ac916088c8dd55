/*
 * Where a bucket is. Pure.
 */
#include "uploaders/endpoint.h"

#include "uploaders/access_point.h"
#include "uploaders/partition.h"
#include "uploaders/sigv4.h"
#include "uploaders/undo.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BUCKET_MIN 3
#define PORT_HTTP  80
#define PORT_HTTPS 443

/* Lower-case letter or digit. */
static bool is_alnum_lower(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool starts_with(const char *s, const char *start)
{
    return strncmp(s, start, strlen(start)) == 0;
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s);
    size_t m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

/* Names that stand for something else than a bucket. */
static int refuse_other_kinds(const char *bucket, struct err *e)
{
    static const struct {
        const char *end;
        const char *kind;
    } kinds[] = {
        {"--x-s3", "an Express One Zone (directory) bucket"},
        {"--table-s3", "a table bucket"},
        {"--ol-s3", "an Object Lambda access point alias"},
        {".mrap", "a multi-region access point"},
    };
    const char *right = "the name of a general purpose bucket, or an access point's ARN";
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (ends_with(bucket, kinds[i].end))
            return err_set(e, -ENOTSUP, bucket, right, "%s is not supported", kinds[i].kind);
    return 0;
}

int endpoint_bucket_check(const char *bucket, struct err *e)
{
    size_t n = strlen(bucket);
    struct in_addr ip;
    int rc = refuse_other_kinds(bucket, e);
    if (rc)
        return rc;
    if (n < BUCKET_MIN || n > ENDPOINT_BUCKET_MAX)
        return err_set(e, ERR_SYNTAX, bucket, "3 to 63 bytes", "the bucket's name has %zu bytes",
                       n);
    for (size_t i = 0; i < n; i++)
        if (!is_alnum_lower(bucket[i]) && bucket[i] != '.' && bucket[i] != '-')
            return err_set(e, ERR_SYNTAX, bucket, "lower-case letters, digits, '.' and '-'",
                           "byte 0x%02x at offset %zu of the bucket's name",
                           (unsigned char)bucket[i], i);
    if (!is_alnum_lower(bucket[0]) || !is_alnum_lower(bucket[n - 1]))
        return err_set(e, ERR_SYNTAX, bucket, "a letter or digit at both ends",
                       "the bucket's name begins or ends with '.' or '-'");
    if (strstr(bucket, ".."))
        return err_set(e, ERR_SYNTAX, bucket, "single dots", "\"..\" in the bucket's name");
    if (inet_pton(AF_INET, bucket, &ip) == 1)
        return err_set(e, ERR_SYNTAX, bucket, "a name", "the bucket's name is an IP address");
    if (starts_with(bucket, "xn--") || starts_with(bucket, "sthree-"))
        return err_set(e, ERR_SYNTAX, bucket, "another name",
                       "the bucket's name begins with a reserved prefix");
    return 0;
}

/* The region can stand in a scope, and in a name of Amazon's hosts. Other servers have capitals. */
static int check_region(const char *region, bool amazon, struct err *e)
{
    size_t n = strlen(region);
    bool good = n > 0 && n <= ENDPOINT_REGION_MAX;
    for (size_t i = 0; i < n; i++)
        good = good && (is_alnum_lower(region[i]) || region[i] == '-' ||
                        (!amazon && (isupper((unsigned char)region[i]) || region[i] == '_')));
    return good ? 0
                : err_set(e, ERR_SYNTAX, "region", "a name such as \"eu-central-1\"",
                          "\"%.80s\" is no region", region);
}

/* Tell what is wrong with the URL. */
static int bad_url(const char *url, const char *what, struct err *e)
{
    return err_set(e, ERR_SYNTAX, "endpoint", "http[s]://host[:port][/path]", "%s in \"%.200s\"",
                   what, url);
}

/* "https://" -> tls; *ret_rest is what follows. */
static int parse_scheme(const char *url, struct endpoint *ep, const char **ret_rest, struct err *e)
{
    if (strncasecmp(url, "https://", 8) == 0) {
        ep->tls = true;
        *ret_rest = url + 8;
    } else if (strncasecmp(url, "http://", 7) == 0) {
        ep->tls = false;
        *ret_rest = url + 7;
    } else {
        return bad_url(url, "no http:// or https://", e);
    }
    return 0;
}

/* The host, in lower case, into ep->name. A bracketed one must be an IPv6 address. */
static int parse_name(const char *url, struct span host, bool bracketed, struct endpoint *ep,
                      struct err *e)
{
    struct in6_addr ip;
    if (!host.n || host.n > ENDPOINT_HOST_MAX)
        return bad_url(url, host.n ? "a host name that is too long" : "no host", e);
    for (size_t i = 0; i < host.n; i++) {
        char c = (char)tolower((unsigned char)host.p[i]);
        if (!bracketed && !is_alnum_lower(c) && c != '.' && c != '-' && c != '_')
            return bad_url(url, c == '@' ? "a user" : "a host name with a strange byte", e);
        ep->name[i] = c;
    }
    ep->name[host.n] = '\0';
    if (bracketed && inet_pton(AF_INET6, ep->name, &ip) != 1)
        return bad_url(url, "no IPv6 address in the brackets", e);
    return 0;
}

/* ":port", or nothing for the scheme's own. *ret_rest is what follows. */
static int parse_port(const char *url, const char *p, struct endpoint *ep, const char **ret_rest,
                      struct err *e)
{
    unsigned long port = ep->tls ? PORT_HTTPS : PORT_HTTP;
    if (*p == ':') {
        const char *digits = p + 1;
        for (p = digits, port = 0; isdigit((unsigned char)*p) && p - digits < 6; p++)
            port = port * 10 + (unsigned long)(*p - '0');
        if (p == digits || port < 1 || port > UINT16_MAX)
            return bad_url(url, "a port that is not in 1..65535", e);
    }
    ep->port = (uint16_t)port;
    *ret_rest = p;
    return 0;
}

/* The path before the bucket, without a '/' at its end. */
static int parse_base_path(const char *url, const char *p, struct endpoint *ep, struct err *e)
{
    size_t n = strlen(p);
    while (n && p[n - 1] == '/')
        n--;
    if (n && p[0] != '/')
        return bad_url(url, "a strange byte after host and port", e);
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)p[i]) && !strchr("/-._~", p[i]))
            return bad_url(url, "a path with a query, a fragment or a strange byte", e);
    if (n > ENDPOINT_PATH_MAX - ENDPOINT_BUCKET_MAX - 1)
        return bad_url(url, "a path that is too long", e);
    memcpy(ep->base_path, p, n);
    ep->base_path[n] = '\0';
    return 0;
}

/* A URL of the operator's into scheme, name, port and base path. */
static int parse_url(const char *url, struct endpoint *ep, bool *ret_is_ip, struct err *e)
{
    const char *p = url;
    struct in_addr ip;
    int rc = parse_scheme(url, ep, &p, e);
    if (rc)
        return rc;
    bool bracketed = *p == '[';
    p += bracketed ? 1 : 0;
    size_t n = strcspn(p, bracketed ? "]" : ":/?#");
    if (bracketed && p[n] != ']')
        return bad_url(url, "no ']'", e);
    rc = parse_name(url, (struct span){p, n}, bracketed, ep, e);
    rc = rc ?: parse_port(url, p + n + (bracketed ? 1 : 0), ep, &p, e);
    rc = rc ?: parse_base_path(url, p, ep, e);
    if (rc)
        return rc;
    *ret_is_ip = bracketed || inet_pton(AF_INET, ep->name, &ip) == 1;
    return 0;
}

/* Amazon's host of the region; that of an access point has its name already. */
static void name_amazon(const struct endpoint_options *opt, const struct access_point *ap,
                        struct endpoint *ep)
{
    const char *fips = opt->fips ? "-fips" : "";
    const char *dualstack = opt->dualstack ? ".dualstack" : "";
    const char *suffix = partition_of(ep->region)->suffix;
    ep->amazon = true;
    ep->tls = true;
    ep->port = PORT_HTTPS;
    snprintf(ep->name, sizeof(ep->name), "%s%s%s.%s.%s", ap ? "s3-accesspoint" : "s3", fips,
             dualstack, ep->region, suffix);
}

/* Put the bucket before the host or behind the path. */
static int place_bucket(struct endpoint *ep, const struct access_point *ap, struct err *e)
{
    char name[sizeof(ep->name)];
    size_t n = strlen(ep->base_path);
    if (ep->addressing == S3_ADDRESS_PATH) {
        snprintf(ep->base_path + n, sizeof(ep->base_path) - n, "/%s", ep->bucket);
        return 0;
    }
    int len = ap ? snprintf(name, sizeof(name), "%s-%s.%s", ap->name, ap->account, ep->name)
                 : snprintf(name, sizeof(name), "%s.%s", ep->bucket, ep->name);
    if (len < 0 || (size_t)len >= sizeof(name))
        return err_set(e, ERR_LIMIT, "endpoint", "path style", "the host name is too long");
    memcpy(ep->name, name, sizeof(name));
    return 0;
}

/* The Host header. */
static void write_host(struct endpoint *ep)
{
    bool v6 = strchr(ep->name, ':') != NULL;
    bool own_port = ep->port == (ep->tls ? PORT_HTTPS : PORT_HTTP);
    int n = snprintf(ep->host, sizeof(ep->host), v6 ? "[%s]" : "%s", ep->name);
    if (!own_port)
        snprintf(ep->host + n, sizeof(ep->host) - (size_t)n, ":%u", ep->port);
}

/* Path or virtual, where it was left to us. */
static enum s3_addressing choose_addressing(const struct endpoint_options *opt, bool access_point)
{
    if (opt->addressing != S3_ADDRESS_AUTO)
        return opt->addressing;
    if (access_point)
        return S3_ADDRESS_VIRTUAL;
    return opt->url || strchr(opt->bucket, '.') ? S3_ADDRESS_PATH : S3_ADDRESS_VIRTUAL;
}

/* Options that exclude one another. */
static int check_together(const struct endpoint_options *opt, const char *region, bool access_point,
                          struct err *e)
{
    const char *what = opt->fips ? "FIPS" : "dual-stack";
    if (opt->url && (opt->fips || opt->dualstack))
        return err_set(e, ERR_SYNTAX, opt->fips ? "fips" : "dualstack",
                       "one of the two: Amazon's endpoints have these forms, others do not",
                       "a %s endpoint and an endpoint of one's own (\"%.200s\")", what, opt->url);
    if (opt->fips && !partition_of(region)->s3_fips)
        return err_set(e, ERR_SYNTAX, "fips", "a region that has FIPS endpoints",
                       "S3 has no FIPS endpoints in %s", region);
    if (starts_with(region, "fips-") || ends_with(region, "-fips"))
        return err_set(e, ERR_SYNTAX, "region", "the plain name of the region, and fips",
                       "\"%.80s\" is an old name of a FIPS endpoint", region);
    if (access_point && opt->addressing == S3_ADDRESS_PATH)
        return err_set(e, ERR_SYNTAX, "addressing", "\"virtual\" or \"auto\"",
                       "an access point has no path style: its name is part of the host's");
    return 0;
}

/* The names, checked; ap is filled in where the bucket is an access point. */
static int check_names(const struct endpoint_options *opt, struct access_point *ap, bool *ret_is_ap,
                       struct err *e)
{
    bool is_ap = access_point_is_arn(opt->bucket);
    int rc = is_ap ? access_point_parse(opt->bucket, ap, e) : endpoint_bucket_check(opt->bucket, e);
    const char *region = is_ap ? ap->region : opt->region;
    rc = rc ?: check_region(region, opt->url == NULL, e);
    rc = rc ?: check_together(opt, region, is_ap, e);
    if (rc == 0)
        *ret_is_ap = is_ap;
    return rc;
}

int endpoint_resolve(const struct endpoint_options *opt, struct endpoint *ret, struct err *e)
{
    struct endpoint ep = {0};
    struct access_point ap = {.name = ""};
    bool is_ip = false, is_ap = false;
    int rc = check_names(opt, &ap, &is_ap, e);
    if (rc)
        return rc;
    snprintf(ep.bucket, sizeof(ep.bucket), "%s", is_ap ? ap.arn : opt->bucket);
    snprintf(ep.region, sizeof(ep.region), "%s", is_ap ? ap.region : opt->region);
    ep.access_point = is_ap;
    ep.addressing = choose_addressing(opt, is_ap);
    if (opt->url)
        rc = parse_url(opt->url, &ep, &is_ip, e);
    else
        name_amazon(opt, is_ap ? &ap : NULL, &ep);
    if (rc)
        return rc;
    if (is_ip && ep.addressing == S3_ADDRESS_VIRTUAL)
        return err_set(e, ERR_SYNTAX, is_ap ? "endpoint" : "addressing",
                       is_ap ? "an endpoint with a name" : "path style, or an endpoint with a name",
                       "virtual addressing needs a host name, \"%s\" is an address", ep.name);
    rc = place_bucket(&ep, is_ap ? &ap : NULL, e);
    if (rc)
        return rc;
    write_host(&ep);
    *ret = ep;
    return 0;
}

int endpoint_of_url(const char *url, struct endpoint *ret, struct err *e)
{
    struct endpoint ep = {.addressing = S3_ADDRESS_PATH};
    bool is_ip = false;
    int rc = parse_url(url, &ep, &is_ip, e);
    if (rc)
        return rc;
    write_host(&ep);
    *ret = ep;
    return 0;
}

int endpoint_path(const struct endpoint *ep, const char *key, struct buf *out)
{
    if (!key)
        return buf_append_str(out, *ep->base_path ? ep->base_path : "/");
    int rc = buf_reserve(out, strlen(ep->base_path) + 1 + 3 * strlen(key));
    rc = rc ?: buf_append_str(out, ep->base_path);
    rc = rc ?: buf_append_byte(out, '/');
    return rc ?: sigv4_encode_path(key, out);
}

int endpoint_copy_source(const struct endpoint *ep, const char *key, struct buf *out)
{
    int rc = ep->access_point ? 0 : buf_append_byte(out, '/');
    rc = rc ?: sigv4_encode_path(ep->bucket, out);
    rc = rc ?: buf_append_str(out, ep->access_point ? "/object/" : "/");
    return rc ?: sigv4_encode_path(key, out);
}

int endpoint_url(const struct endpoint *ep, const char *path, const char *query, struct buf *out)
{
    size_t len = out->len;
    int rc = buf_append_str(out, ep->tls ? "https://" : "http://");
    rc = rc ?: buf_append_str(out, ep->host);
    rc = rc ?: buf_append_str(out, path);
    rc = rc ?: buf_append_str(out, *query ? "?" : "");
    rc = rc ?: buf_append_str(out, query);
    return undo_append(out, len, rc);
}

char *endpoint_describe(const struct endpoint *ep, char *out, size_t size)
{
    snprintf(out, size, "%s://%s (bucket %s, region %s, %s style)", ep->tls ? "https" : "http",
             ep->host, ep->bucket, ep->region,
             ep->addressing == S3_ADDRESS_PATH ? "path" : "virtual");
    return out;
}
