/*
 * Where the system says no: no watches left, something mounted in the tree, a directory that may
 * not be read. Each in a process of its own in a user and mount namespace of its own, so that
 * nothing of the machine changes.
 */
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"
#include "tests/unit/watch_oracle.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SOON_MS     5000
#define NOT_ALLOWED 77 /* exit status: the namespaces cannot be had */
#define WATCHES     4
#define LIMIT_FILE  "/proc/sys/user/max_inotify_watches"

static char in_path[PATH_MAX];

static int setup(void **state)
{
    if (scratch_setup(state) != 0) {
        return -1;
    }
    scratch_mkdir("in");
    (void)snprintf(in_path, sizeof(in_path), "%s/in", scratch_path());
    return 0;
}

/* In the child: an assertion of the parent's kind would not end the child. */
static void must(bool so, const char *what)
{
    if (!so) {
        (void)fprintf(stderr, "not so: %s\n", what);
        _exit(1);
    }
}

#define MUST(x) must((x), #x)

/* Write to a file. */
static bool put(const char *file, const char *text)
{
    const int fd = open(file, O_WRONLY | O_CLOEXEC);
    const bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd >= 0) {
        (void)close(fd);
    }
    return good;
}

/* Run a scenario in namespaces of its own. */
static void in_namespaces(int flags, void (*scenario)(void))
{
    const pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        if (unshare(flags) != 0) {
            _exit(NOT_ALLOWED);
        }
        scenario();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NOT_ALLOWED) {
        print_message("SKIPPED: no right to make namespaces\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* Begin to watch "in". */
static struct oracle *watch(void)
{
    struct watch_root root = {.path = in_path};
    const struct watchers_options opt = {.roots = &root, .root_count = 1};
    struct oracle *o = oracle_new(&opt);

    MUST(oracle_until(o, HINT_SCAN_DONE, 0, "", SOON_MS));
    return o;
}

/* How many hints of a kind came for these directories. */
static int count_of(const struct oracle *o, enum hint_kind kind, int directories)
{
    char name[32];
    int count = 0;

    for (int i = 0; i < directories; i++) {
        (void)snprintf(name, sizeof(name), "d%d", i);
        count += oracle_saw(o, kind, 0, name);
    }
    return count;
}

/* A limit of our own. */
static void limit_watches(int count)
{
    char limit[16];

    (void)snprintf(limit, sizeof(limit), "%d", count);
    if (!put(LIMIT_FILE, limit)) {
        _exit(NOT_ALLOWED);
    }
}

static void out_of_watches(void)
{
    struct oracle *o;
    struct watch_stats s;
    struct watch_budget b;

    limit_watches(WATCHES);
    o = watch();
    watchers_stats(oracle_watchers(o), 0, &s);
    MUST(s.directories == 11);
    MUST(s.watches <= WATCHES && s.watches > 0);
    MUST(s.unwatched == s.directories - s.watches && s.limited == s.unwatched);
    MUST(oracle_saw(o, HINT_WATCH_LIMIT, 0, ""));
    MUST(oracle_last(o, HINT_WATCH_LIMIT, 0, "*")->code == -ENOSPC);
    MUST(count_of(o, HINT_WATCH_LIMIT, 10) == 0);
    MUST(count_of(o, HINT_LISTING, 10) == 10); /* listed all the same */
    watchers_budget(oracle_watchers(o), &b);
    MUST(strcmp(b.setting, "user.max_inotify_watches") == 0);
    MUST(b.limit == WATCHES && b.limit_wanted >= 12 && b.unwatched == s.limited);
    MUST(oracle_differs(o, 0, in_path, true) == 0);
    oracle_forget(o);
    scratch_write("in/d3/new", "x");
    scratch_write("in/d4/new", "x");
    MUST(watchers_rescan(oracle_watchers(o), 0, "") == 0);
    MUST(oracle_until(o, HINT_SCAN_DONE, 0, "", SOON_MS));
    MUST(!oracle_saw(o, HINT_WATCH_LIMIT, 0, "*")); /* said once */
    MUST(oracle_settle(o, 0, in_path, SOON_MS));
    limit_watches(100); /* room again: noticed by itself */
    MUST(oracle_until(o, HINT_WATCH_ROOM, 0, "", 15000));
    watchers_stats(oracle_watchers(o), 0, &s);
    MUST(s.watches == 11 && s.limited == 0);
    oracle_free(o);
}

/* Directories d0 to d9 with a file each, changed so many seconds ago, but one. */
static void make_directories(int hot, time_t age_s)
{
    const struct timespec old = {.tv_sec = time(NULL) - age_s};
    char name[32];

    for (int i = 0; i < 10; i++) {
        (void)snprintf(name, sizeof(name), "in/d%d", i);
        scratch_mkdir(name);
        (void)snprintf(name, sizeof(name), "in/d%d/f", i);
        scratch_write(name, "x");
        if (i != hot) {
            const struct timespec times[2] = {old, old};

            assert_int_equal(utimensat(scratch_fd(), name, times, 0), 0);
            (void)snprintf(name, sizeof(name), "in/d%d", i);
            assert_int_equal(utimensat(scratch_fd(), name, times, 0), 0);
        }
    }
}

static void test_out_of_watches(void **state)
{
    (void)state;
    make_directories(-1, 0);
    in_namespaces(CLONE_NEWUSER, out_of_watches);
}

/* Of eleven directories three can be watched: the root, and those where something happens. */
static void active_ones_are_watched(void)
{
    struct oracle *o;

    limit_watches(WATCHES);
    o = watch();
    for (int i = 0; i < 100 && !oracle_saw(o, HINT_WRITTEN, 0, "d7/new"); i++) {
        scratch_write("in/d7/new", "x");
        oracle_take(o, 100);
    }
    MUST(oracle_saw(o, HINT_WRITTEN, 0, "d7/new"));
    MUST(oracle_settle(o, 0, in_path, SOON_MS));
    oracle_free(o);
}

static void test_active_ones_are_watched(void **state)
{
    (void)state;
    make_directories(7, 7200);
    in_namespaces(CLONE_NEWUSER, active_ones_are_watched);
}

static void something_mounted(void)
{
    struct oracle *o;
    const struct hint *h;
    char below[PATH_MAX + 8];

    if (!put("/proc/self/setgroups", "deny") || !put("/proc/self/uid_map", "0 0 1") ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        _exit(NOT_ALLOWED);
    }
    o = watch();
    MUST(oracle_saw(o, HINT_LISTING, 0, "d/deep"));
    oracle_forget(o);
    (void)snprintf(below, sizeof(below), "%s/d", in_path);
    if (mount("none", below, "tmpfs", 0, NULL) != 0) {
        _exit(NOT_ALLOWED);
    }
    /* What lies below the mount is hidden, not gone. */
    MUST(watchers_observe(oracle_watchers(o), 0, "d/f") == 0);
    MUST(oracle_until(o, HINT_OBSERVED, 0, "d/f", SOON_MS));
    MUST(oracle_last(o, HINT_OBSERVED, 0, "d/f")->code == -EXDEV);
    MUST(watchers_rescan(oracle_watchers(o), 0, "") == 0);
    MUST(oracle_until(o, HINT_SCAN_DONE, 0, "", SOON_MS));
    h = oracle_last(o, HINT_LISTING, 0, "d");
    MUST(h != NULL && !h->listing->complete && h->listing->code == -EXDEV);
    MUST(oracle_last(o, HINT_SCAN_DONE, 0, "")->code == -EXDEV);
    MUST(!oracle_saw(o, HINT_GONE, 0, "*"));
    MUST(!oracle_saw(o, HINT_ROOT_LOST, 0, "*"));
    MUST(umount(below) == 0);
    MUST(watchers_rescan(oracle_watchers(o), 0, "") == 0);
    oracle_forget(o);
    MUST(oracle_until(o, HINT_SCAN_DONE, 0, "", SOON_MS));
    MUST(oracle_saw(o, HINT_LISTING, 0, "d/deep"));
    scratch_write("in/d/deep/g", "x");
    MUST(oracle_until(o, HINT_WRITTEN, 0, "d/deep/g", SOON_MS));
    /* The same over the root: noticed by itself. */
    MUST(mount("none", in_path, "tmpfs", 0, NULL) == 0);
    MUST(oracle_until(o, HINT_ROOT_LOST, 0, "", SOON_MS));
    MUST(umount(in_path) == 0);
    MUST(oracle_until(o, HINT_ROOT_BACK, 0, "", SOON_MS));
    MUST(oracle_settle(o, 0, in_path, SOON_MS));
    oracle_free(o);
}

static void test_something_mounted(void **state)
{
    (void)state;
    scratch_mkdir("in/d");
    scratch_mkdir("in/d/deep");
    scratch_write("in/d/f", "x");
    in_namespaces(CLONE_NEWUSER | CLONE_NEWNS, something_mounted);
}

static void unreadable(void)
{
    struct oracle *o;
    const struct hint *h;

    if (setgid(65534) != 0 || setuid(65534) != 0) {
        _exit(NOT_ALLOWED);
    }
    o = watch();
    h = oracle_last(o, HINT_LISTING, 0, "closed");
    MUST(h != NULL && !h->listing->complete && h->listing->code == -EACCES);
    MUST(oracle_last(o, HINT_SCAN_DONE, 0, "")->code == -EACCES);
    MUST(oracle_saw(o, HINT_LISTING, 0, "open"));
    oracle_free(o);
}

static void test_unreadable(void **state)
{
    (void)state;
    scratch_mkdir("in/closed");
    scratch_mkdir("in/open");
    assert_int_equal(fchmodat(scratch_fd(), ".", 0755, 0), 0);
    assert_int_equal(fchmodat(scratch_fd(), "in/closed", 0700, 0), 0);
    in_namespaces(0, unreadable);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_out_of_watches, setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_active_ones_are_watched, setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_something_mounted, setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_unreadable, setup, scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
