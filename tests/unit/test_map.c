/* The hash map. */
#include "base/map.h"
#include "tests/unit/unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY 100000

static int values[MANY];

/* The key of a number. */
static const char *key_of(int i, char out[32])
{
    (void)snprintf(out, 32, "dir%d/file-%d.png", i % 97, i);
    return out;
}

/* A map of the first n keys. */
static struct map *filled(int n)
{
    struct map *m = map_new();
    char key[32];

    assert_non_null(m);
    for (int i = 0; i < n; i++)
        assert_int_equal(map_put_str(m, key_of(i, key), &values[i], NULL), 0);
    return m;
}

static void test_empty(void **state)
{
    struct map *m = map_new();
    size_t at = 0;
    void *value;

    (void)state;
    assert_non_null(m);
    assert_int_equal(map_count(m), 0);
    assert_null(map_get_str(m, "x"));
    assert_null(map_remove_str(m, "x"));
    assert_false(map_next(m, &at, NULL, NULL, &value));
    assert_false(map_next(m, &at, NULL, NULL, &value));
    assert_true(map_bytes(m) > 0);
    map_free(m);
    map_free(NULL);
}

static void test_put_get_replace_remove(void **state)
{
    struct map *m = map_new();
    void *old = &values[9];

    (void)state;
    assert_int_equal(map_put_str(m, "a", &values[1], &old), 0);
    assert_null(old);
    assert_int_equal(map_put_str(m, "a", &values[2], &old), 0);
    assert_ptr_equal(old, &values[1]);
    assert_int_equal(map_put_str(m, "a", &values[3], NULL), 0);
    assert_int_equal(map_count(m), 1);
    assert_ptr_equal(map_get_str(m, "a"), &values[3]);
    assert_ptr_equal(map_remove_str(m, "a"), &values[3]);
    assert_null(map_remove_str(m, "a"));
    assert_null(map_get_str(m, "a"));
    assert_int_equal(map_count(m), 0);
    map_free(m);
}

static void test_keys_are_bytes(void **state)
{
    struct map *m = map_new();
    char key[3] = "k1";

    (void)state;
    assert_int_equal(map_put(m, "", 0, &values[0], NULL), 0);
    assert_int_equal(map_put(m, "\0", 1, &values[1], NULL), 0);
    assert_int_equal(map_put(m, "\0\0", 2, &values[2], NULL), 0);
    assert_int_equal(map_put(m, "a\0b", 3, &values[3], NULL), 0);
    assert_int_equal(map_put(m, "a\0c", 3, &values[4], NULL), 0);
    assert_int_equal(map_put_str(m, key, &values[5], NULL), 0);
    key[1] = '2'; /* the map has its own copy */
    assert_int_equal(map_count(m), 6);
    assert_ptr_equal(map_get(m, NULL, 0), &values[0]);
    assert_ptr_equal(map_get(m, "\0", 1), &values[1]);
    assert_ptr_equal(map_get(m, "\0\0", 2), &values[2]);
    assert_ptr_equal(map_get(m, "a\0b", 3), &values[3]);
    assert_ptr_equal(map_get(m, "a\0c", 3), &values[4]);
    assert_null(map_get_str(m, "a"));
    assert_ptr_equal(map_get_str(m, "k1"), &values[5]);
    map_free(m);
}

static void test_many_keys(void **state)
{
    struct map *m = filled(MANY);
    size_t full = map_bytes(m);
    char key[32];

    (void)state;
    assert_int_equal(map_count(m), MANY);
    for (int i = 0; i < MANY; i++)
        assert_ptr_equal(map_get_str(m, key_of(i, key)), &values[i]);
    assert_null(map_get_str(m, "dir0/file-1.png"));
    assert_true(full / MANY < 100); /* bytes an entry, key included */
    for (int i = 0; i < MANY; i += 2)
        assert_ptr_equal(map_remove_str(m, key_of(i, key)), &values[i]);
    for (int i = 0; i < MANY; i++)
        assert_ptr_equal(map_get_str(m, key_of(i, key)), i % 2 ? &values[i] : NULL);
    for (int i = 1; i < MANY; i += 2)
        assert_ptr_equal(map_remove_str(m, key_of(i, key)), &values[i]);
    assert_int_equal(map_count(m), 0);
    assert_true(map_bytes(m) < 1000); /* it shrank */
    assert_int_equal(map_put_str(m, "again", &values[0], NULL), 0);
    assert_ptr_equal(map_get_str(m, "again"), &values[0]);
    map_free(m);
}

