/*
 * The walk through XML: what is told of a document that is read as it stands is what the parser
 * tells of it. A comment behind a document sends it to the parser, and says nothing itself.
 */
#include "base/err.h"
#include "tests/unit/unit.h"
#include "uploaders/xml.h"
#include "uploaders/xml_plain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMENT "<!---->"
#define DOC_MAX 4096

/* What a visitor was told, and after how many calls it ends the walk. */
struct told {
    struct buf log;
    long calls;
    long end_after; /* -1: never */
};

static int note(struct told *t, const char *kind, const char *path, const char *text)
{
    assert_int_equal(buf_append_str(&t->log, kind), 0);
    assert_int_equal(buf_append_str(&t->log, path), 0);
    assert_int_equal(buf_append_str(&t->log, "="), 0);
    assert_int_equal(buf_append_str(&t->log, text), 0);
    assert_int_equal(buf_append_str(&t->log, "\n"), 0);
    return t->calls++ == t->end_after ? 77 : 0;
}

static int on_open(void *arg, const char *path)
{
    return note(arg, "<", path, "");
}

static int on_close(void *arg, const char *path, const char *text)
{
    return note(arg, ">", path, text);
}

/* Walk; the log is the caller's. */
static int walk(const char *doc, size_t n, long end_after, struct buf *ret_log)
{
    struct told t = {.end_after = end_after};
    const struct xml_visitor v = {.arg = &t, .open = on_open, .close = on_close};
    int rc;

    buf_init(&t.log, 1 << 20);
    assert_int_equal(buf_append_str(&t.log, ""), 0);
    rc = xml_walk((struct span){doc, n}, &v);
    *ret_log = t.log;
    return rc;
}

/* Both ways tell the same. True if the document is plain. */
static bool assert_alike(const char *doc, size_t n, long end_after)
{
    static char longer[DOC_MAX + sizeof(COMMENT)];
    struct buf a, b;
    int rc;

    memcpy(longer, doc, n);
    memcpy(longer + n, COMMENT, sizeof(COMMENT) - 1);
    rc = walk(doc, n, end_after, &a);
    if (rc != walk(longer, n + sizeof(COMMENT) - 1, end_after, &b) ||
        strcmp(a.len ? a.data : "", b.len ? b.data : "") != 0) {
        print_error("%d of \"%.*s\":\n%s---\n%s", rc, (int)n, doc, a.data, b.data);
        fail();
    }
    buf_release(&a);
    buf_release(&b);
    return xml_is_plain((struct span){doc, n});
}

static const char *const answers[] = {
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<CopyObjectResult "
    "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LastModified>2026-01-02T03:04:05.000Z"
    "</LastModified><ETag>&quot;9b2cf535f27731c974343645a3985328&quot;</ETag></CopyObjectResult>",
    "<DeleteResult><Deleted><Key>a&amp;b &lt;c&gt; &apos;d&apos;</Key></Deleted>\n  "
    "<Error><Key>x</Key>"
    "<Code>AccessDenied</Code><Message/></Error>\t</DeleteResult>\n",
    "<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Message>The key. Does not - "
    "exist_1</Message>"
    "<Detail></Detail></Error>",
};
#define ANSWERS (sizeof(answers) / sizeof(answers[0]))

static void test_answers_are_plain(void **state)
{
    struct buf log;

    (void)state;
    for (size_t i = 0; i < ANSWERS; i++) {
        assert_true(assert_alike(answers[i], strlen(answers[i]), -1));
        for (long end = 0; end < 8; end++) {
            (void)assert_alike(answers[i], strlen(answers[i]), end);
        }
    }
    assert_int_equal(walk(answers[1], strlen(answers[1]), -1, &log), 0);
    assert_non_null(strstr(log.data, ">DeleteResult/Deleted/Key=a&b <c> 'd'\n"));
    assert_non_null(strstr(log.data, ">DeleteResult/Error/Message=\n"));
    buf_release(&log);
}

