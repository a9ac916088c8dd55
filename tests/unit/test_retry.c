/*
 * What answers mean, when to ask again, and how long to wait.
 */
#include "tests/unit/unit.h"
#include "uploaders/retry.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
    const char *label;
    enum transfer_kind kind;
    int status;
    const char *code;
    enum failure failure;
    enum verdict verdict;
} answers[] = {
    {"fine", TRANSFER_PUT, 200, "", FAILURE_NONE, VERDICT_DONE},
    {"deleted", TRANSFER_DELETE, 204, "", FAILURE_NONE, VERDICT_DONE},
    {"slow down", TRANSFER_PUT, 503, "SlowDown", FAILURE_THROTTLED, VERDICT_BUSY},
    {"throttling", TRANSFER_PUT, 400, "ThrottlingException", FAILURE_THROTTLED, VERDICT_BUSY},
    {"429", TRANSFER_PUT, 429, "", FAILURE_THROTTLED, VERDICT_BUSY},
    {"bandwidth", TRANSFER_PUT, 509, "BandwidthLimitExceeded", FAILURE_THROTTLED, VERDICT_BUSY},
    {"503", TRANSFER_HEAD, 503, "", FAILURE_TRANSIENT, VERDICT_BUSY},
    {"500", TRANSFER_PUT, 500, "InternalError", FAILURE_TRANSIENT, VERDICT_UNREACHED},
    {"502", TRANSFER_PUT, 502, "", FAILURE_TRANSIENT, VERDICT_UNREACHED},
    {"504", TRANSFER_PUT, 504, "", FAILURE_TRANSIENT, VERDICT_UNREACHED},
    {"a proxy's own", TRANSFER_PUT, 520, "", FAILURE_TRANSIENT, VERDICT_UNREACHED},
    {"not implemented", TRANSFER_PUT, 501, "NotImplemented", FAILURE_FINAL, VERDICT_REFUSED},
    {"time-out as 400", TRANSFER_PUT, 400, "RequestTimeout", FAILURE_TRANSIENT, VERDICT_UNREACHED},
    {"prior request", TRANSFER_PUT, 400, "PriorRequestNotComplete", FAILURE_TRANSIENT,
     VERDICT_BUSY},
    {"operation aborted", TRANSFER_PUT, 409, "OperationAborted", FAILURE_TRANSIENT, VERDICT_BUSY},
    {"damaged", TRANSFER_PUT, 400, "BadDigest", FAILURE_DIGEST, VERDICT_UNREACHED},
    {"skew", TRANSFER_PUT, 403, "RequestTimeTooSkewed", FAILURE_SKEW, VERDICT_DENIED},
    {"expired", TRANSFER_PUT, 400, "ExpiredToken", FAILURE_EXPIRED, VERDICT_DENIED},
    {"denied", TRANSFER_PUT, 403, "AccessDenied", FAILURE_FINAL, VERDICT_DENIED},
    {"denied without words", TRANSFER_HEAD, 403, "", FAILURE_FINAL, VERDICT_DENIED},
    {"no such id", TRANSFER_PUT, 403, "InvalidAccessKeyId", FAILURE_EXPIRED, VERDICT_DENIED},
    {"another token", TRANSFER_PUT, 400, "InvalidToken", FAILURE_EXPIRED, VERDICT_DENIED},
    {"unauthorised", TRANSFER_PUT, 401, "", FAILURE_FINAL, VERDICT_DENIED},
    {"absent", TRANSFER_HEAD, 404, "", FAILURE_FINAL, VERDICT_ABSENT},
    {"no source", TRANSFER_COPY, 404, "NoSuchKey", FAILURE_FINAL, VERDICT_ABSENT},
    {"no bucket", TRANSFER_COPY, 404, "NoSuchBucket", FAILURE_FINAL, VERDICT_REFUSED},
    {"404 to a put", TRANSFER_PUT, 404, "", FAILURE_FINAL, VERDICT_REFUSED},
    {"404 to a batch", TRANSFER_DELETE_MANY, 404, "", FAILURE_FINAL, VERDICT_REFUSED},
    {"lost upload", TRANSFER_PUT, 404, "NoSuchUpload", FAILURE_FINAL, VERDICT_UNREACHED},
    {"condition", TRANSFER_COPY, 412, "PreconditionFailed", FAILURE_FINAL, VERDICT_CONFLICT},
    {"condition without words", TRANSFER_COPY, 412, "", FAILURE_FINAL, VERDICT_CONFLICT},
    {"race", TRANSFER_PUT, 409, "ConditionalRequestConflict", FAILURE_FINAL, VERDICT_CONFLICT},
    {"bad request", TRANSFER_PUT, 400, "KeyTooLongError", FAILURE_FINAL, VERDICT_REFUSED},
    {"method", TRANSFER_PUT, 405, "MethodNotAllowed", FAILURE_FINAL, VERDICT_REFUSED},
    {"no status", TRANSFER_PUT, 0, "", FAILURE_TRANSIENT, VERDICT_UNREACHED},
};

