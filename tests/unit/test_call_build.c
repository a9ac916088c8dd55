/* What one attempt of a call looks like: URL, header lines, signature. */
#include "tests/unit/unit.h"
#include "uploaders/caller.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOON_US                                                                                    \
    (INT64_C(1369353600) * US_PER_S) /* 2013-05-24T00:00:00Z, as in Amazon's examples              \
                                      */

struct fixture {
    struct call call;
    struct site_view view;
    struct buf scratch;
};

/* A call with its buffers, and a view with Amazon's example keys. */
static void set_up(struct fixture *f, const char *url)
{
    struct endpoint_options eo = {.bucket = "examplebucket", .region = "us-east-1", .url = url};
    memset(f, 0, sizeof(*f));
    struct buf *const bufs[] = {&f->call.path,  &f->call.query_text,    &f->call.url,
                                &f->call.lines, &f->call.authorization, &f->scratch};
    for (size_t i = 0; i < sizeof(bufs) / sizeof(bufs[0]); i++)
        buf_init(bufs[i], SIGV4_REQUEST_MAX);
    f->call.method = "GET";
    assert_int_equal(endpoint_resolve(&eo, &f->view.endpoint, NULL), 0);
    assert_int_equal(sigv4_key_derive("AKIAIOSFODNN7EXAMPLE",
                                      "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "20130524",
                                      "us-east-1", "s3", &f->view.key),
                     0);
}

static void tear_down(struct fixture *f)
{
    struct buf *const bufs[] = {&f->call.path,  &f->call.query_text,    &f->call.url,
                                &f->call.lines, &f->call.authorization, &f->scratch};
    for (size_t i = 0; i < sizeof(bufs) / sizeof(bufs[0]); i++)
        buf_release(bufs[i]);
}

static int build(struct fixture *f)
{
    return call_build(&f->call, &f->view, NOON_US, &f->scratch);
}

/* The value of a header line, NULL where there is none. */
static const char *line(const struct fixture *f, const char *name)
{
    size_t n = strlen(name);
    for (size_t at = 0; at < f->call.x.lines_n; at += strlen(f->call.x.lines + at) + 1) {
        const char *text = f->call.x.lines + at;
        if (strncmp(text, name, n) == 0 && strncmp(text + n, ": ", 2) == 0)
            return text + n + 2;
    }
    return NULL;
}

/* "GET /?lifecycle" of Amazon's examples. The two differ in the trailing '=' only where signed. */
static void test_amazons_example(void **state)
{
    struct fixture f;
    (void)state;
    set_up(&f, NULL);
    call_query(&f.call, "lifecycle", "");
    assert_int_equal(build(&f), 0);
    assert_string_equal(f.call.x.url,
                        "https://examplebucket.s3.us-east-1.amazonaws.com/?lifecycle=");
    /* the example's host is another; with it the signature is the published one */
    snprintf(f.view.endpoint.host, sizeof(f.view.endpoint.host), "examplebucket.s3.amazonaws.com");
    assert_int_equal(build(&f), 0);
    assert_non_null(strstr(line(&f, "authorization"),
                           "Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a"
                           "0136783543"));
    tear_down(&f);
}

static void test_path_and_query_are_encoded_once(void **state)
{
    struct fixture f;
    (void)state;
    set_up(&f, "http://127.0.0.1:9000");
    f.call.key = "a//b/../sp ace+%41~";
    call_query(&f.call, "uploadId", "x/y+z=");
    call_query(&f.call, "partNumber", "7");
    assert_int_equal(build(&f), 0);
    assert_string_equal(f.call.x.url,
                        "http://127.0.0.1:9000/examplebucket/a//b/../sp%20ace%2B%2541~"
                        "?partNumber=7&uploadId=x%2Fy%2Bz%3D");
    assert_string_equal(line(&f, "host"), "127.0.0.1:9000");
    assert_string_equal(line(&f, "x-amz-date"), "20130524T000000Z");
    tear_down(&f);
}

