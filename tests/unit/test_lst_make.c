/* Class maps, divisions, shuffles: the same tomorrow. */
#include "lists/make.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static void test_class_map(void **state)
{
    struct lst_class_map *m;
    struct buf out;
    uint64_t line;
    uint64_t id;

    (void)state;
    assert_int_equal(lst_class_map_parse(span_of("0\t.\n5\tcat/red\r\n2\tdog"), &m, &line), 0);
    assert_int_equal(lst_class_map_id(m, "dog", &id), 0);
    assert_int_equal(id, 2);
    assert_int_equal(lst_class_map_id(m, "", &id), 0);
    assert_int_equal(id, 0);
    assert_int_equal(lst_class_map_grown(m), 0);
    assert_int_equal(lst_class_map_id(m, "owl", &id), 0);
    assert_int_equal(id, 6);
    assert_int_equal(lst_class_map_id(m, "owl", &id), 0);
    assert_int_equal(id, 6);
    assert_int_equal(lst_class_map_grown(m), 1);
    buf_init(&out, SIZE_MAX);
    assert_int_equal(lst_class_map_render(m, &out), 0);
    assert_string_equal(out.data, "0\t.\n2\tdog\n5\tcat/red\n6\towl\n");
    buf_release(&out);
    lst_class_map_free(m);
    lst_class_map_free(NULL);
}

static void test_bad_maps(void **state)
{
    static const char *const bad[] = {"\n",           "x\tcat\n",      "1 cat\n",   "0\ta\n0\tb\n",
                                      "0\ta\n1\ta\n", "0\t/a\n",       "0\t../a\n", "0\t\n",
                                      "-1\ta\n",      "99999999\ta\n", "0\ta//b\n", "0\t./a\n"};
    struct lst_class_map *m;
    uint64_t line = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_true(lst_class_map_parse(span_of(bad[i]), &m, &line) < 0);
        assert_int_equal(line, strchr(bad[i], '\n')[1] ? 2 : 1);
    }
}

/* The name up to its '-'. */
static struct span before_dash(void *arg, struct span path)
{
    const char *dash = memchr(path.p, '-', path.n);

    (void)arg;
    return (struct span){path.p, dash ? (size_t)(dash - path.p) : path.n};
}

static unsigned of_class(const struct buf *list, char label)
{
    struct lst_cursor c = {.in = {list->data, list->len}};
    struct lst_row row;
    unsigned n = 0;

    while (lst_row_next(&c, &row))
        n += row.labels.p[0] == label;
    return n;
}

static void test_parts(void **state)
{
    struct lst_parts_options opt = {.shares = {8, 1, 1}, .n = 3};
    struct buf list;
    struct buf outs[3];
    struct buf again[3];
    uint64_t rows[3];

    (void)state;
    buf_init(&list, SIZE_MAX);
    for (unsigned i = 0; i < 400; i++)
        assert_int_equal(buf_appendf(&list, "%u\t%u\tp%u-%u\n", i, i % 4 == 0, i / 8, i), 0);
    for (int i = 0; i < 3; i++) {
        buf_init(&outs[i], SIZE_MAX);
        buf_init(&again[i], SIZE_MAX);
    }
    assert_int_equal(lst_parts((struct span){list.data, list.len}, &opt, outs, rows), 0);
    assert_int_equal(rows[0], 320);
    assert_int_equal(rows[1], 40);
    assert_int_equal(rows[2], 40);
    assert_int_equal(of_class(&outs[0], '1'), 80);
    assert_int_equal(of_class(&outs[1], '1'), 10);
    assert_int_equal(of_class(&outs[2], '1'), 10);
    opt.seed = 1;
    assert_int_equal(lst_parts((struct span){list.data, list.len}, &opt, again, rows), 0);
    assert_string_not_equal(outs[1].data, again[1].data);
    opt.group = before_dash;
    for (int i = 0; i < 3; i++)
        buf_reset(&outs[i]);
    assert_int_equal(lst_parts((struct span){list.data, list.len}, &opt, outs, rows), 0);
    for (unsigned group = 0; group < 50; group++) {
        char key[16];
        int holds = 0;

        snprintf(key, sizeof(key), "\tp%u-", group);
        for (int i = 0; i < 3; i++)
            holds += strstr(outs[i].data, key) != NULL;
        assert_int_equal(holds, 1);
    }
    assert_true(rows[0] == 320 && rows[1] == 40 && rows[2] == 40);
    for (int i = 0; i < 3; i++) {
        buf_release(&outs[i]);
        buf_release(&again[i]);
    }
    buf_release(&list);
}

static void test_shuffle(void **state)
{
    static const char list[] = "0\t0\ta\n1\t0\tb\n2\t0\tc\n3\t0\td\n4\t0\te\n5\t0\tf";
    struct buf a;
    struct buf b;

    (void)state;
    buf_init(&a, SIZE_MAX);
    buf_init(&b, SIZE_MAX);
    assert_int_equal(lst_shuffle(span_of(list), 1, &a), 0);
    assert_int_equal(lst_shuffle(span_of(list), 2, &b), 0);
    assert_int_equal(a.len, sizeof(list));
    assert_string_not_equal(a.data, b.data);
    for (int c = 'a'; c <= 'f'; c++)
        assert_non_null(strchr(a.data, c));
    buf_release(&a);
    buf_release(&b);
}

static void test_path_fits(void **state)
{
    (void)state;
    assert_true(lst_path_fits("cat/a b.jpg"));
    assert_false(lst_path_fits("cat/a\tb.jpg"));
    assert_false(lst_path_fits("cat/a\nb.jpg"));
    assert_false(lst_path_fits(" cat/a.jpg"));
    assert_false(lst_path_fits("cat/\xff.jpg"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_class_map),
                                       cmocka_unit_test(test_bad_maps),
                                       cmocka_unit_test(test_parts), cmocka_unit_test(test_shuffle),
                                       cmocka_unit_test(test_path_fits)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
