/*
 * Against the real kernel: what each way of changing a tree is told as.
 */
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"
#include "tests/unit/watch_oracle.h"

#include "base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SOON_MS    3000 /* for what comes at once, on a machine that is busy */
#define SETTLE_MS  8000
#define BURST_RUNS 200

static char in_path[PATH_MAX];
static struct oracle *o;

/* Watch "in" with these options and take the first scan. */
static void watch(struct watchers_options opt)
{
    struct watch_root root = {.path = in_path};

    opt.roots = &root;
    opt.root_count = 1;
    o = oracle_new(&opt);
    assert_true(oracle_until(o, HINT_SCAN_DONE, 0, "", SOON_MS));
    oracle_forget(o);
}

/* A scratch directory with "in", not watched yet. */
static int setup(void **state)
{
    if (scratch_setup(state) != 0) {
        return -1;
    }
    scratch_mkdir("in");
    (void)snprintf(in_path, sizeof(in_path), "%s/in", scratch_path());
    o = NULL;
    return 0;
}

static int teardown(void **state)
{
    if (o != NULL) {
        oracle_free(o);
    }
    (void)umount2(in_path, MNT_DETACH); /* of a test that failed; else nothing is mounted */
    return scratch_teardown(state);
}

/* rename below the scratch directory. */
static void move(const char *from, const char *to)
{
    assert_int_equal(renameat(scratch_fd(), from, scratch_fd(), to), 0);
}

/* rm, rmdir. */
static void drop(const char *name, int flags)
{
    assert_int_equal(unlinkat(scratch_fd(), name, flags), 0);
}

/* The taker's belief agrees with the disk. */
static void assert_settled(void)
{
    assert_true(oracle_settle(o, 0, in_path, SETTLE_MS));
}

/* Such a hint comes soon. */
static void assert_comes(enum hint_kind kind, const char *path)
{
    if (!oracle_until(o, kind, 0, path, SOON_MS)) {
        fail_msg("no hint of kind %d for \"%s\"", (int)kind, path);
    }
}

static struct watch_stats stats_of(unsigned root)
{
    struct watch_stats s;

    watchers_stats(oracle_watchers(o), root, &s);
    return s;
}

