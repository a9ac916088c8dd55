/*
 * Memory runs out at the Nth allocation, for every N: readers, builders and resolvers of uploaders/
 * say so, leave their outputs as they were, and leak nothing (the address sanitizer says). The
 * calls are replaced by the linker; see uploaders/local.mk.
 */
#include "base/err.h"
#include "tests/unit/unit.h"
#include "uploaders/answers.h"
#include "uploaders/credentials_answer.h"
#include "uploaders/credentials_plan.h"
#include "uploaders/sigv4.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int countdown; /* the allocation that takes it to 0 fails */
static bool failed;   /* one did */

/* This allocation is the one. */
static bool strikes(void)
{
    if (countdown == 0 || --countdown > 0)
        return false;
    failed = true;
    return true;
}

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n);
char *__real_strdup(const char *s);
char *__wrap_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
char *__wrap_strndup(const char *s, size_t n);

void *__wrap_malloc(size_t n)
{
    return strikes() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return strikes() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    return strikes() ? NULL : __real_realloc(p, n);
}

char *__wrap_strdup(const char *s)
{
    return strikes() ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t n)
{
    return strikes() ? NULL : __real_strndup(s, n);
}

/* Run `once` with each allocation failing in turn, until none is left to fail. How many there are.
 */
static int run_each(int (*once)(void))
{
    int n = 0;
    do {
        failed = false;
        countdown = ++n;
        int rc = once();
        countdown = 0;
        assert_int_equal(rc, failed ? -ENOMEM : 0);
        assert_in_range(n, 1, 1000);
    } while (failed);
    return n - 1;
}

/* The same of what needs some. */
static void run_all(int (*once)(void))
{
    assert_true(run_each(once) > 0);
}

static int list_once(void)
{
    static const char body[] =
        "<ListBucketResult><Contents><Key>a</Key><ETag>\"b\"</ETag></Contents>"
        "<Contents><Key>b</Key></Contents></ListBucketResult>";
    struct s3_page p = {.count = 77};
    struct s3_error e;
    int rc = answers_list(span_of(body), &p, &e);
    if (rc == 0)
        s3_page_release(&p);
    else
        assert_int_equal(p.count, 77);
    return rc;
}

static int parts_once(void)
{
    static const char body[] = "<ListPartsResult><Part><PartNumber>1</PartNumber></Part>"
                               "</ListPartsResult>";
    struct s3_parts p = {.count = 77};
    struct s3_error e;
    int rc = answers_parts(span_of(body), &p, &e);
    if (rc == 0)
        s3_parts_release(&p);
    else
        assert_int_equal(p.count, 77);
    return rc;
}

static int uploads_once(void)
{
    static const char body[] =
        "<ListMultipartUploadsResult><Upload><Key>a</Key><UploadId>i</UploadId></Upload>"
        "</ListMultipartUploadsResult>";
    struct s3_uploads p = {.count = 77};
    struct s3_error e;
    int rc = answers_uploads(span_of(body), &p, &e);
    if (rc == 0)
        s3_uploads_release(&p);
    else
        assert_int_equal(p.count, 77);
    return rc;
}

static int delete_once(void)
{
    static char key[] = "a";
    struct delete_item item = {.key = key, .code = "kept"};
    struct s3_error e;
    /* The comment is for the parser: an answer without is read without any memory. */
    int rc = answers_delete(span_of("<DeleteResult><!-- --><Deleted><Key>a</Key></Deleted>"
                                    "</DeleteResult>"),
                            &item, 1, &e);
    assert_int_equal(item.done, rc == 0);
    assert_string_equal(item.code, rc ? "kept" : "");
    return rc;
}

static int error_once(void)
{
    struct s3_error e = {.code = "kept"};
    int rc = answers_error(span_of("<Error><Code>SlowDown</Code></Error>"), &e);
    assert_string_equal(e.code, rc ? "kept" : "SlowDown");
    return rc;
}

static int build_once(void)
{
    struct buf b;
    struct s3_part part = {.number = 1, .etag = "a"};
    buf_init(&b, 1 << 16);
    int rc = answers_build_complete(&part, 1, &b);
    if (rc)
        assert_int_equal(b.len, 0);
    buf_release(&b);
    return rc;
}