static void test_body_is_hashed_without_tls_only(void **state)
{
    struct fixture f;
    (void)state;
    set_up(&f, "http://127.0.0.1:9000");
    f.call.method = "PUT";
    f.call.body = SPAN("Welcome to Amazon S3.");
    assert_int_equal(build(&f), 0);
    assert_string_equal(line(&f, "x-amz-content-sha256"),
                        "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
    tear_down(&f);
    set_up(&f, "https://localhost:9000");
    f.call.method = "PUT";
    f.call.body = SPAN("Welcome to Amazon S3.");
    assert_int_equal(build(&f), 0);
    assert_string_equal(line(&f, "x-amz-content-sha256"), "UNSIGNED-PAYLOAD");
    tear_down(&f);
    set_up(&f, "https://localhost:9000");
    assert_int_equal(build(&f), 0);
    assert_string_equal(line(&f, "x-amz-content-sha256"), SIGV4_EMPTY_SHA256);
    tear_down(&f);
}

/* Nothing that the owner did not say, but what signing needs. */
static void test_an_empty_header_is_one(void **state)
{
    struct fixture f;
    (void)state;
    set_up(&f, NULL);
    assert_int_equal(build(&f), 0);
    assert_null(line(&f, "content-type"));
    assert_null(line(&f, "expect"));
    call_header(&f.call, "content-type", "image/png");
    call_header(&f.call, "x-amz-meta-empty", "");
    assert_int_equal(build(&f), 0);
    assert_string_equal(line(&f, "content-type"), "image/png");
    assert_string_equal(line(&f, "x-amz-meta-empty"), "");
    assert_non_null(strstr(line(&f, "authorization"), ";x-amz-meta-empty,"));
    tear_down(&f);
}

static void test_session_token_is_signed(void **state)
{
    struct fixture f;
    char token[] = "a/token+";
    (void)state;
    set_up(&f, NULL);
    f.view.credentials.session_token = token;
    assert_int_equal(build(&f), 0);
    assert_string_equal(line(&f, "x-amz-security-token"), "a/token+");
    assert_non_null(strstr(line(&f, "authorization"), "x-amz-security-token,"));
    tear_down(&f);
}

/* Built again an hour later: another time, another signature, the same rest. */
static void test_each_attempt_is_signed_anew(void **state)
{
    struct fixture f;
    char first[256];
    (void)state;
    set_up(&f, NULL);
    f.call.key = "k";
    assert_int_equal(build(&f), 0);
    snprintf(first, sizeof(first), "%s", line(&f, "authorization"));
    assert_int_equal(call_build(&f.call, &f.view, NOON_US + 3600 * US_PER_S, &f.scratch), 0);
    assert_string_not_equal(first, line(&f, "authorization"));
    assert_string_equal(line(&f, "x-amz-date"), "20130524T010000Z");
    assert_int_equal(build(&f), 0);
    assert_string_equal(first, line(&f, "authorization"));
    tear_down(&f);
}

static void test_too_much_is_refused(void **state)
{
    struct fixture f;
    (void)state;
    set_up(&f, NULL);
    for (int i = 0; i < CALL_HEADERS_MAX; i++)
        call_header(&f.call, "x-amz-meta-x", "y");
    assert_int_equal(build(&f), 0);
    call_header(&f.call, "x-amz-meta-x", "y");
    assert_int_equal(build(&f), ERR_LIMIT);
    tear_down(&f);
    set_up(&f, NULL);
    for (int i = 0; i <= CALL_QUERY_MAX; i++)
        call_query(&f.call, "q", "y");
    assert_int_equal(build(&f), ERR_LIMIT);
    tear_down(&f);
    set_up(&f, NULL);
    char *huge = malloc(SIGV4_REQUEST_MAX + 1);
    assert_non_null(huge);
    memset(huge, 'x', SIGV4_REQUEST_MAX);
    huge[SIGV4_REQUEST_MAX] = '\0';
    call_header(&f.call, "x-amz-meta-x", huge);
    assert_int_equal(build(&f), ERR_LIMIT);
    free(huge);
    tear_down(&f);
}

static void test_day_that_is_not_the_keys(void **state)
{
    struct fixture f;
    (void)state;
    set_up(&f, NULL);
    assert_int_equal(call_build(&f.call, &f.view, NOON_US + 86400 * US_PER_S, &f.scratch), -EINVAL);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_amazons_example),
        cmocka_unit_test(test_path_and_query_are_encoded_once),
        cmocka_unit_test(test_body_is_hashed_without_tls_only),
        cmocka_unit_test(test_an_empty_header_is_one),
        cmocka_unit_test(test_session_token_is_signed),
        cmocka_unit_test(test_each_attempt_is_signed_anew),
        cmocka_unit_test(test_too_much_is_refused),
        cmocka_unit_test(test_day_that_is_not_the_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
