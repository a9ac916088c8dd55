/*
 * Where a bucket is: every way to name one, and the names that are refused.
 */
#include "tests/unit/unit.h"
#include "uploaders/endpoint.h"
#include "uploaders/partition.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The options that every endpoint has. */
#define AT(b, r, u, a)                                                                             \
    {                                                                                              \
        .bucket = (b), .region = (r), .url = (u), .addressing = (a)                                \
    }

static const struct {
    struct endpoint_options opt;
    const char *name; /* to look up */
    const char *host; /* header */
    uint16_t port;
    const char *url; /* of the key "a b/c" with the query "x=" */
} good[] = {
    {AT("images", "eu-central-1", NULL, S3_ADDRESS_AUTO), "images.s3.eu-central-1.amazonaws.com",
     "images.s3.eu-central-1.amazonaws.com", 443,
     "https://images.s3.eu-central-1.amazonaws.com/a%20b/c?x="},
    {AT("images", "us-east-1", NULL, S3_ADDRESS_PATH), "s3.us-east-1.amazonaws.com",
     "s3.us-east-1.amazonaws.com", 443, "https://s3.us-east-1.amazonaws.com/images/a%20b/c?x="},
    {AT("my.images", "us-east-1", NULL, S3_ADDRESS_AUTO), "s3.us-east-1.amazonaws.com",
     "s3.us-east-1.amazonaws.com", 443, "https://s3.us-east-1.amazonaws.com/my.images/a%20b/c?x="},
    {AT("my.images", "us-east-1", NULL, S3_ADDRESS_VIRTUAL), "my.images.s3.us-east-1.amazonaws.com",
     "my.images.s3.us-east-1.amazonaws.com", 443,
     "https://my.images.s3.us-east-1.amazonaws.com/a%20b/c?x="},
    {AT("images", "cn-north-1", NULL, S3_ADDRESS_AUTO), "images.s3.cn-north-1.amazonaws.com.cn",
     "images.s3.cn-north-1.amazonaws.com.cn", 443,
     "https://images.s3.cn-north-1.amazonaws.com.cn/a%20b/c?x="},
    {AT("images", "RegionOne", "http://Ceph.Example:7480", S3_ADDRESS_AUTO), "ceph.example",
     "ceph.example:7480", 7480, "http://ceph.example:7480/images/a%20b/c?x="},
    {AT("images", "r", "HTTPS://ceph.example:443/", S3_ADDRESS_VIRTUAL), "images.ceph.example",
     "images.ceph.example", 443, "https://images.ceph.example/a%20b/c?x="},
    {AT("images", "r", "http://h:443", S3_ADDRESS_AUTO), "h", "h:443", 443,
     "http://h:443/images/a%20b/c?x="},
    {AT("images", "r", "http://127.0.0.1", S3_ADDRESS_AUTO), "127.0.0.1", "127.0.0.1", 80,
     "http://127.0.0.1/images/a%20b/c?x="},
    {AT("images", "r", "https://[FD00::1]:9000", S3_ADDRESS_AUTO), "fd00::1", "[fd00::1]:9000",
     9000, "https://[fd00::1]:9000/images/a%20b/c?x="},
    {AT("images", "r", "https://[::1]", S3_ADDRESS_AUTO), "::1", "[::1]", 443,
     "https://[::1]/images/a%20b/c?x="},
    {AT("images", "r", "https://gw.example/s3/v1//", S3_ADDRESS_AUTO), "gw.example", "gw.example",
     443, "https://gw.example/s3/v1/images/a%20b/c?x="},
};

static void check_good(size_t i)
{
    struct endpoint ep;
    struct err e = {0};
    struct buf path, url;
    if (endpoint_resolve(&good[i].opt, &ep, &e) != 0)
        fail_msg("%zu: %s: %s", i, e.where, e.what);
    assert_string_equal(ep.name, good[i].name);
    assert_string_equal(ep.host, good[i].host);
    assert_int_equal(ep.port, good[i].port);
    assert_string_equal(ep.bucket, good[i].opt.bucket);
    assert_string_equal(ep.region, good[i].opt.region);
    buf_init(&path, 8192);
    buf_init(&url, 8192);
    assert_int_equal(endpoint_path(&ep, "a b/c", &path), 0);
    assert_int_equal(endpoint_url(&ep, path.data, "x=", &url), 0);
    assert_string_equal(url.data, good[i].url);
    buf_release(&path);
    buf_release(&url);
}

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++)
        check_good(i);
}

