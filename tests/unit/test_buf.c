/* Growable bytes. */
#include "base/buf.h"
#include "base/err.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void test_starts_empty_and_allocates_nothing(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 10);
    assert_null(b.data);
    assert_int_equal(b.len, 0);
    assert_null(buf_take(&b));
    buf_reset(&b);
    buf_release(&b);
    buf_wipe(&b);
    assert_null(b.data);
}

static void test_appends_all_forms(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 1000);
    assert_int_equal(buf_append(&b, "ab\0c", 4), 0);
    assert_int_equal(buf_append_str(&b, "de"), 0);
    assert_int_equal(buf_append_span(&b, (struct span){"fgh", 2}), 0);
    assert_int_equal(buf_append_span(&b, (struct span){NULL, 0}), 0);
    assert_int_equal(buf_append_byte(&b, '!'), 0);
    assert_int_equal(buf_appendf(&b, "%d-%s", 42, "x"), 0);
    assert_int_equal(b.len, 13);
    assert_memory_equal(b.data, "ab\0cdefg!42-x", 14);
    buf_release(&b);
}

static void test_empty_append_terminates(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 10);
    assert_int_equal(buf_append_str(&b, ""), 0);
    assert_non_null(b.data);
    assert_string_equal(b.data, "");
    buf_release(&b);
}

static void test_ceiling_is_exact(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 5);
    assert_int_equal(buf_append(&b, "12345", 5), 0);
    assert_int_equal(buf_append_byte(&b, '6'), ERR_LIMIT);
    assert_int_equal(buf_append_str(&b, "67"), ERR_LIMIT);
    assert_int_equal(buf_appendf(&b, "%d", 6), ERR_LIMIT);
    assert_int_equal(buf_reserve(&b, SIZE_MAX), ERR_LIMIT);
    assert_int_equal(buf_append_str(&b, ""), 0);
    assert_string_equal(b.data, "12345");
    assert_true(b.cap <= 5);
    buf_release(&b);
}

static void test_zero_ceiling(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    assert_int_equal(buf_append_str(&b, ""), 0);
    assert_string_equal(b.data, "");
    assert_int_equal(buf_append_byte(&b, 'x'), ERR_LIMIT);
    buf_release(&b);
}

static void test_growth_keeps_content_and_terminator(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 100000);
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(buf_append_byte(&b, (char)('a' + i % 26)), 0);
        assert_int_equal(b.data[b.len], 0);
        assert_true(b.cap >= b.len && b.cap <= b.max);
    }
    for (int i = 0; i < 100000; i++)
        assert_int_equal(b.data[i], 'a' + i % 26);
    assert_int_equal(buf_append_byte(&b, 'x'), ERR_LIMIT);
    buf_release(&b);
}

static void test_no_ceiling_overflows(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, SIZE_MAX);
    assert_int_equal(buf_append_str(&b, "x"), 0);
    assert_int_equal(buf_reserve(&b, SIZE_MAX), ERR_LIMIT);
    assert_string_equal(b.data, "x");
    buf_release(&b);
}

static void test_reserve_then_no_move(void **state)
{
    struct buf b;
    char *before;

    (void)state;
    buf_init(&b, 10000);
    assert_int_equal(buf_reserve(&b, 5000), 0);
    before = b.data;
    assert_string_equal(b.data, "");
    for (int i = 0; i < 5000; i++)
        assert_int_equal(buf_append_byte(&b, 'x'), 0);
    assert_ptr_equal(before, b.data);
    buf_release(&b);
}

static void test_take_hands_over(void **state)
{
    struct buf b;
    char *data;

    (void)state;
    buf_init(&b, 100);
    assert_int_equal(buf_append_str(&b, "mine"), 0);
    data = buf_take(&b);
    assert_string_equal(data, "mine");
    free(data);
    assert_null(b.data);
    assert_int_equal(buf_append_str(&b, "again"), 0);
    assert_string_equal(b.data, "again");
    buf_reset(&b);
    assert_int_equal(b.len, 0);
    assert_string_equal(b.data, "");
    buf_wipe(&b);
    assert_null(b.data);
}

static void test_spans(void **state)
{
    (void)state;
    assert_int_equal(span_of("abc").n, 3);
    assert_int_equal(SPAN("a\0b").n, 3);
    assert_true(span_equal(SPAN("abc"), span_of("abc")));
    assert_false(span_equal(SPAN("abc"), SPAN("abd")));
    assert_false(span_equal(SPAN("abc"), SPAN("ab")));
    assert_true(span_equal((struct span){NULL, 0}, SPAN("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_starts_empty_and_allocates_nothing),
        cmocka_unit_test(test_appends_all_forms),
        cmocka_unit_test(test_empty_append_terminates),
        cmocka_unit_test(test_ceiling_is_exact),
        cmocka_unit_test(test_zero_ceiling),
        cmocka_unit_test(test_growth_keeps_content_and_terminator),
        cmocka_unit_test(test_no_ceiling_overflows),
        cmocka_unit_test(test_reserve_then_no_move),
        cmocka_unit_test(test_take_hands_over),
        cmocka_unit_test(test_spans),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
