/* What the journal says of a key, and whether S3 has it. */
#include "tests/unit/unit.h"

#include "agent/core/account.h"
#include "agent/core/moved.h"

#include <stdio.h>
#include <string.h>

#define NOW_US INT64_C(1795820445000000)

/* An account of what these entries say. */
static struct account *account_of(const struct account_entry *list, size_t count)
{
    static struct account a;

    account_begin(&a, "images/a.jpg");
    for (size_t i = 0; i < count; i++)
        account_add(&a, &list[i]);
    return &a;
}

/* NOLINTBEGIN(bugprone-macro-parentheses): initializers */
#define ACCOUNT(...)                                                                               \
    account_of((const struct account_entry[]){__VA_ARGS__},                                        \
               sizeof((const struct account_entry[]){__VA_ARGS__}) / sizeof(struct account_entry))
#define PUT(number, tag, id)                                                                       \
    {                                                                                              \
        .ordinal = number, .what = ACCOUNT_PUT, .seq = number, .tx = 1, .time_us = NOW_US,         \
        .has = ACCOUNT_HAS_SIZE | ACCOUNT_HAS_CRC | ACCOUNT_HAS_POSIX, .size = 10,                 \
        .crc64 = 0x0102, .posix = {0100644, 1, 2, 3}, .etag = tag, .version = id                   \
    }
#define OTHER(kind, number, transaction)                                                           \
    {                                                                                              \
        .ordinal = number, .what = kind, .seq = number, .tx = transaction, .time_us = NOW_US       \
    }
/* NOLINTEND(bugprone-macro-parentheses) */

static struct s3_head head_of(uint8_t crc_end)
{
    struct s3_head h = {
        .posix_has = S3_HAS_POSIX, .posix = {0100644, 1, 2, 3}, .writer = "lockstep"};

    h.has[CHECKSUM_CRC64NVME] = 1;
    h.checksums[CHECKSUM_CRC64NVME][6] = 1;
    h.checksums[CHECKSUM_CRC64NVME][7] = crc_end;
    return h;
}

/* What S3 lists, and what HEAD says where it was asked. */
static struct account_facts listed(const char *etag)
{
    return (struct account_facts){.in_s3 = true,
                                  .size = 10,
                                  .etag = etag,
                                  .modified_us = NOW_US - 5,
                                  .journal_until_us = NOW_US + 100};
}

static struct account_facts asked(const char *etag, const char *version, const struct s3_head *h)
{
    struct account_facts f = listed(etag);

    f.asked = true;
    f.verdict = VERDICT_DONE;
    f.version = version;
    f.head = h;
    return f;
}

static void expect(const struct account *a, struct account_facts f, enum account_kind kind,
                   uint64_t seq, const char *words)
{
    struct account_answer answer;

    account_judge(a, &f, &answer);
    assert_string_equal(account_kind_name(answer.kind), account_kind_name(kind));
    assert_int_equal(answer.seq, seq);
    assert_non_null(strstr(answer.cause, words));
}

static void test_in_step(void **state)
{
    const struct s3_head h = head_of(2);
    const struct account_facts gone = {.etag = ""};

    (void)state;
    expect(ACCOUNT(PUT(4, "e", "v")), listed("e"), ACCOUNT_SAME, 0, "");
    expect(ACCOUNT(PUT(4, "e", "v")), asked("e", "v", &h), ACCOUNT_SAME, 0, "");
    expect(ACCOUNT(PUT(4, "e", "")), asked("e", "", &h), ACCOUNT_SAME, 0, "");
    expect(ACCOUNT(PUT(4, "e", "v"), OTHER(ACCOUNT_DELETE, 5, 2)), gone, ACCOUNT_SAME, 0, "");
    expect(ACCOUNT(OTHER(ACCOUNT_INTENT, 5, 5)), gone, ACCOUNT_SAME, 0, "");
    expect(ACCOUNT(OTHER(ACCOUNT_DELETE, 5, 2)), gone, ACCOUNT_SAME, 0, "");
}

