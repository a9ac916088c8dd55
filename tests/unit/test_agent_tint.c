/* Colours tell what is well, what goes on, and what waits for a person. */
#include "tests/unit/unit.h"

#include "agent/core/tint.h"
#include "base/err.h"

#include <string.h>

#define GREEN  "\033[32m"
#define YELLOW "\033[33m"
#define RED    "\033[1;31m"

static void test_lines(void **state)
{
    static const struct {
        const char *line, *on;
    } cases[] = {
        {"in step since 2026-01-01T00:00:00Z", GREEN},
        {"not in step since 2026-01-01T00:00:00Z", YELLOW},
        {"next, for you: lockstep resume", RED},
        {"next, by itself: 3 changes settle, and go", YELLOW},
        {"PAUSED by uid 0 since 2026-01-01T00:00:00Z: nothing is sent to S3", RED},
        {"images: in step, 3 objects, 0 pending", GREEN},
        {"images: working, 3 objects, 1 pending", YELLOW},
        {"images: scanning, 3 objects, 0 pending", YELLOW},
        {"images: incomplete, 3 objects, 0 pending", YELLOW},
        {"images: held, 3 objects, 1 pending", RED},
        {"images: lost, 3 objects, 0 pending", RED},
        {"images: stuck, 3 objects, 0 pending", RED},
        {"images: stuck", ""},
        {"images: stuckness, 3 objects", ""},
        {"  images: stuck, 3 objects, 0 pending", ""},
        {"S3: http://127.0.0.1:1 (bucket b)", ""},
        {"credentials: the environment", ""},
        {"x:", ""},
        {"x: ", ""},
        {":", ""},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(tint_of(span_of(cases[i].line)), cases[i].on);
}

static void test_a_text_keeps_its_lines(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 1 << 16);
    assert_int_equal(tint_text(span_of(""), &out), 0);
    assert_int_equal(out.len, 0);
    assert_int_equal(tint_text(span_of("in step since x\n\nS3: y\nimages: held, 1 objects"), &out),
                     0);
    assert_string_equal(out.data, GREEN "in step since x" TINT_END "\n\nS3: y\n" RED
                                        "images: held, 1 objects" TINT_END);
    buf_release(&out);
    buf_init(&out, 8);
    assert_int_equal(tint_text(span_of("in step since x\n"), &out), ERR_LIMIT);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_a_text_keeps_its_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
