/* What is noted of a list's names, and whether a stat tells what a list is. */
#include "base/clock.h"
#include "lists/glance.h"
#include "lists/mentions.h"
#include "tests/unit/lst_bed.h"

#include <sys/mman.h>

#define MANY (3 * LEAF_NAMES_MAX)

/* All leaves of what was noted are asked whether they may name one path. */
static bool names(const struct mentions *m, const char *path)
{
    struct lst_changes *c;
    uint64_t *sought = NULL;
    size_t n, at = 0;
    struct span leaf;
    bool has = false;

    assert_int_equal(lst_changes_new(&c), 0);
    assert_int_equal(lst_changes_remove(c, path), 0);
    assert_int_equal(mentions_sought(c, &sought, &n), 0);
    assert_int_equal(n, 1);
    while (mentions_next(m, &at, &leaf))
        has = has || mentions_leaf_has(leaf, sought, n);
    free(sought);
    lst_changes_free(c);
    return has;
}

static size_t bytes_of(const struct mentions *m)
{
    size_t at = 0, bytes = 0;

    for (struct span leaf; mentions_next(m, &at, &leaf);)
        bytes += leaf.n;
    return bytes;
}

static void test_paths_and_their_directories(void **state)
{
    static const char *const named[] = {"a/b/c.jpg", "a/b", "a", "top.jpg", "x/y.jpg", "x"};
    static const char *const not_named[] = {"a/b/c", "b", "c.jpg", "a/b/c.jpg/d", "y.jpg", "to"};
    static const char list[] = "0\t1\ta/b/c.jpg\n1\t1\t./top.jpg\r\n2\t1\tx//y.jpg";
    struct mentions *m = NULL;

    (void)state;
    assert_int_equal(mentions_new(SIZE_MAX, &m), 0);
    assert_int_equal(mentions_add_all(m, SPAN(list)), 0);
    assert_int_equal(mentions_end(m), 0);
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
        assert_true(names(m, named[i]));
    for (size_t i = 0; i < sizeof(not_named) / sizeof(not_named[0]); i++)
        assert_false(names(m, not_named[i]));
    mentions_free(m);
    mentions_free(NULL);
}

static void test_a_list_without_images(void **state)
{
    struct mentions *m = NULL;

    (void)state;
    assert_int_equal(mentions_new(SIZE_MAX, &m), 0);
    assert_int_equal(mentions_add_all(m, SPAN("# nothing\n\n")), 0);
    assert_int_equal(mentions_end(m), 0);
    assert_false(names(m, "nothing"));
    mentions_free(m);
}

static struct mentions *noted_many(size_t max_bytes, int *ret)
{
    struct mentions *m = NULL;
    char path[64];

    assert_int_equal(mentions_new(max_bytes, &m), 0);
    *ret = 0;
    for (int i = 0; i < MANY && *ret == 0; i++) {
        snprintf(path, sizeof(path), "train/n%03d/%07d.jpg", i * 7 % 1000, i);
        *ret = mentions_add(m, path);
    }
    if (*ret == 0)
        *ret = mentions_end(m);
    return m;
}

/* Several leaves: none is missed, hardly any other is taken for one, in few bytes a row. */
static void test_many_names(void **state)
{
    unsigned mistaken = 0;
    struct mentions *m;
    char path[64];
    int rc;

    (void)state;
    m = noted_many(SIZE_MAX, &rc);
    assert_int_equal(rc, 0);
    for (int i = 0; i < MANY; i += 101) {
        snprintf(path, sizeof(path), "train/n%03d/%07d.jpg", i * 7 % 1000, i);
        assert_true(names(m, path));
        snprintf(path, sizeof(path), "train/n%03d/%07d.jpg", (i * 7 + 1) % 1000, i);
        mistaken += names(m, path);
    }
    assert_true(names(m, "train/n999"));
    assert_true(names(m, "train"));
    assert_true(mistaken <= 1);
    assert_true(bytes_of(m) < MANY * 9 / 2);
    print_message("%.2f bytes a name\n", (double)bytes_of(m) / MANY);
    mentions_free(m);
}

static void test_no_more_than_allowed(void **state)
{
    int rc;

    (void)state;
    mentions_free(noted_many((size_t)4 * LEAF_NAMES_MAX, &rc));
    assert_int_equal(rc, ERR_LIMIT);
}

/* One name again and again: one bucket is long for a while, the leaf is not. */
static void test_the_same_name_again(void **state)
{
    struct mentions *m = NULL;

    (void)state;
    assert_int_equal(mentions_new(SIZE_MAX, &m), 0);
    for (int i = 0; i < LEAF_NAMES_MAX; i++)
        assert_int_equal(mentions_add(m, i % 2 ? "a/x" : "b/x"), 0);
    assert_int_equal(mentions_end(m), 0);
    assert_true(names(m, "a/x"));
    assert_true(names(m, "b"));
    assert_false(names(m, "c/x"));
    assert_true(bytes_of(m) < 40000); /* its buckets */
    mentions_free(m);
}

