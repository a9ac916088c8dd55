/* Looking at places: what is concluded of each, and when nothing is. */
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"
#include "watchers/observe.h"
#include "watchers/place.h"
#include "watchers/pool.h"

#include "base/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct filter *filter;
static struct place_root root;
static atomic_bool stop;
static _Alignas(16) char scratch[POOL_SCRATCH_BYTES];

static int setup(void **state)
{
    const struct watch_filter plain = {0};
    struct place_identity id;

    if (scratch_setup(state) != 0 || filter_new(&plain, &filter) != 0 ||
        tree_open_root(scratch_path(), &root.fd) != 0 || place_identify(root.fd, &id) != 0) {
        return -1;
    }
    atomic_store(&root.dev, id.dev);
    atomic_store(&root.mount_id, id.mount_id);
    atomic_store(&stop, false);
    root.filter = filter;
    root.nlink_tells = true;
    root.stop = &stop;
    scratch_mkdir("d");
    scratch_mkdir("d/sub");
    scratch_mkdir("e");
    scratch_write("d/f", "four");
    scratch_write("d/f.tmp", "x");
    scratch_link("sub", "d/link");
    return 0;
}

static int teardown(void **state)
{
    (void)close(root.fd);
    filter_free(filter);
    return scratch_teardown(state);
}

/* The inode of a name. */
static uint64_t ino_of(const char *name)
{
    struct file_stat st;

    assert_int_equal(tree_stat(root.fd, name, &st), 0);
    return st.ino;
}

/* A check of a path. */
static struct check *check_of(const char *path, uint64_t parent_ino)
{
    struct check *c = calloc(1, sizeof(*c) + strlen(path) + 1);

    assert_non_null(c);
    memcpy(c->path, path, strlen(path) + 1);
    c->parent_ino = parent_ino;
    return c;
}

/* Look, and give what came of it; the listing is the caller's. */
static struct check_result look(const char *path, uint64_t parent_ino)
{
    struct check *c = check_of(path, parent_ino);
    struct place_above above = PLACE_ABOVE_NONE;
    struct check_result r;

    place_look(&root, c, NULL, &above, scratch, &r);
    free(c);
    return r;
}

static void test_found(void **state)
{
    struct check_result r = look("d", ino_of(""));

    (void)state;
    assert_int_equal(r.outcome, CHECK_FOUND);
    assert_int_equal(r.ino, ino_of("d"));
    assert_int_equal(r.wd, -1);
    assert_true(r.listing->complete);
    assert_int_equal(r.listing->count, 2);
    assert_string_equal(r.listing->entries[0].name, "f");
    assert_int_equal(r.listing->entries[0].st.size, 4);
    assert_string_equal(r.listing->entries[1].name, "sub");
    assert_int_equal(r.listing->entries[1].st.ino, ino_of("d/sub"));
    listing_free(r.listing);
    r = look("", 0);
    assert_int_equal(r.outcome, CHECK_FOUND);
    assert_int_equal(r.listing->count, 2);
    listing_free(r.listing);
}

static void test_links_are_files_where_told(void **state)
{
    struct check_result r;
    struct file_stat st;

    (void)state;
    assert_int_equal(observe(&root, "d/link", scratch, &st), 0);
    assert_int_equal(st.kind, FILE_SYMLINK);
    root.links = true;
    r = look("d", ino_of(""));
    assert_true(r.listing->complete);
    assert_int_equal(r.listing->count, 3);
    assert_string_equal(r.listing->entries[1].name, "link");
    assert_true(file_is_link(&r.listing->entries[1].st)); /* of a directory, and not entered */
    assert_int_equal(r.listing->entries[1].st.size, 3);
    assert_int_equal(observe(&root, "d/link", scratch, &st), 0);
    assert_true(file_is_link(&st));
    assert_true(file_same_content(&st, &r.listing->entries[1].st));
    listing_free(r.listing);
    root.links = false;
}

