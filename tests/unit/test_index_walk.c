/*
 * Walks over the index: order, pieces, long keys, directories, inodes.
 */
#include "tests/unit/index_bed.h"

#include <errno.h>

static int gather_held(void *arg, const char *key, bool released)
{
    return released ? 0 : gather(arg, key, NULL);
}
static void test_keys_come_in_the_order_of_their_bytes(void **state)
{
    static const char *const sorted[] = {"A",  "a", "a-b",      "a/b", "a/b/c",
                                         "a0", "b", "\xc3\xa4", "\xff"};
    static const char *const under[] = {"a/b", "a/b/c"};
    struct index *ix = opened();
    struct gathered g = {0};
    uint64_t count = 0;

    (void)state;
    for (size_t i = COUNT(sorted); i-- > 0;)
        put(ix, sorted[i], i);
    assert_int_equal(index_each_under(ix, "", NULL, gather, &g), 0);
    expect(&g, sorted, COUNT(sorted));
    assert_int_equal(index_each_under(ix, "a/", NULL, gather, &g), 0);
    expect(&g, under, 2);
    assert_int_equal(index_each_under(ix, "a/", "a/b", gather, &g), 0);
    expect(&g, under + 1, 1);
    assert_int_equal(index_each_under(ix, "a/", "a/b/c", gather, &g), 0);
    expect(&g, NULL, 0);
    /* Behind a key that is there no more. */
    assert_int_equal(index_each_under(ix, "", "a-c", gather, &g), 0);
    expect(&g, sorted + 3, COUNT(sorted) - 3);
    assert_int_equal(index_each_under(ix, "zz", NULL, gather, &g), 0);
    expect(&g, NULL, 0);
    g.stop_at = 2;
    assert_int_equal(index_each_under(ix, "", NULL, gather, &g), 7);
    expect(&g, sorted, 2);
    assert_int_equal(index_count(ix, "a", &count), 0);
    assert_int_equal(count, 5);
    assert_int_equal(index_count(ix, "a/", &count), 0);
    assert_int_equal(count, 2);
    index_close(ix);
}

/* Every length around LMDB's limit: each key is found again, and no other for it. */
static void test_long_keys(void **state)
{
    static const size_t lengths[] = {467, 468, 469, 499, 500, 501, 511, 512, 800, 1023, 1024};
    struct index *ix = opened();
    struct index_entry got;
    struct gathered g = {0};
    char key[KEY_MAX + 2];
    bool was = false;

    (void)state;
    for (size_t i = 0; i < COUNT(lengths); i++)
        for (int n = 0; n < 3; n++)
            put(ix, long_key(key, "d/", lengths[i], n), lengths[i] * 10 + (size_t)n);
    for (size_t i = 0; i < COUNT(lengths); i++)
        for (int n = 0; n < 3; n++) {
            assert_int_equal(index_get(ix, long_key(key, "d/", lengths[i], n), &got), 0);
            assert_int_equal(got.known.ino, lengths[i] * 10 + (size_t)n);
        }
    assert_int_equal(index_get(ix, long_key(key, "d/", 700, 0), &got), -ENOENT);
    assert_int_equal(index_each_under(ix, "d/", NULL, gather, &g), 0);
    assert_int_equal(g.count, 3 * COUNT(lengths));
    for (size_t i = 0; i < g.count; i++) /* whole keys, not LMDB's */
        assert_int_equal(index_get(ix, g.keys[i], &got), 0);
    let_go(&g);
    /* A prefix that is longer than what LMDB has of the key. */
    assert_int_equal(index_each_under(ix, long_key(key, "d/", 1024, 2), NULL, gather, &g), 0);
    assert_int_equal(g.count, 1);
    assert_string_equal(g.keys[0], key);
    let_go(&g);
    assert_int_equal(index_each_inode(ix, 10240 + 1, gather, &g), 0);
    assert_int_equal(g.count, 1);
    assert_string_equal(g.keys[0], long_key(key, "d/", 1024, 1));
    let_go(&g);
    assert_int_equal(index_remove(ix, key, &was), 0);
    assert_true(was);
    assert_int_equal(index_get(ix, key, &got), -ENOENT);
    assert_int_equal(index_get(ix, long_key(key, "d/", 1024, 2), &got), 0);
    index_close(ix);
}