static void test_bucket_path(void **state)
{
    (void)state;
    struct endpoint_options opt = AT("images", "us-east-1", NULL, S3_ADDRESS_VIRTUAL);
    struct endpoint ep;
    struct buf b;
    char text[128];
    buf_init(&b, 8192);
    assert_int_equal(endpoint_resolve(&opt, &ep, NULL), 0);
    assert_int_equal(endpoint_path(&ep, NULL, &b), 0);
    assert_string_equal(b.data, "/");
    assert_string_equal(endpoint_describe(&ep, text, sizeof(text)),
                        "https://images.s3.us-east-1.amazonaws.com (bucket images, region "
                        "us-east-1, virtual style)");
    opt.addressing = S3_ADDRESS_PATH;
    buf_reset(&b);
    assert_int_equal(endpoint_resolve(&opt, &ep, NULL), 0);
    assert_int_equal(endpoint_path(&ep, NULL, &b), 0);
    assert_string_equal(b.data, "/images");
    buf_reset(&b);
    assert_int_equal(endpoint_path(&ep, "/a/../b", &b), 0); /* never normalised */
    assert_string_equal(b.data, "/images//a/../b");
    buf_reset(&b);
    assert_int_equal(endpoint_url(&ep, "/images", "", &b), 0);
    assert_string_equal(b.data, "https://s3.us-east-1.amazonaws.com/images");
    buf_release(&b);
}

static void test_bad(void **state)
{
    (void)state;
    static const struct {
        struct endpoint_options opt;
        int code;
        const char *what;
    } bad[] = {
        {AT("images--usw2-az1--x-s3", "r", NULL, S3_ADDRESS_AUTO), -ENOTSUP, "Express"},
        {AT("m.mrap", "r", NULL, S3_ADDRESS_AUTO), -ENOTSUP, "multi-region"},
        {AT("x--ol-s3", "r", NULL, S3_ADDRESS_AUTO), -ENOTSUP, "Object Lambda"},
        {AT("x--table-s3", "r", NULL, S3_ADDRESS_AUTO), -ENOTSUP, "table"},
        {AT("ab", "r", NULL, S3_ADDRESS_AUTO), ERR_SYNTAX, "2 bytes"},
        {AT("a123456789b123456789c123456789d123456789e123456789f123456789g123", "r", NULL,
            S3_ADDRESS_AUTO),
         ERR_SYNTAX, "64 bytes"},
        {AT("Images", "r", NULL, S3_ADDRESS_AUTO), ERR_SYNTAX, "0x49 at offset 0"},
        {AT("im_ages", "r", NULL, S3_ADDRESS_AUTO), ERR_SYNTAX, "offset 2"},
        {AT("images/sub", "r", NULL, S3_ADDRESS_AUTO), ERR_SYNTAX, "offset 6"},
        {AT("-images", "r", NULL, S3_ADDRESS_AUTO), ERR_SYNTAX, "begins or ends"},
        {AT("images.", "r", NULL, S3_ADDRESS_AUTO), ERR_SYNTAX, "begins or ends"},
        {AT("my..images", "r", NULL, S3_ADDRESS_AUTO), ERR_SYNTAX, "\"..\""},
        {AT("192.168.0.1", "r", NULL, S3_ADDRESS_AUTO), ERR_SYNTAX, "IP address"},
        {AT("xn--images", "r", NULL, S3_ADDRESS_AUTO), ERR_SYNTAX, "reserved"},
        {AT("images", "", NULL, S3_ADDRESS_AUTO), ERR_SYNTAX, "region"},
        {AT("images", "eu/central", NULL, S3_ADDRESS_AUTO), ERR_SYNTAX, "region"},
        {AT("images", "EU", NULL, S3_ADDRESS_AUTO), ERR_SYNTAX, "region"},
        {AT("images", "a b", "http://h", S3_ADDRESS_AUTO), ERR_SYNTAX, "region"},
        {AT("images", "r", "localhost:9000", S3_ADDRESS_AUTO), ERR_SYNTAX, "no http://"},
        {AT("images", "r", "", S3_ADDRESS_AUTO), ERR_SYNTAX, "no http://"},
        {AT("images", "r", "http://", S3_ADDRESS_AUTO), ERR_SYNTAX, "no host"},
        {AT("images", "r", "http://u:p@h", S3_ADDRESS_AUTO), ERR_SYNTAX, "port"},
        {AT("images", "r", "http://u@h", S3_ADDRESS_AUTO), ERR_SYNTAX, "user"},
        {AT("images", "r", "http://h:0", S3_ADDRESS_AUTO), ERR_SYNTAX, "port"},
        {AT("images", "r", "http://h:65536", S3_ADDRESS_AUTO), ERR_SYNTAX, "port"},
        {AT("images", "r", "http://h:99999999999999999999", S3_ADDRESS_AUTO), ERR_SYNTAX, "port"},
        {AT("images", "r", "http://h:80x", S3_ADDRESS_AUTO), ERR_SYNTAX, "strange byte"},
        {AT("images", "r", "http://h/p?q", S3_ADDRESS_AUTO), ERR_SYNTAX, "query"},
        {AT("images", "r", "http://[::1", S3_ADDRESS_AUTO), ERR_SYNTAX, "']'"},
        {AT("images", "r", "http://[h]", S3_ADDRESS_AUTO), ERR_SYNTAX, "IPv6"},
        {AT("images", "r", "http://a b", S3_ADDRESS_AUTO), ERR_SYNTAX, "strange byte"},
        {AT("images", "r", "http://10.0.0.1", S3_ADDRESS_VIRTUAL), ERR_SYNTAX, "host name"},
        {AT("images", "r", "http://[::1]", S3_ADDRESS_VIRTUAL), ERR_SYNTAX, "host name"},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct endpoint ep;
        memset(&ep, 0x5a, sizeof(ep));
        struct endpoint before = ep;
        struct err e = {0};
        if (endpoint_resolve(&bad[i].opt, &ep, &e) != bad[i].code || !strstr(e.what, bad[i].what))
            fail_msg("%zu: %d %s: %s", i, e.code, e.where, e.what);
        assert_true(*e.right);
        assert_memory_equal(&ep, &before, sizeof(ep));
    }
}

