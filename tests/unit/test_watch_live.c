/*
 * Against the real kernel: what each way of changing a tree is told as.
 */
#include "tests/unit/watch_bed.h"

static void test_first_scan(void **state)
{
    /* "a/" sorts after "a.b" and before "a0". */
    static const char *const sorted[] = {"a!", "a-b", "a.b", "a", "a0", "b"};
    struct watch_root root = {.path = in_path, .with = with};
    const struct watchers_options opt = {.roots = &root, .root_count = 1};
    const struct hint *h;

    (void)state;
    scratch_mkdir("in/b");
    scratch_mkdir("in/a");
    scratch_write("in/a0", "0");
    scratch_write("in/a.b", "x");
    scratch_write("in/a-b", "x");
    scratch_write("in/a!", "four");
    scratch_write("in/skip.tmp", "x");
    scratch_link("a0", "in/link");
    assert_int_equal(mkfifoat(scratch_fd(), "in/fifo", 0600), 0);
    o = oracle_new(&opt);
    assert_comes(HINT_SCAN_DONE, "");
    h = oracle_last(o, HINT_LISTING, 0, "");
    assert_non_null(h);
    assert_true(h->listing->complete);
    assert_int_equal(h->listing->count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(h->listing->entries[i].name, sorted[i]);
    }
    assert_int_equal(h->listing->entries[0].st.size, 4);
    assert_int_equal(h->listing->entries[3].st.kind, FILE_DIRECTORY);
    assert_true(oracle_saw(o, HINT_LISTING, 0, "a"));
    assert_true(oracle_saw(o, HINT_LISTING, 0, "b"));
    assert_int_equal(stats_of(0).directories, 3);
    assert_int_equal(stats_of(0).watches, 3);
}

/* mkdir -p a/b/c and a file in each, at once: the kernel tells of the first directory only. */
static void burst(int run)
{
    char path[64];
    char deep[3][48];

    (void)snprintf(deep[0], sizeof(deep[0]), "in/a%d", run);
    (void)snprintf(deep[1], sizeof(deep[1]), "in/a%d/b", run);
    (void)snprintf(deep[2], sizeof(deep[2]), "in/a%d/b/c", run);
    for (int i = 0; i < 3; i++) {
        scratch_mkdir(deep[i]);
    }
    for (int i = 2; i >= 0; i--) {
        (void)snprintf(path, sizeof(path), "%s/f", deep[i]);
        scratch_write(path, "text");
    }
}

static void test_bursts_of_directories(void **state)
{
    (void)state;
    watch((struct watchers_options){0});
    for (int i = 0; i < BURST_RUNS; i++) {
        burst(i);
        if (i % 10 == 0) {
            oracle_take(o, 0);
        }
    }
    assert_settled();
    assert_int_equal(stats_of(0).directories, 1 + 3 * BURST_RUNS);
}

static void test_written_in_place(void **state)
{
    int fd;

    (void)state;
    watch((struct watchers_options){0});
    fd = openat(scratch_fd(), "in/slow", O_WRONLY | O_CREAT, 0644);
    assert_int_equal(write(fd, "1", 1), 1);
    assert_comes(HINT_TOUCHED, "slow");
    oracle_take(o, 100);
    assert_false(oracle_saw(o, HINT_WRITTEN, 0, "slow"));
    oracle_forget(o);
    assert_int_equal(write(fd, "2", 1), 1);
    assert_comes(HINT_TOUCHED, "slow");
    assert_int_equal(close(fd), 0);
    assert_comes(HINT_WRITTEN, "slow");
    oracle_forget(o);
    assert_int_equal(fchmodat(scratch_fd(), "in/slow", 0600, 0), 0);
    assert_comes(HINT_TOUCHED, "slow");
    drop("in/slow", 0);
    assert_comes(HINT_GONE, "slow");
    assert_settled();
}

