/*
 * Where a bucket is: every way to name one, and the names that are refused.
 */
#include "tests/unit/unit.h"
#include "uploaders/endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
    struct endpoint_options opt;
    const char *name; /* to look up */
    const char *host; /* header */
    uint16_t port;
    const char *url; /* of the key "a b/c" with the query "x=" */
} good[] = {
    {{"images", "eu-central-1", NULL, S3_ADDRESS_AUTO},
     "images.s3.eu-central-1.amazonaws.com",
     "images.s3.eu-central-1.amazonaws.com",
     443,
     "https://images.s3.eu-central-1.amazonaws.com/a%20b/c?x="},
    {{"images", "us-east-1", NULL, S3_ADDRESS_PATH},
     "s3.us-east-1.amazonaws.com",
     "s3.us-east-1.amazonaws.com",
     443,
     "https://s3.us-east-1.amazonaws.com/images/a%20b/c?x="},
    {{"my.images", "us-east-1", NULL, S3_ADDRESS_AUTO},
     "s3.us-east-1.amazonaws.com",
     "s3.us-east-1.amazonaws.com",
     443,
     "https://s3.us-east-1.amazonaws.com/my.images/a%20b/c?x="},
    {{"my.images", "us-east-1", NULL, S3_ADDRESS_VIRTUAL},
     "my.images.s3.us-east-1.amazonaws.com",
     "my.images.s3.us-east-1.amazonaws.com",
     443,
     "https://my.images.s3.us-east-1.amazonaws.com/a%20b/c?x="},
    {{"images", "cn-north-1", NULL, S3_ADDRESS_AUTO},
     "images.s3.cn-north-1.amazonaws.com.cn",
     "images.s3.cn-north-1.amazonaws.com.cn",
     443,
     "https://images.s3.cn-north-1.amazonaws.com.cn/a%20b/c?x="},
    {{"images", "RegionOne", "http://Ceph.Example:7480", S3_ADDRESS_AUTO},
     "ceph.example",
     "ceph.example:7480",
     7480,
     "http://ceph.example:7480/images/a%20b/c?x="},
    {{"images", "r", "HTTPS://ceph.example:443/", S3_ADDRESS_VIRTUAL},
     "images.ceph.example",
     "images.ceph.example",
     443,
     "https://images.ceph.example/a%20b/c?x="},
    {{"images", "r", "http://h:443", S3_ADDRESS_AUTO},
     "h",
     "h:443",
     443,
     "http://h:443/images/a%20b/c?x="},
    {{"images", "r", "http://127.0.0.1", S3_ADDRESS_AUTO},
     "127.0.0.1",
     "127.0.0.1",
     80,
     "http://127.0.0.1/images/a%20b/c?x="},
    {{"images", "r", "https://[FD00::1]:9000", S3_ADDRESS_AUTO},
     "fd00::1",
     "[fd00::1]:9000",
     9000,
     "https://[fd00::1]:9000/images/a%20b/c?x="},
    {{"images", "r", "https://[::1]", S3_ADDRESS_AUTO},
     "::1",
     "[::1]",
     443,
     "https://[::1]/images/a%20b/c?x="},
    {{"images", "r", "https://gw.example/s3/v1//", S3_ADDRESS_AUTO},
     "gw.example",
     "gw.example",
     443,
     "https://gw.example/s3/v1/images/a%20b/c?x="},
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
    struct endpoint_options opt = {"images", "us-east-1", NULL, S3_ADDRESS_VIRTUAL};
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
        {{"images--usw2-az1--x-s3", "r", NULL, S3_ADDRESS_AUTO}, -ENOTSUP, "Express"},
        {{"ap-123-s3alias", "r", NULL, S3_ADDRESS_AUTO}, -ENOTSUP, "access point"},
        {{"m.mrap", "r", NULL, S3_ADDRESS_AUTO}, -ENOTSUP, "multi-region"},
        {{"x--ol-s3", "r", NULL, S3_ADDRESS_AUTO}, -ENOTSUP, "Object Lambda"},
        {{"x--table-s3", "r", NULL, S3_ADDRESS_AUTO}, -ENOTSUP, "table"},
        {{"arn:aws:s3:us-west-2:123456789012:accesspoint/a", "r", NULL, S3_ADDRESS_AUTO},
         -ENOTSUP,
         "ARN"},
        {{"ab", "r", NULL, S3_ADDRESS_AUTO}, ERR_SYNTAX, "2 bytes"},
        {{"a123456789b123456789c123456789d123456789e123456789f123456789g123", "r", NULL,
          S3_ADDRESS_AUTO},
         ERR_SYNTAX,
         "64 bytes"},
        {{"Images", "r", NULL, S3_ADDRESS_AUTO}, ERR_SYNTAX, "0x49 at offset 0"},
        {{"im_ages", "r", NULL, S3_ADDRESS_AUTO}, ERR_SYNTAX, "offset 2"},
        {{"images/sub", "r", NULL, S3_ADDRESS_AUTO}, ERR_SYNTAX, "offset 6"},
        {{"-images", "r", NULL, S3_ADDRESS_AUTO}, ERR_SYNTAX, "begins or ends"},
        {{"images.", "r", NULL, S3_ADDRESS_AUTO}, ERR_SYNTAX, "begins or ends"},
        {{"my..images", "r", NULL, S3_ADDRESS_AUTO}, ERR_SYNTAX, "\"..\""},
        {{"192.168.0.1", "r", NULL, S3_ADDRESS_AUTO}, ERR_SYNTAX, "IP address"},
        {{"xn--images", "r", NULL, S3_ADDRESS_AUTO}, ERR_SYNTAX, "reserved"},
        {{"images", "", NULL, S3_ADDRESS_AUTO}, ERR_SYNTAX, "region"},
        {{"images", "eu/central", NULL, S3_ADDRESS_AUTO}, ERR_SYNTAX, "region"},
        {{"images", "EU", NULL, S3_ADDRESS_AUTO}, ERR_SYNTAX, "region"},
        {{"images", "a b", "http://h", S3_ADDRESS_AUTO}, ERR_SYNTAX, "region"},
        {{"images", "r", "localhost:9000", S3_ADDRESS_AUTO}, ERR_SYNTAX, "no http://"},
        {{"images", "r", "", S3_ADDRESS_AUTO}, ERR_SYNTAX, "no http://"},
        {{"images", "r", "http://", S3_ADDRESS_AUTO}, ERR_SYNTAX, "no host"},
        {{"images", "r", "http://u:p@h", S3_ADDRESS_AUTO}, ERR_SYNTAX, "port"},
        {{"images", "r", "http://u@h", S3_ADDRESS_AUTO}, ERR_SYNTAX, "user"},
        {{"images", "r", "http://h:0", S3_ADDRESS_AUTO}, ERR_SYNTAX, "port"},
        {{"images", "r", "http://h:65536", S3_ADDRESS_AUTO}, ERR_SYNTAX, "port"},
        {{"images", "r", "http://h:99999999999999999999", S3_ADDRESS_AUTO}, ERR_SYNTAX, "port"},
        {{"images", "r", "http://h:80x", S3_ADDRESS_AUTO}, ERR_SYNTAX, "strange byte"},
        {{"images", "r", "http://h/p?q", S3_ADDRESS_AUTO}, ERR_SYNTAX, "query"},
        {{"images", "r", "http://[::1", S3_ADDRESS_AUTO}, ERR_SYNTAX, "']'"},
        {{"images", "r", "http://[h]", S3_ADDRESS_AUTO}, ERR_SYNTAX, "IPv6"},
        {{"images", "r", "http://a b", S3_ADDRESS_AUTO}, ERR_SYNTAX, "strange byte"},
        {{"images", "r", "http://10.0.0.1", S3_ADDRESS_VIRTUAL}, ERR_SYNTAX, "host name"},
        {{"images", "r", "http://[::1]", S3_ADDRESS_VIRTUAL}, ERR_SYNTAX, "host name"},
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

static void test_long(void **state)
{
    (void)state;
    char url[1024] = "http://";
    struct endpoint ep;
    struct err e = {0};
    struct endpoint_options opt = {"images", "r", url, S3_ADDRESS_VIRTUAL};
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
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bucket_path),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