/* What the AWS SDK for Python computes (botocore 1.43.11, S3's GetObject of "a b/c", SigV4): the
 * host, and the region that signs. NULL: a refusal. For us-east-1 it keeps the old global host
 * s3.amazonaws.com; the region's own, which is the same service, stands here. */
#define AP    "arn:aws:s3:us-west-2:123456789012:accesspoint/my-ap"
#define AP_CN "arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/my-ap"
#define AP_US "arn:aws-us-gov:s3:us-gov-west-1:123456789012:accesspoint:my-ap"
static const struct {
    const char *bucket;
    const char *region;
    bool fips;
    bool dualstack;
    enum s3_addressing addressing;
    const char *url;
    const char *signs;
} amazons[] = {
    {"images", "eu-central-1", false, false, S3_ADDRESS_AUTO,
     "https://images.s3.eu-central-1.amazonaws.com/a%20b/c", "eu-central-1"},
    {"images", "eu-central-1", true, false, S3_ADDRESS_AUTO,
     "https://images.s3-fips.eu-central-1.amazonaws.com/a%20b/c", "eu-central-1"},
    {"images", "eu-central-1", false, true, S3_ADDRESS_AUTO,
     "https://images.s3.dualstack.eu-central-1.amazonaws.com/a%20b/c", "eu-central-1"},
    {"images", "eu-central-1", true, true, S3_ADDRESS_AUTO,
     "https://images.s3-fips.dualstack.eu-central-1.amazonaws.com/a%20b/c", "eu-central-1"},
    {"images", "eu-central-1", false, false, S3_ADDRESS_PATH,
     "https://s3.eu-central-1.amazonaws.com/images/a%20b/c", "eu-central-1"},
    {"images", "eu-central-1", true, false, S3_ADDRESS_PATH,
     "https://s3-fips.eu-central-1.amazonaws.com/images/a%20b/c", "eu-central-1"},
    {"images", "eu-central-1", false, true, S3_ADDRESS_PATH,
     "https://s3.dualstack.eu-central-1.amazonaws.com/images/a%20b/c", "eu-central-1"},
    {"images", "eu-central-1", true, true, S3_ADDRESS_PATH,
     "https://s3-fips.dualstack.eu-central-1.amazonaws.com/images/a%20b/c", "eu-central-1"},
    {"my.images", "eu-central-1", false, false, S3_ADDRESS_AUTO,
     "https://s3.eu-central-1.amazonaws.com/my.images/a%20b/c", "eu-central-1"},
    {"my.images", "eu-central-1", true, false, S3_ADDRESS_AUTO,
     "https://s3-fips.eu-central-1.amazonaws.com/my.images/a%20b/c", "eu-central-1"},
    {"my.images", "eu-central-1", false, true, S3_ADDRESS_AUTO,
     "https://s3.dualstack.eu-central-1.amazonaws.com/my.images/a%20b/c", "eu-central-1"},
    {"my.images", "eu-central-1", true, true, S3_ADDRESS_AUTO,
     "https://s3-fips.dualstack.eu-central-1.amazonaws.com/my.images/a%20b/c", "eu-central-1"},
    {"images", "us-gov-west-1", false, false, S3_ADDRESS_AUTO,
     "https://images.s3.us-gov-west-1.amazonaws.com/a%20b/c", "us-gov-west-1"},
    {"images", "us-gov-west-1", true, false, S3_ADDRESS_AUTO,
     "https://images.s3-fips.us-gov-west-1.amazonaws.com/a%20b/c", "us-gov-west-1"},
    {"images", "us-gov-west-1", false, true, S3_ADDRESS_AUTO,
     "https://images.s3.dualstack.us-gov-west-1.amazonaws.com/a%20b/c", "us-gov-west-1"},
    {"images", "us-gov-west-1", true, true, S3_ADDRESS_AUTO,
     "https://images.s3-fips.dualstack.us-gov-west-1.amazonaws.com/a%20b/c", "us-gov-west-1"},
    {"images", "us-gov-west-1", false, false, S3_ADDRESS_PATH,
     "https://s3.us-gov-west-1.amazonaws.com/images/a%20b/c", "us-gov-west-1"},
    {"images", "us-gov-west-1", true, false, S3_ADDRESS_PATH,
     "https://s3-fips.us-gov-west-1.amazonaws.com/images/a%20b/c", "us-gov-west-1"},
    {"images", "us-gov-west-1", false, true, S3_ADDRESS_PATH,
     "https://s3.dualstack.us-gov-west-1.amazonaws.com/images/a%20b/c", "us-gov-west-1"},
    {"images", "us-gov-west-1", true, true, S3_ADDRESS_PATH,
     "https://s3-fips.dualstack.us-gov-west-1.amazonaws.com/images/a%20b/c", "us-gov-west-1"},
    {"images", "cn-north-1", false, false, S3_ADDRESS_AUTO,
     "https://images.s3.cn-north-1.amazonaws.com.cn/a%20b/c", "cn-north-1"},
    {"images", "cn-north-1", true, false, S3_ADDRESS_AUTO, NULL, NULL},
    {"images", "cn-north-1", false, true, S3_ADDRESS_AUTO,
     "https://images.s3.dualstack.cn-north-1.amazonaws.com.cn/a%20b/c", "cn-north-1"},
    {"images", "cn-north-1", true, true, S3_ADDRESS_AUTO, NULL, NULL},
    {"images", "cn-north-1", false, false, S3_ADDRESS_PATH,
     "https://s3.cn-north-1.amazonaws.com.cn/images/a%20b/c", "cn-north-1"},
    {"images", "cn-north-1", true, false, S3_ADDRESS_PATH, NULL, NULL},
    {"images", "cn-north-1", false, true, S3_ADDRESS_PATH,
     "https://s3.dualstack.cn-north-1.amazonaws.com.cn/images/a%20b/c", "cn-north-1"},
    {"images", "cn-north-1", true, true, S3_ADDRESS_PATH, NULL, NULL},
    {"images", "us-east-1", false, false, S3_ADDRESS_AUTO,
     "https://images.s3.us-east-1.amazonaws.com/a%20b/c", "us-east-1"},
    {"images", "us-east-1", true, false, S3_ADDRESS_AUTO,
     "https://images.s3-fips.us-east-1.amazonaws.com/a%20b/c", "us-east-1"},
    {"images", "us-east-1", false, true, S3_ADDRESS_AUTO,
     "https://images.s3.dualstack.us-east-1.amazonaws.com/a%20b/c", "us-east-1"},
    {"images", "us-east-1", true, true, S3_ADDRESS_AUTO,
     "https://images.s3-fips.dualstack.us-east-1.amazonaws.com/a%20b/c", "us-east-1"},
    {"images", "us-east-1", false, false, S3_ADDRESS_PATH,
     "https://s3.us-east-1.amazonaws.com/images/a%20b/c", "us-east-1"},
    {"images", "us-east-1", true, false, S3_ADDRESS_PATH,
     "https://s3-fips.us-east-1.amazonaws.com/images/a%20b/c", "us-east-1"},
    {"images", "us-east-1", false, true, S3_ADDRESS_PATH,
     "https://s3.dualstack.us-east-1.amazonaws.com/images/a%20b/c", "us-east-1"},
    {"images", "us-east-1", true, true, S3_ADDRESS_PATH,
     "https://s3-fips.dualstack.us-east-1.amazonaws.com/images/a%20b/c", "us-east-1"},
    {"my.images", "us-east-1", false, false, S3_ADDRESS_AUTO,
     "https://s3.us-east-1.amazonaws.com/my.images/a%20b/c", "us-east-1"},
    {"my.images", "us-east-1", true, false, S3_ADDRESS_AUTO,
     "https://s3-fips.us-east-1.amazonaws.com/my.images/a%20b/c", "us-east-1"},
    {"my.images", "us-east-1", false, true, S3_ADDRESS_AUTO,
     "https://s3.dualstack.us-east-1.amazonaws.com/my.images/a%20b/c", "us-east-1"},
    {"my.images", "us-east-1", true, true, S3_ADDRESS_AUTO,
     "https://s3-fips.dualstack.us-east-1.amazonaws.com/my.images/a%20b/c", "us-east-1"},
    {AP, "us-west-2", false, false, S3_ADDRESS_AUTO,
     "https://my-ap-123456789012.s3-accesspoint.us-west-2.amazonaws.com/a%20b/c", "us-west-2"},
    {AP, "eu-central-1", false, false, S3_ADDRESS_AUTO,
     "https://my-ap-123456789012.s3-accesspoint.us-west-2.amazonaws.com/a%20b/c", "us-west-2"},
    {AP_CN, "cn-north-1", false, false, S3_ADDRESS_AUTO,
     "https://my-ap-123456789012.s3-accesspoint.cn-north-1.amazonaws.com.cn/a%20b/c", "cn-north-1"},
    {AP_US, "us-gov-west-1", false, false, S3_ADDRESS_AUTO,
     "https://my-ap-123456789012.s3-accesspoint.us-gov-west-1.amazonaws.com/a%20b/c",
     "us-gov-west-1"},
    {AP, "us-west-2", true, false, S3_ADDRESS_AUTO,
     "https://my-ap-123456789012.s3-accesspoint-fips.us-west-2.amazonaws.com/a%20b/c", "us-west-2"},
    {AP, "eu-central-1", true, false, S3_ADDRESS_AUTO,
     "https://my-ap-123456789012.s3-accesspoint-fips.us-west-2.amazonaws.com/a%20b/c", "us-west-2"},
    {AP_CN, "cn-north-1", true, false, S3_ADDRESS_AUTO, NULL, NULL},
    {AP_US, "us-gov-west-1", true, false, S3_ADDRESS_AUTO,
     "https://my-ap-123456789012.s3-accesspoint-fips.us-gov-west-1.amazonaws.com/a%20b/c",
     "us-gov-west-1"},
    {AP, "us-west-2", false, true, S3_ADDRESS_AUTO,
     "https://my-ap-123456789012.s3-accesspoint.dualstack.us-west-2.amazonaws.com/a%20b/c",
     "us-west-2"},
    {AP, "eu-central-1", false, true, S3_ADDRESS_AUTO,
     "https://my-ap-123456789012.s3-accesspoint.dualstack.us-west-2.amazonaws.com/a%20b/c",
     "us-west-2"},
    {AP_CN, "cn-north-1", false, true, S3_ADDRESS_AUTO,
     "https://my-ap-123456789012.s3-accesspoint.dualstack.cn-north-1.amazonaws.com.cn/a%20b/c",
     "cn-north-1"},
    {AP_US, "us-gov-west-1", false, true, S3_ADDRESS_AUTO,
     "https://my-ap-123456789012.s3-accesspoint.dualstack.us-gov-west-1.amazonaws.com/a%20b/c",
     "us-gov-west-1"},
    {AP, "us-west-2", true, true, S3_ADDRESS_AUTO,
     "https://my-ap-123456789012.s3-accesspoint-fips.dualstack.us-west-2.amazonaws.com/a%20b/c",
     "us-west-2"},
    {AP, "eu-central-1", true, true, S3_ADDRESS_AUTO,
     "https://my-ap-123456789012.s3-accesspoint-fips.dualstack.us-west-2.amazonaws.com/a%20b/c",
     "us-west-2"},
    {AP_CN, "cn-north-1", true, true, S3_ADDRESS_AUTO, NULL, NULL},
    {AP_US, "us-gov-west-1", true, true, S3_ADDRESS_AUTO,
     "https://my-ap-123456789012.s3-accesspoint-fips.dualstack.us-gov-west-1.amazonaws.com/a%20b/c",
     "us-gov-west-1"},
};