static int sign_once(void)
{
    static const struct sigv4_pair host = {"host", "h"};
    static const struct sigv4_request req = {.method = "GET",
                                             .path = "/",
                                             .query = "",
                                             .headers = &host,
                                             .header_count = 1,
                                             .payload_hash = SIGV4_UNSIGNED_PAYLOAD,
                                             .time = "20260102T030405Z"};
    struct sigv4_key key;
    struct buf scratch, out;
    buf_init(&scratch, SIGV4_REQUEST_MAX);
    buf_init(&out, SIGV4_REQUEST_MAX);
    assert_int_equal(sigv4_key_derive("i", "s", "20260102", "r", "s3", &key), 0);
    int rc = sigv4_sign(&key, &req, &scratch, &out);
    if (rc)
        assert_int_equal(out.len, 0);
    buf_release(&scratch);
    buf_release(&out);
    return rc;
}

static int profile_once(void)
{
    struct profile p = {.found = true, .login = "kept"};
    struct err e = {0};
    int rc = profile_parse(span_of("[x]\naws_access_key_id=A\naws_secret_access_key=S\n"
                                   "aws_session_token=T\nregion=r\nendpoint_url=u\n"),
                           "f", PROFILE_CREDENTIALS, "x", &p, &e);
    if (rc == 0)
        profile_release(&p);
    else
        assert_string_equal(p.login, "kept");
    return rc;
}

static int sources_once(void)
{
    struct sources s;
    struct credentials_plan plan;
    struct credentials copy;
    struct err e = {0};
    int rc = sources_read(NULL, &s, &e);
    if (rc)
        return rc;
    rc = credentials_plan(&s, KEYS_AUTO, "r", &plan, &e);
    sources_release(&s);
    if (rc)
        return rc;
    rc = credentials_copy(&plan.keys, &copy);
    if (rc == 0)
        credentials_wipe(&copy);
    credentials_plan_release(&plan);
    return rc;
}

/* A chain of roles. */
static int roles_once(void)
{
    struct sources s = {.profiles = {{.name = (char *)(uintptr_t) "a",
                                      .config = {.role_arn = (char *)(uintptr_t) "arn:a",
                                                 .external_id = (char *)(uintptr_t) "x",
                                                 .source_profile = (char *)(uintptr_t) "b"}},
                                     {.name = (char *)(uintptr_t) "b",
                                      .config = {.process = (char *)(uintptr_t) "/bin/keys"}}},
                        .profile_count = 2};
    struct credentials_plan plan = {.attempts = 77};
    struct err e = {0};
    int rc = credentials_plan(&s, KEYS_PROFILE, "r", &plan, &e);
    if (rc == 0)
        credentials_plan_release(&plan);
    else
        assert_int_equal(plan.attempts, 77);
    return rc;
}

static int json_once(void)
{
    struct credentials c = {.expires_us = 77};
    struct err e = {0};
    int rc =
        credentials_read_json(span_of("{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\\u0041\","
                                      "\"Token\":\"T\",\"Expiration\":\"2026-01-02T03:04:05Z\"}"),
                              ANSWER_CONTAINER, &c, &e);
    if (rc == 0)
        credentials_wipe(&c);
    else
        assert_int_equal(c.expires_us, 77);
    return rc;
}

static void test_answers(void **state)
{
    (void)state;
    run_all(list_once);
    run_all(parts_once);
    run_all(uploads_once);
    run_all(delete_once);
    assert_int_equal(run_each(error_once), 0);
    run_all(build_once);
}

static void test_sign(void **state)
{
    (void)state;
    run_all(sign_once);
}

static void test_credentials(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *value;
    } env[] = {
        {"HOME", "/nonexistent"},      {"AWS_ACCESS_KEY_ID", "A"}, {"AWS_SECRET_ACCESS_KEY", "S"},
        {"AWS_SESSION_TOKEN", "T"},    {"AWS_REGION", "r"},        {"AWS_ENDPOINT_URL", "http://h"},
        {"AWS_CONFIG_FILE", "~/conf"},
    };
    static const char *const unset[] = {"AWS_PROFILE", "AWS_DEFAULT_PROFILE",
                                        "AWS_SHARED_CREDENTIALS_FILE", "AWS_CREDENTIAL_EXPIRATION",
                                        "AWS_ENDPOINT_URL_S3"};
    for (size_t i = 0; i < sizeof(unset) / sizeof(unset[0]); i++)
        unsetenv(unset[i]);
    for (size_t i = 0; i < sizeof(env) / sizeof(env[0]); i++)
        setenv(env[i].name, env[i].value, 1);
    run_all(profile_once);
    run_all(roles_once);
    run_all(json_once);
    run_all(sources_once);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_sign),
        cmocka_unit_test(test_credentials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
