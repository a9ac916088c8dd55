/* HTTP/1.1 as bytes: heads of requests, and answers in pieces of every size. */
#include "base/err.h"
#include "tests/unit/unit.h"
#include "uploaders/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_MAX 4096
#define BODY_MAX 64

/* An answer and what it is read into. */
struct fixture {
    struct http_answer a;
    struct buf head;
    struct buf body;
    size_t used; /* bytes of the text that are the answer's */
};

static void set_up(struct fixture *f, bool to_head)
{
    memset(f, 0, sizeof(*f));
    buf_init(&f->head, HEAD_MAX);
    buf_init(&f->body, SIZE_MAX / 2);
    http_begin(&f->a, to_head, &f->head, &f->body, BODY_MAX);
}

static void tear_down(struct fixture *f)
{
    http_release(&f->a);
    buf_release(&f->head);
    buf_release(&f->body);
}

/* Read text in pieces of that size. */
static enum http_said feed(struct fixture *f, const char *text, size_t n, size_t piece)
{
    enum http_said said = HTTP_GOES_ON;
    f->used = 0;
    while (said == HTTP_GOES_ON && f->used < n) {
        size_t left = n - f->used, used;
        char *copy = malloc(left < piece ? left : piece); /* a sanitizer sees its end */
        assert_non_null(copy);
        memcpy(copy, text + f->used, left < piece ? left : piece);
        said = http_read(&f->a, copy, left < piece ? left : piece, &used);
        free(copy);
        f->used += used;
    }
    return said;
}

struct answer_case {
    const char *text;
    bool to_head;
    bool keeps;
    int status;
    const char *body;
    size_t over; /* bytes at the end that are another answer's */
};

static const struct answer_case whole[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", false, true, 200, "abc", 0},
    {"HTTP/1.1 200\r\ncontent-length:3\r\n\r\nabc", false, true, 200, "abc", 0},
    {"HTTP/1.1 200 OK\nContent-Length: 3 \n\nabc", false, true, 200, "abc", 0},
    {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", false, true, 404, "", 0},
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", false, true, 200,
     "abc", 0},
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: Close\r\n\r\nabc", false, false, 200,
     "abc", 0},
    {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x, close ,y\r\n\r\n", false, false, 200,
     "", 0},
    {"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", false, false, 200, "abc", 0},
    {"HTTP/1.0 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\nabc", false, true, 200,
     "abc", 0},
    {"HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nHTTP", false, true, 204, "", 4},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", false, true, 304, "", 0},
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", true, true, 200, "", 0},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", true, false, 200, "", 5},
    {"HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", false,
     true, 200, "abc", 0},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;a=b\r\nd\r\n0\r\nT: "
     "x\r\n\r\n",
     false, true, 200, "abcd", 0},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: "
     "Chunked\r\n\r\n00A\r\n0123456789\r\n"
     "0\r\n\r\nHT",
     false, true, 200, "0123456789", 2},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 1\r\n\r\na", false, true,
     200, "a", 0},
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\n", false, true, 200, "abc",
     17},
};

static void test_whole_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
        const struct answer_case *c = &whole[i];
        size_t n = strlen(c->text);
        for (size_t piece = 1; piece <= n; piece++) {
            struct fixture f;
            set_up(&f, c->to_head);
            if (feed(&f, c->text, n, piece) != HTTP_ENDED || f.a.status != c->status ||
                f.a.keeps != c->keeps || f.used != n - c->over ||
                strcmp(f.body.data ? f.body.data : "", c->body) != 0)
                fail_msg("%s, in pieces of %zu: status %d, body \"%s\", keeps %d, used %zu: %s",
                         c->text, piece, f.a.status, f.body.data, f.a.keeps, f.used, f.a.fault);
            tear_down(&f);
        }
    }
}

/* An answer that is cut off at any byte is never taken for a whole one. */
static void test_answers_that_are_cut_off(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
        const struct answer_case *c = &whole[i];
        for (size_t n = 0; n < strlen(c->text) - c->over; n++) {
            struct fixture f;
            set_up(&f, c->to_head);
            assert_int_equal(feed(&f, c->text, n, 7), HTTP_GOES_ON);
            assert_int_equal(f.a.begun, n > 0);
            assert_int_equal(http_close(&f.a), HTTP_BROKEN);
            assert_false(f.a.keeps);
            tear_down(&f);
        }
    }
}

