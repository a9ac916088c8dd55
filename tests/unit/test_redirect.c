/* Which redirects are followed. */
#include "tests/unit/unit.h"
#include "uploaders/redirect.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
    const char *bucket;
    const char *url;
    enum s3_addressing addressing;
    const char *target;
    const char *host; /* NULL: not followed */
} cases[] = {
    /* Amazon's, as its guide has them ("Request redirection and the REST API"). */
    {"images", NULL, S3_ADDRESS_AUTO, "https://images.s3-us-west-2.amazonaws.com/a.jpg?rk=e2c69a31",
     "images.s3-us-west-2.amazonaws.com"},
    {"images", NULL, S3_ADDRESS_AUTO, "images.s3-us-west-2.amazonaws.com",
     "images.s3-us-west-2.amazonaws.com"},
    {"images", NULL, S3_ADDRESS_PATH, "https://S3-us-west-2.amazonaws.com/images/a.jpg",
     "s3-us-west-2.amazonaws.com"},
    {"my.images", NULL, S3_ADDRESS_VIRTUAL, "my.images.s3-us-west-2.amazonaws.com",
     "my.images.s3-us-west-2.amazonaws.com"},
    {"arn:aws:s3:us-east-1:123456789012:accesspoint/abc", NULL, S3_ADDRESS_AUTO,
     "https://abc-123456789012.s3-accesspoint.dualstack.us-east-1.amazonaws.com",
     "abc-123456789012.s3-accesspoint.dualstack.us-east-1.amazonaws.com"},
    /* Another one's bucket, a stranger, no TLS, nothing new, nonsense. */
    {"images", NULL, S3_ADDRESS_AUTO, "https://other.s3-us-west-2.amazonaws.com/a.jpg", NULL},
    {"images", NULL, S3_ADDRESS_AUTO, "https://s3-us-west-2.amazonaws.com/images/a.jpg", NULL},
    {"images", NULL, S3_ADDRESS_AUTO, "https://images.s3.evil.example/a.jpg", NULL},
    {"images", NULL, S3_ADDRESS_AUTO, "https://images.evilamazonaws.com/a.jpg", NULL},
    {"images", NULL, S3_ADDRESS_AUTO, "https://images.amazonaws.com.evil.example/", NULL},
    {"images", NULL, S3_ADDRESS_AUTO, "https://images.s3.cn-north-1.amazonaws.com.cn/", NULL},
    {"images", NULL, S3_ADDRESS_AUTO, "http://images.s3-us-west-2.amazonaws.com/a.jpg", NULL},
    {"images", NULL, S3_ADDRESS_AUTO, "https://images.s3.us-east-1.amazonaws.com/b", NULL},
    {"images", NULL, S3_ADDRESS_AUTO, "https://u:p@images.s3.us-west-2.amazonaws.com/b", NULL},
    {"images", NULL, S3_ADDRESS_AUTO, "ftp://images.s3-us-west-2.amazonaws.com/b", NULL},
    {"images", NULL, S3_ADDRESS_AUTO, "/elsewhere", NULL},
    {"images", NULL, S3_ADDRESS_AUTO, "", NULL},
    /* Other servers: another port, a host below, TLS where there was none. */
    {"images", "http://ceph.example:7480", S3_ADDRESS_AUTO, "http://ceph.example:7481/images/k",
     "ceph.example:7481"},
    {"images", "http://ceph.example:7480", S3_ADDRESS_AUTO, "https://east.ceph.example/images/k",
     "east.ceph.example"},
    {"images", "http://ceph.example:7480", S3_ADDRESS_AUTO, "http://ceph.example.org/images/k",
     NULL},
    {"images", "http://ceph.example:7480", S3_ADDRESS_AUTO, "http://metadata.internal/", NULL},
    {"images", "https://ceph.example", S3_ADDRESS_AUTO, "http://ceph.example/", NULL},
    {"images", "https://ceph.example/s3", S3_ADDRESS_AUTO, "https://ceph.example:8443/x?y",
     "ceph.example:8443"},
    {"images", "http://127.0.0.1:9000", S3_ADDRESS_AUTO, "http://127.0.0.2:9000/", NULL},
    {"images", "http://[::1]:9000", S3_ADDRESS_AUTO, "http://[::1]:9001/", "[::1]:9001"},
    {"images", "http://[::1]:9000", S3_ADDRESS_AUTO, "http://[::1", NULL},
};

static void test_hosts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct endpoint_options opt = {.bucket = cases[i].bucket,
                                       .region = "us-east-1",
                                       .url = cases[i].url,
                                       .addressing = cases[i].addressing};
        struct endpoint from, to;
        assert_int_equal(endpoint_resolve(&opt, &from, NULL), 0);
        memset(&to, 0x5a, sizeof(to));
        struct endpoint before = to;
        bool followed = redirect_follow(&from, cases[i].target, &to);
        if (followed != (cases[i].host != NULL))
            fail_msg("%zu: %s", i, cases[i].target);
        if (!followed) {
            assert_memory_equal(&to, &before, sizeof(to));
            continue;
        }
        assert_string_equal(to.host, cases[i].host);
        assert_string_equal(to.base_path, from.base_path);
        assert_string_equal(to.region, from.region);
        assert_string_equal(to.bucket, from.bucket);
        assert_int_equal(to.addressing, from.addressing);
    }
}

/* Longer than any host. */
static void test_long(void **state)
{
    (void)state;
    char target[1024];
    struct endpoint_options opt = {.bucket = "images", .region = "us-east-1", .url = "http://h"};
    struct endpoint from, to;
    assert_int_equal(endpoint_resolve(&opt, &from, NULL), 0);
    memset(target, 'h', sizeof(target));
    memcpy(target, "http://", 7);
    target[sizeof(target) - 1] = '\0';
    for (size_t n = sizeof(target) - 1; n > 200; n--) {
        target[n] = '\0';
        assert_false(redirect_follow(&from, target, &to));
        assert_false(redirect_follow(&from, target + 7, &to));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
