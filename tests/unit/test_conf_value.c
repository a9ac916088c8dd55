/* conf/: single values. */
#include "base/err.h"
#include "conf/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct text_case {
    const char *(*normal)(const char *text, char *out);
    const char *text;
    const char *expected; /* NULL: refused */
};

static const struct text_case text_cases[] = {
    {value_bucket, "abc", "abc"},
    {value_bucket, "a.b-c.9", "a.b-c.9"},
    {value_bucket, "my-point-abcdef-s3alias", "my-point-abcdef-s3alias"},
    {value_bucket, "123456789012345678901234567890123456789012345678901234567890123",
     "123456789012345678901234567890123456789012345678901234567890123"},
    {value_bucket, "1234567890123456789012345678901234567890123456789012345678901234", NULL},
    {value_bucket, "ab", NULL},
    {value_bucket, "a_b", NULL},
    {value_bucket, "Abc", NULL},
    {value_bucket, "-abc", NULL},
    {value_bucket, "abc-", NULL},
    {value_bucket, "abc.", NULL},
    {value_bucket, "a..b", NULL},
    {value_bucket, "192.168.5.4", NULL},
    {value_bucket, "192.168.5", "192.168.5"},
    {value_bucket, "xn--abc", NULL},
    {value_bucket, "sthree-abc", NULL},
    {value_bucket, "amzn-s3-demo-abc", NULL},
    {value_bucket, "abc--x-s3", NULL},
    {value_bucket, "abc.mrap", NULL},
    {value_bucket, "abc--ol-s3", NULL},
    {value_bucket, "a/b", NULL},
    {value_bucket, "arn:aws:s3:us-west-2:123456789012:accesspoint/my-ap",
     "arn:aws:s3:us-west-2:123456789012:accesspoint/my-ap"},
    {value_bucket, "arn:aws-us-gov:s3:us-gov-west-1:123456789012:accesspoint:abc",
     "arn:aws-us-gov:s3:us-gov-west-1:123456789012:accesspoint/abc"},
    {value_bucket, "arn:", NULL},
    {value_bucket, "arn:aws:s3:us-west-2:123456789012", NULL},
    {value_bucket, "arn:aws:s3:us-west-2:123456789012:", NULL},
    {value_bucket, "arn:aws:s3:::abc", NULL},
    {value_bucket, "arn:aws:s3::123456789012:accesspoint/x.mrap", NULL},
    {value_bucket, "arn:aws:sqs:us-west-2:123456789012:accesspoint/my-ap", NULL},
    {value_bucket, "arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint/my-ap", NULL},
    {value_bucket, "arn:aws:s3express:us-west-2:123456789012:bucket/abc--x-s3", NULL},
    {value_bucket, "arn:aws:s3:us west:123456789012:accesspoint/my-ap", NULL},
    {value_bucket, "arn:aws:s3:us-west-2:12345678901:accesspoint/my-ap", NULL},
    {value_bucket, "arn:aws:s3:us-west-2:1234567890-2:accesspoint/my-ap", NULL},
    {value_bucket, "arn:aws:s3:us-west-2:12345678901x:accesspoint/my-ap", NULL},
    {value_bucket, "arn:aws:s3:cn-north-1:123456789012:accesspoint/my-ap", NULL},
    {value_bucket, "arn:aws:s3:us-west-2:123456789012:accesspoint", NULL},
    {value_bucket, "arn:aws:s3:us-west-2:123456789012:accesspoint/ab", NULL},
    {value_bucket, "arn:aws:s3:us-west-2:123456789012:accesspoint/my.ap", NULL},
    {value_bucket, "arn:aws:s3:us-west-2:123456789012:accesspoint/-my", NULL},
    {value_bucket, "arn:aws:s3:us-west-2:123456789012:accesspoint/my-ap/object/k", NULL},
    {value_bucket, "", NULL},
    {value_prefix, "", ""},
    {value_prefix, "a", "a/"},
    {value_prefix, "a/b/", "a/b/"},
    {value_prefix, "a b/\xc3\xa9", "a b/\xc3\xa9/"},
    {value_prefix, "/a", NULL},
    {value_prefix, "a//b", NULL},
    {value_prefix, "a/../b", NULL},
    {value_prefix, "./a", NULL},
    {value_prefix, "..a/b..", "..a/b../"},
    {value_prefix, "a\nb", NULL},
    {value_prefix, "a\xff", NULL},
    {value_path, "/", "/"},
    {value_path, "//a///b/./c/", "/a/b/c"},
    {value_path, "a", NULL},
    {value_path, "", NULL},
    {value_path, "/a/..", NULL},
    {value_path, "/..a", "/..a"},
    {value_tree, "/.", NULL},
    {value_name, "a", "a"},
    {value_name, "A9._-", "A9._-"},
    {value_name, ".a", NULL},
    {value_name, "-a", NULL},
    {value_name, "a b", NULL},
    {value_name, "", NULL},
    {value_endpoint, "https://s3.example.net", "https://s3.example.net"},
    {value_endpoint, "HTTPS://S3.Example.NET:443/", "https://s3.example.net:443"},
    {value_endpoint, "http://127.0.0.1:9000", "http://127.0.0.1:9000"},
    {value_endpoint, "http://[::1]:9000", "http://[::1]:9000"},
    {value_endpoint, "http://[::1]", "http://[::1]"},
    {value_endpoint, "http://minio", "http://minio"},
    {value_endpoint, "http://host.", "http://host."},
    {value_endpoint, "http://", NULL},
    {value_endpoint, "http:///x", NULL},
    {value_endpoint, "ftp://host", NULL},
    {value_endpoint, "http//host", NULL},
    {value_endpoint, "http://host:", NULL},
    {value_endpoint, "http://host:0", NULL},
    {value_endpoint, "http://host:65536", NULL},
    {value_endpoint, "http://host:9x", NULL},
    {value_endpoint, "http://host:123456", NULL},
    {value_endpoint, "http://user:pw@host", NULL},
    {value_endpoint, "http://host/path", NULL},
    {value_endpoint, "http://host?x", NULL},
    {value_endpoint, "http://ho st", NULL},
    {value_endpoint, "http://-host", NULL},
    {value_endpoint, "http://a..b", NULL},
    {value_endpoint, "http://[::1", NULL},
    {value_endpoint, "http://[]", NULL},
    {value_endpoint, "http://[::1]x", NULL},
    {value_endpoint, "http://[::1/]", NULL},
    {value_proxy, "none", "none"},
    {value_proxy, "http://Proxy:3128/", "http://proxy:3128"},
    {value_proxy, "http://user:pw@proxy:3128", NULL},
    {value_proxy, "proxy:3128", NULL},
    {value_proxy, "", NULL},
    {value_region, "us-east-1", "us-east-1"},
    {value_region, "US", NULL},
    {value_region, "", NULL},
    {value_profile, "data prep", "data prep"},
    {value_profile, "a]", NULL},
    {value_profile, "", NULL},
    {value_listen, "127.0.0.1:9780", "127.0.0.1:9780"},
    {value_listen, "127.9.8.7:1", "127.9.8.7:1"},
    {value_listen, "[::1]:65535", "[::1]:65535"},
    {value_listen, "[0:0:0:0:0:0:0:1]:09780", "[::1]:9780"},
    {value_listen, "0.0.0.0:9780", NULL},
    {value_listen, "128.0.0.1:9780", NULL},
    {value_listen, "126.255.255.255:9780", NULL},
    {value_listen, "[::]:9780", NULL},
    {value_listen, "[::ffff:127.0.0.1]:9780", NULL},
    {value_listen, "[fe80::1]:9780", NULL},
    {value_listen, "::1:9780", NULL},
    {value_listen, "localhost:9780", NULL},
    {value_listen, "127.0.0.1", NULL},
    {value_listen, "127.0.0.1:", NULL},
    {value_listen, "127.0.0.1:0", NULL},
    {value_listen, "127.0.0.1:65536", NULL},
    {value_listen, "127.0.0.1:100000", NULL},
    {value_listen, "127.0.0.1:80x", NULL},
    {value_listen, "127.1:80", NULL},
    {value_listen, "[::1", NULL},
    {value_listen, "[::1]", NULL},
    {value_listen, ":9780", NULL},
    {value_listen, "", NULL},
    {value_prom, "/a//b.prom", "/a/b.prom"},
    {value_prom, "/a/b.prom/", "/a/b.prom"},
    {value_prom, "/a/b.txt", NULL},
    {value_prom, "/a/.prom", NULL},
    {value_prom, "b.prom", NULL},
    {value_prom, "/", NULL},
    {value_pattern, "*.tmp", "*.tmp"},
    {value_pattern, "", NULL},
    {value_pattern, "a/", NULL},
    {value_pattern, "./a", NULL},
};

