/* The codec of records. */
#include "base/err.h"
#include "base/path.h"
#include "journal/journal.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 20000

/* xorshift64*: the same numbers on every run. */
static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t next_random(void)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return seed * UINT64_C(0x2545f4914f6cdd1d);
}

/* A number of any magnitude. */
static uint64_t any_number(void)
{
    return next_random() >> (next_random() % 64);
}

/* Strings of n bytes at most: bytes of any value, or of text only. NULL now and then. */
static const char *any_string(char *out, size_t n, bool text)
{
    static const char letters[] = "az09/. _-\"\\\n\t\x01\x1f\x7f";
    size_t k = next_random() % n;

    if (next_random() % 4 == 0)
        return NULL;
    for (size_t i = 0; i < k; i++)
        out[i] =
            text ? letters[next_random() % (sizeof(letters) - 1)] : (char)(1 + next_random() % 255);
    out[k] = '\0';
    return out;
}

struct any_record {
    struct journal_record rec;
    char text[9][40];
};

/* A record that encode can write, with each of its parts present or not. */
static const struct journal_record *make_any(struct any_record *a)
{
    struct journal_record *r = &a->rec;

    memset(r, 0, sizeof(*r));
    r->seq = any_number();
    r->time_us = (int64_t)next_random();
    r->op = (enum journal_op)(next_random() % JOURNAL_OP_COUNT);
    r->state = (enum journal_state)(next_random() % JOURNAL_STATE_COUNT);
    r->source = (enum journal_source)(next_random() % JOURNAL_SRC_COUNT);
    r->tx = any_number();
    r->mapping = any_string(a->text[0], 20, true);
    r->path = any_string(a->text[1], 40, next_random() % 2);
    r->path2 = any_string(a->text[2], 40, next_random() % 2);
    r->count = any_number();
    r->before = any_string(a->text[3], 40, true);
    r->after = any_string(a->text[4], 40, true);
    r->backup = any_string(a->text[5], 40, true);
    r->etag = any_string(a->text[6], 40, true);
    r->version = any_string(a->text[7], 40, true);
    r->why = any_string(a->text[8], 40, true);
    r->http_status = (int)(next_random() % 3 ? next_random() % 600 : next_random());
    r->attempts = (unsigned)any_number();
    r->duration_ms = any_number();
    r->has = (unsigned)(next_random() % 4);
    if (r->has & JOURNAL_HAS_FILE) {
        r->ino = any_number();
        r->size = any_number();
        r->mtime_ns = (int64_t)any_number();
        if (next_random() % 2)
            r->mtime_ns = -r->mtime_ns;
        r->mode = (uint32_t)any_number();
        r->uid = (uint32_t)any_number();
        r->gid = (uint32_t)any_number();
    }
    if (r->has & JOURNAL_HAS_CRC)
        r->crc64 = next_random();
    return r;
}

static void assert_text_equal(const char *a, const char *b)
{
    assert_int_equal(!a, !b);
    if (a)
        assert_string_equal(a, b);
}

static void assert_record_equal(const struct journal_record *a, const struct journal_record *b)
{
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->time_us, b->time_us);
    assert_int_equal(a->op, b->op);
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->source, b->source);
    assert_int_equal(a->tx, b->tx);
    assert_text_equal(a->mapping, b->mapping);
    assert_text_equal(a->path, b->path);
    assert_text_equal(a->path2, b->path2);
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->has, b->has);
    assert_int_equal(a->ino, b->ino);
    assert_int_equal(a->size, b->size);
    assert_int_equal(a->mtime_ns, b->mtime_ns);
    assert_int_equal(a->mode, b->mode);
    assert_int_equal(a->uid, b->uid);
    assert_int_equal(a->gid, b->gid);
    assert_text_equal(a->before, b->before);
    assert_text_equal(a->after, b->after);
    assert_text_equal(a->backup, b->backup);
    assert_text_equal(a->etag, b->etag);
    assert_text_equal(a->version, b->version);
    assert_int_equal(a->crc64, b->crc64);
    assert_int_equal(a->http_status, b->http_status);
    assert_int_equal(a->attempts, b->attempts);
    assert_int_equal(a->duration_ms, b->duration_ms);
    assert_text_equal(a->why, b->why);
}

