/*
 * fanotify against the real kernel: what it takes to mark a file system, what the kernel merges,
 * mounts, two ways of watching at once, and the end of inotify's watches.
 */
#include "tests/unit/watch_bed.h"

#include "watchers/fan.h"

#include <stdatomic.h>
#include <sys/inotify.h>

#define NOT_ALLOWED 77 /* exit status: the right to try is missing */

/* Stands before notify_place (--wrap): how many watches inotify has left; below 0: any number. */
static atomic_int watches_left = -1;
int __real_notify_place(int dir_fd, int *ret_wd);
int __wrap_notify_place(int dir_fd, int *ret_wd);

int __wrap_notify_place(int dir_fd, int *ret_wd)
{
    int left = atomic_load(&watches_left);

    while (left > 0 && !atomic_compare_exchange_weak(&watches_left, &left, left - 1)) {
    }
    return left == 0 ? -ENOSPC : __real_notify_place(dir_fd, ret_wd);
}

static int setup_any_number(void **state)
{
    atomic_store(&watches_left, -1);
    return setup(state);
}

/* What fan_drain gave. */
static char told[4096];

static void keep(void *arg, const struct raw_event *ev)
{
    static const struct {
        uint32_t bit;
        const char *word;
    } words[] = {{IN_DELETE, "delete"},       {IN_CREATE, "create"},   {IN_MODIFY, "modify"},
                 {IN_CLOSE_WRITE, "written"}, {IN_MOVED_FROM, "from"}, {IN_MOVED_TO, "to"},
                 {IN_ATTRIB, "attrib"},       {EVENT_LOOK, "look"},    {IN_Q_OVERFLOW, "overflow"}};
    size_t n = strlen(told);

    (void)arg;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if ((ev->mask & words[i].bit) != 0) {
            n += (size_t)snprintf(told + n, sizeof(told) - n, "%s ", words[i].word);
        }
    }
    (void)snprintf(told + n, sizeof(told) - n, "%s; ", ev->name);
}

/* Everything that the kernel has waiting. */
static const char *drained(struct fan *fan)
{
    const atomic_bool stop = false;

    told[0] = '\0';
    fan_drain(fan, &stop, keep, NULL);
    return told;
}

