/* What a proxy's URL and NO_PROXY say, as curl reads them. */
#include "tests/unit/unit.h"
#include "uploaders/proxies.h"

#include <stdio.h>
#include <string.h>

static void test_exceptions(void **state)
{
    static const struct {
        const char *list, *authority;
        bool excepted;
    } cases[] = {
        {"", "h", false},
        {"*", "h:80", true},
        {"a, *", "h", false},
        {"h", "h:9000", true},
        {"H", "h", true},
        {"h.", "h", true},
        {"h", "h.", true},
        {"h", "hh", false},
        {"example.net", "s3.example.net", true},
        {".example.net", "s3.Example.net:80", true},
        {".example.net", "example.net", true},
        {"example.net", "notexample.net", false},
        {"a,b c,, d", "d", true},
        {"a,b\tc", "c", true},
        {"a,b c", "e", false},
        {".", "h", false},
        {"127.0.0.1,localhost", "127.0.0.1:9000", true},
        {"127.0.0.1", "127.0.0.2", false},
        {"0.0.1", "127.0.0.1", false},
        {"10.0.0.0/8", "10.200.3.4", true},
        {"10.0.0.0/8", "11.200.3.4", false},
        {"192.168.4.0/22", "192.168.7.255:80", true},
        {"192.168.4.0/22", "192.168.8.0:80", false},
        {"0.0.0.0/0", "8.8.8.8", true},
        {"10.0.0.0/", "10.0.0.0", false},
        {"10.0.0.0/x", "10.0.0.0", false},
        {"10.0.0.0/33", "10.0.0.0", false},
        {"10.0.0.0/4294967304", "10.0.0.0", false},
        {"::1", "[::1]:9000", true},
        {"fd00::/8", "[fd12::7]", true},
        {"fd00::/8", "[fe80::7]:80", false},
        {"fd00::/8", "10.0.0.1", false},
        {"10.0.0.0/8", "ten.example.net", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (proxies_except(cases[i].list, span_of(cases[i].authority)) != cases[i].excepted)
            fail_msg("\"%s\" for %s", cases[i].list, cases[i].authority);
}

static void test_which_proxies_read(void **state)
{
    (void)state;
    assert_true(proxies_reads("proxy:3128"));
    assert_true(proxies_reads("http://proxy"));
    assert_true(proxies_reads("HTTPS://user:word@proxy:3128"));
    assert_false(proxies_reads("socks5://proxy"));
    assert_false(proxies_reads("socks5h://proxy"));
}

static void test_authorization(void **state)
{
    static const struct {
        const char *url, *value;
    } cases[] = {
        {"http://proxy:3128", ""},
        {"proxy", ""},
        {"http://proxy/a@b", ""},
        {"http://Aladdin:open%20sesame@proxy:3128", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
        {"Aladdin:open sesame@proxy", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
        {"http://user@proxy", "Basic dXNlcjo="},
        {"http://a%4:b@c@proxy", "Basic YSU0OmJAYw=="},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf out;
        buf_init(&out, 4096);
        assert_int_equal(proxies_authorization(cases[i].url, &out), 0);
        assert_string_equal(out.data ? out.data : "", cases[i].value);
        buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exceptions),
        cmocka_unit_test(test_which_proxies_read),
        cmocka_unit_test(test_authorization),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
