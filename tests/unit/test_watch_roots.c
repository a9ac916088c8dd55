/*
 * Against the real kernel: roots that go, come back, overlap; other writers; and what it costs.
 */
#include "tests/unit/watch_bed.h"

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
    const struct watch_root roots[] = {
        {.path = in_path, .filter = {.patterns = no_lists}, .with = with},
        {.path = lists, .filter = {.patterns = no_images}, .with = with}};
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
    const struct watch_root roots[] = {{.path = in_path, .with = with},
                                       {.path = other, .with = with}};
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
    struct watch_root root = {.path = in_path, .rescan_ms = 200, .with = with};
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

/* Looks that are gathered wait until they are wanted, or are many. */
static void test_gathered_looks(void **state)
{
    char name[16] = "";

    (void)state;
    scratch_mkdir("in/d");
    scratch_write("in/d/f", "x");
    watch((struct watchers_options){.gathers = true, .scan_threads = 2});
    assert_int_equal(watchers_observe(oracle_watchers(o), 0, "d/f"), 0);
    assert_int_equal(watchers_observe(oracle_watchers(o), 0, "d/g"), 0);
    oracle_take(o, 300);
    assert_false(oracle_saw(o, HINT_OBSERVED, 0, "*"));
    watchers_look(oracle_watchers(o));
    assert_comes(HINT_OBSERVED, "d/f");
    assert_comes(HINT_OBSERVED, "d/g");
    assert_int_equal(oracle_last(o, HINT_OBSERVED, 0, "d/f")->st.kind, FILE_REGULAR);
    assert_int_equal(oracle_last(o, HINT_OBSERVED, 0, "d/g")->st.kind, FILE_ABSENT);
    for (int i = 0; i < 64; i++) { /* as many as two threads take at once */
        (void)snprintf(name, sizeof(name), "d/%d", i);
        assert_int_equal(watchers_observe(oracle_watchers(o), 0, name), 0);
    }
    assert_comes(HINT_OBSERVED, "d/0");
    assert_comes(HINT_OBSERVED, "d/63");
    assert_int_equal(watchers_observe(oracle_watchers(o), 0, "d/f"), 0); /* freed with the rest */
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

/* Of a thread's status: its name, which ours begin with "watch-" (a sanitizer's has the
 * program's), and how often it has been woken. */
struct woken {
    bool ours;
    unsigned long times;
};

static void read_status(const char *thread, struct woken *ret)
{
    char path[PATH_MAX];
    char line[128];
    FILE *f;

    *ret = (struct woken){.ours = false};
    (void)snprintf(path, sizeof(path), "/proc/self/task/%s/status", thread);
    f = thread[0] == '.' ? NULL : fopen(path, "re");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        ret->ours = ret->ours || strncmp(line, "Name:\twatch-", 12) == 0;
        if (strncmp(line, "voluntary_ctxt_switches:", 24) == 0) {
            ret->times = strtoul(line + 24, NULL, 10);
        }
    }
    if (f != NULL) {
        (void)fclose(f);
    }
}

/* How often the watcher's threads have been woken. */
static unsigned long switches(void)
{
    unsigned long total = 0;
    unsigned threads = 0;
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *d;

    assert_non_null(tasks);
    while ((d = readdir(tasks)) != NULL) {
        struct woken w;

        read_status(d->d_name, &w);
        threads += w.ours;
        total += w.ours ? w.times : 0;
    }
    (void)closedir(tasks);
    assert_true(threads >= 2); /* who reads events, and who keeps the state */
    return total;
}

/* The same in a second, the last of two in which nobody mounted anything: that wakes who watches.
 */
static unsigned long switches_in_a_second(void)
{
    const struct timespec second = {.tv_sec = 1};
    struct pollfd mounts = {.fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC),
                            .events = POLLPRI};
    unsigned long before = 0;
    int quiet = 0;

    assert_true(mounts.fd >= 0);
    for (int tries = 0; quiet < 2 && tries < 60; tries++) {
        before = switches();
        (void)nanosleep(&second, NULL);
        quiet = poll(&mounts, 1, 0) > 0 ? 0 : quiet + 1;
    }
    (void)close(mounts.fd);
    return switches() - before;
}

static void test_idle_is_idle(void **state)
{
    (void)state;
    scratch_mkdir("in/d");
    watch((struct watchers_options){.scan_threads = 4});
    scratch_write("in/d/f", "x");
    move("in/d/f", "f");
    assert_comes(HINT_GONE, "d/f");
    oracle_take(o, 200);
    assert_in_range(switches_in_a_second(), 0, 1); /* one: a mount in this moment */
}

int main(void)
{
    int failed;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_root_lost_and_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_root_removed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_roots_that_overlap, setup, teardown),
        cmocka_unit_test_setup_teardown(test_move_between_roots, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gathered_looks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_scans_by_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(test_churn_does_not_grow, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_others_write, setup, teardown),
        cmocka_unit_test_setup_teardown(test_idle_is_idle, setup, teardown),
    };

    /* What has a file system of its own, and cannot be marked, or is idle alone, comes last. */
    const size_t alone = 2;

    with = WATCH_INOTIFY;
    failed = cmocka_run_group_tests_name("inotify", tests, NULL, NULL);
    with = WATCH_FANOTIFY;
    if (fanotify_is_allowed()) {
        failed += _cmocka_run_group_tests("fanotify", tests,
                                          sizeof(tests) / sizeof(tests[0]) - alone, NULL, NULL);
    }
    return failed;
}