struct codec {
    struct buf line;
    struct buf store;
    struct buf again;
};

static void codec_init(struct codec *c)
{
    buf_init(&c->line, 2 * JOURNAL_LINE_MAX);
    buf_init(&c->store, JOURNAL_LINE_MAX);
    buf_init(&c->again, 2 * JOURNAL_LINE_MAX);
}

static void codec_release(struct codec *c)
{
    buf_release(&c->line);
    buf_release(&c->store);
    buf_release(&c->again);
}

/* Encode, decode, compare, encode again: the same bytes. */
static void check_round_trip(struct codec *c, const struct journal_record *rec)
{
    struct journal_record got;

    buf_reset(&c->line);
    buf_reset(&c->again);
    assert_int_equal(journal_record_encode(rec, &c->line), 0);
    assert_int_equal(c->line.data[c->line.len - 1], '\n');
    assert_null(memchr(c->line.data, '\n', c->line.len - 1));
    assert_int_equal(
        journal_record_decode((struct span){c->line.data, c->line.len - 1}, &c->store, &got), 0);
    assert_record_equal(rec, &got);
    assert_int_equal(journal_record_encode(&got, &c->again), 0);
    assert_string_equal(c->line.data, c->again.data);
}

static void test_writes_the_format_as_documented(void **state)
{
    static const struct journal_record full = {.seq = 123,
                                               .time_us = INT64_C(1732353480123456),
                                               .op = JOURNAL_RENAME,
                                               .state = JOURNAL_INTENT,
                                               .source = JOURNAL_SRC_SCAN,
                                               .tx = 123,
                                               .mapping = "photos",
                                               .path = "a/\"b\\.jpg",
                                               .path2 = "a/\xff.jpg",
                                               .count = 7,
                                               .has = JOURNAL_HAS_FILE | JOURNAL_HAS_CRC,
                                               .ino = 0x1f00,
                                               .size = 4096,
                                               .mtime_ns = INT64_C(1732353480000000009),
                                               .mode = 0100644,
                                               .uid = 1000,
                                               .gid = 0,
                                               .before = "b1",
                                               .after = "a1",
                                               .backup = "k1",
                                               .etag = "e1",
                                               .version = "v1",
                                               .crc64 = UINT64_C(0xae8b14860a799888),
                                               .http_status = 200,
                                               .attempts = 2,
                                               .duration_ms = 35,
                                               .why = "\xc3\xa4\x7f\n"};
    struct codec c;

    (void)state;
    codec_init(&c);
    check_round_trip(&c, &full);
    assert_string_equal(
        c.line.data,
        "{\"q\":123,\"t\":1732353480123456,\"o\":\"rename\",\"st\":\"intent\",\"w\":\"photos\","
        "\"p\":\"a/\\\"b\\\\.jpg\",\"D\":\"YS//LmpwZw==\",\"n\":7,\"src\":\"scan\",\"tx\":123,"
        "\"i\":\"0x1f00\",\"s\":4096,\"m\":\"1732353480.000000009\",\"md\":\"100644\",\"u\":1000,"
        "\"g\":0,\"b\":\"b1\",\"a\":\"a1\",\"bk\":\"k1\",\"e\":\"e1\",\"v\":\"v1\","
        "\"c\":\"rosUhgp5mIg=\",\"rc\":200,\"at\":2,\"ms\":35,\"why\":\"\xc3\xa4\x7f\\n\"}\n");
    codec_release(&c);
}

static void test_leaves_out_what_is_not_there(void **state)
{
    static const struct journal_record least = {
        .seq = 1, .op = JOURNAL_START, .state = JOURNAL_NOTE};
    struct codec c;

    (void)state;
    codec_init(&c);
    check_round_trip(&c, &least);
    assert_string_equal(c.line.data, "{\"q\":1,\"t\":0,\"o\":\"start\",\"st\":\"note\"}\n");
    codec_release(&c);
}

static void test_times_before_1970_are_decimal_fractions(void **state)
{
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {{-1, "\"m\":\"-0.000000001\""},
                 {0, "\"m\":\"0.000000000\""},
                 {-INT64_C(1500000000), "\"m\":\"-1.500000000\""},
                 {INT64_MAX, "\"m\":\"9223372036.854775807\""},
                 {INT64_MIN, "\"m\":\"-9223372036.854775808\""}};
    struct codec c;

    (void)state;
    codec_init(&c);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct journal_record rec = {.seq = 1, .has = JOURNAL_HAS_FILE, .mtime_ns = cases[i].ns};

        check_round_trip(&c, &rec);
        assert_non_null(strstr(c.line.data, cases[i].text));
    }
    codec_release(&c);
}