static void test_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(text_cases) / sizeof(text_cases[0]); i++) {
        const struct text_case *c = &text_cases[i];
        char out[VALUE_TEXT_MAX] = "";
        const char *why = c->normal(c->text, out);
        if ((why == NULL) != (c->expected != NULL))
            fail_msg("\"%s\": %s", c->text, why == NULL ? "allowed" : why);
        if (c->expected != NULL)
            assert_string_equal(out, c->expected);
    }
    char out[VALUE_TEXT_MAX];
    char path[VALUE_TEXT_MAX + 1];
    memset(path, 'x', sizeof(path));
    for (size_t i = 0; i < sizeof(path); i += 2)
        path[i] = '/';
    path[VALUE_TEXT_MAX] = '\0';
    assert_non_null(value_path(path, out));
    path[VALUE_TEXT_MAX - 1] = '\0';
    assert_null(value_path(path, out));
    char socket[VALUE_SOCKET_MAX + 2] = "/";
    memset(socket + 1, 's', VALUE_SOCKET_MAX);
    assert_non_null(value_socket(socket, out));
    socket[VALUE_SOCKET_MAX] = '\0';
    assert_null(value_socket(socket, out));
    assert_int_equal(strlen(out), VALUE_SOCKET_MAX);
}

static void test_numbers(void **state)
{
    (void)state;
    int64_t ms = -7;
    uint64_t bytes = 7;
    char out[VALUE_NUMBER_MAX];
    assert_int_equal(value_duration("1500ms", &ms), 0);
    assert_int_equal(ms, 1500);
    assert_int_equal(value_duration("2h", &ms), 0);
    assert_int_equal(ms, 7200000);
    ms = -7;
    assert_int_equal(value_duration("2", &ms), ERR_SYNTAX);
    assert_int_equal(value_duration("", &ms), ERR_SYNTAX);
    assert_int_equal(value_duration("-2s", &ms), ERR_SYNTAX);
    assert_int_equal(value_duration("2 s", &ms), ERR_SYNTAX);
    assert_int_equal(value_duration("2sx", &ms), ERR_SYNTAX);
    assert_int_equal(value_duration("9999999999999999999d", &ms), ERR_LIMIT);
    assert_int_equal(ms, -7);
    assert_int_equal(value_size("512K", &bytes), 0);
    assert_int_equal(bytes, 512 << 10);
    assert_int_equal(value_size("7", &bytes), 0);
    assert_int_equal(bytes, 7);
    assert_int_equal(value_size("16m", &bytes), ERR_SYNTAX);
    assert_int_equal(value_size("99999999T", &bytes), ERR_LIMIT);
    assert_int_equal(bytes, 7);
    assert_string_equal(value_duration_text(90000, out), "90s");
    assert_string_equal(value_duration_text(86400000, out), "1d");
    assert_string_equal(value_duration_text(1001, out), "1001ms");
    assert_string_equal(value_size_text(0, out), "0");
    assert_string_equal(value_size_text(5242881, out), "5242881");
    assert_string_equal(value_size_text(1ull << 40, out), "1T");
}

static void test_quote_and_distance(void **state)
{
    (void)state;
    char out[16];
    assert_string_equal(value_quote("a\"b\\c\n", out, sizeof(out)), "\"a\\\"b\\\\c\\x0a\"");
    assert_string_equal(value_quote("0123456789abc", out, sizeof(out)), "\"0123456789abc\"");
    assert_string_equal(value_quote("0123456789abcd", out, sizeof(out)), "\"0123456789...\"");
    assert_int_equal(value_distance("region", "region"), 0);
    assert_int_equal(value_distance("reigon", "region"), 1);
    assert_int_equal(value_distance("", "abc"), 3);
    assert_int_equal(value_distance("bucket", "buckets"), 1);
    assert_int_equal(value_distance("kitten", "sitting"), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_quote_and_distance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
