/* Faults by cause, and the gate that holds back what would fail too. */
#include "tests/unit/unit.h"

#include "agent/core/gate.h"
#include "agent/core/order.h"
#include "agent/core/trouble.h"

#include <stdlib.h>
#include <string.h>

static void test_kinds(void **state)
{
    (void)state;
    static const struct {
        enum verdict verdict;
        int status;
        const char *code, *message;
        bool untrusted;
        enum trouble_kind kind;
    } cases[] = {
        {VERDICT_DENIED, 403, "AccessDenied", "Access Denied", false, TROUBLE_DENIED},
        {VERDICT_DENIED, 403, "", "HTTP status 403", false, TROUBLE_DENIED},
        {VERDICT_DENIED, 403, "AccessDenied", "not authorized to perform: kms:GenerateDataKey",
         false, TROUBLE_KMS},
        {VERDICT_REFUSED, 400, "KMS.DisabledException", "", false, TROUBLE_KMS},
        {VERDICT_REFUSED, 404, "NoSuchBucket", "", false, TROUBLE_BUCKET},
        {VERDICT_DENIED, 403, "InvalidAccessKeyId", "", false, TROUBLE_KEYS},
        {VERDICT_DENIED, 400, "ExpiredToken", "", false, TROUBLE_KEYS},
        {VERDICT_DENIED, 403, "SignatureDoesNotMatch", "", false, TROUBLE_SIGNATURE},
        {VERDICT_DENIED, 403, "RequestTimeTooSkewed", "", false, TROUBLE_CLOCK},
        {VERDICT_DENIED, 403, "QuotaExceeded", "", false, TROUBLE_QUOTA},
        {VERDICT_REFUSED, 400, "KeyTooLongError", "", false, TROUBLE_NAME},
        {VERDICT_REFUSED, 0, "", "the key is too long", false, TROUBLE_NAME},
        {VERDICT_REFUSED, 400, "EntityTooLarge", "", false, TROUBLE_SIZE},
        {VERDICT_REFUSED, 400, "InvalidStorageClass", "", false, TROUBLE_REFUSED},
        {VERDICT_BUSY, 503, "SlowDown", "", false, TROUBLE_SLOW},
        {VERDICT_BUSY, 503, "ServiceUnavailable", "", false, TROUBLE_SERVER},
        {VERDICT_UNREACHED, 500, "InternalError", "", false, TROUBLE_SERVER},
        {VERDICT_UNREACHED, 0, "Couldn't connect to server", "", false, TROUBLE_UNREACHED},
        {VERDICT_UNREACHED, 0, "SSL peer certificate", "", true, TROUBLE_TLS},
        {VERDICT_CHANGED, 0, "", "it grew", false, TROUBLE_NONE},
        {VERDICT_UNREADABLE, 0, "", "open: EACCES", false, TROUBLE_NONE},
        {VERDICT_CONFLICT, 412, "PreconditionFailed", "", false, TROUBLE_NONE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct transfer *t = transfer_new(TRANSFER_PUT, "k");
        assert_non_null(t);
        t->verdict = cases[i].verdict;
        t->http_status = cases[i].status;
        t->untrusted = cases[i].untrusted;
        snprintf(t->s3_code, sizeof(t->s3_code), "%s", cases[i].code);
        snprintf(t->message, sizeof(t->message), "%s", cases[i].message);
        if (trouble_of(t) != cases[i].kind)
            fail_msg("case %zu: %s", i, trouble_kind_name(trouble_of(t)));
        transfer_free(t);
    }
    for (int k = TROUBLE_NONE + 1; k < TROUBLE_KIND_COUNT; k++) {
        assert_true(strlen(trouble_kind_name((enum trouble_kind)k)) > 0);
        assert_true(strlen(trouble_advice((enum trouble_kind)k)) > 10);
    }
}

static void test_the_refused_action(void **state)
{
    (void)state;
    static const struct {
        const char *message, *action;
    } cases[] = {
        {"User: arn:aws:iam::111122223333:user/x is not authorized to perform: s3:PutObject on "
         "resource: \"arn:aws:s3:::b/k\" because no identity-based policy allows it",
         "s3:PutObject"},
        {"not authorized to perform: kms:GenerateDataKey", "kms:GenerateDataKey"},
        {"not authorized to perform: s3:Put\x1b[2J on", "s3:Put"},
        {"not authorized to perform: this on", ""},
        {"not authorized to perform: ", ""},
        {"not authorized to perform: "
         "s3:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa on",
         ""},
        {"Access Denied", ""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char action[TROUBLE_ACTION_MAX];
        assert_string_equal(trouble_refused_action(cases[i].message, action), cases[i].action);
    }
}

static void test_groups(void **state)
{
    (void)state;
    struct troubles *ts = calloc(1, sizeof(*ts));
    struct pending *p = pending_new();
    bool is_new;
    struct item *a = pending_get(p, 0, "i/a", 2, 0), *b = pending_get(p, 0, "i/b", 2, 0);
    struct item *c = pending_get(p, 1, "l/c", 2, 0);
    struct trouble *t = troubles_note(ts, a, TROUBLE_DENIED, "s3:PutObject", "AccessDenied",
                                      "Access Denied", 10, &is_new);
    assert_true(is_new && t && t->open == 1 && t->failures == 1 && t->first_us == 10);
    assert_ptr_equal(troubles_note(ts, b, TROUBLE_DENIED, "s3:PutObject", "AccessDenied",
                                   "Access Denied", 20, &is_new),
                     t);
    assert_false(is_new);
    assert_ptr_equal(troubles_note(ts, b, TROUBLE_DENIED, "s3:PutObject", "AccessDenied",
                                   "Access Denied", 30, &is_new),
                     t);
    assert_true(t->open == 2 && t->failures == 3 && t->first_us == 10 && t->last_us == 30);
    assert_string_equal(t->example, "i/b");
    /* Another mapping, another operation, another kind are others. */
    assert_ptr_not_equal(
        troubles_note(ts, c, TROUBLE_DENIED, "s3:PutObject", "AccessDenied", "", 40, &is_new), t);
    assert_true(is_new);
    assert_int_equal(ts->count, 2);
    struct trouble *down =
        troubles_note(ts, c, TROUBLE_UNREACHED, "s3:PutObject", "no", "", 50, &is_new);
    assert_true(is_new && down->mapping == TROUBLE_ALL);
    /* Nothing holds the one of c any more. */
    struct trouble *over = troubles_over(ts);
    assert_true(over && over != t && over->mapping == 1);
    troubles_close(ts, over);
    assert_null(troubles_over(ts));
    assert_ptr_equal(
        troubles_note(ts, a, TROUBLE_UNREACHED, "s3:DeleteObject", "no", "", 60, &is_new), down);
    assert_int_equal(t->open, 1);
    pending_forget(p, b);
    assert_ptr_equal(troubles_over(ts), t);
    assert_null(troubles_note(ts, a, TROUBLE_NONE, "", "", "", 70, &is_new));
    assert_int_equal(down->open, 1);
    struct buf out;
    buf_init(&out, 4096);
    assert_int_equal(trouble_what(t, "bucket", "images/", &out), 0);
    assert_int_equal(buf_append_byte(&out, 0), 0);
    assert_string_equal(out.data,
                        "s3:PutObject on s3://bucket/images/: AccessDenied: Access Denied");
    buf_release(&out);
    pending_free(p);
    free(ts);
}

static void test_more_groups_than_places(void **state)
{
    (void)state;
    struct troubles *ts = calloc(1, sizeof(*ts));
    struct pending *p = pending_new();
    bool is_new;
    for (unsigned i = 0; i < TROUBLES_MAX + 5; i++) {
        char key[16];
        snprintf(key, sizeof(key), "%u", i);
        struct item *it = pending_get(p, i % 60, key, 0, 0);
        struct trouble *t =
            troubles_note(ts, it, i < 60 ? TROUBLE_DENIED : TROUBLE_NAME, "op", "", "", 1, &is_new);
        assert_true((t != NULL) == (i < TROUBLES_MAX));
    }
    size_t at = 0, n = 0;
    while (troubles_next(ts, &at))
        n++;
    assert_int_equal(n, TROUBLES_MAX);
    pending_free(p);
    free(ts);
}

static void test_gate(void **state)
{
    (void)state;
    struct gate g = {0};
    int64_t now_ms = 1000000;
    for (int i = 0; i < 100; i++) { /* one bad file closes nothing */
        assert_false(gate_failed(&g, false, now_ms));
        assert_true(gate_lets(&g, true, now_ms));
    }
    for (int i = 0; i < GATE_STREAK - 1; i++)
        assert_false(gate_failed(&g, true, now_ms));
    assert_false(gate_passed(&g)); /* one success, and it counts anew */
    for (int i = 0; i < GATE_STREAK - 1; i++)
        assert_false(gate_failed(&g, true, now_ms));
    assert_true(gate_failed(&g, true, now_ms));
    for (int i = 0; i < 500; i++) /* those that were on their way */
        assert_false(gate_failed(&g, true, now_ms));
    assert_false(gate_lets(&g, false, now_ms));
    unsigned attempts = 0, fresh = 0;
    for (int64_t end_ms = now_ms + 600000; now_ms < end_ms; now_ms += 10) {
        if (gate_lets(&g, true, now_ms)) {
            assert_false(gate_lets(&g, true, now_ms));
            assert_false(gate_lets(&g, false, now_ms + 100000));
            gate_failed(&g, true, now_ms);
            attempts++;
        }
    }
    assert_in_range(attempts, 20, 30); /* 1, 2, 4, 8, 16, then every 30 s */
    for (int64_t end_ms = now_ms + 60000; now_ms < end_ms; now_ms += 10) {
        if (gate_lets(&g, false, now_ms)) {
            gate_failed(&g, true, now_ms);
            fresh++;
        }
    }
    assert_in_range(fresh, 58, 61); /* a new file is tried every second */
    now_ms += GATE_FIRST_MS;
    assert_true(gate_lets(&g, false, now_ms));
    gate_other(&g);
    now_ms += GATE_FIRST_MS;
    assert_true(gate_lets(&g, false, now_ms));
    assert_true(gate_passed(&g));
    assert_true(gate_lets(&g, true, now_ms));
}

static void test_spread(void **state)
{
    (void)state;
    assert_int_equal(order_spread_ms(1000, 1), 1000);
    assert_int_equal(order_spread_ms(1000, 1000), 10000);
    assert_int_equal(order_spread_ms(300000, 20000), 300000);
    assert_int_equal(order_spread_ms(1000, UINT64_MAX), 3600000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),  cmocka_unit_test(test_the_refused_action),
        cmocka_unit_test(test_groups), cmocka_unit_test(test_more_groups_than_places),
        cmocka_unit_test(test_gate),   cmocka_unit_test(test_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