/* Valid or not, these are the parser's. */
static void test_what_is_not_plain(void **state)
{
    static const char *const others[] = {
        "",
        "<a",
        "<a>",
        "<a></b>",
        "<a></a><b/>",
        "<a></a>text",
        "text<a/>",
        "<a b=\"1\"/>",
        "<a xmlns=\"x\" xmlns=\"y\"/>",
        "<a xmlns='x'/>",
        "<a >x</a>",
        "<a>x</a >",
        "<a>\r\n</a>",
        "<a>]]></a>",
        "<a>&#65;</a>",
        "<a>&nbsp;</a>",
        "<a>&lt</a>",
        "<a>\xc3\xa9</a>",
        "<a>\x01</a>",
        "<a><!-- x --></a>",
        "<a><![CDATA[x]]></a>",
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a/>",
        "<!DOCTYPE a><a/>",
        "<x:a/>",
        "<a xmlns=\"<\"/>",
        "<1/>",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_false(assert_alike(others[i], strlen(others[i]), -1));
    }
}

/* So deep, such names and such texts as the limits allow, and one more. */
static void test_limits(void **state)
{
    char doc[DOC_MAX * 4];
    struct buf log;

    (void)state;
    for (unsigned depth = XML_DEPTH_MAX - 1; depth <= XML_DEPTH_MAX + 1; depth++) {
        size_t n = 0;

        for (unsigned i = 0; i < depth; i++) {
            n += (size_t)snprintf(doc + n, sizeof(doc) - n, "<abc>");
        }
        for (unsigned i = 0; i < depth; i++) {
            n += (size_t)snprintf(doc + n, sizeof(doc) - n, "</abc>");
        }
        assert_int_equal(assert_alike(doc, n, -1), depth <= XML_DEPTH_MAX);
        assert_int_equal(walk(doc, n, -1, &log), depth <= XML_DEPTH_MAX ? 0 : ERR_LIMIT);
        buf_release(&log);
    }
    for (int text_n = XML_TEXT_MAX - 1; text_n <= XML_TEXT_MAX + 1; text_n++) {
        const int n = snprintf(doc, sizeof(doc), "<a>%0*d</a>", text_n, 0);

        assert_int_equal(walk(doc, (size_t)n, -1, &log), text_n <= XML_TEXT_MAX ? 0 : ERR_LIMIT);
        buf_release(&log);
    }
    for (int name_n = 60; name_n < 70; name_n++) {
        const int n = snprintf(doc, sizeof(doc), "<a%0*d></a%0*d>", name_n, 0, name_n, 0);

        (void)assert_alike(doc, (size_t)n, -1);
    }
}

/* The next of a sequence of numbers. */
static uint32_t next(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(*seed >> 33);
}

/* Answers with some bytes changed, left out, put in, cut off. */
static void test_changed_answers(void **state)
{
    static const char bytes[] =
        "<<>>//&&;;\"'=]!?-_.: \n\t\r#09azAZquotampltgtaposxmlns\x01\x80\xc3";
    enum { TIMES = 200000 / TEST_STRIDE };
    uint64_t seed = 20261129;
    unsigned plain = 0;

    (void)state;
    for (int i = 0; i < TIMES; i++) {
        char doc[DOC_MAX];
        size_t n = (size_t)snprintf(doc, sizeof(doc) - 8, "%s", answers[next(&seed) % ANSWERS]);

        for (unsigned changes = next(&seed) % 4; changes > 0 && n > 0; changes--) {
            const size_t at = next(&seed) % n;
            const char byte = bytes[next(&seed) % (sizeof(bytes) - 1)];

            switch (next(&seed) % 4) {
            case 0:
                doc[at] = byte;
                break;
            case 1:
                memmove(doc + at, doc + at + 1, n - at - 1);
                n--;
                break;
            case 2:
                memmove(doc + at + 1, doc + at, n - at);
                doc[at] = byte;
                n++;
                break;
            default:
                n = next(&seed) % 8 == 0 && at > 0 ? at : n;
            }
        }
        plain += assert_alike(doc, n, (long)(next(&seed) % 24) - 4);
    }
    assert_in_range(plain, TIMES / 4, TIMES * 3 / 4); /* of both there are many */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_are_plain),
        cmocka_unit_test(test_what_is_not_plain),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_changed_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
