/* Memory for bodies: what is kept, and what is given back. */
#include "uploaders/bodies.h"

#include "tests/unit/unit.h"

#include <string.h>

#define MIB ((size_t)1 << 20)

static void test_sizes(void **state)
{
    (void)state;
    static const size_t sizes[] = {
        0, 1, BODIES_SMALL_BYTES, BODIES_SMALL_BYTES + 1, MIB - 1, MIB, 8 * MIB, 17 * MIB};
    struct spares large;
    spares_init(&large);
    struct bodies b = {.small_max = 4, .large = &large};
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            char *p = bodies_take(&b, sizes[i]);
            assert_non_null(p);
            memset(p, 1, sizes[i]); /* every byte can be written */
            assert_int_equal(large.in_use, sizes[i] >= MIB);
            bodies_give(&b, p, sizes[i]);
            assert_int_equal(large.in_use, 0);
        }
    }
    bodies_release(&b);
    assert_null(b.small);
    spares_release(&large);
}

static void test_a_small_one_is_used_again(void **state)
{
    (void)state;
    struct bodies b = {.small_max = 1};
    char *p = bodies_take(&b, 10), *q = bodies_take(&b, 20);
    bodies_give(&b, p, 10);
    bodies_give(&b, q, 20); /* one is kept, not more */
    assert_int_equal(b.small_count, 1);
    assert_ptr_equal(bodies_take(&b, BODIES_SMALL_BYTES), p);
    assert_int_equal(b.small_count, 0);
    bodies_give(&b, p, BODIES_SMALL_BYTES);
    bodies_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_a_small_one_is_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