static void test_keeps_every_byte_value_in_names(void **state)
{
    struct codec c;
    char name[4];

    (void)state;
    codec_init(&c);
    for (unsigned byte = 1; byte < 256; byte++)
        for (unsigned other = 1; other < 256; other += byte == 0xc3 ? 1 : 61) {
            struct journal_record rec = {.seq = 1, .path = name, .path2 = name + 1};
            bool utf8;

            snprintf(name, sizeof(name), "%c%c", (char)byte, (char)other);
            utf8 = path_is_utf8(name);
            check_round_trip(&c, &rec);
            assert_int_equal(strstr(c.line.data, ",\"p\":") != NULL, utf8);
            assert_int_equal(strstr(c.line.data, ",\"P\":") != NULL, !utf8);
        }
    codec_release(&c);
}

static void test_any_record_survives(void **state)
{
    struct any_record any;
    struct codec c;

    (void)state;
    codec_init(&c);
    for (int i = 0; i < ROUNDS; i++)
        check_round_trip(&c, make_any(&any));
    codec_release(&c);
}

/* Change, insert or remove one byte. */
static void mutate(struct buf *line)
{
    static const char bytes[] = "{}\":,\\u0019aqQpP=-. \n\x01\xff";
    size_t at = next_random() % line->len;
    char c = bytes[next_random() % (sizeof(bytes) - 1)];

    switch (next_random() % 3) {
    case 0:
        line->data[at] = c;
        break;
    case 1:
        memmove(line->data + at, line->data + at + 1, line->len - at);
        line->len--;
        break;
    default:
        assert_int_equal(buf_append_byte(line, ' '), 0);
        memmove(line->data + at + 1, line->data + at, line->len - at - 1);
        line->data[at] = c;
        break;
    }
}

static void test_what_decode_takes_encode_writes(void **state)
{
    struct any_record any;
    struct journal_record got;
    struct codec c;
    unsigned taken = 0, refused = 0;

    (void)state;
    codec_init(&c);
    for (int i = 0; i < ROUNDS; i++) {
        buf_reset(&c.line);
        buf_reset(&c.again);
        assert_int_equal(journal_record_encode(make_any(&any), &c.line), 0);
        c.line.len--;
        mutate(&c.line);
        if (journal_record_decode((struct span){c.line.data, c.line.len}, &c.store, &got)) {
            refused++;
            continue;
        }
        taken++;
        assert_int_equal(journal_record_encode(&got, &c.again), 0);
        assert_int_equal(c.again.len, c.line.len + 1);
        assert_memory_equal(c.again.data, c.line.data, c.line.len);
    }
    assert_true(taken > ROUNDS / 20 && refused > ROUNDS / 4);
    codec_release(&c);
}