static void test_an_answer_without_a_length_ends_with_the_connection(void **state)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nETag: x\r\n\r\nabc";
    struct fixture f;
    (void)state;
    set_up(&f, false);
    assert_int_equal(feed(&f, text, sizeof(text) - 1, 5), HTTP_GOES_ON);
    assert_int_equal(http_close(&f.a), HTTP_ENDED);
    assert_string_equal(f.body.data, "abc");
    assert_false(f.a.keeps);
    tear_down(&f);
}

static void test_headers_are_kept_in_lower_case(void **state)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nETag: \"a B\" \r\nX-Empty:\r\nno header\r\n"
                               ": nameless\r\n folded: line\r\nContent-Length: 0\r\n\r\n";
    static const char kept[] = "etag\0\"a B\"\0x-empty\0\0content-length\0"
                               "0";
    struct fixture f;
    (void)state;
    set_up(&f, false);
    assert_int_equal(feed(&f, text, sizeof(text) - 1, sizeof(text)), HTTP_ENDED);
    assert_int_equal(f.head.len, sizeof(kept));
    assert_memory_equal(f.head.data, kept, sizeof(kept));
    tear_down(&f);
}

static void test_what_is_no_answer(void **state)
{
    static const struct {
        const char *text;
        const char *fault;
    } cases[] = {
        {"HTTP/2 200\r\n", "the answer is not HTTP/1"},
        {"HTTP/1.1 2x0 OK\r\n", "the answer is not HTTP/1"},
        {"HTTP/1.1 099 No\r\n", "the answer is not HTTP/1"},
        {"HTTP/1.1 2000 OK\r\n", "the answer is not HTTP/1"},
        {"\r\nHTTP/1.1 200 OK\r\n", "the answer is not HTTP/1"},
        {"ICY 200 OK\r\n", "the answer is not HTTP/1"},
        {"<html>\n", "the answer is not HTTP/1"},
        {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "the answer's length is no number"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0x3\r\n\r\n", "the answer's length is no number"},
        {"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", "the answer's length is no number"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999999\r\n\r\n",
         "the answer's length is no number"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
         "the answer has two lengths"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
         "the answer's transfer coding is not known"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
         "the answer's chunks have no size"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
         "the answer's chunks have no size"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\n",
         "the answer's chunks have no size"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
         "the answer's chunks have no end"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 65\r\n\r\n"
         "0123456789012345678901234567890123456789012345678901234567890123456789",
         "the answer is larger than any should be"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fixture f;
        set_up(&f, false);
        if (feed(&f, cases[i].text, strlen(cases[i].text), 1000) != HTTP_BROKEN ||
            strcmp(f.a.fault, cases[i].fault) != 0)
            fail_msg("%s: %s", cases[i].text, f.a.fault);
        assert_false(f.a.keeps);
        tear_down(&f);
    }
    struct fixture f;
    static const char nul[] = "HTTP/1.1 200 OK\r\nA: b\0c\r\n";
    set_up(&f, false);
    assert_int_equal(feed(&f, nul, sizeof(nul) - 1, 1000), HTTP_BROKEN);
    assert_string_equal(f.a.fault, "the answer has a NUL in its headers");
    tear_down(&f);
}

/* Headers, trailers, lines and interim answers have ceilings. */
static void test_an_answer_without_end(void **state)
{
    static const char *const begun[] = {
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        "",
        "HTTP/1.1 200 OK\r\n",
    };
    static const char *const more[] = {"Name: value\r\n", "Name: value\r\n",
                                       "HTTP/1.1 102 Processing\r\n\r\n", "x"};
    (void)state;
    for (size_t i = 0; i < sizeof(begun) / sizeof(begun[0]); i++) {
        struct fixture f;
        size_t rounds = 0;
        set_up(&f, false);
        enum http_said said = feed(&f, begun[i], strlen(begun[i]), 1000);
        while (said == HTTP_GOES_ON && rounds++ < 100000)
            said = feed(&f, more[i], strlen(more[i]), 1000);
        assert_int_equal(said, HTTP_BROKEN);
        tear_down(&f);
    }
}

static void test_targets(void **state)
{
    static const struct {
        const char *url, *origin, *authority, *path; /* NULL: refused */
    } cases[] = {
        {"http://h", "http://h", "h", ""},
        {"http://h/", "http://h", "h", "/"},
        {"https://h:90/a/../b?c=d", "https://h:90", "h:90", "/a/../b?c=d"},
        {"http://[::1]:9000?x", "http://[::1]:9000", "[::1]:9000", "?x"},
        {"ftp://h/", NULL, NULL, NULL},
        {"http://", NULL, NULL, NULL},
        {"http:///a", NULL, NULL, NULL},
        {"http://user@h/", NULL, NULL, NULL},
        {"http://h/a b", NULL, NULL, NULL},
        {"http://h/a\r\nb", NULL, NULL, NULL},
        {"http://h/#f", NULL, NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_target t;
        int rc = http_target(cases[i].url, &t);
        assert_int_equal(rc, cases[i].origin ? 0 : ERR_SYNTAX);
        if (rc != 0)
            continue;
        assert_true(span_equal(t.origin, span_of(cases[i].origin)));
        assert_true(span_equal(t.authority, span_of(cases[i].authority)));
        assert_true(span_equal(t.path, span_of(cases[i].path)));
        assert_int_equal(t.tls, cases[i].url[4] == 's');
    }
}

/* What is written for a request; NULL where it is refused. */
static char *head_of(struct http_request *q, const char *url, const char *lines, size_t lines_n)
{
    struct buf out;
    buf_init(&out, HEAD_MAX);
    assert_int_equal(buf_append_str(&out, "before"), 0);
    q->agent = "tests";
    q->lines = lines;
    q->lines_n = lines_n;
    assert_int_equal(http_target(url, &q->to), 0);
    int rc = http_write(q, &out);
    assert_memory_equal(out.data, "before", 6);
    assert_int_equal(rc, rc == 0 ? 0 : ERR_SYNTAX);
    if (rc != 0)
        assert_int_equal(out.len, 6);
    char *text = rc == 0 ? strdup(out.data + 6) : NULL;
    buf_release(&out);
    return text;
}

static void check_head(struct http_request q, const char *url, const char *lines, size_t lines_n,
                       const char *expected)
{
    char *text = head_of(&q, url, lines, lines_n);
    if (expected)
        assert_string_equal(text, expected);
    else
        assert_null(text);
    free(text);
}

static void test_requests(void **state)
{
    static const char lines[] = "Host: other\0x-empty: \0authorization: a b";
    (void)state;
    check_head((struct http_request){.method = "GET"}, "http://h", NULL, 0,
               "GET / HTTP/1.1\r\nhost: h\r\nuser-agent: tests\r\n\r\n");
    check_head((struct http_request){.method = "DELETE"}, "https://h:90?x=y", NULL, 0,
               "DELETE /?x=y HTTP/1.1\r\nhost: h:90\r\nuser-agent: tests\r\n\r\n");
    check_head((struct http_request){.method = "PUT", .has_body = true}, "http://h/a%20b", lines,
               sizeof(lines),
               "PUT /a%20b HTTP/1.1\r\nHost: other\r\nx-empty: \r\nauthorization: a b\r\n"
               "user-agent: tests\r\ncontent-length: 0\r\n\r\n");
    check_head((struct http_request){.method = "POST", .has_body = true, .body_n = 12345},
               "http://h/", NULL, 0,
               "POST / HTTP/1.1\r\nhost: h\r\nuser-agent: tests\r\ncontent-length: 12345\r\n\r\n");
    check_head((struct http_request){.method = "GET", .by_proxy = true}, "http://h:80?x", NULL, 0,
               "GET http://h:80/?x HTTP/1.1\r\nhost: h:80\r\nuser-agent: tests\r\n\r\n");
    check_head(
        (struct http_request){.method = "GET", .by_proxy = true, .authorization = "Basic eA=="},
        "http://h/a", NULL, 0,
        "GET http://h/a HTTP/1.1\r\nhost: h\r\nuser-agent: tests\r\n"
        "proxy-authorization: Basic eA==\r\n\r\n");
}

/* Nothing that a header's value says can become another header, or another request. */
static void test_lines_that_are_none(void **state)
{
    static const char *const bad[] = {"a: b\r\nc: d", "a: b\n", "a: \x01", "a: \x7f", "a",
                                      ": b",          ""};
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        check_head((struct http_request){.method = "GET"}, "http://h/", bad[i], strlen(bad[i]) + 1,
                   NULL);
    check_head((struct http_request){.method = "GET"}, "http://h/", "a: \t\xc3\xa9", 7,
               "GET / HTTP/1.1\r\na: \t\xc3\xa9\r\nhost: h\r\nuser-agent: tests\r\n\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_answers),
        cmocka_unit_test(test_answers_that_are_cut_off),
        cmocka_unit_test(test_an_answer_without_a_length_ends_with_the_connection),
        cmocka_unit_test(test_headers_are_kept_in_lower_case),
        cmocka_unit_test(test_what_is_no_answer),
        cmocka_unit_test(test_an_answer_without_end),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_lines_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
