/* Entries of systemd's journal. */
#include "tests/unit/unit.h"

#include "base/err.h"
#include "base/journald.h"

#include <string.h>

static void test_fields(void **state)
{
    static const char expected[] = "A=1\nB_2=\nC\n\x03\0\0\0\0\0\0\0x\ny\nD==\n";
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    assert_int_equal(journald_field(&out, "A", "1"), 0);
    assert_int_equal(journald_field(&out, "B_2", ""), 0);
    assert_int_equal(journald_field(&out, "C", "x\ny"), 0);
    assert_int_equal(journald_field(&out, "D", "="), 0);
    assert_int_equal(out.len, sizeof expected - 1);
    assert_memory_equal(out.data, expected, sizeof expected - 1);
    buf_release(&out);
}

/* The length is 64 bits, the lowest first. */
static void test_a_long_value(void **state)
{
    char value[300];
    struct buf out;

    (void)state;
    memset(value, 'x', sizeof value - 1);
    value[0] = '\n';
    value[sizeof value - 1] = '\0';
    buf_init(&out, 4096);
    assert_int_equal(journald_field(&out, "N", value), 0);
    assert_memory_equal(out.data, "N\n\x2b\x01\0\0\0\0\0\0\n", 11);
    assert_int_equal(out.len, 2 + 8 + 299 + 1);
    buf_release(&out);
}

/* A field is there whole or not at all. */
static void test_a_ceiling(void **state)
{
    struct buf out;

    (void)state;
    for (size_t max = 0; max < 14; max++) {
        buf_init(&out, max);
        assert_int_equal(journald_field(&out, "C", "x\ny"), ERR_LIMIT);
        assert_int_equal(out.len, 0);
        buf_release(&out);
    }
    buf_init(&out, 3);
    assert_int_equal(journald_field(&out, "A", "1"), ERR_LIMIT);
    assert_int_equal(out.len, 0);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_a_long_value),
        cmocka_unit_test(test_a_ceiling),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