static void test_a_key_that_s3_cannot_have_is_refused(void **state)
{
    struct index *ix = opened();
    struct gathered g = {0};
    struct known k = entry(1);
    char key[KEY_MAX + 2];

    (void)state;
    (void)long_key(key, "d/", KEY_MAX + 1, 0);
    assert_int_equal(index_put(ix, key, &k, NULL), -ENAMETOOLONG);
    assert_int_equal(index_hold(ix, key, false, NULL), -ENAMETOOLONG);
    assert_int_equal(index_each_under(ix, "", NULL, gather, &g), 0);
    assert_int_equal(index_each_held(ix, "", gather_held, &g), 0);
    expect(&g, NULL, 0);
    key[KEY_MAX] = '\0';
    assert_int_equal(index_hold(ix, key, false, NULL), 0);
    assert_int_equal(index_each_held(ix, "", gather_held, &g), 0);
    assert_int_equal(g.count, 1);
    assert_string_equal(g.keys[0], key);
    let_go(&g);
    index_close(ix);
}

/* Walking in pieces, each behind the last key of the one before, tells each key once: also where
 * long keys stand in an order of their own. */
static void test_pieces_miss_nothing(void **state)
{
    struct index *ix = opened();
    char key[KEY_MAX + 2], after[KEY_MAX + 2] = "";
    struct gathered all = {0}, g = {0};

    (void)state;
    for (int n = 0; n < 100; n++) {
        put(ix, long_key(key, "d/", 1000 - (size_t)(n % 3), n), 1);
        put(ix, long_key(key, "d/", 480, n), 1);
        put(ix, long_key(key, "d/y", 20, n), 1);
    }
    for (;;) {
        g.stop_at = 7;
        int rc = index_each_under(ix, "d/", after[0] ? after : NULL, gather, &g);

        for (size_t i = 0; i < g.count; i++)
            assert_int_equal(gather(&all, g.keys[i], NULL), 0);
        if (g.count)
            (void)snprintf(after, sizeof after, "%s", g.keys[g.count - 1]);
        let_go(&g);
        if (rc == 0)
            break;
        assert_int_equal(rc, 7);
    }
    assert_int_equal(all.count, 300);
    qsort(all.keys, all.count, sizeof *all.keys, by_bytes);
    for (size_t i = 1; i < all.count; i++)
        assert_true(strcmp(all.keys[i - 1], all.keys[i]) < 0);
    let_go(&all);
    index_close(ix);
}

static const struct {
    const char *dir;
    const char *files[8];
    const char *directories[8];
} listings[] = {
    {"", {"a", "a0", "a.b", "z"}, {"a", "a-b", "b", "p"}},
    {"a/", {"a/x"}, {"deep", "deep-er", "deep0"}},
    {"a-b/", {"a-b/c"}, {NULL}},
    {"p/", {"p/q"}, {"q"}},
    {"p/q/", {"p/q/r"}, {NULL}},
    {"absent/", {NULL}, {NULL}},
    {"a0/", {NULL}, {NULL}},
};

/* The names told are these, in whatever order, a directory once or more. */
static void expect_names(struct gathered *g, const char *const names[8])
{
    size_t distinct = 0, wanted = 0;

    qsort(g->keys, g->count, sizeof *g->keys, by_bytes);
    for (size_t i = 0; i < g->count; i++)
        distinct += i == 0 || strcmp(g->keys[i - 1], g->keys[i]) != 0;
    for (; wanted < 8 && names[wanted]; wanted++) {
        size_t i = 0;

        while (i < g->count && strcmp(g->keys[i], names[wanted]) != 0)
            i++;
        if (i == g->count)
            fail_msg("not told: %s", names[wanted]);
    }
    assert_int_equal(distinct, wanted);
    let_go(g);
}

/* What lies directly in a directory. */
struct child_walk {
    struct gathered files, directories;
};

static int child_file(void *arg, const char *key, const struct known *known)
{
    return gather(&((struct child_walk *)arg)->files, key, known);
}