static void test_refuses_other_spellings(void **state)
{
    static const char head[] = "{\"q\":1,\"t\":2,\"o\":\"put\",\"st\":\"done\"";
    static const char *const tails[] = {
        "",
        "} ",
        "}}",
        "}\n",
        ",}",
        ",\"x\":1}",
        ",\"p\":\"a\",\"p\":\"a\"}",
        ",\"d\":\"a\",\"p\":\"b\"}",
        ",\"p\":\"a\",\"P\":\"/w==\"}",
        ",\"P\":\"YQ==\"}", /* "a" is UTF-8 */
        ",\"P\":\"\"}",     /* so is nothing */
        ",\"P\":\"/wA=\"}", /* a NUL */
        ",\"P\":\"/w\"}",
        ",\"P\":\"/x==\"}", /* stray bits */
        ",\"p\":\"\xff\"}",
        ",\"p\":\"\\u0000\"}",
        ",\"p\":\"\\u000a\"}", /* is \n */
        ",\"p\":\"\\u001F\"}",
        ",\"p\":\"\\u0041\"}",
        ",\"p\":\"\\u00e4\"}",
        ",\"p\":\"\\/\"}",
        ",\"p\":\"\x01\"}",
        ",\"p\":\"a}",
        ",\"p\":null}",
        ",\"p\": \"a\"}",
        ",\"n\":0}",
        ",\"n\":01}",
        ",\"n\":-1}",
        ",\"n\":1.0}",
        ",\"n\":1e3}",
        ",\"n\":18446744073709551616}",
        ",\"src\":\"\"}",
        ",\"src\":\"moon\"}",
        ",\"tx\":0}",
        ",\"i\":\"0x01\",\"s\":1,\"m\":\"1.000000000\",\"md\":\"0\",\"u\":0,\"g\":0}",
        ",\"i\":\"0xA\",\"s\":1,\"m\":\"1.000000000\",\"md\":\"0\",\"u\":0,\"g\":0}",
        (",\"i\":\"0x10000000000000000\",\"s\":1,\"m\":\"1.000000000\",\"md\":\"0\",\"u\":0,\"g\":"
         "0}"),
        ",\"i\":\"0x1\",\"s\":1,\"m\":\"1.00000000\",\"md\":\"0\",\"u\":0,\"g\":0}",
        ",\"i\":\"0x1\",\"s\":1,\"m\":\"-0.000000000\",\"md\":\"0\",\"u\":0,\"g\":0}",
        ",\"i\":\"0x1\",\"s\":1,\"m\":\"9223372036.854775808\",\"md\":\"0\",\"u\":0,\"g\":0}",
        ",\"i\":\"0x1\",\"s\":1,\"m\":\"1.000000000\",\"md\":\"8\",\"u\":0,\"g\":0}",
        ",\"i\":\"0x1\",\"s\":1,\"m\":\"1.000000000\",\"md\":\"40000000000\",\"u\":0,\"g\":0}",
        ",\"i\":\"0x1\",\"s\":1,\"m\":\"1.000000000\",\"md\":\"0\",\"u\":4294967296,\"g\":0}",
        ",\"i\":\"0x1\",\"s\":1,\"m\":\"1.000000000\",\"md\":\"0\",\"u\":0}",
        ",\"c\":\"rosUhgp5mIg\"}",
        ",\"c\":\"rosUhgp5mIh=\"}",
        ",\"rc\":0}",
        ",\"rc\":2147483648}",
        ",\"rc\":-0}",
        ",\"at\":4294967296}",
        ",\"ms\":0}",
    };
    struct journal_record got, before;
    struct buf store;
    char line[512];

    (void)state;
    memset(&got, 0x55, sizeof(got));
    before = got;
    buf_init(&store, JOURNAL_LINE_MAX);
    snprintf(line, sizeof(line), "%s}", head);
    assert_int_equal(journal_record_decode(span_of(line), &store, &before), 0);
    memset(&before, 0x55, sizeof(before));
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        snprintf(line, sizeof(line), "%s%s", head, tails[i]);
        if (journal_record_decode(span_of(line), &store, &got) != ERR_SYNTAX)
            fail_msg("taken: %s", line);
    }
    assert_memory_equal(&got, &before, sizeof(got));
    buf_release(&store);
}

static void test_refuses_other_heads(void **state)
{
    static const char *const lines[] = {
        "",
        "{}",
        "{\"t\":2,\"q\":1,\"o\":\"put\",\"st\":\"done\"}",
        "{\"q\":-1,\"t\":2,\"o\":\"put\",\"st\":\"done\"}",
        "{\"q\":1,\"t\":9223372036854775808,\"o\":\"put\",\"st\":\"done\"}",
        "{\"q\":1,\"t\":-9223372036854775809,\"o\":\"put\",\"st\":\"done\"}",
        "{\"q\":1,\"t\":-0,\"o\":\"put\",\"st\":\"done\"}",
        "{\"q\":1,\"t\":2,\"o\":\"Put\",\"st\":\"done\"}",
        "{\"q\":1,\"t\":2,\"o\":\"\",\"st\":\"done\"}",
        "{\"q\":1,\"t\":2,\"o\":\"put\",\"st\":\"?\"}",
        "{\"k\":\"r\",\"at\":1,\"cut\":1}",
    };
    struct journal_record got;
    struct buf store;

    (void)state;
    buf_init(&store, JOURNAL_LINE_MAX);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (journal_record_decode(span_of(lines[i]), &store, &got) != ERR_SYNTAX)
            fail_msg("taken: %s", lines[i]);
    buf_release(&store);
}

