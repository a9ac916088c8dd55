/*
 * What the sources of keys answer, as recorded from them or as it should never be; and the small
 * rules around keys.
 */
#include "base/clock.h"
#include "tests/unit/unit.h"
#include "uploaders/credentials_answer.h"
#include "uploaders/credentials_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define KEYS     "\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"hush\""
#define ALL      KEYS ",\"Token\":\"T\",\"Expiration\":\"2026-01-02T03:04:05Z\""
#define EXPIRES  (INT64_C(1767323045) * US_PER_S)

static const char sts_answer[] =
    "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>"
    "<AssumedRoleUser><AssumedRoleId>X:me</AssumedRoleId><Arn>arn</Arn></AssumedRoleUser>"
    "<Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>hush</SecretAccessKey>"
    "<SessionToken>T</SessionToken><Expiration>2026-01-02T03:04:05Z</Expiration></Credentials>"
    "</AssumeRoleResult></AssumeRoleResponse>";

static const struct {
    const char *text;
    enum answer_kind kind;
    int code;
    const char *what; /* of the fault; NULL where it is good */
} json_cases[] = {
    {"{" ALL "}", ANSWER_CONTAINER, 0, NULL},
    {"{\n  \"Code\" : \"Success\",\n  \"LastUpdated\" : \"2026-01-01T00:00:00Z\"," ALL "\n}\n",
     ANSWER_INSTANCE, 0, NULL},
    {"{\"Version\":1," KEYS ",\"SessionToken\":\"T\",\"Expiration\":\"2026-01-02T03:04:05Z\"}",
     ANSWER_PROCESS, 0, NULL},
    {"{\"More\":{\"a\":[1,2.5,\"}]\\\"\"],\"b\":null},\"N\":-1.5e3," ALL ",\"L\":[[]]}",
     ANSWER_CONTAINER, 0, NULL},
    {"{\"Code\":\"Failed\",\"Message\":\"no profile\"," ALL "}", ANSWER_INSTANCE, ERR_REFUSED,
     "Failed: no profile"},
    {"{\"Code\":\"AssumeRoleUnauthorizedAccess\"}", ANSWER_INSTANCE, ERR_REFUSED,
     "AssumeRoleUnauthorizedAccess"},
    {"{\"Code\":\"Success\"}", ANSWER_INSTANCE, ERR_SYNTAX, "no AccessKeyId"},
    {"{\"AccessKeyId\":\"A\"}", ANSWER_CONTAINER, ERR_SYNTAX, "no SecretAccessKey"},
    {"{" KEYS "}", ANSWER_CONTAINER, ERR_SYNTAX, "no session token"},
    {"{" KEYS ",\"Token\":\"T\"}", ANSWER_CONTAINER, ERR_SYNTAX, "no Expiration"},
    {"{" KEYS ",\"Token\":\"T\",\"Expiration\":\"soon\"}", ANSWER_CONTAINER, ERR_SYNTAX, "no time"},
    {"{" KEYS ",\"Token\":\"a\\r\\nb\",\"Expiration\":\"2026-01-02T03:04:05Z\"}", ANSWER_CONTAINER,
     ERR_SYNTAX, "does not belong"},
    {"{" KEYS ",\"Token\":\"a\\u0000b\"}", ANSWER_CONTAINER, ERR_SYNTAX, "not the JSON"},
    {"{" KEYS ",\"Token\":7}", ANSWER_CONTAINER, ERR_SYNTAX, "not the JSON"},
    {"{" KEYS "}", ANSWER_PROCESS, ERR_SYNTAX, "Version"},
    {"{\"Version\":2," KEYS "}", ANSWER_PROCESS, ERR_SYNTAX, "Version"},
    {"{\"Version\":\"1\"," KEYS "}", ANSWER_PROCESS, ERR_SYNTAX, "Version"},
    {"", ANSWER_CONTAINER, ERR_SYNTAX, "not the JSON"},
    {"[{" ALL "}]", ANSWER_CONTAINER, ERR_SYNTAX, "not the JSON"},
    {"{" ALL "} x", ANSWER_CONTAINER, ERR_SYNTAX, "not the JSON"},
    {"{\"x\":[}]," ALL "}", ANSWER_CONTAINER, ERR_SYNTAX, "not the JSON"},
    {"{\"x\":{" ALL "}}", ANSWER_CONTAINER, ERR_SYNTAX, "no AccessKeyId"},
    {"<html>404</html>", ANSWER_CONTAINER, ERR_SYNTAX, "not the JSON"},
};

static void test_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(json_cases); i++) {
        struct credentials c = {.expires_us = 77};
        struct err e = {0};
        int rc = credentials_read_json(span_of(json_cases[i].text), json_cases[i].kind, &c, &e);
        if (rc != json_cases[i].code)
            fail_msg("%s: %d, %s", json_cases[i].text, rc, e.what);
        if (rc) {
            assert_true(c.expires_us == 77 && !c.access_key);
            if (!strstr(e.what, json_cases[i].what) || strstr(e.what, "hush"))
                fail_msg("%s: %s", json_cases[i].text, e.what);
            continue;
        }
        assert_string_equal(c.access_key, "A");
        assert_string_equal(c.secret_key, "hush");
        assert_string_equal(c.session_token, "T");
        assert_true(c.expires_us == EXPIRES);
        credentials_wipe(&c);
    }
}