static void test_amazons_hosts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(amazons); i++) {
        struct endpoint_options opt = {.bucket = amazons[i].bucket,
                                       .region = amazons[i].region,
                                       .addressing = amazons[i].addressing,
                                       .fips = amazons[i].fips,
                                       .dualstack = amazons[i].dualstack};
        struct endpoint ep;
        struct err e = {0};
        struct buf b;
        int code = endpoint_resolve(&opt, &ep, &e);
        if ((code == 0) != (amazons[i].url != NULL))
            fail_msg("%zu: %s: %s", i, e.where, e.what);
        if (code != 0)
            continue;
        buf_init(&b, 8192);
        assert_int_equal(buf_append_str(&b, "https://"), 0);
        assert_int_equal(buf_append_str(&b, ep.host), 0);
        assert_int_equal(endpoint_path(&ep, "a b/c", &b), 0);
        assert_string_equal(b.data, amazons[i].url);
        assert_string_equal(ep.region, amazons[i].signs);
        buf_release(&b);
    }
}

static void test_access_points(void **state)
{
    (void)state;
    struct endpoint_options opt =
        AT(AP_US, "eu-central-1", "https://Vpce-1.example:8443", S3_ADDRESS_AUTO);
    struct endpoint ep;
    struct buf b;
    buf_init(&b, 8192);
    assert_int_equal(endpoint_resolve(&opt, &ep, NULL), 0);
    assert_string_equal(ep.host, "my-ap-123456789012.vpce-1.example:8443");
    assert_string_equal(ep.region, "us-gov-west-1");
    assert_int_equal(ep.addressing, S3_ADDRESS_VIRTUAL);
    /* As botocore sends x-amz-copy-source, but with the '/' of the documentation's form. */
    assert_int_equal(endpoint_copy_source(&ep, "x y/z", &b), 0);
    assert_string_equal(b.data, "arn%3Aaws-us-gov%3As3%3Aus-gov-west-1%3A123456789012%3A"
                                "accesspoint/my-ap/object/x%20y/z");
    opt = (struct endpoint_options)AT("my.images", "us-east-1", NULL, S3_ADDRESS_AUTO);
    assert_int_equal(endpoint_resolve(&opt, &ep, NULL), 0);
    buf_reset(&b);
    assert_int_equal(endpoint_copy_source(&ep, "x y/z", &b), 0);
    assert_string_equal(b.data, "/my.images/x%20y/z");
    buf_release(&b);
}