static void test_links(void **state)
{
    int fd;
    char link[64];

    (void)state;
    scratch_write("in/f", "x");
    watch((struct watchers_options){0});
    assert_int_equal(linkat(scratch_fd(), "in/f", scratch_fd(), "in/hard", 0), 0);
    assert_comes(HINT_TOUCHED, "hard");
    fd = openat(scratch_fd(), "in", O_TMPFILE | O_WRONLY, 0644);
    if (fd >= 0) { /* not every file system has it */
        (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        assert_int_equal(write(fd, "y", 1), 1);
        assert_int_equal(linkat(AT_FDCWD, link, scratch_fd(), "in/t", AT_SYMLINK_FOLLOW), 0);
        assert_comes(HINT_TOUCHED, "t");
        (void)close(fd);
    }
    assert_settled();
}

static void test_replaced_by_rename(void **state)
{
    (void)state;
    scratch_write("in/target.jpg", "old");
    watch((struct watchers_options){0});
    scratch_write("in/.target.jpg.Ab12Cd", "new, longer"); /* as rsync names it */
    move("in/.target.jpg.Ab12Cd", "in/target.jpg");
    assert_comes(HINT_WRITTEN, "target.jpg");
    oracle_take(o, 700);
    assert_false(oracle_saw(o, HINT_MOVED, 0, "*"));
    assert_false(oracle_saw(o, HINT_TOUCHED, 0, "*"));
    assert_false(oracle_saw(o, HINT_GONE, 0, "*"));
    assert_settled();
    oracle_forget(o);
    move("in/target.jpg", "in/target.jpg~");
    assert_comes(HINT_GONE, "target.jpg");
    assert_settled();
}

static void test_file_renamed(void **state)
{
    (void)state;
    scratch_mkdir("in/d");
    scratch_mkdir("out");
    scratch_write("in/f", "x");
    watch((struct watchers_options){0});
    move("in/f", "in/d/g");
    assert_comes(HINT_MOVED, "f");
    assert_true(oracle_saw_moved(o, "f", "d/g"));
    move("in/d/g", "out/g");
    assert_comes(HINT_GONE, "d/g");
    move("out/g", "in/h");
    assert_comes(HINT_WRITTEN, "h");
    assert_settled();
}

static void test_directory_renamed(void **state)
{
    (void)state;
    scratch_mkdir("in/a");
    scratch_mkdir("in/a/b");
    scratch_mkdir("in/x");
    scratch_write("in/a/b/f", "x");
    watch((struct watchers_options){0});
    move("in/a", "in/x/c");
    assert_comes(HINT_MOVED, "a");
    assert_true(oracle_saw_moved(o, "a", "x/c"));
    assert_comes(HINT_LISTING, "x/c");
    assert_comes(HINT_LISTING, "x/c/b");
    scratch_write("in/x/c/b/g", "later");
    assert_comes(HINT_WRITTEN, "x/c/b/g");
    assert_settled();
    assert_int_equal(stats_of(0).watches, 4);
}

static void test_directory_renamed_out_and_in(void **state)
{
    (void)state;
    scratch_mkdir("in/a");
    scratch_mkdir("in/a/b");
    scratch_write("in/a/b/f", "x");
    scratch_mkdir("out");
    watch((struct watchers_options){0});
    move("in/a", "out/a");
    assert_comes(HINT_GONE, "a");
    assert_true(oracle_last(o, HINT_GONE, 0, "a")->is_directory);
    assert_settled();
    assert_int_equal(stats_of(0).watches, 1);
    oracle_forget(o);
    scratch_write("out/a/b/g", "unseen");
    oracle_take(o, 100);
    assert_false(oracle_saw(o, HINT_WRITTEN, 0, "*"));
    move("out/a", "in/back");
    assert_comes(HINT_LISTING, "back/b");
    assert_settled();
    scratch_write("in/back/b/h", "seen");
    assert_comes(HINT_WRITTEN, "back/b/h");
}

static void test_directories_exchanged(void **state)
{
    (void)state;
    scratch_mkdir("in/a");
    scratch_mkdir("in/b");
    scratch_write("in/a/of_a", "x");
    scratch_write("in/b/of_b", "x");
    watch((struct watchers_options){0});
    assert_int_equal(renameat2(scratch_fd(), "in/a", scratch_fd(), "in/b", RENAME_EXCHANGE), 0);
    assert_comes(HINT_MOVED, "b");
    assert_true(oracle_saw_moved(o, "a", "b"));
    assert_settled();
    assert_int_equal(stats_of(0).watches, 3);
    oracle_forget(o);
    scratch_write("in/a/new", "x");
    assert_comes(HINT_WRITTEN, "a/new");
}

static void test_removed_and_made_again(void **state)
{
    (void)state;
    watch((struct watchers_options){0});
    for (int i = 0; i < 20; i++) {
        scratch_mkdir("in/d");
        scratch_write("in/d/f", "x");
        drop("in/d/f", 0);
        drop("in/d", AT_REMOVEDIR);
    }
    scratch_mkdir("in/d");
    scratch_write("in/d/g", "x");
    assert_settled();
    oracle_forget(o);
    drop("in/d/g", 0);
    assert_comes(HINT_GONE, "d/g");
    drop("in/d", AT_REMOVEDIR);
    assert_comes(HINT_GONE, "d");
    assert_settled();
    assert_int_equal(stats_of(0).watches, 1);
}

static void test_directory_attributes(void **state)
{
    (void)state;
    scratch_mkdir("in/d");
    watch((struct watchers_options){0});
    assert_int_equal(fchmodat(scratch_fd(), "in/d", 0700, 0), 0);
    assert_comes(HINT_TOUCHED, "d");
    assert_true(oracle_last(o, HINT_TOUCHED, 0, "d")->is_directory);
    assert_int_equal(fchmodat(scratch_fd(), "in", 0700, 0), 0);
    assert_comes(HINT_TOUCHED, "");
}

static void test_observe(void **state)
{
    static const struct {
        const char *path;
        enum file_kind kind;
    } cases[] = {{"f", FILE_REGULAR},      {"d", FILE_DIRECTORY},  {"", FILE_DIRECTORY},
                 {"link", FILE_SYMLINK},   {"none", FILE_ABSENT},  {"d/x/y", FILE_ABSENT},
                 {"f/below", FILE_ABSENT}, {"link/f", FILE_ABSENT}};

    (void)state;
    scratch_mkdir("in/d");
    scratch_write("in/f", "four");
    scratch_link("d", "in/link");
    watch((struct watchers_options){0});
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct hint *h;

        assert_int_equal(watchers_observe(oracle_watchers(o), 0, cases[i].path), 0);
        assert_comes(HINT_OBSERVED, cases[i].path);
        h = oracle_last(o, HINT_OBSERVED, 0, cases[i].path);
        assert_int_equal(h->code, 0);
        assert_int_equal(h->st.kind, cases[i].kind);
        assert_int_equal(h->is_directory, cases[i].kind == FILE_DIRECTORY);
    }
    assert_int_equal(oracle_last(o, HINT_OBSERVED, 0, "f")->st.size, 4);
}

