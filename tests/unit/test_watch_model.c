/* The model of directories, halves of renames, the order of listings. */
#include "tests/unit/unit.h"
#include "watchers/cookies.h"
#include "watchers/hints.h"
#include "watchers/model.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY             20000
#define BYTES_A_NODE_MAX 200 /* ours; the library's records are some 190 more */

static struct model *m;
static struct wd_list released;

static int setup(void **state)
{
    (void)state;
    memset(&released, 0, sizeof(released));
    return model_new(2, &m);
}

static int teardown(void **state)
{
    (void)state;
    model_free(m);
    free(released.wds);
    return 0;
}

/* Add a node that must not fail. */
static struct node *add(struct node *parent, const char *name)
{
    struct node *n = model_add(m, parent, name);

    assert_non_null(n);
    return n;
}

static void assert_path(const struct node *n, const char *path)
{
    char out[4096];

    assert_int_equal(model_path(n, out, sizeof(out)), 0);
    assert_string_equal(out, path);
}

static void test_paths(void **state)
{
    struct node *root = model_root(m, 0);
    struct node *a = add(root, "a");
    struct node *b = add(a, "a name that is longer than the short ones");
    struct node *c = add(b, "c");
    char out[64];

    (void)state;
    assert_path(root, "");
    assert_path(a, "a");
    assert_path(c, "a/a name that is longer than the short ones/c");
    assert_ptr_equal(model_child(m, root, "a"), a);
    assert_ptr_equal(model_child(m, b, "c"), c);
    assert_null(model_child(m, root, "c"));
    assert_null(model_child(m, model_root(m, 1), "a"));
    assert_int_equal(model_path(c, out, 10), -ENAMETOOLONG);
    assert_int_equal(
        model_path(c, out, strlen("a/a name that is longer than the short ones/c") + 1), 0);
    assert_int_equal(model_path(c, out, strlen("a/a name that is longer than the short ones/c")),
                     -ENAMETOOLONG);
    assert_int_equal(model_path(root, out, 0), -ENAMETOOLONG);
}

static void test_relink(void **state)
{
    struct node *root = model_root(m, 0);
    struct node *a = add(root, "a");
    struct node *b = add(a, "b");
    struct node *x = add(root, "x");
    const uint32_t moves = a->moves;
    char out[64];

    (void)state;
    model_detach(m, a);
    assert_int_equal(model_path(b, out, sizeof(out)), -ENOENT);
    assert_null(model_child(m, root, "a"));
    assert_int_equal(model_attach(m, a, x, "renamed to something long"), 0);
    assert_path(b, "x/renamed to something long/b");
    assert_ptr_equal(model_child(m, x, "renamed to something long"), a);
    assert_true(a->moves > moves);
    assert_true(model_is_beneath(b, x));
    assert_true(model_is_beneath(x, x));
    assert_false(model_is_beneath(x, b));
    model_detach(m, a);
    assert_int_equal(model_attach(m, a, root, "s"), 0);
    assert_path(b, "s/b");
}

static void test_watches(void **state)
{
    struct node *a = add(model_root(m, 0), "a");
    struct node *b = add(model_root(m, 1), "b");

    (void)state;
    model_set_wd(m, a, 7);
    model_set_wd(m, b, 7); /* roots that overlap */
    assert_ptr_equal(model_by_wd(m, 0, 7), a);
    assert_ptr_equal(model_by_wd(m, 1, 7), b);
    assert_null(model_by_wd(m, 0, 8));
    assert_null(model_wd_first(m, -1));
    assert_int_equal(model_counts(m, 0)->watches, 1);
    model_kill(m, a, &released);
    assert_int_equal(released.count, 0); /* b has it still */
    assert_ptr_equal(model_wd_first(m, 7), b);
    assert_null(model_wd_next(b));
    model_kill(m, b, &released);
    assert_int_equal(released.count, 1);
    assert_int_equal(released.wds[0], 7);
    assert_int_equal(model_counts(m, 1)->watches, 0);
}

static void test_kill_takes_the_subtree(void **state)
{
    struct node *top = add(model_root(m, 0), "top");
    struct node *n = top;

    (void)state;
    for (int i = 0; i < 100; i++) {
        struct node *side = add(n, "side");

        model_set_wd(m, side, 1000 + i);
        model_set_ino(m, side, 5);
        n = add(n, "deep");
        model_raise(m, n, NODE_SCAN | NODE_LIMITED);
        model_set_ino(m, n, 5);
    }
    model_pin(n);
    assert_int_equal(model_counts(m, 0)->directories, 200);
    assert_int_equal(model_counts(m, 0)->scanning, 100);
    model_kill(m, top, &released);
    assert_int_equal(released.count, 100);
    assert_int_equal(model_counts(m, 0)->directories, 0);
    assert_int_equal(model_counts(m, 0)->scanning, 0);
    assert_int_equal(model_counts(m, 0)->limited, 0);
    assert_int_equal(model_counts(m, 0)->watches, 0);
    assert_true((n->flags & NODE_DEAD) != 0); /* pinned: readable still */
    assert_null(n->parent);
    model_unpin(n);
    assert_null(model_child(m, model_root(m, 0), "top"));
}

