/* Memory for bodies: what is kept, and what is given back. */
#include "uploaders/bodies.h"

#include "tests/unit/unit.h"

#include <string.h>

#define MIB ((size_t)1 << 20)

/* A body whose every byte can be written. */
static char *take(struct bodies *b, size_t n)
{
    char *p = bodies_take(b, n);
    assert_non_null(p);
    memset(p, 1, n);
    return p;
}

static void test_sizes(void **state)
{
    (void)state;
    static const size_t sizes[] = {0,
                                   1,
                                   BODIES_SMALL_BYTES,
                                   BODIES_SMALL_BYTES + 1,
                                   MIB - 1,
                                   MIB,
                                   2 * MIB,
                                   2 * MIB + 1,
                                   8 * MIB - 1,
                                   8 * MIB + 1,
                                   17 * MIB};
    struct bodies b = {.small_max = 4};
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            char *p = take(&b, sizes[i]);
            bodies_give(&b, p, sizes[i]);
            assert_true(b.large_bytes <= BODIES_KEPT_BYTES);
        }
    }
    bodies_release(&b);
    assert_null(b.small);
    assert_null(b.large);
}

static void test_a_small_one_is_used_again(void **state)
{
    (void)state;
    struct bodies b = {.small_max = 1};
    char *p = take(&b, 10), *q = take(&b, 20);
    bodies_give(&b, p, 10);
    bodies_give(&b, q, 20); /* one is kept, not more */
    assert_int_equal(b.small_count, 1);
    assert_ptr_equal(bodies_take(&b, BODIES_SMALL_BYTES), p);
    assert_int_equal(b.small_count, 0);
    bodies_give(&b, p, BODIES_SMALL_BYTES);
    bodies_release(&b);
}

static void test_a_large_one_is_used_again(void **state)
{
    (void)state;
    struct bodies b = {.small_max = 1};
    char *p = take(&b, 8 * MIB), *q = take(&b, 8 * MIB);
    assert_ptr_not_equal(p, q);
    bodies_give(&b, p, 8 * MIB);
    bodies_give(&b, q, 8 * MIB);
    assert_int_equal(b.large_bytes, 16 * MIB);
    char *r = take(&b, 7 * MIB); /* the last part of a file */
    assert_true(r == p || r == q);
    bodies_give(&b, r, 7 * MIB);
    assert_int_equal(b.large_bytes, 16 * MIB);
    bodies_trim(&b);
    assert_int_equal(b.large_bytes, 0);
    assert_null(b.large);
    bodies_release(&b);
}

static void test_other_sizes_make_room(void **state)
{
    (void)state;
    struct bodies b = {.small_max = 1};
    char *few[8];
    for (size_t i = 0; i < 8; i++)
        few[i] = take(&b, 2 * MIB);
    for (size_t i = 0; i < 8; i++)
        bodies_give(&b, few[i], 2 * MIB);
    assert_int_equal(b.large_bytes, BODIES_KEPT_BYTES);
    char *p = take(&b, 8 * MIB);
    bodies_give(&b, p, 8 * MIB);
    assert_true(b.large_bytes <= BODIES_KEPT_BYTES && b.large_bytes >= 8 * MIB);
    p = take(&b, BODIES_KEPT_BYTES + 1); /* too large to be kept */
    size_t before = b.large_bytes;
    bodies_give(&b, p, BODIES_KEPT_BYTES + 1);
    assert_int_equal(b.large_bytes, before);
    bodies_release(&b);
}

static void test_no_such_memory(void **state)
{
    (void)state;
    struct bodies b = {.small_max = 1};
    assert_null(bodies_take(&b, SIZE_MAX));
    assert_null(bodies_take(&b, SIZE_MAX / 2));
    bodies_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_a_small_one_is_used_again),
        cmocka_unit_test(test_a_large_one_is_used_again),
        cmocka_unit_test(test_other_sizes_make_room),
        cmocka_unit_test(test_no_such_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