static void test_own_copy_of_a_key(void **state)
{
    struct map *m = filled(1);
    char key[32];
    const char *own = map_key_str(m, key_of(0, key));

    (void)state;
    assert_string_equal(own, key);
    assert_true(own != key);
    for (int i = 1; i < MANY; i++)
        assert_int_equal(map_put_str(m, key_of(i, key), &values[i], NULL), 0);
    assert_ptr_equal(map_key_str(m, key_of(0, key)), own);
    assert_ptr_equal(map_remove_str(m, own), &values[0]);
    assert_null(map_key_str(m, key_of(0, key)));
    map_free(m);
}

static void test_walk_meets_each_once(void **state)
{
    struct map *m = filled(1000);
    bool seen[1000] = {false};
    const void *key;
    size_t n;
    void *value;
    size_t at = 0;
    int count = 0;

    (void)state;
    while (map_next(m, &at, &key, &n, &value)) {
        long i = (int *)value - values;
        char want[32];

        assert_in_range(i, 0, 999);
        assert_false(seen[i]);
        seen[i] = true;
        count++;
        assert_string_equal((const char *)key, key_of((int)i, want));
        assert_int_equal(n, strlen(want));
    }
    assert_int_equal(count, 1000);
    assert_false(map_next(m, &at, &key, &n, &value));
    map_free(m);
}

/* Walk and remove those that `every` chooses; each must be met once. */
static void walk_removing(int total, int every)
{
    struct map *m = filled(total);
    bool *seen = calloc((size_t)total, sizeof(*seen));
    const void *key;
    size_t n;
    void *value;
    size_t at = 0;
    int met = 0;
    int removed = 0;

    assert_non_null(seen);
    while (map_next(m, &at, &key, &n, &value)) {
        long i = (int *)value - values;

        assert_false(seen[i]);
        seen[i] = true;
        if (met++ % every == 0) {
            assert_ptr_equal(map_remove(m, key, n), value);
            removed++;
        }
    }
    assert_int_equal(met, total);
    assert_int_equal(map_count(m), total - removed);
    free(seen);
    map_free(m);
}

static void test_removal_during_walk(void **state)
{
    (void)state;
    for (int total = 1; total < 200; total++)
        for (int every = 1; every <= 4; every++)
            walk_removing(total, every);
    walk_removing(50000, 1);
    walk_removing(50000, 3);
}

static void test_random_work_agrees_with_an_array(void **state)
{
    enum { KEYS = 300 };
    struct map *m = map_new();
    void *model[KEYS] = {NULL};
    size_t count = 0;
    char key[32];

    (void)state;
    srand(17);
    for (int i = 0; i < 300000; i++) {
        int k = rand() % KEYS;
        bool filling = i / 3000 % 2 == 0; /* in turns it grows and shrinks */
        void *old;

        key_of(k, key);
        if (rand() % 4 < (filling ? 3 : 1)) {
            void *value = &values[rand() % MANY];

            assert_int_equal(map_put_str(m, key, value, &old), 0);
            assert_ptr_equal(old, model[k]);
            count += model[k] == NULL;
            model[k] = value;
        } else {
            assert_ptr_equal(map_remove_str(m, key), model[k]);
            count -= model[k] != NULL;
            model[k] = NULL;
        }
        assert_int_equal(map_count(m), count);
        k = rand() % KEYS;
        assert_ptr_equal(map_get_str(m, key_of(k, key)), model[k]);
    }
    map_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_put_get_replace_remove),
        cmocka_unit_test(test_keys_are_bytes),
        cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_own_copy_of_a_key),
        cmocka_unit_test(test_walk_meets_each_once),
        cmocka_unit_test(test_removal_during_walk),
        cmocka_unit_test(test_random_work_agrees_with_an_array),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