static void test_keeps_its_limits(void **state)
{
    static char path[JOURNAL_LINE_MAX + 10];
    struct journal_record rec = {.seq = 1, .path = path}, got;
    struct codec c;
    struct buf small;
    size_t n;

    (void)state;
    codec_init(&c);
    check_round_trip(&c, &rec);
    n = JOURNAL_LINE_MAX - (c.line.len - 1);
    memset(path, 'x', n);
    check_round_trip(&c, &rec);
    assert_int_equal(c.line.len - 1, JOURNAL_LINE_MAX);
    path[n] = 'x';
    assert_int_equal(journal_record_encode(&rec, &c.line), ERR_LIMIT);
    assert_int_equal(c.line.len - 1, JOURNAL_LINE_MAX);
    assert_int_equal(strlen(c.line.data), c.line.len);
    assert_int_equal(buf_append_str(&c.again, " "), 0);
    assert_int_equal(
        journal_record_decode((struct span){c.again.data, c.again.len - 1}, &c.store, &got),
        ERR_SYNTAX);

    buf_init(&small, 100);
    assert_int_equal(buf_append_str(&small, "before"), 0);
    assert_int_equal(journal_record_encode(&rec, &small), ERR_LIMIT);
    assert_string_equal(small.data, "before");
    buf_release(&small);
    codec_release(&c);
}

static void test_refuses_values_that_are_none(void **state)
{
    struct journal_record rec = {.seq = 1};
    struct buf out;

    (void)state;
    buf_init(&out, 1000);
    rec.op = JOURNAL_OP_COUNT;
    assert_int_equal(journal_record_encode(&rec, &out), -EINVAL);
    rec.op = JOURNAL_PUT;
    rec.state = JOURNAL_STATE_COUNT;
    assert_int_equal(journal_record_encode(&rec, &out), -EINVAL);
    rec.state = JOURNAL_DONE;
    rec.source = JOURNAL_SRC_COUNT;
    assert_int_equal(journal_record_encode(&rec, &out), -EINVAL);
    assert_int_equal(out.len, 0);
    buf_release(&out);
}

static void test_names_of_ops(void **state)
{
    assert_string_equal(journal_op_name(JOURNAL_OP_COUNT), "?"); /* of a newer version's */
    assert_string_equal(journal_state_name(JOURNAL_STATE_COUNT), "?");
    assert_string_equal(journal_source_name(JOURNAL_SRC_COUNT), "?");
    enum journal_op op = JOURNAL_IDLE;

    (void)state;
    for (unsigned i = 0; i < JOURNAL_OP_COUNT; i++) {
        assert_int_equal(journal_op_parse(journal_op_name((enum journal_op)i), &op), 0);
        assert_int_equal(op, i);
    }
    assert_int_equal(journal_op_parse("", &op), ERR_SYNTAX);
    assert_int_equal(journal_op_parse("puts", &op), ERR_SYNTAX);
    assert_int_equal(op, JOURNAL_OP_COUNT - 1);
    assert_string_equal(journal_op_name(JOURNAL_OVERFLOW), "overflow");
    assert_string_equal(journal_op_name(JOURNAL_TRASH), "trash");
    assert_string_equal(journal_state_name(JOURNAL_ABORT), "abort");
    assert_string_equal(journal_source_name(JOURNAL_SRC_OPERATOR), "operator");
    assert_string_equal(journal_op_name(JOURNAL_OP_COUNT), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writes_the_format_as_documented),
        cmocka_unit_test(test_leaves_out_what_is_not_there),
        cmocka_unit_test(test_times_before_1970_are_decimal_fractions),
        cmocka_unit_test(test_keeps_every_byte_value_in_names),
        cmocka_unit_test(test_any_record_survives),
        cmocka_unit_test(test_what_decode_takes_encode_writes),
        cmocka_unit_test(test_refuses_other_spellings),
        cmocka_unit_test(test_refuses_other_heads),
        cmocka_unit_test(test_keeps_its_limits),
        cmocka_unit_test(test_refuses_values_that_are_none),
        cmocka_unit_test(test_names_of_ops),
    };

    return cmocka_run_group_tests_name("journal_record", tests, NULL, NULL);
}
