/* A page of HTML: what comes from outside stays text. */
#include "tests/unit/unit.h"

#include "base/err.h"
#include "journal/html.h"

#include <stdio.h>
#include <string.h>

static void assert_text(const char *text, const char *expected)
{
    struct buf out;
    struct html h = {.out = &out};

    buf_init(&out, 4096);
    html_text(&h, text);
    assert_int_equal(h.error, 0);
    assert_string_equal(out.data, expected);
    buf_release(&out);
}

static void test_text_is_text(void **state)
{
    (void)state;
    assert_text("", "<bdi></bdi>");
    assert_text("a.jpg", "<bdi>a.jpg</bdi>");
    assert_text("<script>alert(\"1\")</script>",
                "<bdi>&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;</bdi>");
    assert_text("&amp;<", "<bdi>&amp;amp;&lt;</bdi>");
    assert_text("a&b<c>d\"e'f", "<bdi>a&amp;b&lt;c&gt;d&quot;e'f</bdi>");
    assert_text("\377<\n", "<bdi>\\xff&lt;\\x0a</bdi>");
    assert_text("gr\303\274n \360\237\220\261", "<bdi>gr\303\274n \360\237\220\261</bdi>");
}

/* Whatever byte it is, no mark comes out. */
static void test_every_byte(void **state)
{
    struct buf out;
    struct html h = {.out = &out};
    char text[256];

    (void)state;
    for (unsigned i = 0; i < 255; i++)
        text[i] = (char)(i + 1);
    text[255] = '\0';
    buf_init(&out, 65536);
    html_text(&h, text);
    assert_int_equal(h.error, 0);
    assert_null(strpbrk(out.data + strlen("<bdi>"), "\"\n\r"));
    assert_string_equal(strchr(out.data + strlen("<bdi>"), '<'), "</bdi>");
    buf_release(&out);
}

static void test_numbers_in_groups(void **state)
{
    static const struct {
        uint64_t n;
        const char *text;
    } cases[] = {{0, "0"},
                 {7, "7"},
                 {999, "999"},
                 {1000, "1<i>000</i>"},
                 {123456, "123<i>456</i>"},
                 {12345678, "12<i>345</i><i>678</i>"},
                 {UINT64_MAX, "18<i>446</i><i>744</i><i>073</i><i>709</i><i>551</i><i>615</i>"}};
    struct buf out;
    struct html h = {.out = &out};

    (void)state;
    buf_init(&out, 4096);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        buf_reset(&out);
        html_number(&h, cases[i].n);
        assert_string_equal(out.data, cases[i].text);
    }
    buf_release(&out);
}

/* So many times does a text stand in another. */
static unsigned times(const char *in, const char *text)
{
    unsigned n = 0;

    for (; (in = strstr(in, text)); in += strlen(text))
        n++;
    return n;
}

static void test_bars(void **state)
{
    static struct html_chart c = {
        .title = "Deeds", .series = {"good", "bad"}, .series_count = 2, .columns = HTML_COLUMNS};
    struct buf out;
    struct html h = {.out = &out};

    (void)state;
    buf_init(&out, 1 << 20);
    html_bars(&h, &c);
    assert_int_equal(h.error, 0);
    assert_string_equal(out.data, "<p class=\"none\">Deeds: none.</p>");
    for (unsigned i = 0; i < HTML_COLUMNS; i += 2) {
        (void)snprintf(c.labels[i], HTML_LABEL, "day %u", i);
        c.values[i][0] = i;
        c.values[i][1] = i == 98 ? UINT64_MAX / 2 : 1;
    }
    buf_reset(&out);
    html_bars(&h, &c);
    assert_int_equal(h.error, 0);
    assert_int_equal(times(out.data, "<g>"), HTML_COLUMNS / 2);
    assert_int_equal(times(out.data, "<rect class=\"c0\" x"), HTML_COLUMNS / 2 - 1);
    assert_int_equal(times(out.data, "<rect class=\"c1\" x"), HTML_COLUMNS / 2);
    assert_non_null(strstr(out.data, "<title>day 4: 4 good 1 bad</title>"));
    assert_null(strstr(out.data, "nan"));
    assert_null(strstr(out.data, "\"-"));
    buf_release(&out);
}

static void test_a_ceiling_is_told(void **state)
{
    struct buf out;
    struct html h = {.out = &out};

    (void)state;
    buf_init(&out, 10);
    html_text(&h, "much too long for this");
    html_add(&h, "x");
    assert_int_equal(h.error, ERR_LIMIT);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_is_text),      cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_numbers_in_groups), cmocka_unit_test(test_bars),
        cmocka_unit_test(test_a_ceiling_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