static void test_what_others_did(void **state)
{
    const struct s3_head h = head_of(2), other_sum = head_of(3);
    struct s3_head other_mode = head_of(2), plain = {.posix_has = 0};
    const struct account_facts gone = {.etag = "", .journal_until_us = NOW_US};
    struct account_facts late = listed("x");

    (void)state;
    other_mode.posix.mode = 0100600;
    late.modified_us = NOW_US + 200;
    expect(ACCOUNT(PUT(4, "e", "")), gone, ACCOUNT_MISSING, 4, "record 4 put it");
    expect(ACCOUNT(PUT(4, "e", "")), listed("x"), ACCOUNT_CONTENT, 4, "ETag x, and record 4 put");
    expect(ACCOUNT(PUT(4, "e", "")), late, ACCOUNT_CONTENT, 4, "after the journal's last record");
    expect(ACCOUNT(PUT(4, "e", "")), asked("e", "", &other_sum), ACCOUNT_CONTENT, 4, "checksum");
    expect(ACCOUNT(PUT(4, "e", "v")), asked("e", "w", &h), ACCOUNT_METADATA, 4, "the version w");
    expect(ACCOUNT(PUT(4, "e", "v")), asked("e", "v", &other_mode), ACCOUNT_METADATA, 4, "mode");
    expect(ACCOUNT(PUT(4, "e", "v")), asked("e", "v", &plain), ACCOUNT_METADATA, 4, "else");
    expect(ACCOUNT(OTHER(ACCOUNT_END, 3, 3)), listed("x"), ACCOUNT_EXTRA, 0, "no record of it");
    expect(ACCOUNT(PUT(4, "e", ""), OTHER(ACCOUNT_DELETE, 5, 2)), listed("x"), ACCOUNT_EXTRA, 5,
           "record 5 deleted it; put again");
}

static void test_what_came_back(void **state)
{
    const struct s3_head h = head_of(2);

    (void)state;
    expect(ACCOUNT(PUT(4, "e", ""), PUT(6, "f", "")), listed("e"), ACCOUNT_CONTENT, 6,
           "what record 4 put; record 6 put another");
    expect(ACCOUNT(PUT(4, "e", "v"), PUT(6, "e", "w")), asked("e", "v", &h), ACCOUNT_METADATA, 6,
           "that of record 4, and record 6");
    expect(ACCOUNT(PUT(4, "e", ""), PUT(6, "f", ""), OTHER(ACCOUNT_DELETE, 7, 2)), listed("f"),
           ACCOUNT_EXTRA, 7, "record 7 deleted it, and what record 6 put is back");
    expect(ACCOUNT(PUT(4, "e", ""), PUT(6, "f", ""), OTHER(ACCOUNT_DELETE, 7, 2)), listed("e"),
           ACCOUNT_EXTRA, 7, "what record 4 put is back");
}

/* The last ones before it are remembered, and no more. */
static void test_history(void **state)
{
    static struct account a;
    char etag[16];

    (void)state;
    account_begin(&a, "k");
    for (unsigned i = 1; i <= ACCOUNT_HISTORY + 5; i++) {
        struct account_entry e = PUT(i, etag, "");

        snprintf(etag, sizeof etag, "e%u", i);
        account_add(&a, &e);
    }
    expect(&a, listed("e20"), ACCOUNT_CONTENT, 21, "what record 20 put");
    expect(&a, listed("e5"), ACCOUNT_CONTENT, 21, "what record 5 put");
    expect(&a, listed("e4"), ACCOUNT_CONTENT, 21, "by somebody else");
    account_begin(&a, "another");
    expect(&a, listed("e5"), ACCOUNT_EXTRA, 0, "no record");
}

static void test_what_did_not_end(void **state)
{
    const struct account_facts gone = {.etag = ""};

    (void)state;
    expect(ACCOUNT(OTHER(ACCOUNT_INTENT, 3, 3)), listed("e"), ACCOUNT_OPEN, 3, "record 3 did not");
    expect(ACCOUNT(PUT(2, "e", ""), OTHER(ACCOUNT_INTENT, 3, 3), OTHER(ACCOUNT_UNSURE, 4, 3)), gone,
           ACCOUNT_OPEN, 4, "record 4 did not");
    expect(ACCOUNT(PUT(2, "e", ""), OTHER(ACCOUNT_INTENT, 3, 3), OTHER(ACCOUNT_END, 4, 3)), gone,
           ACCOUNT_MISSING, 2, "record 2 put it");
    expect(ACCOUNT(PUT(2, "e", ""), OTHER(ACCOUNT_INTENT, 3, 3), OTHER(ACCOUNT_END, 4, 1)), gone,
           ACCOUNT_OPEN, 3, "record 3");
    expect(ACCOUNT(PUT(2, "e", ""), OTHER(ACCOUNT_INTENT, 3, 3)), listed("e"), ACCOUNT_SAME, 0, "");
}

