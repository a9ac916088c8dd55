/*
 * Where bytes stand in a short text, by both ways, against a loop over the bytes; and that neither
 * looks past the text.
 */
#include "lists/marks.h"
#include "tests/unit/edge_bed.h"
#include "tests/unit/unit.h"

#define ROUNDS 500 /* for each length of a text */

/* Both ways say of this text what a loop says. */
static void check_marks(struct span text)
{
    static const char sought[] = "\0\t\r\n/.09:\x7f\x80\xaf\xff";
    struct marks m;
    struct marks_plain plain;
    uint64_t want = 0;

    marks_load(&m, text.p, text.n);
    marks_plain_load(&plain, text.p, text.n);
    for (size_t k = 0; k < sizeof(sought); k++) {
        want = 0;
        for (size_t i = 0; i < text.n; i++)
            want |= (uint64_t)(text.p[i] == sought[k]) << i;
        assert_int_equal(marks_find(&m, sought[k]), want);
        assert_int_equal(marks_plain_find(&plain, sought[k]), want);
        if (want == 0)
            continue;
        assert_int_equal(text.p[marks_lowest(want)], sought[k]);
        assert_int_equal(text.p[marks_highest(want)], sought[k]);
    }
    want = 0;
    for (size_t i = 0; i < text.n; i++)
        want |= (uint64_t)(text.p[i] >= '0' && text.p[i] <= '9') << i;
    assert_int_equal(marks_digits(&m), want);
    assert_int_equal(marks_plain_digits(&plain), want);
}

static void test_marks(void **state)
{
    static const struct span pools[] = {
        {NULL, 0},
        {"/.\t\0", 4},
        {"0123456789", 10},
        {"/9:\xb9\xb0\x2f\x00", 7}, /* beside digits, and with the high bit */
    };
    uint64_t seed = 5;

    (void)state;
    for (size_t n = 0; n <= MARKS_MAX; n++)
        for (unsigned round = 0; round < ROUNDS; round++) {
            char text[MARKS_MAX];
            struct span bytes = {text, n};

            fill(&seed, text, n, pools[round % 4]);
            check_marks(placed(bytes, true, 0));
            check_marks(placed(bytes, false, 0));
            check_marks(placed(bytes, true, pick(&seed, MARKS_MAX)));
        }
}

static void test_bits(void **state)
{
    (void)state;
    assert_int_equal(marks_below(0), 0);
    assert_int_equal(marks_below(1), 1);
    assert_int_equal(marks_below(63), UINT64_MAX >> 1);
    assert_int_equal(marks_below(64), UINT64_MAX);
    assert_int_equal(marks_lowest(UINT64_C(1) << 63), 63);
    assert_int_equal(marks_highest(UINT64_C(1) << 63 | 1), 63);
    assert_int_equal(marks_highest(1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_bits),
    };

    return cmocka_run_group_tests(tests, room_open, room_close);
}