static void test_bad_combinations(void **state)
{
    (void)state;
#define OPT(b, r, u, a, f, d)                                                                      \
    {                                                                                              \
        .bucket = (b), .region = (r), .url = (u), .addressing = (a), .fips = (f), .dualstack = (d) \
    }
    static const struct {
        struct endpoint_options opt;
        int code;
        const char *what;
    } bad[] = {
        {OPT("images", "r", "https://h", S3_ADDRESS_AUTO, true, false), ERR_SYNTAX,
         "a FIPS endpoint and an endpoint of one's own (\"https://h\")"},
        {OPT("images", "r", "https://h", S3_ADDRESS_AUTO, false, true), ERR_SYNTAX,
         "a dual-stack endpoint and"},
        {OPT("images", "cn-north-1", NULL, S3_ADDRESS_AUTO, true, false), ERR_SYNTAX,
         "no FIPS endpoints in cn-north-1"},
        {OPT(AP_CN, "eu-west-1", NULL, S3_ADDRESS_AUTO, true, true), ERR_SYNTAX, "cn-north-1"},
        {OPT("images", "fips-us-gov-west-1", NULL, S3_ADDRESS_AUTO, false, false), ERR_SYNTAX,
         "old name"},
        {OPT("images", "us-gov-west-1-fips", NULL, S3_ADDRESS_AUTO, true, false), ERR_SYNTAX,
         "old name"},
        {OPT(AP, "r", NULL, S3_ADDRESS_PATH, false, false), ERR_SYNTAX, "no path style"},
        {OPT(AP, "r", "http://127.0.0.1:9000", S3_ADDRESS_AUTO, false, false), ERR_SYNTAX,
         "is an address"},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct endpoint ep;
        struct err e = {0};
        if (endpoint_resolve(&bad[i].opt, &ep, &e) != bad[i].code || !strstr(e.what, bad[i].what))
            fail_msg("%zu: %d %s: %s", i, e.code, e.where, e.what);
        assert_true(*e.right);
    }
}