/* What nobody was sure of stays so, whatever becomes of later attempts, until one is done. */
static void test_what_went_unheard(void **state)
{
    const struct account_entry unsure = OTHER(ACCOUNT_UNSURE, 4, 3);
    const struct account_facts gone = {.etag = ""};

    (void)state;
    expect(ACCOUNT(unsure, OTHER(ACCOUNT_END, 5, 3)), listed("e"), ACCOUNT_OPEN, 4, "record 4");
    expect(ACCOUNT(unsure, OTHER(ACCOUNT_INTENT, 5, 5)), listed("e"), ACCOUNT_OPEN, 4, "record 4");
    expect(ACCOUNT(unsure, OTHER(ACCOUNT_INTENT, 5, 5), OTHER(ACCOUNT_END, 6, 5)), listed("e"),
           ACCOUNT_OPEN, 4, "record 4");
    expect(ACCOUNT(unsure, OTHER(ACCOUNT_INTENT, 5, 5), OTHER(ACCOUNT_UNSURE, 6, 5)), listed("e"),
           ACCOUNT_OPEN, 6, "record 6");
    expect(ACCOUNT(unsure, OTHER(ACCOUNT_INTENT, 5, 5), PUT(6, "e", "")), listed("x"),
           ACCOUNT_CONTENT, 6, "record 6 put");
    expect(ACCOUNT(unsure, OTHER(ACCOUNT_DELETE, 5, 5)), listed("e"), ACCOUNT_EXTRA, 5,
           "record 5 deleted it");
    expect(ACCOUNT(PUT(2, "e", ""), unsure, PUT(6, "f", ""), OTHER(ACCOUNT_INTENT, 7, 7),
                   OTHER(ACCOUNT_END, 8, 7)),
           gone, ACCOUNT_MISSING, 6, "record 6 put it");
}

/* The host is named where there are several; S3 may not answer. */
static void test_hosts_and_silence(void **state)
{
    static const char *const hosts[] = {"alpha", "beta"};
    struct account_facts f = listed("x");
    struct account_entry e = PUT(4, "e", "");
    struct account a;

    (void)state;
    e.which = 1;
    account_begin(&a, "k");
    account_add(&a, &e);
    f.hosts = hosts;
    expect(&a, f, ACCOUNT_CONTENT, 4, "record 4 of beta put");
    f.asked = true;
    f.verdict = VERDICT_DENIED;
    f.words = "denied: AccessDenied";
    expect(&a, f, ACCOUNT_UNKNOWN, 4, "AccessDenied");
}

static void test_when_to_look_closer(void **state)
{
    struct account_facts f = listed("e");

    (void)state;
    assert_false(account_wants(ACCOUNT(PUT(4, "e", "")), &f, false));
    assert_true(account_wants(ACCOUNT(PUT(4, "e", "")), &f, true));
    assert_true(account_wants(ACCOUNT(PUT(4, "x", "")), &f, false));
    assert_true(account_wants(ACCOUNT(OTHER(ACCOUNT_DELETE, 4, 1)), &f, false));
    f.modified_us = NOW_US + INT64_C(11000000); /* later than its record */
    assert_true(account_wants(ACCOUNT(PUT(4, "e", "")), &f, false));
    f.in_s3 = false;
    assert_false(account_wants(ACCOUNT(PUT(4, "e", "")), &f, true));
}

/* Encoded entries sort by key, then by ordinal, and come back as they were. */
static void test_codec(void **state)
{
    struct account_entry in = PUT(300, "etag", "version"), out;
    struct buf a, b;

    (void)state;
    in.key = "d/a.jpg";
    in.which = 3;
    buf_init(&a, 4096);
    buf_init(&b, 4096);
    assert_int_equal(account_encode(&in, "images/", &a), 0);
    assert_int_equal(account_decode((struct span){a.data, a.len}, &out), 0);
    assert_string_equal(out.key, "images/d/a.jpg");
    assert_string_equal(out.etag, "etag");
    assert_string_equal(out.version, "version");
    assert_int_equal(out.ordinal, 300);
    assert_int_equal(out.which, 3);
    assert_int_equal(out.has, in.has);
    assert_int_equal(out.time_us, NOW_US);
    assert_int_equal(out.posix.mode, in.posix.mode);
    assert_int_equal(out.posix.uid, in.posix.uid);
    assert_int_equal(out.posix.gid, in.posix.gid);
    assert_int_equal(out.posix.mtime_ns, in.posix.mtime_ns);
    in.ordinal = 299;
    assert_int_equal(account_encode(&in, "images/", &b), 0);
    assert_true(memcmp(b.data, a.data, b.len) < 0);
    in.key = "d/a.jpg2";
    buf_reset(&b);
    assert_int_equal(account_encode(&in, "images/", &b), 0);
    assert_true(memcmp(b.data, a.data, a.len) > 0);
    for (size_t n = 0; n < a.len; n++)
        assert_int_equal(account_decode((struct span){a.data, n}, &out), ERR_CORRUPT);
    buf_release(&a);
    buf_release(&b);
}