static void test_rescan(void **state)
{
    (void)state;
    scratch_mkdir("in/a");
    scratch_mkdir("in/a/b");
    scratch_mkdir("in/c");
    watch((struct watchers_options){0});
    assert_int_equal(watchers_rescan(oracle_watchers(o), 0, "a"), 0);
    assert_comes(HINT_SCAN_DONE, "a");
    assert_true(oracle_saw(o, HINT_LISTING, 0, "a"));
    assert_true(oracle_saw(o, HINT_LISTING, 0, "a/b"));
    assert_false(oracle_saw(o, HINT_LISTING, 0, "c"));
    oracle_forget(o);
    assert_int_equal(watchers_rescan(oracle_watchers(o), 0, ""), 0);
    assert_comes(HINT_SCAN_DONE, "");
    assert_true(oracle_saw(o, HINT_LISTING, 0, "c"));
    oracle_forget(o);
    assert_int_equal(watchers_rescan(oracle_watchers(o), 0, "none/at/all"), 0);
    assert_comes(HINT_SCAN_DONE, "none/at/all");
    assert_true(oracle_saw(o, HINT_GONE, 0, "none"));
    assert_int_equal(stats_of(0).directories, 4);
    assert_int_equal(stats_of(0).scans, 2);
}

/* Listings that are not wanted stay back and stop the scanner; other hints flow. */
static void test_listings_held_back(void **state)
{
    struct watch_root root = {.path = in_path, .with = with};
    const struct watchers_options opt = {.roots = &root, .root_count = 1, .listings_ahead = 4};
    char name[32];
    struct watchers *w = NULL;
    struct watch_stats s;
    struct hint *h;
    const struct timespec pause = {.tv_nsec = 200 * 1000000};
    bool written = false;
    size_t listings = 0;
    bool done = false;

    (void)state;
    for (int i = 0; i < 50; i++) {
        (void)snprintf(name, sizeof(name), "in/d%d", i);
        scratch_mkdir(name);
    }
    assert_int_equal(watchers_new(&opt, &w, NULL), 0);
    assert_null(watchers_next(w, false));
    (void)nanosleep(&pause, NULL);
    assert_null(watchers_next(w, false));
    watchers_stats(w, 0, &s);
    assert_in_range(s.directories, 1, 4);
    scratch_write("in/f", "x");
    for (int i = 0; i < 100 && !written; i++) {
        struct pollfd p = {.fd = watchers_fd(w), .events = POLLIN};

        assert_int_equal(poll(&p, 1, SOON_MS), 1);
        h = watchers_next(w, false);
        if (h != NULL) {
            assert_int_not_equal(h->kind, HINT_LISTING);
            assert_int_not_equal(h->kind, HINT_SCAN_DONE);
            written = h->kind == HINT_WRITTEN;
        }
        hint_free(h);
    }
    assert_true(written);
    while (!done) {
        struct pollfd p = {.fd = watchers_fd(w), .events = POLLIN};

        h = watchers_next(w, true);
        if (h == NULL) {
            assert_int_equal(poll(&p, 1, SOON_MS), 1);
            continue;
        }
        listings += h->kind == HINT_LISTING;
        done = h->kind == HINT_SCAN_DONE;
        hint_free(h);
    }
    assert_int_equal(listings, 51);
    watchers_free(w);
}

