/* Memory for large bodies: what is kept, for whom, and what is given back. */
#include "uploaders/spares.h"

#include "tests/unit/unit.h"

#include <stdint.h>
#include <string.h>

#define MIB     ((size_t)1 << 20)
#define THREADS 4
#define ROUNDS  200

/* A body whose every byte can be written. */
static char *take(struct spares *s, size_t n)
{
    char *p = spares_take(s, n);
    assert_non_null(p);
    memset(p, 1, n);
    return p;
}

static void test_sizes(void **state)
{
    (void)state;
    static const size_t sizes[] = {1,           MIB,         2 * MIB, 2 * MIB + 1,
                                   8 * MIB - 1, 8 * MIB + 1, 33 * MIB};
    struct spares s;
    spares_init(&s);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            spares_give(&s, take(&s, sizes[i]), sizes[i]);
            assert_true(s.bytes <= SPARES_KEPT_BYTES);
        }
    }
    spares_release(&s);
}

static void test_one_is_used_again(void **state)
{
    (void)state;
    struct spares s;
    spares_init(&s);
    char *p = take(&s, 8 * MIB), *q = take(&s, 8 * MIB);
    assert_ptr_not_equal(p, q);
    spares_give(&s, p, 8 * MIB);
    spares_give(&s, q, 8 * MIB);
    assert_int_equal(s.bytes, 16 * MIB);
    char *r = take(&s, 7 * MIB); /* the last part of a file */
    assert_true(r == p || r == q);
    spares_give(&s, r, 7 * MIB);
    assert_int_equal(s.bytes, 16 * MIB);
    spares_release(&s);
}

static void test_kept_while_anybody_has_one(void **state)
{
    (void)state;
    struct spares s;
    spares_init(&s);
    char *p = take(&s, 8 * MIB), *q = take(&s, 8 * MIB);
    spares_give(&s, p, 8 * MIB);
    spares_trim(&s); /* one worker has none any more */
    assert_int_equal(s.bytes, 8 * MIB);
    spares_give(&s, q, 8 * MIB);
    spares_trim(&s);
    assert_int_equal(s.bytes, 0);
    assert_null(s.first);
    spares_release(&s);
}

static void test_other_sizes_make_room(void **state)
{
    (void)state;
    struct spares s;
    spares_init(&s);
    char *few[SPARES_KEPT_BYTES / (2 * MIB)];
    const size_t count = sizeof(few) / sizeof(few[0]);
    for (size_t i = 0; i < count; i++)
        few[i] = take(&s, 2 * MIB);
    for (size_t i = 0; i < count; i++)
        spares_give(&s, few[i], 2 * MIB);
    assert_int_equal(s.bytes, SPARES_KEPT_BYTES);
    spares_give(&s, take(&s, 8 * MIB), 8 * MIB);
    assert_true(s.bytes <= SPARES_KEPT_BYTES && s.bytes >= 8 * MIB);
    size_t before = s.bytes;
    char *p = take(&s, SPARES_KEPT_BYTES + 1); /* too large to be kept, but one goes for it */
    assert_true(s.bytes < before);
    before = s.bytes;
    spares_give(&s, p, SPARES_KEPT_BYTES + 1);
    assert_int_equal(s.bytes, before);
    spares_release(&s);
}

static void test_no_such_memory(void **state)
{
    (void)state;
    struct spares s;
    spares_init(&s);
    assert_null(spares_take(&s, SIZE_MAX));
    assert_null(spares_take(&s, SIZE_MAX / 2));
    assert_int_equal(s.in_use, 0);
    spares_release(&s);
}

/* Take two, leave a mark that nobody else may overwrite, give them back. NULL: all was right. */
static void *use_many(void *arg)
{
    struct spares *s = arg;
    for (size_t round = 0; round < ROUNDS; round++) {
        size_t n = (round % 3 + 1) * 2 * MIB;
        char *p = spares_take(s, n), *q = spares_take(s, n);
        uintptr_t mark = (uintptr_t)p, found = 0;
        if (!p || !q || p == q)
            return arg;
        memcpy(p, &mark, sizeof(mark));
        memcpy(q + n - sizeof(mark), &mark, sizeof(mark));
        memcpy(&found, q + n - sizeof(found), sizeof(found));
        if (memcmp(p, &mark, sizeof(mark)) != 0 || found != mark)
            return arg;
        spares_give(s, p, n);
        spares_give(s, q, n);
        if (round % 16 == 0)
            spares_trim(s);
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    struct spares s;
    pthread_t threads[THREADS];
    spares_init(&s);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_many, &s), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *wrong = NULL;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    assert_int_equal(s.in_use, 0);
    assert_true(s.bytes <= SPARES_KEPT_BYTES);
    spares_trim(&s);
    assert_int_equal(s.bytes, 0);
    spares_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_one_is_used_again),
        cmocka_unit_test(test_kept_while_anybody_has_one),
        cmocka_unit_test(test_other_sizes_make_room),
        cmocka_unit_test(test_no_such_memory),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