/* Tables grow, nothing gets lost in it, and a directory costs what was promised. */
static void test_many_and_memory(void **state)
{
    static struct node *nodes[MANY];
    const size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    size_t bytes;
    char name[32];

    (void)state;
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof(name), "dir_%06d", i);
        nodes[i] = add(i % 10 == 0 ? model_root(m, 0) : nodes[i - 1], name);
        model_set_wd(m, nodes[i], i);
    }
    bytes = mallinfo2().uordblks + mallinfo2().hblkhd - before;
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof(name), "dir_%06d", i);
        assert_ptr_equal(model_child(m, nodes[i]->parent, name), nodes[i]);
        assert_ptr_equal(model_by_wd(m, 0, i), nodes[i]);
    }
    if (bytes > 0) { /* a sanitizer's malloc does not tell */
        print_message("%zu bytes a directory\n", bytes / MANY);
        assert_true(bytes / MANY < BYTES_A_NODE_MAX);
    }
}

static void test_cookies(void **state)
{
    struct cookies *c = NULL;
    struct node *root = model_root(m, 0);
    struct node *other = model_root(m, 1);
    struct cookie_entry *e[4];

    (void)state;
    assert_int_equal(cookies_new(&c), 0);
    assert_null(cookies_oldest(c));
    e[0] = cookies_put(c, 10, root, "f", 500);
    e[1] = cookies_put(c, 10 + 4096, root, "g", 510); /* the same bucket */
    e[2] = cookies_put(c, 10, other, "h", 520);
    e[3] = cookies_put(c, 0, root, "pushed", 530);
    assert_ptr_equal(cookies_find(c, 10, 0), e[0]);
    assert_ptr_equal(cookies_find(c, 10, 1), e[2]);
    assert_ptr_equal(cookies_find(c, 4106, 1), e[1]); /* of another root: better than none */
    assert_null(cookies_find(c, 11, 0));
    assert_null(cookies_find(c, 0, 0));
    assert_ptr_equal(cookies_find_displaced(c, root, "pushed"), e[3]);
    assert_null(cookies_find_displaced(c, other, "pushed"));
    assert_null(cookies_find_displaced(c, root, "f"));
    assert_ptr_equal(cookies_oldest(c), e[0]);
    for (int i = 0; i < 4; i++) {
        const int order[] = {1, 0, 3, 2};

        cookies_remove(c, e[order[i]]);
        free(e[order[i]]);
    }
    assert_null(cookies_oldest(c));
    assert_null(cookies_find(c, 10, 0));
    assert_null(cookies_find_displaced(c, root, "pushed"));
    cookies_free(c);
}

static void test_order_of_listings(void **state)
{
    /* As S3 sorts the keys: a directory as if it ended in '/', 0x2f. */
    static const struct {
        const char *name;
        bool directory;
    } sorted[] = {{"A", false},  {"a", false},   {"a!", false}, {"a-b", false},
                  {"a.d", true}, {"a.dz", true}, {"a", true},   {"a0", false},
                  {"aa", true},  {"b", true},    {"b0", false}, {"\xc3\xa9", false}};
    const size_t count = sizeof(sorted) / sizeof(sorted[0]);
    struct listing_entry *entries = calloc(count, sizeof(*entries));
    struct listing l = {.entries = entries, .count = count};

    (void)state;
    assert_non_null(entries);
    for (size_t i = 0; i < count; i++) {
        const size_t from = i * 7 % count;

        entries[i].name = sorted[from].name;
        entries[i].st.kind = sorted[from].directory ? FILE_DIRECTORY : FILE_REGULAR;
        entries[i].st.size = from;
    }
    listing_sort(&l);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(entries[i].st.size, i);
    }
    free(entries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_paths, setup, teardown),
        cmocka_unit_test_setup_teardown(test_relink, setup, teardown),
        cmocka_unit_test_setup_teardown(test_watches, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kill_takes_the_subtree, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_and_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cookies, setup, teardown),
        cmocka_unit_test(test_order_of_listings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