static void test_not_found(void **state)
{
    const uint64_t top = ino_of("");
    const uint64_t d = ino_of("d");
    const struct {
        const char *path;
        uint64_t parent_ino;
        enum check_outcome outcome;
    } cases[] = {
        {"none", top, CHECK_ABSENT},      {"d/f", d, CHECK_ABSENT}, /* a file is no directory */
        {"d/link", d, CHECK_ABSENT},                                /* nor is a symbolic link */
        {"d/sub", top, CHECK_MISPLACED}, /* its parent is another than we think */
        {"d/none", top, CHECK_MISPLACED}, {"none/sub", d, CHECK_MISPLACED},
        {"d/f/sub", d, CHECK_MISPLACED},  {"d/link/x", d, CHECK_MISPLACED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct check_result r = look(cases[i].path, cases[i].parent_ino);

        if (r.outcome != cases[i].outcome) {
            fail_msg("\"%s\": outcome %d", cases[i].path, (int)r.outcome);
        }
        assert_null(r.listing);
    }
}

/* Looks at places in one directory, one after the other, as a thread of the pool makes them: what
 * comes of each is what comes of it alone. */
static void test_siblings(void **state)
{
    const uint64_t top = ino_of("");
    const uint64_t d = ino_of("d");
    const struct {
        const char *path;
        uint64_t parent_ino;
        enum check_outcome outcome;
    } cases[] = {
        {"d", top, CHECK_FOUND},          {"e", top, CHECK_FOUND},
        {"none", top, CHECK_ABSENT},      {"d/sub", d, CHECK_FOUND},
        {"d/link", d, CHECK_ABSENT},      {"d/f", d, CHECK_ABSENT},
        {"d/none", d, CHECK_ABSENT},      {"d/sub", d, CHECK_FOUND},
        {"d/sub", top, CHECK_MISPLACED},  {"d/link", top, CHECK_MISPLACED}, /* not the model's d */
        {"e/sub", d, CHECK_MISPLACED},    {"e/none", d, CHECK_MISPLACED},
        {"d/link/x", d, CHECK_MISPLACED}, {"d/link/y", d, CHECK_MISPLACED},
        {"e", top, CHECK_FOUND},
    };
    enum { COUNT = sizeof(cases) / sizeof(cases[0]) };
    struct check *checks[COUNT + 1] = {NULL};
    struct place_above above = PLACE_ABOVE_NONE;

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        checks[i] = check_of(cases[i].path, cases[i].parent_ino);
    }
    for (size_t i = 0; i < COUNT; i++) {
        struct check_result r;

        place_look(&root, checks[i], checks[i + 1], &above, scratch, &r);
        if (r.outcome != cases[i].outcome) {
            fail_msg("%zu, \"%s\": outcome %d", i, cases[i].path, (int)r.outcome);
        }
        assert_true(r.outcome != CHECK_FOUND || r.ino == ino_of(cases[i].path));
        listing_free(r.listing);
    }
    place_above_release(&above);
    for (size_t i = 0; i < COUNT; i++) {
        free(checks[i]);
    }
}

/* A glance at a sibling tells the same directory from another one at its place. */
static void test_glance_at_siblings(void **state)
{
    const struct timespec old[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    struct check *checks[2] = {check_of("d/sub", ino_of("d")), check_of("d/link", ino_of("d"))};
    struct place_above above = PLACE_ABOVE_NONE;
    struct check_result r;

    (void)state;
    assert_int_equal(utimensat(root.fd, "d/sub", old, 0), 0);
    usleep(2100 * 1000); /* a younger ctime proves nothing */
    place_look(&root, checks[0], checks[1], &above, scratch, &r);
    assert_int_equal(r.outcome, CHECK_FOUND);
    assert_true(r.mark != 0);
    for (int i = 0; i < 2; i++) {
        checks[i]->mark = r.mark;
        checks[i]->ino = r.ino;
    }
    listing_free(r.listing);
    place_look(&root, checks[0], checks[1], &above, scratch, &r);
    assert_int_equal(r.outcome, CHECK_SAME);
    place_look(&root, checks[1], NULL, &above, scratch, &r); /* a symbolic link to it is not it */
    assert_int_equal(r.outcome, CHECK_ABSENT);
    scratch_write("d/sub/new", "");
    place_look(&root, checks[0], checks[1], &above, scratch, &r);
    assert_int_equal(r.outcome, CHECK_FOUND);
    assert_int_equal(r.listing->count, 1);
    listing_free(r.listing);
    place_above_release(&above);
    free(checks[0]);
    free(checks[1]);
}

static void test_gives_up_when_stopped(void **state)
{
    struct check_result r;

    (void)state;
    atomic_store(&stop, true);
    r = look("d", ino_of(""));
    assert_int_equal(r.outcome, CHECK_UNREADABLE);
    assert_int_equal(r.code, -ECANCELED);
}

/* Another device than the root's: nothing is concluded, be it there or not. */
static void test_another_mount(void **state)
{
    struct file_stat st = {.size = 77};
    struct check_result r;

    (void)state;
    assert_int_equal(observe(&root, "d/f", scratch, &st), 0);
    assert_int_equal(st.size, 4);
    atomic_store(&root.dev, atomic_load(&root.dev) + 1);
    r = look("d", ino_of(""));
    assert_int_equal(r.outcome, CHECK_UNREADABLE);
    assert_int_equal(r.code, -EXDEV);
    st.size = 77;
    assert_int_equal(observe(&root, "d/f", scratch, &st), -EXDEV);
    assert_int_equal(observe(&root, "d/none", scratch, &st), -EXDEV);
    assert_int_equal(st.size, 77); /* untouched */
}

static void test_large_directory(void **state)
{
    enum { COUNT = 3000 };
    char name[64];
    struct check_result r;

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(name, sizeof(name), "e/a rather long name of an image %06d.jpg", i);
        scratch_write(name, "");
    }
    r = look("e", ino_of(""));
    assert_int_equal(r.outcome, CHECK_FOUND);
    assert_int_equal(r.listing->count, COUNT);
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(name, sizeof(name), "a rather long name of an image %06d.jpg", i);
        assert_string_equal(r.listing->entries[i].name, name);
    }
    listing_free(r.listing);
}

