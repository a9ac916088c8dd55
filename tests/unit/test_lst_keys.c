/* Rows by path and by index: against a naive pairing, on lists with many that are the same. */
#include "lists/keys.h"
#include "tests/unit/unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS  3000
#define NAMES 700

/* How often each name came, by side. */
struct seen {
    unsigned in_a[NAMES];
    unsigned in_b[NAMES];
    struct span a;
    struct span b;
    enum row_key key;
};

static unsigned name_of(struct span text, uint64_t place, enum row_key key)
{
    struct lst_row row;
    struct span s;

    lst_row_begin(text, place, &row);
    assert_int_equal(row.kind, LST_ROW_IMAGE);
    s = key == ROW_KEY_PATH ? row.path : row.index;
    while (s.n > 0 && (s.p[0] < '1' || s.p[0] > '9') && s.n > 1)
        s = (struct span){s.p + 1, s.n - 1};
    return (unsigned)strtoul(s.p, NULL, 10);
}

/* refs_join_fn: all of one name, once. */
static int take(void *arg, uint64_t *a, size_t a_n, uint64_t *b, size_t b_n)
{
    struct seen *s = arg;
    unsigned name =
        a_n ? name_of(s->a, ref_place(a[0]), s->key) : name_of(s->b, ref_place(b[0]), s->key);

    assert_true(name < NAMES && s->in_a[name] == 0 && s->in_b[name] == 0);
    for (size_t i = 0; i < a_n; i++)
        assert_int_equal(name_of(s->a, ref_place(a[i]), s->key), name);
    for (size_t i = 0; i < b_n; i++)
        assert_int_equal(name_of(s->b, ref_place(b[i]), s->key), name);
    for (size_t i = 1; i < a_n; i++)
        assert_true(ref_place(a[i - 1]) < ref_place(a[i]));
    s->in_a[name] = (unsigned)a_n;
    s->in_b[name] = (unsigned)b_n;
    return 0;
}

/* A list in which names come again, spelled in several ways; counts them. */
static void make_list(struct buf *list, unsigned seed, unsigned *paths, unsigned *indices)
{
    static const char *const spellings[] = {"d/%u", "./d/%u", "d//%u", ".//d/%u"};
    char path[64];

    for (unsigned i = 0; i < ROWS; i++) {
        unsigned name;
        unsigned index;

        seed = seed * 1103515245u + 12345u;
        name = (seed >> 16) % NAMES;
        seed = seed * 1103515245u + 12345u;
        index = (seed >> 16) % NAMES;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(path, sizeof(path), spellings[i % 4], name);
#pragma GCC diagnostic pop
        assert_int_equal(buf_appendf(list, "%s%u\t1\t%s\n", i % 3 ? "" : " +00", index, path), 0);
        paths[name]++;
        indices[index]++;
    }
}

static void join(struct span a, struct span b, enum row_key key, const unsigned *in_a,
                 const unsigned *in_b)
{
    struct seen *s = calloc(1, sizeof(*s));
    struct refs x;
    struct refs y;

    assert_non_null(s);
    s->a = a;
    s->b = b;
    s->key = key;
    refs_init(&x, a);
    refs_init(&y, b);
    assert_int_equal(refs_add_all(&x, 0, a.n, key), 0);
    assert_int_equal(refs_add_all(&y, 0, b.n, key), 0);
    refs_sort(&x);
    refs_sort(&y);
    assert_int_equal(refs_join(&x, &y, key, take, s), 0);
    assert_memory_equal(s->in_a, in_a, sizeof(s->in_a));
    assert_memory_equal(s->in_b, in_b, sizeof(s->in_b));
    refs_release(&x);
    refs_release(&y);
    free(s);
}

static void test_join(void **state)
{
    static unsigned paths[2][NAMES];
    static unsigned indices[2][NAMES];
    struct buf a;
    struct buf b;

    (void)state;
    buf_init(&a, SIZE_MAX);
    buf_init(&b, SIZE_MAX);
    make_list(&a, 1, paths[0], indices[0]);
    make_list(&b, 2, paths[1], indices[1]);
    join((struct span){a.data, a.len}, (struct span){b.data, b.len}, ROW_KEY_PATH, paths[0],
         paths[1]);
    join((struct span){a.data, a.len}, (struct span){b.data, b.len}, ROW_KEY_INDEX, indices[0],
         indices[1]);
    buf_release(&a);
    buf_release(&b);
}

/* refs_join_fn */
static int count(void *arg, uint64_t *a, size_t a_n, uint64_t *b, size_t b_n)
{
    (void)a;
    (void)b;
    *(size_t *)arg += a_n + b_n;
    return 0;
}

/* The same path 200,000 times: no more than sorting. */
static void test_one_name(void **state)
{
    struct refs r;
    struct refs none = {0};
    struct buf list;
    size_t n = 0;

    (void)state;
    buf_init(&list, SIZE_MAX);
    for (unsigned i = 0; i < 200000; i++)
        assert_int_equal(buf_append_str(&list, "1\t0\tx\n"), 0);
    refs_init(&r, (struct span){list.data, list.len});
    assert_int_equal(refs_add_all(&r, 0, list.len, ROW_KEY_PATH), 0);
    refs_sort(&r);
    assert_int_equal(refs_join(&r, &none, ROW_KEY_PATH, count, &n), 0);
    assert_int_equal(n, 200000);
    refs_release(&r);
    buf_release(&list);
}

static void test_nothing(void **state)
{
    struct refs a = {0};
    struct refs b = {0};
    size_t n = 0;

    (void)state;
    refs_sort(&a);
    refs_by_place(&a);
    assert_int_equal(refs_join(&a, &b, ROW_KEY_PATH, count, &n), 0);
    assert_int_equal(n, 0);
    refs_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_join), cmocka_unit_test(test_one_name),
                                       cmocka_unit_test(test_nothing)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