static void test_other_arns(void **state)
{
    (void)state;
    static const struct {
        const char *bucket;
        int code;
        const char *what;
    } bad[] = {
        {"arn:aws:s3:::images", -ENOTSUP, "of a bucket"},
        {"arn:aws:s3:us-west-2:123456789012:bucket/images", -ENOTSUP, "of a bucket"},
        {"arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap", -ENOTSUP, "multi-region"},
        {"arn:aws:s3::123456789012:accesspoint:mfzwi23gnjvgw.mrap", -ENOTSUP, "multi-region"},
        {"arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-01/accesspoint/ap", -ENOTSUP,
         "Outposts"},
        {"arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint/ap1", -ENOTSUP,
         "Object Lambda"},
        {"arn:aws:s3express:us-west-2:123456789012:bucket/b--usw2-az1--x-s3", -ENOTSUP, "Express"},
        {"arn:aws:s3tables:us-west-2:123456789012:bucket/b", -ENOTSUP, "table"},
        {"arn:aws:sqs:us-west-2:123456789012:accesspoint/ap1", -ENOTSUP, "another service"},
        {"arn:aws:s3:us-west-2:123456789012", ERR_SYNTAX, "too few parts"},
        {"arn:", ERR_SYNTAX, "too few parts"},
        {"arn:aws:s3:us west:123456789012:accesspoint/ap1", ERR_SYNTAX, "region"},
        {"arn:aws:s3:us-west-2:12345678901:accesspoint/ap1", ERR_SYNTAX, "12 digits"},
        {"arn:aws:s3:us-west-2:12345678901x:accesspoint/ap1", ERR_SYNTAX, "12 digits"},
        {"arn:aws:s3:us-west-2::accesspoint/ap1", ERR_SYNTAX, "12 digits"},
        {"arn:aws-cn:s3:us-west-2:123456789012:accesspoint/ap1", ERR_SYNTAX, "partition \"aws\""},
        {"arn:aws:s3:cn-north-1:123456789012:accesspoint/ap1", ERR_SYNTAX, "\"aws-cn\""},
        {"arn:aws:s3:us-west-2:123456789012:accesspoint", ERR_SYNTAX, "3 to 50"},
        {"arn:aws:s3:us-west-2:123456789012:accesspoint/", ERR_SYNTAX, "3 to 50"},
        {"arn:aws:s3:us-west-2:123456789012:accesspoint/ab", ERR_SYNTAX, "3 to 50"},
        {"arn:aws:s3:us-west-2:123456789012:accesspointxab1", ERR_SYNTAX, "3 to 50"},
        {"arn:aws:s3:us-west-2:123456789012:accesspoint/My-ap", ERR_SYNTAX, "3 to 50"},
        {"arn:aws:s3:us-west-2:123456789012:accesspoint/my.ap", ERR_SYNTAX, "3 to 50"},
        {"arn:aws:s3:us-west-2:123456789012:accesspoint/-ap1", ERR_SYNTAX, "3 to 50"},
        {"arn:aws:s3:us-west-2:123456789012:accesspoint/ap1/object/k", ERR_SYNTAX, "3 to 50"},
        {"arn:aws:s3:us-west-2:123456789012:accesspoint/"
         "a23456789b123456789c123456789d123456789e123456789f1",
         ERR_SYNTAX, "3 to 50"},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct endpoint_options opt = AT(bad[i].bucket, "us-west-2", NULL, S3_ADDRESS_AUTO);
        struct endpoint ep;
        struct err e = {0};
        if (endpoint_resolve(&opt, &ep, &e) != bad[i].code || !strstr(e.what, bad[i].what))
            fail_msg("%s: %d: %s", bad[i].bucket, e.code, e.what);
        assert_true(*e.right);
    }
}