/* When a mark is told, all that was on disk when it was made is known: nothing is waited for. */
static void test_marks_follow_what_was_on_disk(void **state)
{
    (void)state;
    watch((struct watchers_options){0});
    for (int i = 0; i < 20; i++) {
        for (int j = 0; j < 5; j++) {
            burst(5 * i + j);
        }
        oracle_forget(o);
        assert_int_equal(watchers_mark(oracle_watchers(o), (uint64_t)i + 1), 0);
        assert_comes(HINT_MARK, "");
        assert_int_equal(oracle_last(o, HINT_MARK, 0, "")->number, i + 1);
        assert_int_equal(oracle_differs(o, 0, in_path, true), 0);
    }
}

/* Where nothing is watched a mark waits for a scan that began after it was made. */
static void test_marks_wait_for_a_scan(void **state)
{
    const enum watch_with before = with;

    (void)state;
    with = WATCH_SCAN;
    scratch_mkdir("in/a");
    watch((struct watchers_options){0});
    with = before;
    for (int i = 0; i < 5; i++) {
        char path[32];

        (void)snprintf(path, sizeof(path), "in/a/f%d", i);
        scratch_write(path, "x");
        oracle_forget(o);
        assert_int_equal(watchers_rescan(oracle_watchers(o), 0, ""), 0); /* this one may be early */
        assert_int_equal(watchers_mark(oracle_watchers(o), 1), 0);
        assert_comes(HINT_MARK, "");
        assert_int_equal(oracle_differs(o, 0, in_path, true), 0);
    }
}

static void test_scan_only(void **state)
{
    struct watch_root root = {.path = in_path, .with = with};
    const struct watchers_options opt = {.roots = &root, .root_count = 1, .scan_only = true};
    struct oracle *second;

    (void)state;
    scratch_mkdir("in/a");
    scratch_mkdir("in/a/b");
    scratch_write("in/a/b/f", "x");
    watch((struct watchers_options){.scan_only = true});
    second = oracle_new(&opt); /* without inotify there can be more than one */
    assert_true(oracle_until(second, HINT_SCAN_DONE, 0, "", SOON_MS));
    assert_int_equal(oracle_differs(second, 0, in_path, true), 0);
    oracle_free(second);
    assert_int_equal(stats_of(0).watches, 0);
    scratch_write("in/a/g", "x");
    drop("in/a/b/f", 0);
    drop("in/a/b", AT_REMOVEDIR);
    oracle_take(o, 100);
    assert_false(oracle_saw(o, HINT_WRITTEN, 0, "*"));
    assert_int_equal(watchers_rescan(oracle_watchers(o), 0, ""), 0);
    assert_comes(HINT_SCAN_DONE, "");
    assert_settled();
    assert_int_equal(stats_of(0).directories, 2);
}

int main(void)
{
    int failed;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_first_scan, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bursts_of_directories, setup, teardown),
        cmocka_unit_test_setup_teardown(test_written_in_place, setup, teardown),
        cmocka_unit_test_setup_teardown(test_links, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replaced_by_rename, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_renamed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_directory_renamed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_directory_renamed_out_and_in, setup, teardown),
        cmocka_unit_test_setup_teardown(test_directories_exchanged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_removed_and_made_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_directory_attributes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_observe, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rescan, setup, teardown),
        cmocka_unit_test_setup_teardown(test_listings_held_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_marks_follow_what_was_on_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_marks_wait_for_a_scan, setup, teardown),
        cmocka_unit_test_setup_teardown(test_scan_only, setup, teardown),
    };

    with = WATCH_INOTIFY;
    failed = cmocka_run_group_tests_name("inotify", tests, NULL, NULL);
    with = WATCH_FANOTIFY;
    return failed +
           (fanotify_is_allowed() ? cmocka_run_group_tests_name("fanotify", tests, NULL, NULL) : 0);
}