/* What the rules of fan_event.h answer to: the kernel merges across what came between. */
static void test_the_kernel_merges(void **state)
{
    struct fan *fan = NULL;
    uint64_t fsid;
    int fd;
    int wd;

    (void)state;
    scratch_mkdir("in/a");
    fd = openat(scratch_fd(), "in", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(fan_new(&fan), 0);
    assert_int_equal(fan_mark(fan, fd, &fsid), 0);
    assert_int_equal(fan_placed(fan, fsid, fd), -1);
    assert_int_equal(fan_place(fan, fsid, fd, &wd), 0);
    assert_int_equal(fan_placed(fan, fsid, fd), wd);
    scratch_write("in/f", "x");
    assert_string_equal(drained(fan), "written f; ");
    move("in/a", "in/b");
    move("in/b", "in/a");
    move("in/a", "in/b");
    assert_string_equal(drained(fan), "from a; to b; look a; from b; to a; look b; ");
    drop("in/f", 0);
    scratch_mkdir("in/f");
    drop("in/f", AT_REMOVEDIR);
    scratch_write("in/f", "y");
    assert_string_equal(drained(fan), "delete f; written f; delete f; create f; look f; ");
    assert_int_equal(fchmodat(scratch_fd(), "in", 0700, 0), 0);
    assert_string_equal(drained(fan), "attrib ; ");
    scratch_write("in/b/elsewhere", "x"); /* nobody placed b */
    assert_string_equal(drained(fan), "");
    assert_true(fan_forget(fan, wd));
    assert_false(fan_forget(fan, wd));
    scratch_write("in/g", "x");
    assert_string_equal(drained(fan), "");
    fan_free(fan);
    (void)close(fd);
}

/* Wait until the reader has just read something, and rests: what is done now it reads at once. */
static void let_reader_rest(void)
{
    const struct timespec moment = {.tv_nsec = 300000};

    scratch_write("in/wake", "x");
    (void)nanosleep(&moment, NULL);
}

/* A name that is taken again is told before the renaming that made it free. */
static void name_taken_again(void)
{
    scratch_mkdir("in/x");
    move("in/x", "in/y");
    scratch_mkdir("in/x");
    scratch_write("in/x/f", "x");
    scratch_write("in/y/f", "x");
    assert_settled();
    drop("in/x/f", 0);
    drop("in/y/f", 0);
    drop("in/x", AT_REMOVEDIR);
    drop("in/y", AT_REMOVEDIR);
}

/* A renaming that is done again, by another directory, is told before the removal of the first. */
static void rename_done_again(void)
{
    scratch_mkdir("in/x");
    assert_settled();
    let_reader_rest();
    move("in/x", "in/y");
    drop("in/y", AT_REMOVEDIR);
    scratch_mkdir("in/x");
    move("in/x", "in/y");
    scratch_write("in/y/f", "x");
    assert_settled();
    drop("in/y/f", 0);
    drop("in/y", AT_REMOVEDIR);
}

/* What is merged, through all of watching. */
static void test_merged_events_lose_nothing(void **state)
{
    enum { RUNS = 20 };

    (void)state;
    with = WATCH_FANOTIFY;
    watch((struct watchers_options){0});
    for (int i = 0; i < RUNS; i++) {
        let_reader_rest();
        name_taken_again();
        rename_done_again();
        oracle_forget(o);
    }
    assert_settled();
    assert_int_equal(stats_of(0).directories, 1);
    assert_int_equal(stats_of(0).watches, 1);
    assert_int_equal(stats_of(0).overflows, 0);
}

/* A root that is a bind mount; what is done through the other path is seen, too. It goes, and it
 * comes back: the mark does not hold the mount, and is set again. */
static void test_bind_mount(void **state)
{
    char there[PATH_MAX];

    (void)state;
    with = WATCH_FANOTIFY;
    scratch_mkdir("there");
    scratch_mkdir("there/d");
    scratch_mkdir("there/d/e");
    (void)snprintf(there, sizeof(there), "%s/there/d", scratch_path());
    assert_int_equal(mount(there, in_path, NULL, MS_BIND, NULL), 0);
    watch((struct watchers_options){0});
    scratch_write("there/d/f", "x");
    assert_comes(HINT_WRITTEN, "f");
    scratch_write("in/e/g", "x");
    assert_comes(HINT_WRITTEN, "e/g");
    scratch_write("there/h", "outside");
    assert_settled();
    oracle_forget(o);
    assert_int_equal(umount2(in_path, MNT_DETACH), 0);
    assert_comes(HINT_ROOT_LOST, "");
    assert_int_equal(mount(there, in_path, NULL, MS_BIND, NULL), 0);
    assert_true(oracle_until(o, HINT_ROOT_BACK, 0, "", 6000));
    assert_comes(HINT_SCAN_DONE, "");
    oracle_forget(o);
    scratch_write("in/e/later", "x");
    assert_comes(HINT_WRITTEN, "e/later");
    assert_settled();
    assert_int_equal(umount2(in_path, MNT_DETACH), 0);
}

/* Two file systems, two roots on one of them, and one more way of watching each. */
static void test_roots_of_each_kind(void **state)
{
    static const char *const names[] = {"mounted", "one", "two", "scanned"};
    char paths[4][PATH_MAX];
    struct watch_root roots[4];
    const struct watchers_options opt = {.roots = roots, .root_count = 4};

    (void)state;
    for (int i = 0; i < 4; i++) {
        scratch_mkdir(names[i]);
        (void)snprintf(paths[i], sizeof(paths[i]), "%s/%s", scratch_path(), names[i]);
        roots[i] = (struct watch_root){.path = paths[i], .with = WATCH_FANOTIFY};
    }
    roots[2].with = WATCH_INOTIFY;
    roots[3] = (struct watch_root){.path = paths[3], .with = WATCH_SCAN, .rescan_ms = 300};
    assert_int_equal(mount("none", paths[0], "tmpfs", 0, NULL), 0);
    scratch_mkdir("scanned/d");
    o = oracle_new(&opt);
    for (unsigned i = 0; i < 4; i++) {
        assert_true(oracle_until(o, HINT_SCAN_DONE, i, "", SOON_MS));
    }
    scratch_mkdir("mounted/d");
    scratch_write("mounted/d/f", "x");
    scratch_mkdir("one/d");
    scratch_write("one/d/f", "x");
    scratch_mkdir("two/d");
    scratch_write("two/d/f", "x");
    for (unsigned i = 0; i < 3; i++) {
        assert_true(oracle_settle(o, i, paths[i], SETTLE_MS));
        assert_int_equal(stats_of(i).watches, 2);
        assert_int_equal(stats_of(i).unwatched, 0);
    }
    oracle_forget(o);
    move("one/d", "two/e"); /* each half by another messenger */
    assert_true(oracle_until(o, HINT_LISTING, 1 + 1, "e", SOON_MS));
    assert_true(oracle_settle(o, 1, paths[1], SETTLE_MS));
    assert_true(oracle_settle(o, 2, paths[2], SETTLE_MS));
    assert_false(oracle_saw(o, HINT_SCAN_DONE, 1, "*")); /* not by a scan */
    scratch_write("scanned/d/f", "x");
    assert_true(oracle_until(o, HINT_SCAN_DONE, 3, "", SOON_MS));
    assert_true(oracle_settle(o, 3, paths[3], SETTLE_MS));
    assert_false(oracle_saw(o, HINT_WRITTEN, 3, "*"));
    assert_int_equal(stats_of(3).watches, 0);
    assert_int_equal(stats_of(3).unwatched, 0);
    oracle_free(o);
    o = NULL;
    assert_int_equal(umount2(paths[0], 0), 0);
}

/* The mark alone keeps nobody from unmounting, and goes with the file system. */
static void test_mark_holds_nothing(void **state)
{
    struct fan *fan = NULL;
    uint64_t fsid;
    int fd;

    (void)state;
    assert_int_equal(mount("none", in_path, "tmpfs", 0, NULL), 0);
    fd = open(in_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(fan_new(&fan), 0);
    assert_int_equal(fan_mark(fan, fd, &fsid), 0);
    assert_int_equal(fan_mark(fan, fd, &fsid), 0); /* again: harmless */
    (void)close(fd);
    scratch_write("in/f", "x");
    assert_int_equal(umount2(in_path, 0), 0);
    fan_free(fan);
}

/* WATCH_AUTO where inotify's watches run out: the rest goes to fanotify, and renames between the
 * two kinds of watches lose nothing. */
static void test_auto_goes_on_with_fanotify(void **state)
{
    char name[64];

    (void)state;
    with = WATCH_AUTO;
    atomic_store(&watches_left, 4);
    for (int i = 0; i < 10; i++) {
        (void)snprintf(name, sizeof(name), "in/d%d", i);
        scratch_mkdir(name);
        (void)snprintf(name, sizeof(name), "in/d%d/e", i);
        scratch_mkdir(name);
    }
    watch((struct watchers_options){0});
    assert_false(oracle_saw(o, HINT_WATCH_LIMIT, 0, "*"));
    assert_int_equal(stats_of(0).watches, 21);
    for (int i = 0; i < 10; i++) {
        (void)snprintf(name, sizeof(name), "in/d%d/e/f", i);
        scratch_write(name, "x");
        assert_comes(HINT_WRITTEN, name + 3);
    }
    for (int i = 0; i < 10; i++) {
        char to[64];

        (void)snprintf(name, sizeof(name), "in/d%d/e", i);
        (void)snprintf(to, sizeof(to), "in/d%d/from%d", (i + 1) % 10, i);
        move(name, to);
    }
    assert_settled();
    for (int i = 0; i < 10; i++) {
        (void)snprintf(name, sizeof(name), "in/d%d/from%d/g", (i + 1) % 10, i);
        scratch_write(name, "x");
        assert_comes(HINT_WRITTEN, name + 3);
    }
    scratch_mkdir("in/new");
    scratch_write("in/new/f", "x");
    assert_settled();
    scratch_write("in/new/g", "x");
    assert_comes(HINT_WRITTEN, "new/g");
    assert_int_equal(stats_of(0).watches, 22);
    assert_int_equal(stats_of(0).unwatched, 0);
    assert_int_equal(stats_of(0).scans, 1);
}

/* What goes on outside of the tree leaves nothing behind here. */
static void test_outside_leaves_nothing(void **state)
{
    enum { WARM = 200, ROUNDS = 2000, BYTES_MAX = 32768 };
    size_t before = 0;

    (void)state;
    with = WATCH_FANOTIFY;
    scratch_mkdir("out");
    watch((struct watchers_options){0});
    for (int i = 0; i < ROUNDS; i++) {
        if (i == WARM) {
            assert_settled();
            oracle_forget(o);
            before = mallinfo2().uordblks;
        }
        scratch_mkdir("out/d");
        scratch_write("out/d/f", "x");
        move("out/d", "out/e");
        drop("out/e/f", 0);
        drop("out/e", AT_REMOVEDIR);
    }
    assert_settled();
    assert_false(oracle_saw(o, HINT_WRITTEN, 0, "*"));
    assert_int_equal(stats_of(0).events, 0);
    assert_in_range(mallinfo2().uordblks, 0, before + BYTES_MAX);
}

/* What watchers_new says of this root. */
static int refusal(const char *path, char *text, size_t size)
{
    const struct watch_root root = {.path = path, .with = WATCH_FANOTIFY};
    const struct watchers_options opt = {.roots = &root, .root_count = 1};
    struct watchers *w = NULL;
    struct err e = {0};
    const int code = watchers_new(&opt, &w, &e);

    (void)err_text(&e, text, size);
    watchers_free(w);
    return code;
}

static void test_file_system_that_cannot(void **state)
{
    char text[1024];

    (void)state;
    assert_int_equal(refusal("/proc/sys/kernel", text, sizeof(text)), ERR_REFUSED);
    assert_non_null(strstr(text, "/proc/sys/kernel: "));
    assert_non_null(strstr(text, "file system proc"));
    assert_non_null(strstr(text, "set watch = \"auto\""));
}

static void test_no_right(void **state)
{
    const pid_t child = fork();
    char text[1024];
    int status;

    (void)state;
    assert_true(child >= 0);
    if (child == 0) {
        const bool dropped = (getuid() != 0) || (setgid(65534) == 0 && setuid(65534) == 0);

        if (!dropped) {
            _exit(NOT_ALLOWED);
        }
        _exit(refusal("/", text, sizeof(text)) == ERR_REFUSED &&
                      strstr(text, "CAP_SYS_ADMIN") != NULL
                  ? 0
                  : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest anybody[] = {
        cmocka_unit_test(test_no_right),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_system_that_cannot),
        cmocka_unit_test_setup_teardown(test_the_kernel_merges, setup, teardown),
        cmocka_unit_test_setup_teardown(test_merged_events_lose_nothing, setup_any_number,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_bind_mount, setup, teardown),
        cmocka_unit_test_setup_teardown(test_roots_of_each_kind, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mark_holds_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_auto_goes_on_with_fanotify, setup_any_number,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_outside_leaves_nothing, setup_any_number, teardown),
    };
    const int failed = cmocka_run_group_tests_name("without rights", anybody, NULL, NULL);

    return failed +
           (fanotify_is_allowed() ? cmocka_run_group_tests_name("fanotify", tests, NULL, NULL) : 0);
}