/* Whatever bytes a leaf has: it is read within them, and one that is none says yes. */
static void test_damaged_leaves(void **state)
{
    struct mentions *m = NULL;
    uint64_t sought[] = {1, UINT64_MAX / 3, UINT64_MAX};
    struct span leaf;
    size_t at = 0;
    char *bytes;

    (void)state;
    assert_int_equal(mentions_new(SIZE_MAX, &m), 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(mentions_add(m, (const char *[]){"a", "b/c", "d"}[i % 3]), 0);
    assert_int_equal(mentions_end(m), 0);
    assert_true(mentions_next(m, &at, &leaf));
    for (size_t n = 0; n < leaf.n; n++) {
        bytes = malloc(n + 1); /* of this size, so that a byte too far is seen */
        memcpy(bytes, leaf.p, n);
        assert_true(mentions_leaf_has((struct span){bytes, n}, sought, 3));
        free(bytes);
    }
    bytes = malloc(leaf.n);
    for (size_t i = 0; i < leaf.n * 8; i++) {
        memcpy(bytes, leaf.p, leaf.n);
        bytes[i / 8] ^= (char)(1 << i % 8);
        (void)mentions_leaf_has((struct span){bytes, leaf.n}, sought, 3);
    }
    free(bytes);
    mentions_free(m);
}

static void test_when_a_stat_is_old(void **state)
{
    struct file_stat st = {.ctime_ns = 100 * NS_PER_S + 1};

    (void)state;
    assert_true(glance_is_old(&st, 101 * US_PER_S));
    assert_false(glance_is_old(&st, 100 * US_PER_S + 400 * US_PER_MS));
    assert_false(glance_is_old(&st, 99 * US_PER_S)); /* the clock was set back */
    st.ctime_ns = 100 * NS_PER_S;                    /* a clock of whole seconds */
    assert_false(glance_is_old(&st, 200 * US_PER_S));
}

/* The list in the bed, old enough. */
static bool glance_settles(void)
{
    struct glance g = {.at_rest = false};

    for (int i = 0; i < 20 && !g.at_rest; i++) {
        nanosleep(&(struct timespec){0, 100000000}, NULL);
        assert_int_equal(lst_glance(bed_fd, "x.lst", &g), 0);
    }
    return g.at_rest;
}

static void test_a_list_at_rest(void **state)
{
    struct glance g, later;
    char *map;
    int fd;

    (void)state;
    bed_make();
    put_file("x.lst", "0\t1\ta\n");
    assert_int_equal(lst_glance(bed_fd, "x.lst", &g), 0);
    assert_false(g.at_rest); /* written just now */
    if (!glance_settles()) {
        bed_remove();
        skip(); /* this file system has no leases */
    }
    assert_int_equal(lst_glance(bed_fd, "x.lst", &g), 0);
    fd = open("x.lst", O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(lst_glance(bed_fd, "x.lst", &later), 0);
    assert_false(later.at_rest); /* somebody may write */
    assert_true(file_same_content(&g.st, &later.st));
    map = mmap(NULL, 6, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(map != MAP_FAILED);
    close(fd);
    assert_int_equal(lst_glance(bed_fd, "x.lst", &later), 0);
    assert_false(later.at_rest); /* by a mapping, too */
    map[4] = 'b';
    assert_int_equal(lst_glance(bed_fd, "x.lst", &later), 0);
    assert_false(file_same_content(&g.st, &later.st));
    munmap(map, 6);
    bed_remove();
}

static void test_what_is_no_list(void **state)
{
    struct glance g;

    (void)state;
    bed_make();
    assert_int_equal(lst_glance(bed_fd, "x.lst", &g), -ENOENT);
    assert_int_equal(symlink("y", "x.lst"), 0);
    assert_int_equal(lst_glance(bed_fd, "x.lst", &g), ERR_NOT_FILE);
    assert_int_equal(unlink("x.lst"), 0);
    assert_int_equal(mkfifo("x.lst", 0600), 0);
    assert_int_equal(lst_glance(bed_fd, "x.lst", &g), ERR_NOT_FILE);
    bed_remove();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_and_their_directories),
        cmocka_unit_test(test_a_list_without_images),
        cmocka_unit_test(test_many_names),
        cmocka_unit_test(test_no_more_than_allowed),
        cmocka_unit_test(test_the_same_name_again),
        cmocka_unit_test(test_damaged_leaves),
        cmocka_unit_test(test_when_a_stat_is_old),
        cmocka_unit_test(test_a_list_at_rest),
        cmocka_unit_test(test_what_is_no_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