static void test_lasting_keys_of_a_program(void **state)
{
    (void)state;
    struct credentials c;
    assert_int_equal(
        credentials_read_json(span_of("{\"Version\":1," KEYS "}"), ANSWER_PROCESS, &c, NULL), 0);
    assert_null(c.session_token);
    assert_true(c.expires_us == CREDENTIALS_FOREVER);
    credentials_wipe(&c);
}

/* An answer that is cut off is none. */
static void test_cut_off(void **state)
{
    (void)state;
    static const char json[] = "{\"Code\":\"Success\",\"x\":[{}]," ALL "}";
    struct credentials c = {0};
    for (size_t n = 0; n < sizeof(json) - 1; n++)
        assert_int_not_equal(
            credentials_read_json((struct span){json, n}, ANSWER_INSTANCE, &c, NULL), 0);
    for (size_t n = 0; n < sizeof(sts_answer) - 1; n++)
        assert_int_not_equal(credentials_read_sts((struct span){sts_answer, n}, &c, NULL), 0);
    assert_null(c.access_key);
}

static void test_sts(void **state)
{
    (void)state;
    static const char other[] = "<AssumeRoleResponse><Other><Credentials><AccessKeyId>A"
                                "</AccessKeyId></Credentials></Other></AssumeRoleResponse>";
    struct credentials c;
    struct err e = {0};
    assert_int_equal(credentials_read_sts(span_of(sts_answer), &c, &e), 0);
    assert_string_equal(c.access_key, "A");
    assert_string_equal(c.secret_key, "hush");
    assert_string_equal(c.session_token, "T");
    assert_true(c.expires_us == EXPIRES);
    credentials_wipe(&c);
    assert_int_equal(credentials_read_sts(span_of(other), &c, &e), ERR_SYNTAX);
    assert_non_null(strstr(e.what, "no AccessKeyId"));
    assert_int_equal(credentials_read_sts(span_of("{}"), &c, &e), ERR_SYNTAX);
}

static void test_errors(void **state)
{
    (void)state;
    struct answer_error error;
    credentials_read_error(
        span_of("<ErrorResponse xmlns=\"x\"><Error><Type>Sender</Type><Code>AccessDenied</Code>"
                "<Message>not yours</Message></Error><RequestId>r</RequestId></ErrorResponse>"),
        &error);
    assert_string_equal(error.code, "AccessDenied");
    assert_string_equal(error.message, "not yours");
    credentials_read_error(span_of("{\"code\":\"Bad\",\"message\":\"token\"}"), &error);
    assert_string_equal(error.code, "Bad");
    assert_string_equal(error.message, "token");
    static const char *const nonsense[] = {"", "oops", "<Error><Code>x", "{\"code\":"};
    for (size_t i = 0; i < COUNT(nonsense); i++) {
        credentials_read_error(span_of(nonsense[i]), &error);
        assert_string_equal(error.code, "");
        assert_string_equal(error.message, "");
    }
}

