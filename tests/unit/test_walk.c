/*
 * A tree and the index in the order of keys.
 */
#include "tests/unit/index_bed.h"

#include "agent/service/ordered.h"
#include "agent/service/walk.h"

#include <sys/stat.h>
#include <unistd.h>

/* Walk the scratch directory. */
static void walk_all(const struct watch_filter *f, bool with_stat, struct gathered *g)
{
    struct walk *w = NULL;
    struct walk_file file;
    int root = -1, rc;

    assert_int_equal(tree_open_root(scratch_path(), &root), 0);
    assert_int_equal(walk_open(root, f, with_stat, &w), 0);
    while ((rc = walk_next(w, &file)) > 0) {
        assert_int_equal(file.code, 0);
        assert_int_equal(file.st.kind, FILE_REGULAR);
        if (with_stat)
            assert_int_equal(file.st.size, 1);
        g->keys[g->count++] = strdup(file.path);
    }
    assert_int_equal(rc, 0);
    assert_int_equal(walk_next(w, &file), 0);
    walk_close(w);
    close(root);
}

/* Directories stand where their files' paths do: a-, a/b, a0; links and what is excluded do not. */
static void test_tree_in_order(void **state)
{
    static const char *const expected[] = {"A",  "a-",      "a/b",     "a/b.d/c",
                                           "a0", "z/y/x/w", "\xc3\xa9"};
    static const char *const made[] = {"z/y/x/w", "a0",       "a/b.d/c",     "A",
                                       "a-",      "\xc3\xa9", ".git/config", "a/.lockstep-x~"};
    struct watch_filter f = {.without_defaults = false};
    struct gathered g = {.count = 0};

    (void)state;
    scratch_mkdir("a");
    scratch_mkdir("a/b.d");
    scratch_mkdir("z");
    scratch_mkdir("z/y");
    scratch_mkdir("z/y/x");
    scratch_mkdir("empty");
    scratch_mkdir(".git");
    for (size_t i = 0; i < COUNT(made); i++)
        scratch_write(made[i], "1");
    scratch_link("A", "link");
    scratch_write("a/b", "1");
    walk_all(&f, true, &g);
    expect(&g, expected, COUNT(expected));
    walk_all(&f, false, &g);
    expect(&g, expected, COUNT(expected));
}

/* Keys that LMDB keeps out of order come in order, over the bounds of pieces. */
static void test_index_in_order(void **state)
{
    struct index *ix = opened();
    const struct ordered_entry *e;
    struct ordered *o = NULL;
    struct known k = {.flags = KNOWN_CRC, .size = 7};
    char key[KEY_MAX + 1], last[KEY_MAX + 1] = "";
    size_t count = 0;
    int rc;

    (void)state;
    memset(key, 'l', sizeof key);
    for (int i = 0; i < 700; i++) { /* alike beyond what LMDB sees */
        snprintf(key + 500, sizeof key - 500, "%03d%0*d", i * 11 % 700, i % 2 ? 300 : 1, 0);
        assert_int_equal(index_put(ix, key, &k, NULL), 0);
    }
    for (int i = 0; i < 900; i++) {
        snprintf(key, sizeof key, "%c/%d", i % 3 ? 'a' : 'z', i);
        assert_int_equal(index_put(ix, key, &k, NULL), 0);
    }
    assert_int_equal(index_commit(ix), 0);
    assert_int_equal(ordered_open(ix, "", &o), 0);
    while ((rc = ordered_next(o, &e)) > 0) {
        assert_true(strcmp(last, e->key) < 0);
        assert_int_equal(e->entry.known.size, 7);
        snprintf(last, sizeof last, "%s", e->key);
        count++;
    }
    assert_int_equal(rc, 0);
    assert_int_equal(count, 1600);
    ordered_close(o);
    index_close(ix);
}

static void test_places(void **state)
{
    struct index *ix = opened();
    struct ordered_places *p = NULL;
    struct known k = {.flags = KNOWN_CRC};
    char key[64];
    const char *place;
    int count = 0;

    (void)state;
    for (int i = 0; i < 95; i++) {
        snprintf(key, sizeof key, "p/%03d", i);
        assert_int_equal(index_put(ix, key, &k, NULL), 0);
    }
    assert_int_equal(index_put(ix, "q", &k, NULL), 0);
    assert_int_equal(index_commit(ix), 0);
    assert_int_equal(ordered_places_open(ix, "p/", 10, &p), 0);
    while ((place = ordered_place(p))) {
        snprintf(key, sizeof key, "p/%03d", ++count * 10 - 1);
        assert_string_equal(place, key);
    }
    assert_int_equal(count, 9);
    ordered_places_close(p);
    index_close(ix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tree_in_order, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_index_in_order, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_places, scratch_setup, scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
