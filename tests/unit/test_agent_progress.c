/* How far and how fast, from what a status says again and again. */
#include "tests/unit/unit.h"

#include "agent/core/progress.h"

#include <stdio.h>
#include <string.h>

static struct buf out;

/* A status that says so many are open; the line that follows. */
static const char *look(struct progress *p, unsigned open, int64_t now_ms)
{
    char text[200];

    snprintf(text, sizeof text,
             "not in step since x\nimages: working, 9 objects, 7 pending\n"
             "%u changes open, 3 transfers in flight, the oldest since 4 s\n",
             open);
    progress_note(p, span_of(text), now_ms);
    buf_reset(&out);
    assert_int_equal(progress_line(p, &out), 0);
    return out.len ? out.data : "";
}

static void test_a_run(void **state)
{
    struct progress p = {0};

    (void)state;
    buf_init(&out, 1000);
    assert_string_equal(look(&p, 200, 1000),
                        "[........................]   0 %: 0 of 200 changes\n");
    assert_string_equal(look(&p, 150, 3000), "[######..................]  25 %: 50 of 200 changes, "
                                             "25/s, 6 s to go\n");
    /* It stands still: slower by and by. */
    assert_string_equal(look(&p, 150, 5000), "[######..................]  25 %: 50 of 200 changes, "
                                             "18/s, 9 s to go\n");
    assert_string_equal(look(&p, 1, 7000), "[#######################.]  99 %: 199 of 200 changes, "
                                           "35/s, 0 s to go\n");
    /* More came: what is done is done of more. */
    assert_non_null(strstr(look(&p, 400, 9000), "0 of 400 changes"));
    assert_string_equal(look(&p, 0, 11000), "");
    assert_string_equal(look(&p, 5, 13000), "[........................]   0 %: 0 of 5 changes\n");
    buf_release(&out);
}

static void test_times(void **state)
{
    static const struct {
        struct progress p;
        const char *end;
    } cases[] = {
        {{.open = 1000, .most = 2000, .rate = 10}, "10/s, 100 s to go\n"},
        {{.open = 1000, .most = 2000, .rate = 2.5}, "2.5/s, 7 min to go\n"},
        {{.open = 1000000, .most = 2000000, .rate = 10}, "10/s, 28 h to go\n"},
        {{.open = 1000, .most = 2000, .rate = 0.01}, "1000 of 2000 changes\n"},
        {{.open = UINT64_MAX, .most = UINT64_MAX, .rate = 0.1}, "0.1/s\n"},
    };

    (void)state;
    buf_init(&out, 1000);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = strlen(cases[i].end);

        buf_reset(&out);
        assert_int_equal(progress_line(&cases[i].p, &out), 0);
        assert_true(out.len > n);
        assert_string_equal(out.data + out.len - n, cases[i].end);
        assert_true(out.len < 80);
    }
    buf_release(&out);
}

static void test_texts_that_say_nothing(void **state)
{
    static const char *const texts[] = {
        "",
        "in step since x\n",
        "0 changes open, 0 transfers in flight\n",
        "images: 3 changes open, x\n",
        "99999999999999999999999999999999 changes open, x\n",
        "3 changes open",
        "3",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct progress p = {.open = 4, .most = 9, .at_ms = 1};

        progress_note(&p, span_of(texts[i]), 2);
        assert_true(p.open == 0 && p.most == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_run),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_texts_that_say_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