/* One record, and what it must say: "what path tx; ". */
static void said(struct journal_record r, const char *wanted)
{
    static const char *const names[] = {"intent", "end", "unsure", "put", "delete"};
    struct account_entry out[2];
    char got[256] = "";
    size_t n, len = 0;

    r.mapping = "images";
    r.path = r.path ? r.path : "a";
    r.tx = 7;
    n = account_said(&r, out);
    for (size_t i = 0; i < n; i++)
        len += (size_t)snprintf(got + len, sizeof got - len, "%s %s%s%s; ", names[out[i].what],
                                out[i].key, out[i].is_key ? " key" : "",
                                out[i].has & ACCOUNT_HAS_POSIX ? " posix" : "");
    assert_string_equal(got, wanted);
}

static void test_what_records_say(void **state)
{
    const unsigned file = JOURNAL_HAS_FILE;

    (void)state;
    said((struct journal_record){.op = JOURNAL_ADD, .state = JOURNAL_INTENT}, "intent a; ");
    said((struct journal_record){.op = JOURNAL_EDIT, .state = JOURNAL_ABORT}, "unsure a; ");
    said((struct journal_record){.op = JOURNAL_RENAME, .state = JOURNAL_INTENT, .path2 = "b"},
         "intent a; intent b; ");
    said((struct journal_record){.op = JOURNAL_RENAME, .state = JOURNAL_ABORT, .path2 = "b"},
         "end a; end b; ");
    said((struct journal_record){.op = JOURNAL_PUT, .state = JOURNAL_DONE, .has = file},
         "put a posix; ");
    said(
        (struct journal_record){
            .op = JOURNAL_COPY, .state = JOURNAL_DONE, .has = file, .path2 = "b"},
        "put a; ");
    said((struct journal_record){.op = JOURNAL_COPY, .state = JOURNAL_DONE, .has = file},
         "put a posix; ");
    said((struct journal_record){.op = JOURNAL_DELETE, .state = JOURNAL_DONE}, "delete a; ");
    said((struct journal_record){.op = JOURNAL_PUT, .state = JOURNAL_FAILED}, "unsure a; ");
    said((struct journal_record){.op = JOURNAL_PUT, .state = JOURNAL_FAILED, .http_status = 503},
         "unsure a; ");
    said((struct journal_record){.op = JOURNAL_PUT, .state = JOURNAL_FAILED, .http_status = 403},
         "end a; ");
    said((struct journal_record){.op = JOURNAL_TRASH, .state = JOURNAL_DONE, .path2 = ".trash/a"},
         "put .trash/a key; ");
    said((struct journal_record){.op = JOURNAL_TRASH, .state = JOURNAL_INTENT, .path2 = ".trash/a"},
         "intent .trash/a key; ");
    said((struct journal_record){.op = JOURNAL_LST, .state = JOURNAL_INTENT}, "");
    said((struct journal_record){.op = JOURNAL_EXPIRE, .state = JOURNAL_DONE}, "");
}

static void test_moved(void **state)
{
    struct moved *m = NULL;

    (void)state;
    assert_int_equal(moved_new(&m), 0);
    assert_false(moved_has(m, "images/a/b.jpg"));
    assert_int_equal(moved_add(m, "images/", "a"), 0);
    assert_true(moved_has(m, "images/a"));
    assert_true(moved_has(m, "images/a/b/c.jpg"));
    assert_false(moved_has(m, "images/ab.jpg"));
    assert_false(moved_has(m, "images"));
    assert_int_equal(moved_add_all_to(m, ".trash/", ".trash/2"), 0);
    assert_int_equal(moved_add_all_to(m, ".trash/", ".trash/1"), 0);
    assert_true(moved_has(m, ".trash/2"));
    assert_false(moved_has(m, ".trash/3"));
    assert_false(moved_has(m, ".other"));
    for (unsigned i = 0; i <= MOVED_MAX; i++) { /* memory is bounded */
        char path[16];

        snprintf(path, sizeof path, "%u", i);
        assert_int_equal(moved_add(m, "", path), 0);
    }
    assert_true(moved_has(m, "anything"));
    moved_free(m);
    moved_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_step),
        cmocka_unit_test(test_what_others_did),
        cmocka_unit_test(test_what_came_back),
        cmocka_unit_test(test_history),
        cmocka_unit_test(test_what_did_not_end),
        cmocka_unit_test(test_what_went_unheard),
        cmocka_unit_test(test_hosts_and_silence),
        cmocka_unit_test(test_when_to_look_closer),
        cmocka_unit_test(test_codec),
        cmocka_unit_test(test_what_records_say),
        cmocka_unit_test(test_moved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