/* Take a name away. */
static void take_away(const char *name)
{
    if (unlinkat(scratch_fd(), name, 0) != 0) {
        assert_int_equal(unlinkat(scratch_fd(), name, AT_REMOVEDIR), 0);
    }
}

/* Paths of all kinds, neighbours in one directory and alone. */
static const char *const many[] = {
    "d/f",      "d/none",   "d/f.tmp", "d/link",      "d/sub",       "d/sub/none",
    "d/link/f", "d/link/g", "gone/a",  "gone/b",      "gone/c",      "d/f/beneath",
    "d/f/this", "e/none",   "e/more",  "d",           "none",        "e",
    "d/sub/x",  "d/sub/y",  "d/f",     "gone/deep/a", "gone/deep/b",
};
#define MANY (sizeof(many) / sizeof(many[0]))

/* All at once are seen as each by itself. */
static void assert_as_each(void)
{
    struct observation each[MANY];

    for (size_t i = 0; i < MANY; i++) {
        each[i] = (struct observation){.path = many[i], .code = 1};
    }
    observe_each(&root, each, MANY, scratch);
    for (size_t i = 0; i < MANY; i++) {
        struct file_stat st = {.size = 77};
        const int code = observe(&root, many[i], scratch, &st);

        assert_int_equal(each[i].code, code);
        if (code == 0) {
            assert_int_equal(each[i].st.kind, st.kind);
            assert_true(file_same_content(&each[i].st, &st));
        }
    }
}

static void test_many_at_once(void **state)
{
    const uint64_t dev = atomic_load(&root.dev);

    (void)state;
    assert_as_each();
    root.links = true;
    assert_as_each();
    root.links = false;
    atomic_store(&root.dev, dev + 1);
    assert_as_each(); /* nothing is concluded of any */
    atomic_store(&root.dev, dev);
    take_away("d/f");
    take_away("d/f.tmp");
    take_away("d/link");
    take_away("d/sub");
    take_away("d");
    take_away("e");
    assert_as_each();
    assert_int_equal(rmdir(scratch_path()), 0);
    assert_as_each(); /* -ESTALE: the root is gone */
    assert_int_equal(mkdir(scratch_path(), 0700), 0);
}

#define LOOKS 16

/* Look at names in "moving" until told to stop. The first is there, or not; the others never are.
 */
static void *watch_names(void *arg)
{
    static _Alignas(16) char own_scratch[POOL_SCRATCH_BYTES];
    static const char *const names[LOOKS] = {
        "moving/first", "moving/b", "moving/c", "moving/d",    "moving/e", "moving/f",
        "moving/g",     "moving/h", "moving/i", "moving/j",    "moving/k", "moving/l",
        "moving/m",     "moving/n", "moving/o", "moving/later"};
    atomic_bool *done = arg;
    uintptr_t seen = 0;

    while (!atomic_load(done)) {
        struct observation each[LOOKS];

        for (size_t i = 0; i < LOOKS; i++) {
            each[i] = (struct observation){.path = names[i]};
        }
        observe_each(&root, each, LOOKS, own_scratch);
        for (size_t i = 1; i < LOOKS; i++) {
            seen += each[i].code == 0 && each[i].st.kind != FILE_ABSENT;
        }
    }
    return (void *)seen;
}

/* What comes into a directory that was moved away is not seen at its old place. */
static void test_a_directory_moves_while_it_is_looked_at(void **state)
{
    enum { MOVES = 800 };
    atomic_bool done = false;
    pthread_t watcher;
    void *seen;

    (void)state;
    assert_int_equal(pthread_create(&watcher, NULL, watch_names, &done), 0);
    for (int i = 0; i < MOVES; i++) {
        scratch_mkdir("moving");
        scratch_write("moving/first", "");
        assert_int_equal(renameat(scratch_fd(), "moving", scratch_fd(), "moved"), 0);
        scratch_write("moved/later", "");
        take_away("moved/later");
        take_away("moved/first");
        take_away("moved");
    }
    atomic_store(&done, true);
    assert_int_equal(pthread_join(watcher, &seen), 0);
    assert_ptr_equal(seen, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_found, setup, teardown),
        cmocka_unit_test_setup_teardown(test_links_are_files_where_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_found, setup, teardown),
        cmocka_unit_test_setup_teardown(test_siblings, setup, teardown),
        cmocka_unit_test_setup_teardown(test_glance_at_siblings, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gives_up_when_stopped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_mount, setup, teardown),
        cmocka_unit_test_setup_teardown(test_large_directory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_directory_moves_while_it_is_looked_at, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