/* An answer with all that is not given at rest. */
static struct retry_answer answer(enum transfer_kind kind, int status, const char *code)
{
    return (struct retry_answer){.kind = kind,
                                 .transport = TRANSPORT_ANSWERED,
                                 .http_status = status,
                                 .code = code,
                                 .region = "",
                                 .our_region = "us-east-1"};
}

static void test_judge(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(answers); i++) {
        struct retry_answer a = answer(answers[i].kind, answers[i].status, answers[i].code);
        struct judgement j = retry_judge(&a);
        if (j.failure != answers[i].failure || j.verdict != answers[i].verdict)
            fail_msg("%s: failure %d, verdict %s", answers[i].label, (int)j.failure,
                     verdict_name(j.verdict));
    }
}

static void test_transport(void **state)
{
    (void)state;
    struct retry_answer a = answer(TRANSFER_PUT, 0, "");
    a.transport = TRANSPORT_LOST;
    assert_int_equal(retry_judge(&a).failure, FAILURE_TRANSIENT);
    assert_int_equal(retry_judge(&a).verdict, VERDICT_UNREACHED);
    a.transport = TRANSPORT_UNTRUSTED;
    assert_int_equal(retry_judge(&a).failure, FAILURE_FINAL);
    assert_int_equal(retry_judge(&a).verdict, VERDICT_UNREACHED);
}

static void test_error_in_200(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        enum failure failure;
        enum verdict verdict;
    } cases[] = {
        {"", FAILURE_TRANSIENT, VERDICT_UNREACHED},
        {"InternalError", FAILURE_TRANSIENT, VERDICT_UNREACHED},
        {"SomethingNew", FAILURE_TRANSIENT, VERDICT_UNREACHED},
        {"SlowDown", FAILURE_THROTTLED, VERDICT_BUSY},
        {"PreconditionFailed", FAILURE_FINAL, VERDICT_CONFLICT},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct retry_answer a = answer(TRANSFER_COPY, 200, cases[i].code);
        a.error_body = true;
        struct judgement j = retry_judge(&a);
        assert_int_equal(j.failure, cases[i].failure);
        assert_int_equal(j.verdict, cases[i].verdict);
    }
}

static void test_region(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *code;
        const char *region;
        enum failure failure;
    } cases[] = {
        {301, "PermanentRedirect", "eu-west-1", FAILURE_REGION},
        {301, "", "eu-west-1", FAILURE_REGION}, /* HEAD */
        {307, "TemporaryRedirect", "eu-west-1", FAILURE_REGION},
        {400, "AuthorizationHeaderMalformed", "eu-west-1", FAILURE_REGION},
        {400, "", "eu-west-1", FAILURE_REGION}, /* HEAD */
        {301, "PermanentRedirect", "", FAILURE_FINAL},
        {301, "PermanentRedirect", "us-east-1", FAILURE_FINAL}, /* ours already */
        {400, "InvalidArgument", "eu-west-1", FAILURE_FINAL},
        {403, "AccessDenied", "eu-west-1", FAILURE_FINAL},
        {304, "", "eu-west-1", FAILURE_FINAL},
        {200, "", "eu-west-1", FAILURE_NONE},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct retry_answer a = answer(TRANSFER_HEAD, cases[i].status, cases[i].code);
        a.region = cases[i].region;
        if (retry_judge(&a).failure != cases[i].failure)
            fail_msg("case %zu: %d", i, (int)retry_judge(&a).failure);
    }
}

/* Another host, in our own region: asked once. */
static void test_moved(void **state)
{
    (void)state;
    struct retry_answer a = answer(TRANSFER_PUT, 307, "TemporaryRedirect");
    assert_int_equal(retry_judge(&a).failure, FAILURE_FINAL);
    a.moved = true;
    assert_int_equal(retry_judge(&a).failure, FAILURE_REGION);
    assert_int_equal(retry_judge(&a).verdict, VERDICT_REFUSED);
    a.http_status = 200;
    a.code = "";
    assert_int_equal(retry_judge(&a).failure, FAILURE_NONE);
    a.http_status = 403;
    assert_int_equal(retry_judge(&a).failure, FAILURE_FINAL);
}