static void test_first_scan(void **state)
{
    /* "a/" sorts after "a.b" and before "a0". */
    static const char *const sorted[] = {"a!", "a-b", "a.b", "a", "a0", "b"};
    struct watch_root root = {.path = in_path};
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
    struct watch_root root = {.path = in_path};
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

static void test_scan_only(void **state)
{
    struct watch_root root = {.path = in_path};
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

static void test_root_lost_and_back(void **state)
{
    const struct hint *h;

    (void)state;
    scratch_mkdir("in/d");
    scratch_write("in/d/f", "x");
    watch((struct watchers_options){0});
    move("in", "away");
    assert_comes(HINT_ROOT_LOST, "");
    assert_int_equal(watchers_observe(oracle_watchers(o), 0, "d/f"), 0);
    assert_comes(HINT_OBSERVED, "d/f");
    h = oracle_last(o, HINT_OBSERVED, 0, "d/f");
    assert_int_equal(h->code, -ESTALE);
    assert_int_equal(watchers_rescan(oracle_watchers(o), 0, "d"), 0);
    assert_comes(HINT_SCAN_DONE, "d");
    assert_int_equal(oracle_last(o, HINT_SCAN_DONE, 0, "d")->code, -ESTALE);
    scratch_mkdir("in"); /* another directory under the same name */
    oracle_take(o, 1500);
    assert_false(oracle_saw(o, HINT_ROOT_BACK, 0, "*"));
    drop("in", AT_REMOVEDIR);
    move("away", "in");
    scratch_write("in/d/g", "meanwhile");
    oracle_forget(o);
    assert_true(oracle_until(o, HINT_ROOT_BACK, 0, "", 6000));
    assert_comes(HINT_SCAN_DONE, "");
    assert_settled();
    scratch_write("in/d/h", "x");
    assert_comes(HINT_WRITTEN, "d/h");
}

static void test_root_removed(void **state)
{
    (void)state;
    scratch_write("in/f", "x");
    watch((struct watchers_options){0});
    drop("in/f", 0);
    drop("in", AT_REMOVEDIR);
    assert_int_equal(watchers_observe(oracle_watchers(o), 0, "f"), 0);
    assert_comes(HINT_ROOT_LOST, "");
    assert_comes(HINT_OBSERVED, "f");
    assert_int_equal(oracle_last(o, HINT_OBSERVED, 0, "f")->code, -ESTALE);
    scratch_mkdir("in");
}

/* Two roots, of which one lies in the other, and each is told. */
static void test_roots_that_overlap(void **state)
{
    static const char *const no_lists[] = {"*.lst", NULL};
    static const char *const no_images[] = {"*.jpg", NULL};
    char lists[PATH_MAX + 8];
    const struct watch_root roots[] = {{.path = in_path, .filter = {.patterns = no_lists}},
                                       {.path = lists, .filter = {.patterns = no_images}}};
    const struct watchers_options opt = {.roots = roots, .root_count = 2};

    (void)state;
    scratch_mkdir("in/lists");
    (void)snprintf(lists, sizeof(lists), "%s/lists", in_path);
    o = oracle_new(&opt);
    assert_true(oracle_until(o, HINT_SCAN_DONE, 0, "", SOON_MS));
    assert_true(oracle_until(o, HINT_SCAN_DONE, 1, "", SOON_MS));
    scratch_write("in/lists/a.lst", "x");
    assert_true(oracle_until(o, HINT_WRITTEN, 1, "a.lst", SOON_MS));
    scratch_write("in/lists/b.jpg", "x");
    assert_comes(HINT_WRITTEN, "lists/b.jpg");
    scratch_mkdir("in/lists/deep");
    scratch_write("in/lists/deep/c.txt", "x");
    assert_true(oracle_until(o, HINT_LISTING, 1, "deep", SOON_MS));
    assert_comes(HINT_LISTING, "lists/deep");
    assert_settled();
    assert_true(oracle_settle(o, 1, lists, SETTLE_MS));
    assert_false(oracle_saw(o, HINT_WRITTEN, 0, "lists/a.lst"));
    assert_false(oracle_saw(o, HINT_WRITTEN, 1, "b.jpg"));
    move("in/lists/deep", "in/deep");
    assert_comes(HINT_MOVED, "lists/deep");
    assert_true(oracle_until(o, HINT_GONE, 1, "deep", SOON_MS));
    scratch_write("in/deep/d", "x");
    assert_comes(HINT_WRITTEN, "deep/d");
}

static void test_move_between_roots(void **state)
{
    char other[PATH_MAX];
    const struct watch_root roots[] = {{.path = in_path}, {.path = other}};
    const struct watchers_options opt = {.roots = roots, .root_count = 2};
    const struct hint *h;

    (void)state;
    (void)snprintf(other, sizeof(other), "%s/other", scratch_path());
    scratch_mkdir("other");
    scratch_mkdir("in/d");
    scratch_write("in/d/f", "x");
    scratch_write("in/g", "x");
    o = oracle_new(&opt);
    assert_true(oracle_until(o, HINT_SCAN_DONE, 0, "", SOON_MS));
    assert_true(oracle_until(o, HINT_SCAN_DONE, 1, "", SOON_MS));
    move("in/g", "other/g");
    assert_comes(HINT_MOVED, "g");
    h = oracle_last(o, HINT_MOVED, 0, "g");
    assert_int_equal(h->root2, 1);
    assert_string_equal(h->path2, "g");
    move("in/d", "other/e");
    assert_comes(HINT_MOVED, "d");
    assert_true(oracle_until(o, HINT_LISTING, 1, "e", SOON_MS));
    assert_settled();
    assert_true(oracle_settle(o, 1, other, SETTLE_MS));
}

static void test_scans_by_itself(void **state)
{
    struct watch_root root = {.path = in_path, .rescan_ms = 200};
    const struct watchers_options opt = {.roots = &root, .root_count = 1};
    int64_t first;

    (void)state;
    o = oracle_new(&opt);
    assert_comes(HINT_SCAN_DONE, "");
    first = stats_of(0).last_scan_ms;
    oracle_forget(o);
    assert_comes(HINT_SCAN_DONE, "");
    assert_true(stats_of(0).last_scan_ms >= first + 200);
}

/* Run a program; its exit status. */
static int run(const char *const *argv)
{
    const pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        (void)execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* watchers_observe: the kind, or the code. */
static int observe(const char *path)
{
    const struct hint *h;

    oracle_forget(o);
    assert_int_equal(watchers_observe(oracle_watchers(o), 0, path), 0);
    assert_comes(HINT_OBSERVED, path);
    h = oracle_last(o, HINT_OBSERVED, 0, path);
    return h->code != 0 ? h->code : (int)h->st.kind;
}

/* As with another host of a network file system: what is written there raises no event here. */
static void test_what_others_write(void **state)
{
    static const char cached[] = "attr_timeout=3,entry_timeout=3,negative_timeout=3";
    char there[PATH_MAX];
    const char *const mount[] = {"bindfs", "-o", cached, there, in_path, NULL};
    const char *const unmount[] = {"fusermount3", "-u", "-z", in_path, NULL};
    const struct timespec forgotten = {.tv_sec = 3, .tv_nsec = 100 * 1000000};
    const struct listing *l;
    struct root_identity id;

    (void)state;
    scratch_mkdir("there");
    scratch_mkdir("there/d");
    scratch_write("there/d/f", "x");
    (void)snprintf(there, sizeof(there), "%s/there", scratch_path());
    if (run(mount) != 0) {
        print_message("SKIPPED: bindfs is missing or may not mount\n");
        skip();
    }
    assert_int_equal(watchers_root_identity(in_path, &id), 0);
    assert_int_equal(strncmp(id.fs_name, "fuse", 4), 0);
    watch((struct watchers_options){0});
    assert_int_equal(observe("d/g"), FILE_ABSENT); /* now the kernel believes so for 3 s */
    scratch_mkdir("there/d/new");
    scratch_write("there/d/new/h", "x");
    scratch_write("there/d/g", "x");
    drop("there/d/f", 0);
    oracle_take(o, 100);
    assert_false(oracle_saw(o, HINT_WRITTEN, 0, "*"));
    assert_int_equal(observe("d/g"), -EAGAIN);
    assert_int_equal(observe("d/f"),
                     FILE_ABSENT); /* believed to be there, but the server is asked */
    assert_int_equal(watchers_rescan(oracle_watchers(o), 0, ""), 0);
    assert_comes(HINT_SCAN_DONE, "");
    l = oracle_last(o, HINT_LISTING, 0, "d")->listing; /* g, but nothing more; new */
    assert_int_equal(l->count, 2);
    assert_int_equal(l->entries[0].code, -EAGAIN);
    l = oracle_last(o, HINT_LISTING, 0, "d/new")->listing;
    assert_int_equal(l->count, 1);
    assert_string_equal(l->entries[0].name, "h");
    assert_int_equal(stats_of(0).directories, 3);
    (void)nanosleep(&forgotten, NULL);
    assert_int_equal(observe("d/g"), FILE_REGULAR);
    assert_int_equal(watchers_rescan(oracle_watchers(o), 0, ""), 0);
    assert_settled();
    oracle_free(o);
    o = NULL;
    assert_true(umount2(in_path, 0) == 0 || run(unmount) == 0);
}

/* Directories that come and go leave nothing behind, here or in the library. */
static void test_churn_does_not_grow(void **state)
{
    enum { WARM = 300, ROUNDS = 1500, BYTES_MAX = 32768 };
    size_t before = 0;

    (void)state;
    watch((struct watchers_options){0});
    for (int i = 0; i < ROUNDS; i++) {
        if (i == WARM) {
            assert_settled();
            oracle_forget(o);
            before = mallinfo2().uordblks;
        }
        scratch_mkdir("in/d");
        scratch_mkdir("in/d/e");
        if (i % 3 == 0) {
            oracle_take(o, 5); /* so that some are watched before they go */
            oracle_forget(o);
        }
        drop("in/d/e", AT_REMOVEDIR);
        drop("in/d", AT_REMOVEDIR);
    }
    assert_settled();
    oracle_forget(o);
    assert_int_equal(stats_of(0).watches, 1);
    assert_in_range(mallinfo2().uordblks, 0, before + BYTES_MAX);
}

/* How often this process's threads have been woken. */
static unsigned long switches(void)
{
    unsigned long total = 0;
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *d;

    assert_non_null(tasks);
    while ((d = readdir(tasks)) != NULL) {
        char path[PATH_MAX];
        char line[128];
        FILE *f;

        (void)snprintf(path, sizeof(path), "/proc/self/task/%s/status", d->d_name);
        f = d->d_name[0] == '.' || atoi(d->d_name) == getpid() ? NULL : fopen(path, "re");
        while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
            if (strncmp(line, "voluntary_ctxt_switches:", 24) == 0) {
                total += strtoul(line + 24, NULL, 10);
            }
        }
        if (f != NULL) {
            (void)fclose(f);
        }
    }
    (void)closedir(tasks);
    return total;
}

/* The same in a second in which nothing happens. */
static unsigned long switches_in_a_second(void)
{
    const struct timespec second = {.tv_sec = 1};
    const unsigned long before = switches();

    (void)nanosleep(&second, NULL);
    return switches() - before;
}

static void test_idle_is_idle(void **state)
{
    const unsigned long without = switches_in_a_second(); /* a sanitizer may have a thread */

    (void)state;
    scratch_mkdir("in/d");
    watch((struct watchers_options){.scan_threads = 4});
    scratch_write("in/d/f", "x");
    move("in/d/f", "f");
    assert_comes(HINT_GONE, "d/f");
    oracle_take(o, 200);
    assert_in_range(switches_in_a_second(), 0, without + 1); /* one: a mount by somebody */
}

int main(void)
{
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
        cmocka_unit_test_setup_teardown(test_scan_only, setup, teardown),
        cmocka_unit_test_setup_teardown(test_root_lost_and_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_root_removed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_roots_that_overlap, setup, teardown),
        cmocka_unit_test_setup_teardown(test_move_between_roots, setup, teardown),
        cmocka_unit_test_setup_teardown(test_scans_by_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_others_write, setup, teardown),
        cmocka_unit_test_setup_teardown(test_churn_does_not_grow, setup, teardown),
        cmocka_unit_test_setup_teardown(test_idle_is_idle, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