/* As botocore has them. */
static void test_sts(void **state)
{
    (void)state;
    static const struct {
        const char *region;
        bool fips;
        bool dualstack;
        const char *url;
    } hosts[] = {
        {"eu-west-1", false, false, "https://sts.eu-west-1.amazonaws.com"},
        {"eu-west-1", true, false, "https://sts-fips.eu-west-1.amazonaws.com"},
        {"eu-west-1", false, true, "https://sts.eu-west-1.api.aws"},
        {"us-east-1", true, true, "https://sts-fips.us-east-1.api.aws"},
        {"us-gov-west-1", false, false, "https://sts.us-gov-west-1.amazonaws.com"},
        {"us-gov-west-1", true, false, "https://sts.us-gov-west-1.amazonaws.com"},
        {"us-gov-west-1", true, true, "https://sts-fips.us-gov-west-1.api.aws"},
        {"cn-north-1", false, false, "https://sts.cn-north-1.amazonaws.com.cn"},
        {"cn-north-1", false, true, "https://sts.cn-north-1.api.amazonwebservices.com.cn"},
        {"us-iso-east-1", false, false, "https://sts.us-iso-east-1.c2s.ic.gov"},
        {"eusc-de-east-1", true, true, "https://sts-fips.eusc-de-east-1.api.amazonwebservices.eu"},
    };
    for (size_t i = 0; i < COUNT(hosts); i++) {
        char out[256];
        assert_string_equal(
            partition_sts(hosts[i].region, hosts[i].fips, hosts[i].dualstack, out, sizeof(out)),
            hosts[i].url);
    }
}

