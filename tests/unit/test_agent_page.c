/* A page never scrolls, whatever the text and the window. */
#include "tests/unit/unit.h"

#include "agent/core/page.h"

#include <stdio.h>
#include <string.h>

static struct buf out;

static const char *page(const char *text, unsigned columns, unsigned rows)
{
    buf_reset(&out);
    assert_int_equal(page_render(span_of(text), columns, rows, false, &out), 0);
    return out.data;
}

static int setup(void **state)
{
    (void)state;
    buf_init(&out, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_release(&out);
    return 0;
}

static void test_lines_are_cut_between_characters(void **state)
{
    (void)state;
    assert_string_equal(page("in step\n", 80, 24), "\033[Hin step\033[K\033[J");
    assert_string_equal(page("", 80, 24), "\033[H\033[J");
    assert_string_equal(page("12345678\n", 8, 24), "\033[H12345678\033[K\033[J");
    assert_string_equal(page("123456789\n", 8, 24), "\033[H12345...\033[K\033[J");
    assert_string_equal(page("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\n", 4, 24),
                        "\033[H\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\033[K\033[J");
    assert_string_equal(page("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9fx\n", 4, 24),
                        "\033[H\xc3\xa4...\033[K\033[J");
    assert_string_equal(page("a\n\nb", 80, 24), "\033[Ha\033[K\r\n\033[K\r\nb\033[K\033[J");
}

static void test_colours_take_no_columns(void **state)
{
    (void)state;
    buf_reset(&out);
    assert_int_equal(page_render(span_of("next, for you: look\nplain\n"), 10, 24, true, &out), 0);
    assert_string_equal(out.data, "\033[H\033[1;31mnext, f...\033[0m\033[K\r\nplain\033[K\033[J");
}

static void test_a_page_has_no_more_rows_than_the_window(void **state)
{
    char text[4000] = "";

    (void)state;
    for (int i = 0; i < 100; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "line %d, a long one\n", i);
    for (unsigned rows = 0; rows < 120; rows++)
        for (unsigned columns = 0; columns < 40; columns += 13) {
            const char *p = page(text, columns, rows);
            unsigned breaks = 0;

            for (; *p; p++)
                breaks += *p == '\n';
            assert_true(breaks < (rows < 2 ? 2 : rows));
            assert_int_equal(columns < 10 || strstr(out.data, "(more line") != NULL,
                             columns < 10 || rows < 100);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_colours_take_no_columns, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lines_are_cut_between_characters, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_page_has_no_more_rows_than_the_window, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