static void test_clock_and_token(void **state)
{
    (void)state;
    struct retry_answer a = answer(TRANSFER_HEAD, 403, "");
    a.clock_off = true;
    assert_int_equal(retry_judge(&a).failure, FAILURE_SKEW);
    a.code = "SignatureDoesNotMatch";
    assert_int_equal(retry_judge(&a).failure, FAILURE_SKEW);
    a.code = "InvalidAccessKeyId"; /* a clock does not explain it */
    assert_int_equal(retry_judge(&a).failure, FAILURE_EXPIRED);
    a = answer(TRANSFER_PUT, 500, "");
    a.clock_off = true;
    assert_int_equal(retry_judge(&a).failure, FAILURE_TRANSIENT);
    a = answer(TRANSFER_HEAD, 400, "");
    assert_int_equal(retry_judge(&a).failure, FAILURE_FINAL);
    a.temporary = true;
    assert_int_equal(retry_judge(&a).failure, FAILURE_EXPIRED);
}

static void test_attempts(void **state)
{
    (void)state;
    static const struct judgement transient = {FAILURE_TRANSIENT, VERDICT_UNREACHED};
    static const struct judgement done = {FAILURE_NONE, VERDICT_DONE};
    static const struct judgement final = {FAILURE_FINAL, VERDICT_REFUSED};
    struct retry_state s = {0};
    struct retry_dice d = {1};
    struct retry_quota q;
    int64_t delay = -1;
    retry_quota_init(&q);
    assert_int_equal(retry_next(&s, &q, &d, &transient, -1, 3, &delay), RETRY_GO);
    assert_in_range(delay, 0, 50);
    assert_int_equal(q.tokens, 486);
    assert_int_equal(retry_next(&s, &q, &d, &transient, -1, 3, &delay), RETRY_GO);
    assert_in_range(delay, 0, 100);
    assert_int_equal(q.tokens, 472);
    delay = -7;
    assert_int_equal(retry_next(&s, &q, &d, &transient, -1, 3, &delay), RETRY_STOP);
    assert_int_equal(delay, -7);
    assert_int_equal(s.attempts, 3);

    s = (struct retry_state){0};
    assert_int_equal(retry_next(&s, &q, &d, &transient, -1, 3, &delay), RETRY_GO);
    assert_int_equal(q.tokens, 458);
    assert_int_equal(retry_next(&s, &q, &d, &done, -1, 3, &delay), RETRY_STOP);
    assert_int_equal(q.tokens, 472); /* what the retry took came back */
    s = (struct retry_state){0};
    assert_int_equal(retry_next(&s, &q, &d, &done, -1, 3, &delay), RETRY_STOP);
    assert_int_equal(q.tokens, 473);
    q.tokens = RETRY_QUOTA_FULL;
    s = (struct retry_state){0};
    assert_int_equal(retry_next(&s, &q, &d, &done, -1, 3, &delay), RETRY_STOP);
    assert_int_equal(q.tokens, RETRY_QUOTA_FULL);
    s = (struct retry_state){0};
    assert_int_equal(retry_next(&s, &q, &d, &final, -1, 3, &delay), RETRY_STOP);
    assert_int_equal(s.attempts, 1);
}

static void test_quota(void **state)
{
    (void)state;
    static const struct judgement transient = {FAILURE_TRANSIENT, VERDICT_UNREACHED};
    static const struct judgement throttled = {FAILURE_THROTTLED, VERDICT_BUSY};
    struct retry_dice d = {1};
    struct retry_quota q;
    int64_t delay;
    unsigned retries = 0;
    retry_quota_init(&q);
    for (struct retry_state s = {0};
         retry_next(&s, &q, &d, &transient, -1, UINT32_MAX, &delay) == RETRY_GO;)
        retries++;
    assert_int_equal(retries, 35); /* 500 / 14 */
    for (struct retry_state s = {0};
         retry_next(&s, &q, &d, &throttled, -1, UINT32_MAX, &delay) == RETRY_GO;)
        retries++;
    assert_int_equal(retries, 37); /* the 10 left pay two of 5 */
    assert_int_equal(q.tokens, 0);
}

static void test_once(void **state)
{
    (void)state;
    static const enum failure kinds[] = {FAILURE_SKEW, FAILURE_EXPIRED, FAILURE_REGION};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct judgement j = {kinds[i], VERDICT_DENIED};
        struct retry_state s = {0};
        struct retry_dice d = {1};
        struct retry_quota q;
        int64_t delay = -1;
        retry_quota_init(&q);
        assert_int_equal(retry_next(&s, &q, &d, &j, -1, 1, &delay), RETRY_GO);
        assert_int_equal(delay, 0);
        assert_int_equal(q.tokens, RETRY_QUOTA_FULL);
        assert_int_equal(retry_next(&s, &q, &d, &j, -1, 9, &delay), RETRY_STOP);
    }
    struct judgement digest = {FAILURE_DIGEST, VERDICT_UNREACHED};
    struct retry_state s = {0};
    struct retry_dice d = {1};
    struct retry_quota q;
    int64_t delay = -1;
    retry_quota_init(&q);
    assert_int_equal(retry_next(&s, &q, &d, &digest, -1, 3, &delay), RETRY_GO);
    assert_int_equal(q.tokens, RETRY_QUOTA_FULL - RETRY_COST_TRANSIENT);
    assert_int_equal(retry_next(&s, &q, &d, &digest, -1, 3, &delay), RETRY_STOP);
}