static void test_long(void **state)
{
    (void)state;
    char url[1024] = "http://";
    struct endpoint ep;
    struct err e = {0};
    struct endpoint_options opt = AT("images", "r", url, S3_ADDRESS_VIRTUAL);
    memset(url + 7, 'h', ENDPOINT_HOST_MAX);
    url[7 + ENDPOINT_HOST_MAX] = '\0';
    assert_int_equal(endpoint_resolve(&opt, &ep, &e), ERR_LIMIT); /* with the bucket before it */
    opt.addressing = S3_ADDRESS_PATH;
    assert_int_equal(endpoint_resolve(&opt, &ep, &e), 0);
    strcat(url, "h");
    assert_int_equal(endpoint_resolve(&opt, &ep, &e), ERR_SYNTAX);
    snprintf(url, sizeof(url), "http://h/%0600d", 0);
    assert_int_equal(endpoint_resolve(&opt, &ep, &e), ERR_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),          cmocka_unit_test(test_bucket_path),
        cmocka_unit_test(test_bad),           cmocka_unit_test(test_amazons_hosts),
        cmocka_unit_test(test_access_points), cmocka_unit_test(test_bad_combinations),
        cmocka_unit_test(test_other_arns),    cmocka_unit_test(test_sts),
        cmocka_unit_test(test_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