static int child_directory(void *arg, const char *name)
{
    return gather(&((struct child_walk *)arg)->directories, name, NULL);
}

/* Names around '/' in the order of bytes lead nobody astray. */
static void test_children(void **state)
{
    static const char *const keys[] = {"a",        "a-b/c", "a.b", "a/deep-er/1", "a/deep/1/2/3",
                                       "a/deep0/", "a/x",   "a0",  "b/",          "p/q",
                                       "p/q/r",    "z"};
    struct index *ix = opened();
    struct child_walk w = {0};
    char key[64];

    (void)state;
    for (size_t i = 0; i < COUNT(keys); i++)
        put(ix, keys[i], i + 1);
    for (int i = 0; i < 5000; i++) { /* a subtree that is stepped over, not walked */
        (void)snprintf(key, sizeof key, "a/deep/%d/%d.png", i % 50, i);
        put(ix, key, 100 + (uint64_t)i);
    }
    for (size_t i = 0; i < COUNT(listings); i++) {
        assert_int_equal(index_each_child(ix, listings[i].dir, child_file, child_directory, &w), 0);
        if (i < 2) /* short names: a directory is told once, however much is in it */
            assert_true(w.directories.count <= 4);
        expect_names(&w.files, listings[i].files);
        expect_names(&w.directories, listings[i].directories);
    }
    index_close(ix);
}

static void test_children_of_deep_directories(void **state)
{
    static const size_t depths[] = {460, 466, 467, 468, 469, 480, 900};
    struct index *ix = opened();
    char dir[KEY_MAX + 2], key[KEY_MAX + 64];

    (void)state;
    for (size_t i = 0; i < COUNT(depths); i++) {
        struct child_walk w = {0};
        const char *files[8] = {key}, *directories[8] = {"sub", "sub2"};
        uint64_t count = 0;

        memset(dir, 'd', depths[i]);
        (void)snprintf(dir + depths[i], sizeof dir - depths[i], "%zu/", i);
        for (int n = 0; n < 40; n++) {
            (void)snprintf(key, sizeof key, "%ssub%s/%d", dir, n % 2 ? "2" : "", n);
            put(ix, key, 1);
        }
        (void)snprintf(key, sizeof key, "%sfile", dir);
        put(ix, key, 1);
        assert_int_equal(index_each_child(ix, dir, child_file, child_directory, &w), 0);
        expect_names(&w.files, files);
        expect_names(&w.directories, directories);
        assert_int_equal(index_count(ix, dir, &count), 0);
        assert_int_equal(count, 41);
    }
    index_close(ix);
}

static void test_inodes_follow_their_entries(void **state)
{
    static const char *const both[] = {"one", "two"};
    struct index *ix = opened();
    struct gathered g = {0};
    bool was;

    (void)state;
    put(ix, "one", 5);
    put(ix, "two", 5); /* two links to one file */
    put(ix, "three", 6);
    put(ix, "four", UINT64_MAX);
    assert_int_equal(index_each_inode(ix, 5, gather, &g), 0);
    qsort(g.keys, g.count, sizeof *g.keys, by_bytes);
    expect(&g, both, 2);
    put(ix, "one", 6);
    assert_int_equal(index_each_inode(ix, 5, gather, &g), 0);
    expect(&g, both + 1, 1);
    assert_int_equal(index_remove(ix, "two", &was), 0);
    assert_int_equal(index_each_inode(ix, 5, gather, &g), 0);
    expect(&g, NULL, 0);
    assert_int_equal(index_each_inode(ix, 6, gather, &g), 0);
    assert_int_equal(g.count, 2);
    let_go(&g);
    assert_int_equal(index_each_inode(ix, UINT64_MAX, gather, &g), 0);
    assert_int_equal(g.count, 1);
    let_go(&g);
    index_close(ix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        INDEX_TEST(test_keys_come_in_the_order_of_their_bytes),
        INDEX_TEST(test_long_keys),
        INDEX_TEST(test_a_key_that_s3_cannot_have_is_refused),
        INDEX_TEST(test_pieces_miss_nothing),
        INDEX_TEST(test_children),
        INDEX_TEST(test_children_of_deep_directories),
        INDEX_TEST(test_inodes_follow_their_entries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
