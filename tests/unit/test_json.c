/* JSON. */
#include "base/err.h"
#include "base/json.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A string as json_string writes it, against what it should be. */
static void check_string(const char *in, size_t n, const char *want)
{
    struct buf out;

    buf_init(&out, 10000);
    assert_int_equal(json_string(&out, in, n), 0);
    assert_string_equal(out.data, want);
    buf_release(&out);
}

static void test_strings(void **state)
{
    (void)state;
    check_string("", 0, "\"\"");
    check_string(NULL, 0, "\"\"");
    check_string("plain text, long enough", 23, "\"plain text, long enough\"");
    check_string("a\"b\\c/d", 7, "\"a\\\"b\\\\c/d\"");
    check_string("\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\"");
    check_string("\0\x01\x1f\x7f", 4, "\"\\u0000\\u0001\\u001f\x7f\"");
    check_string("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9,
                 "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
    check_string("a\xff"
                 "b\xc3",
                 4,
                 "\"a\xef\xbf\xbd"
                 "b\xef\xbf\xbd\"");
    check_string("\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void test_string_past_the_ceiling_changes_nothing(void **state)
{
    struct buf out;

    (void)state;
    for (size_t max = 2; max < 2 + 2 + 3 * 6; max++) {
        buf_init(&out, max);
        assert_int_equal(buf_append_str(&out, "x,"), 0);
        assert_int_equal(json_string(&out, "\x01\x02\x03", 3), ERR_LIMIT);
        assert_string_equal(out.data, "x,");
        assert_int_equal(out.len, 2);
        buf_release(&out);
    }
    buf_init(&out, 2 + 2 + 3 * 6);
    assert_int_equal(buf_append_str(&out, "x,"), 0);
    assert_int_equal(json_string(&out, "\x01\x02\x03", 3), 0);
    buf_release(&out);
}

static void test_writer_nests(void **state)
{
    struct json_writer w;
    struct buf out;

    (void)state;
    buf_init(&out, 1000);
    json_begin(&w, &out);
    json_object(&w, NULL);
    json_put_string(&w, "s", "v");
    json_put_string(&w, "none", NULL);
    json_put_span(&w, "k\"", SPAN("a\0b"));
    json_put_int(&w, "min", INT64_MIN);
    json_put_int(&w, "max", INT64_MAX);
    json_put_int(&w, "zero", 0);
    json_put_int(&w, "minus", -10);
    json_put_bool(&w, "t", true);
    json_put_bool(&w, "f", false);
    json_array(&w, "list");
    json_put_int(&w, NULL, 1);
    json_object(&w, NULL);
    json_object_end(&w);
    json_array(&w, NULL);
    json_array_end(&w);
    json_put_string(&w, NULL, "x");
    json_array_end(&w);
    json_object(&w, "o");
    json_put_int(&w, "a", 1);
    json_object_end(&w);
    json_put_int(&w, "last", 9);
    json_object_end(&w);
    assert_int_equal(json_end(&w), 0);
    assert_string_equal(out.data,
                        "{\"s\":\"v\",\"none\":null,\"k\\\"\":\"a\\u0000b\","
                        "\"min\":-9223372036854775808,\"max\":9223372036854775807,\"zero\":0,"
                        "\"minus\":-10,\"t\":true,\"f\":false,\"list\":[1,{},[],\"x\"],"
                        "\"o\":{\"a\":1},\"last\":9}");
    buf_release(&out);
}

static void test_writer_refuses_unbalanced(void **state)
{
    struct json_writer w;
    struct buf out;

    (void)state;
    buf_init(&out, 1000);
    json_begin(&w, &out);
    assert_int_equal(json_end(&w), -EINVAL); /* nothing was written */
    json_begin(&w, &out);
    json_object(&w, NULL);
    assert_int_equal(json_end(&w), -EINVAL);
    json_begin(&w, &out);
    json_object(&w, NULL);
    json_object_end(&w);
    json_object_end(&w);
    assert_int_equal(json_end(&w), -EINVAL);
    json_begin(&w, &out);
    json_put_int(&w, NULL, 1);
    json_put_int(&w, NULL, 2);
    assert_int_equal(json_end(&w), -EINVAL);
    buf_release(&out);
}

static void test_writer_depth_and_ceiling(void **state)
{
    struct json_writer w;
    struct buf out;

    (void)state;
    buf_init(&out, 1000);
    json_begin(&w, &out);
    for (int i = 0; i < JSON_DEPTH_MAX - 1; i++)
        json_array(&w, NULL);
    for (int i = 0; i < JSON_DEPTH_MAX - 1; i++)
        json_array_end(&w);
    assert_int_equal(json_end(&w), 0);
    json_begin(&w, &out);
    for (int i = 0; i < JSON_DEPTH_MAX + 5; i++)
        json_array(&w, NULL);
    for (int i = 0; i < JSON_DEPTH_MAX + 5; i++)
        json_array_end(&w);
    assert_int_equal(json_end(&w), ERR_LIMIT);
    buf_release(&out);
    buf_init(&out, 5);
    json_begin(&w, &out);
    json_object(&w, NULL);
    json_put_string(&w, "key", "value");
    json_object_end(&w);
    assert_int_equal(json_end(&w), ERR_LIMIT);
    assert_true(out.len <= 5);
    buf_release(&out);
}

struct reading {
    struct json_reader r;
    struct buf key;
    struct buf value;
    struct span ret_key;
    struct json_value ret;
};

/* Begin to read a text. */
static void open_reading(struct reading *x, struct span in)
{
    buf_init(&x->key, 4000);
    buf_init(&x->value, 4000);
    json_read_begin(&x->r, in, &x->key, &x->value);
}

/* Give back the scratch. */
static void close_reading(struct reading *x)
{
    buf_release(&x->key);
    buf_release(&x->value);
}

/* The next member. */
static enum json_step next(struct reading *x)
{
    return json_read_next(&x->r, &x->ret_key, &x->ret);
}

static void test_reader_reads_all_kinds(void **state)
{
    struct reading x;

    (void)state;
    open_reading(&x,
                 SPAN(" {\"a\":\"x\" ,\r\n\"b\\n\" : -12,\"c\":true,\"d\":false,\t\"\":null } "));
    assert_int_equal(next(&x), JSON_MORE);
    assert_true(span_equal(x.ret_key, SPAN("a")));
    assert_int_equal(x.ret.kind, JSON_STRING);
    assert_true(span_equal(x.ret.text, SPAN("x")));
    assert_int_equal(next(&x), JSON_MORE);
    assert_true(span_equal(x.ret_key, SPAN("b\n")));
    assert_int_equal(x.ret.kind, JSON_INTEGER);
    assert_int_equal(x.ret.integer, -12);
    assert_int_equal(next(&x), JSON_MORE);
    assert_int_equal(x.ret.kind, JSON_BOOL);
    assert_int_equal(x.ret.integer, 1);
    assert_int_equal(next(&x), JSON_MORE);
    assert_int_equal(x.ret.kind, JSON_BOOL);
    assert_int_equal(x.ret.integer, 0);
    assert_int_equal(next(&x), JSON_MORE);
    assert_true(span_equal(x.ret_key, SPAN("")));
    assert_int_equal(x.ret.kind, JSON_NULL);
    assert_int_equal(next(&x), JSON_END);
    assert_int_equal(next(&x), JSON_END);
    close_reading(&x);
}

static void test_reader_empty_object(void **state)
{
    struct reading x;

    (void)state;
    open_reading(&x, SPAN("{}"));
    assert_int_equal(next(&x), JSON_END);
    close_reading(&x);
    open_reading(&x, SPAN(" { } \n"));
    assert_int_equal(next(&x), JSON_END);
    close_reading(&x);
}

/* The one value of {"k":...} must be this string. */
static void check_value(struct span json, struct span want)
{
    char text[200];
    struct reading x;
    int n = snprintf(text, sizeof(text), "{\"k\":%.*s}", (int)json.n, json.p);

    open_reading(&x, (struct span){text, (size_t)n});
    assert_int_equal(next(&x), JSON_MORE);
    assert_int_equal(x.ret.kind, JSON_STRING);
    assert_true(span_equal(x.ret.text, want));
    assert_int_equal(next(&x), JSON_END);
    close_reading(&x);
}

static void test_reader_decodes_escapes(void **state)
{
    (void)state;
    check_value(SPAN("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), SPAN("\"\\/\b\f\n\r\t"));
    check_value(SPAN("\"\\u0041\\u00e9\\u20AC\""), SPAN("A\xc3\xa9\xe2\x82\xac"));
    check_value(SPAN("\"\\ud83d\\uDE00\""), SPAN("\xf0\x9f\x98\x80"));
    check_value(SPAN("\"\\ud800\\udc00\\udbff\\udfff\""), SPAN("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
    check_value(SPAN("\"a\\u0000b\""), SPAN("a\0b"));
    check_value(SPAN("\"\\n\""), SPAN("\n"));
    check_value(SPAN("\"plain \\n and \\t plain again, \xc3\xa9\x7f\""),
                SPAN("plain \n and \t plain again, \xc3\xa9\x7f"));
}

static void test_reader_integers(void **state)
{
    static const struct {
        const char *text;
        int64_t want;
    } cases[] = {
        {"0", 0},
        {"-0", 0},
        {"7", 7},
        {"1234567890123", 1234567890123},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[100];
        struct reading x;

        (void)snprintf(text, sizeof(text), "{\"k\":%s}", cases[i].text);
        open_reading(&x, span_of(text));
        assert_int_equal(next(&x), JSON_MORE);
        assert_true(x.ret.integer == cases[i].want);
        assert_int_equal(next(&x), JSON_END);
        close_reading(&x);
    }
}

static void test_reader_refuses(void **state)
{
    static const char *const bad[] = {
        "",
        " ",
        "x",
        "[]",
        "\"a\"",
        "{",
        "{}x",
        "{}{}",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{,\"a\":1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1,,\"b\":2}",
        "{\"a\" 1}",
        "{a:1}",
        "{'a':1}",
        "{1:1}",
        "{\"a\":{}}",
        "{\"a\":[]}",
        "{\"a\":tru}",
        "{\"a\":True}",
        "{\"a\":nul",
        "{\"a\":truex}",
        "{\"a\":-}",
        "{\"a\":+1}",
        "{\"a\":01}",
        "{\"a\":-01}",
        "{\"a\":1.5}",
        "{\"a\":1e5}",
        "{\"a\":0x1}",
        "{\"a\":9223372036854775808}",
        "{\"a\":-9223372036854775809}",
        "{\"a\":99999999999999999999999}",
        "{\"a\":18446744073709551616}",
        "{\"a\":\"}",
        "{\"a\":\"x",
        "{\"a\":\"\\",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":\"\\u123g\"}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\ud800x\"}",
        "{\"a\":\"\\ud800\\n\"}",
        "{\"a\":\"\\ud800\\u0041\"}",
        "{\"a\":\"\\ud800\\ud800\"}",
        "{\"a\":\"\\udc00\"}",
        "{\"a\":\"\\ud800\\u",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\x01\"}",
        "{\"a\":\"\xff\"}",
        "{\"a\":\"\xc3\"}",
        "{\"a\":\"\xed\xa0\x80\"}",
        "{\"\xff\":1}",
        "\xef\xbb\xbf{}",
        "{}\v",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        enum json_step step = JSON_MORE;
        struct reading x;

        open_reading(&x, span_of(bad[i]));
        while (step == JSON_MORE)
            step = next(&x);
        if (step != JSON_BAD || x.r.at > strlen(bad[i]))
            fail_msg("%s gives %d at %zu", bad[i], (int)step, x.r.at);
        assert_int_equal(next(&x), JSON_BAD); /* and stays so */
        close_reading(&x);
    }
}

static void test_reader_refuses_nul_outside_strings(void **state)
{
    struct reading x;

    (void)state;
    open_reading(&x, SPAN("{\"a\":\"\\\0\"}"));
    assert_int_equal(next(&x), JSON_BAD);
    close_reading(&x);
    open_reading(&x, SPAN("{}\0"));
    assert_int_equal(next(&x), JSON_BAD);
    close_reading(&x);
    open_reading(&x, SPAN("{\"a\":\"x\0y\"}"));
    assert_int_equal(next(&x), JSON_BAD);
    close_reading(&x);
}

static void test_reader_says_where(void **state)
{
    struct reading x;

    (void)state;
    open_reading(&x, SPAN("{\"a\":1,\"b\":?}"));
    assert_int_equal(next(&x), JSON_MORE);
    assert_int_equal(next(&x), JSON_BAD);
    assert_int_equal(x.r.at, 11);
    close_reading(&x);
}

static void test_reader_respects_the_scratch_ceiling(void **state)
{
    struct reading x;

    (void)state;
    open_reading(&x, SPAN("{\"a\":\"\\n23456\"}"));
    x.value.max = 6;
    assert_int_equal(next(&x), JSON_MORE);
    close_reading(&x);
    open_reading(&x, SPAN("{\"a\":\"\\n234567\"}"));
    x.value.max = 6;
    assert_int_equal(next(&x), JSON_BAD);
    close_reading(&x);
}

static void test_every_prefix_is_bad(void **state)
{
    static const char text[] = "{\"a\\u00e9\":\"x\\ud83d\\ude00\xc3\xa9\",\"n\":-12,\"t\":true}";

    (void)state;
    for (size_t n = 0; n < sizeof(text) - 1; n++) {
        enum json_step step = JSON_MORE;
        char *copy = malloc(n + 1); /* so that the sanitizer sees each overrun */
        struct reading x;

        assert_non_null(copy);
        memcpy(copy, text, n);
        open_reading(&x, (struct span){copy, n});
        while (step == JSON_MORE)
            step = next(&x);
        assert_int_equal(step, JSON_BAD);
        close_reading(&x);
        free(copy);
    }
}

/* Write key and value, read them back. */
static void round_trip(struct span text)
{
    struct json_writer w;
    struct reading x;
    struct buf out;

    buf_init(&out, 100000);
    json_begin(&w, &out);
    json_object(&w, NULL);
    json_put_span(&w, "v", text);
    json_object_end(&w);
    assert_int_equal(json_end(&w), 0);
    open_reading(&x, (struct span){out.data, out.len});
    assert_int_equal(next(&x), JSON_MORE);
    assert_true(span_equal(x.ret.text, text));
    assert_int_equal(next(&x), JSON_END);
    close_reading(&x);
    buf_release(&out);
}

static void test_round_trip_of_all_bytes(void **state)
{
    char text[20];

    (void)state;
    for (int c = 0; c < 0x80; c++) {
        for (size_t at = 0; at < sizeof(text); at++) {
            memset(text, 'a', sizeof(text));
            text[at] = (char)c;
            round_trip((struct span){text, sizeof(text)});
        }
    }
    for (int c = 0x80; c < 0x800; c++) {
        text[0] = (char)(0xc0 | c >> 6);
        text[1] = (char)(0x80 | (c & 0x3f));
        round_trip((struct span){text, 2});
    }
}

static void test_round_trip_of_random_ascii(void **state)
{
    char text[300];

    (void)state;
    srand(11);
    for (int i = 0; i < 3000; i++) {
        size_t n = (size_t)rand() % sizeof(text);

        for (size_t k = 0; k < n; k++)
            text[k] = (char)(rand() % 10 ? 0x20 + rand() % 0x60 : rand() % 0x80);
        round_trip((struct span){text, n});
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_string_past_the_ceiling_changes_nothing),
        cmocka_unit_test(test_writer_nests),
        cmocka_unit_test(test_writer_refuses_unbalanced),
        cmocka_unit_test(test_writer_depth_and_ceiling),
        cmocka_unit_test(test_reader_reads_all_kinds),
        cmocka_unit_test(test_reader_empty_object),
        cmocka_unit_test(test_reader_decodes_escapes),
        cmocka_unit_test(test_reader_integers),
        cmocka_unit_test(test_reader_refuses),
        cmocka_unit_test(test_reader_refuses_nul_outside_strings),
        cmocka_unit_test(test_reader_says_where),
        cmocka_unit_test(test_reader_respects_the_scratch_ceiling),
        cmocka_unit_test(test_every_prefix_is_bad),
        cmocka_unit_test(test_round_trip_of_all_bytes),
        cmocka_unit_test(test_round_trip_of_random_ascii),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
