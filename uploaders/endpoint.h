/*
 * Where a bucket is: from names and options to scheme, host, port and path. Pure.
 */
#ifndef LOCKSTEP_UPLOADERS_ENDPOINT_H
#define LOCKSTEP_UPLOADERS_ENDPOINT_H

#include "base/buf.h"
#include "base/err.h"
#include "uploaders/uploaders.h"

#include <stdbool.h>
#include <stdint.h>

#define ENDPOINT_HOST_MAX   255
#define ENDPOINT_REGION_MAX 63
#define ENDPOINT_BUCKET_MAX 63  /* of a bucket's name */
#define ENDPOINT_ARN_MAX    191 /* of an access point's ARN */
#define ENDPOINT_PATH_MAX   511

struct endpoint_options {
    const char *bucket;
    const char *region;
    const char *url; /* "http[s]://host[:port][/path]"; NULL: Amazon's */
    enum s3_addressing addressing;
    bool fips;      /* Amazon's endpoints with modules validated by FIPS 140 */
    bool dualstack; /* Amazon's endpoints that have IPv6 addresses, too */
};

struct endpoint {
    bool tls;
    uint16_t port;
    enum s3_addressing addressing;         /* S3_ADDRESS_PATH or S3_ADDRESS_VIRTUAL */
    char name[ENDPOINT_HOST_MAX + 1];      /* to look up: lower case, an IPv6 address bare */
    char host[ENDPOINT_HOST_MAX + 16];     /* the Host header, as signed: lower case, IPv6 in
                                              brackets, ":port" unless it is the scheme's own */
    char base_path[ENDPOINT_PATH_MAX + 1]; /* encoded, before "/key": "/bucket" or "" */
    char region[ENDPOINT_REGION_MAX + 1];
    bool amazon; /* not a URL of the operator's */
    bool access_point;
    char bucket[ENDPOINT_ARN_MAX + 1]; /* its name, or the access point's ARN */
};

/*
 * endpoint_resolve(opt, ret, e): Amazon's endpoint is "https://bucket.s3.region.amazonaws.com"
 * ("s3-fips", "s3.dualstack", ".com.cn" in China...), that of an access point, given as its ARN,
 * "https://name-account.s3-accesspoint.region.amazonaws.com" in the ARN's own region. Path style is
 * chosen, unless told, for a custom URL and for a bucket with a dot (whose name TLS's wildcard does
 * not cover). 0; ERR_SYNTAX for a bad name or URL, and for options that exclude one another;
 * -ENOTSUP for Express buckets ("--x-s3"), Outposts, Object Lambda, multi-region access points.
 */
int endpoint_resolve(const struct endpoint_options *opt, struct endpoint *ret, struct err *e)
    __attribute__((warn_unused_result));

/* endpoint_of_url(url, ret, e): of a service without buckets, "http[s]://host[:port][/path]":
 * scheme, host, port and base_path. 0 or ERR_SYNTAX. */
int endpoint_of_url(const char *url, struct endpoint *ret, struct err *e)
    __attribute__((warn_unused_result));

/* endpoint_bucket_check(bucket, e): the naming rules of general purpose buckets (S3 User Guide). 0,
 * ERR_SYNTAX or -ENOTSUP. */
int endpoint_bucket_check(const char *bucket, struct err *e) __attribute__((warn_unused_result));

/* endpoint_path(ep, key, out): append the encoded path of a key, or of the bucket where key is
 * NULL. It is what is signed. 0, or as buf_append. */
int endpoint_path(const struct endpoint *ep, const char *key, struct buf *out)
    __attribute__((warn_unused_result));

/* endpoint_copy_source(ep, key, out): append the value of x-amz-copy-source for a key:
 * "/bucket/key", "ARN/object/key" of an access point, encoded. 0, or as buf_append. */
int endpoint_copy_source(const struct endpoint *ep, const char *key, struct buf *out)
    __attribute__((warn_unused_result));

/* endpoint_url(ep, path, query, out): append "scheme://host path[?query]"; path and query encoded.
 * 0, or as buf_append. */
int endpoint_url(const struct endpoint *ep, const char *path, const char *query, struct buf *out)
    __attribute__((warn_unused_result));

/* endpoint_describe(ep, out, size): "https://host (bucket b, region r, path style)"; returns out.
 */
char *endpoint_describe(const struct endpoint *ep, char *out, size_t size);

#endif