/* The greatest delay of many at attempt i. */
static int64_t worst_delay(enum failure failure, unsigned attempts, int64_t hint_ms,
                           int64_t *ret_least)
{
    struct judgement j = {failure, VERDICT_BUSY};
    struct retry_dice d = {42};
    int64_t most = 0;
    *ret_least = INT64_MAX;
    for (int i = 0; i < 2000; i++) {
        struct retry_state s = {.attempts = attempts};
        struct retry_quota q;
        int64_t delay = -1;
        retry_quota_init(&q);
        assert_int_equal(retry_next(&s, &q, &d, &j, hint_ms, UINT32_MAX, &delay), RETRY_GO);
        most = delay > most ? delay : most;
        *ret_least = delay < *ret_least ? delay : *ret_least;
    }
    return most;
}

static void test_delays(void **state)
{
    (void)state;
    int64_t least;
    assert_in_range(worst_delay(FAILURE_TRANSIENT, 0, -1, &least), 49, 50);
    assert_in_range(least, 0, 1);
    assert_in_range(worst_delay(FAILURE_TRANSIENT, 3, -1, &least), 395, 400);
    assert_in_range(worst_delay(FAILURE_THROTTLED, 0, -1, &least), 990, 1000);
    assert_in_range(worst_delay(FAILURE_THROTTLED, 4, -1, &least), 15900, 16000);
    assert_in_range(worst_delay(FAILURE_THROTTLED, 5, -1, &least), 19900, 20000);
    assert_in_range(worst_delay(FAILURE_TRANSIENT, 4000000000u, -1, &least), 19900, 20000);
    /* A hint is a floor, but adds at most five seconds. */
    assert_in_range(worst_delay(FAILURE_TRANSIENT, 0, 700, &least), 700, 700);
    assert_int_equal(least, 700);
    assert_in_range(worst_delay(FAILURE_TRANSIENT, 0, 3600000, &least), 5049, 5050);
    assert_in_range(least, 5000, 5001);
    assert_in_range(worst_delay(FAILURE_THROTTLED, 0, 0, &least), 990, 1000);
}

static void test_same_seed(void **state)
{
    (void)state;
    int64_t a, b;
    struct judgement j = {FAILURE_THROTTLED, VERDICT_BUSY};
    struct retry_dice d1 = {7}, d2 = {7};
    struct retry_quota q;
    retry_quota_init(&q);
    for (int i = 0; i < 10; i++) {
        struct retry_state s1 = {0}, s2 = {0};
        assert_int_equal(retry_next(&s1, &q, &d1, &j, -1, 3, &a), RETRY_GO);
        assert_int_equal(retry_next(&s2, &q, &d2, &j, -1, 3, &b), RETRY_GO);
        assert_true(a == b);
    }
}

static void test_clock_offset(void **state)
{
    (void)state;
    const int64_t s = 1000000;
    int64_t us = 77;
    assert_true(retry_clock_offset(1000 * s, 900 * s, 902 * s, false, &us));
    assert_true(us == 99 * s);
    assert_true(retry_clock_offset(900 * s, 1000 * s, 1000 * s, false, &us));
    assert_true(us == -100 * s);
    us = 77;
    assert_false(retry_clock_offset(1000 * s, 900 * s, 902 * s, true, &us));
    assert_false(retry_clock_offset(1000 * s, 0, 900 * s + 1, false, &us));
    assert_false(retry_clock_offset(1000 * s, 902 * s, 900 * s, false, &us));
    assert_true(us == 77);
    assert_true(retry_clock_offset(1000 * s, 0, 900 * s, false, &us));
}

static void test_names(void **state)
{
    (void)state;
    for (int i = VERDICT_DONE; i <= VERDICT_UNREACHED; i++) {
        assert_string_not_equal(verdict_name((enum verdict)i), "unknown");
        for (int j = VERDICT_DONE; j < i; j++)
            assert_string_not_equal(verdict_name((enum verdict)i), verdict_name((enum verdict)j));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judge),        cmocka_unit_test(test_transport),
        cmocka_unit_test(test_error_in_200), cmocka_unit_test(test_region),
        cmocka_unit_test(test_moved),        cmocka_unit_test(test_clock_and_token),
        cmocka_unit_test(test_attempts),     cmocka_unit_test(test_quota),
        cmocka_unit_test(test_once),         cmocka_unit_test(test_delays),
        cmocka_unit_test(test_same_seed),    cmocka_unit_test(test_clock_offset),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