static void test_hosts(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool allowed;
    } cases[] = {
        {"https://anywhere.example/x?y", true},
        {"http://127.0.0.1:80/x", true},
        {"http://127.8.9.1/", true},
        {"http://localhost:1234/x", true},
        {"http://LOCALHOST/", true},
        {"http://[::1]:80/x", true},
        {"http://169.254.170.2/v2", true},
        {"http://169.254.170.23/v1/credentials", true},
        {"http://[fd00:ec2::23]/v1", true},
        {"http://[fd00:ec2:0:0:0:0:0:23]/v1", true},
        {"http://169.254.169.254/", false},
        {"http://10.0.0.1/", false},
        {"http://localhost.evil.example/", false},
        {"http://127.0.0.1@evil.example/", false},
        {"http://evil.example/127.0.0.1", false},
        {"http://127.0.0.1.evil.example/", false},
        {"http://0x7f000001/", false},
        {"ftp://127.0.0.1/", false},
        {"//127.0.0.1/", false},
        {"127.0.0.1", false},
        {"", false},
        {"http:///x", false},
        {"http://127.0.0.1/a b", false},
        {"http://127.0.0.1/\r\nx", false},
        {"http://127.0.0.1?@evil.example/", true}, /* the authority ends at the '?' */
        {"http://127.0.0.1\\@evil.example/", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        if ((rules_container_url(cases[i].url, NULL) == 0) != cases[i].allowed)
            fail_msg("%s: %d", cases[i].url, !cases[i].allowed);
    assert_int_equal(rules_metadata_url("http://127.0.0.1:1234/", NULL), 0);
    assert_int_equal(rules_metadata_url("http://127.0.0.1/x", NULL), ERR_SYNTAX);
    assert_int_equal(rules_metadata_url("127.0.0.1", NULL), ERR_SYNTAX);
}

static void test_split(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int code;
        const char *words; /* each followed by '|' */
    } cases[] = {
        {"/bin/keys", 0, "/bin/keys|"},
        {"  a\tb  c ", 0, "a|b|c|"},
        {"a 'b c' \"d e\"f", 0, "a|b c|d ef|"},
        {"a '' \"\" b", 0, "a|||b|"},
        {"a\\ b c\\\"d", 0, "a b|c\"d|"},
        {"'a\\b' \"a\\b\" \"a\\\"b\" \"a\\\\b\"", 0, "a\\b|a\\b|a\"b|a\\b|"},
        {"$HOME `x` *;|&", 0, "$HOME|`x`|*;|&|"},
        {"'open", ERR_SYNTAX, NULL},
        {"\"open", ERR_SYNTAX, NULL},
        {"a\\", ERR_SYNTAX, NULL},
        {"   ", ERR_SYNTAX, NULL},
        {"", ERR_SYNTAX, NULL},
    };
    char *words[RULES_WORDS_MAX + 1];
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf out, joined;
        buf_init(&out, 4096);
        buf_init(&joined, 4096);
        assert_int_equal(rules_split(cases[i].line, &out, words), cases[i].code);
        for (size_t k = 0; !cases[i].code && words[k]; k++)
            assert_int_equal(buf_appendf(&joined, "%s|", words[k]), 0);
        if (!cases[i].code)
            assert_string_equal(joined.data, cases[i].words);
        buf_release(&out);
        buf_release(&joined);
    }
    char many[2 * RULES_WORDS_MAX + 8] = "";
    struct buf out;
    memset(many, ' ', sizeof(many) - 1);
    for (size_t i = 0; i <= RULES_WORDS_MAX; i++)
        many[2 * i] = 'x';
    buf_init(&out, 4096);
    assert_int_equal(rules_split(many, &out, words), ERR_LIMIT);
    buf_reset(&out);
    many[2 * RULES_WORDS_MAX] = ' ';
    assert_int_equal(rules_split(many, &out, words), 0);
    assert_null(words[RULES_WORDS_MAX]);
    buf_release(&out);
}

static void test_sessions(void **state)
{
    (void)state;
    char name[ROLE_SESSION_MAX + 1], host[200];
    assert_true(rules_session_name("a.b@c,d=e+f-g_H1"));
    assert_false(rules_session_name("a"));
    assert_false(rules_session_name("a b"));
    memset(host, 'h', sizeof(host) - 1);
    host[sizeof(host) - 1] = '\0';
    assert_false(rules_session_name(host));
    rules_default_session(host, name);
    assert_true(rules_session_name(name));
    rules_default_session("host name/1", name);
    assert_string_equal(name, "lockstep-host-name-1");
    rules_default_session(NULL, name);
    assert_true(rules_session_name(name));
}

/* Seconds from now to the next question, at the jitter's two ends. */
static void test_times(void **state)
{
    (void)state;
    static const struct {
        int64_t life_s, least_ms, most_ms;
    } cases[] = {
        {3600, 2475000, 2700000}, /* 15 minutes ahead, or up to a quarter of these earlier */
        {21600, 20475000, 20700000},
        {10, 3750, 5000},
        {4, 1500, 2000},
        {1, 1000, 1000},
        {0, 1000, 1000},
        {-5, 1000, 1000},
    };
    const int64_t now_us = INT64_C(1767323045) * US_PER_S;
    for (size_t i = 0; i < COUNT(cases); i++)
        for (uint32_t dice = 0; dice < 2000; dice += 37) {
            int64_t at_us = rules_renew_at(now_us, now_us + cases[i].life_s * US_PER_S, dice);
            int64_t wait_ms = (at_us - now_us) / US_PER_MS;
            if (wait_ms < cases[i].least_ms || wait_ms > cases[i].most_ms)
                fail_msg("%lld s: %lld ms", (long long)cases[i].life_s, (long long)wait_ms);
        }
    assert_true(rules_renew_at(now_us, CREDENTIALS_FOREVER, 3) == CREDENTIALS_FOREVER);
    for (unsigned n = 1; n < 100; n++) {
        int64_t wait_us = rules_again_at(now_us, n, n * 77) - now_us;
        int64_t most_us = (n < 7 ? INT64_C(1) << (n - 1) : 60) * US_PER_S;
        assert_true(wait_us <= most_us && wait_us >= most_us * 3 / 4);
        int64_t extended_us = rules_extended_at(now_us, n * 77) - now_us;
        assert_true(extended_us >= 300 * US_PER_S && extended_us <= 600 * US_PER_S);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),    cmocka_unit_test(test_lasting_keys_of_a_program),
        cmocka_unit_test(test_cut_off), cmocka_unit_test(test_sts),
        cmocka_unit_test(test_errors),  cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_split),   cmocka_unit_test(test_sessions),
        cmocka_unit_test(test_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
