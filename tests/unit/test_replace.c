/* Atomic replacement of a file. */
#include "base/err.h"
#include "base/replace.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Begin to replace "f" by a text. */
static void begin(struct replace *r, const char *text, uint32_t mode)
{
    assert_int_equal(replace_begin(r, scratch_fd(), "f", mode), 0);
    assert_int_equal(write_whole(r->fd, text, strlen(text)), 0);
}

/* The permission bits of a name. */
static unsigned mode_of(const char *name)
{
    struct stat st;

    assert_int_equal(fstatat(scratch_fd(), name, &st, 0), 0);
    return st.st_mode & 07777;
}

static void test_creates(void **state)
{
    struct replace r;

    (void)state;
    begin(&r, "new", 0600);
    assert_null(scratch_read("f"));
    assert_int_equal(replace_commit(&r), 0);
    assert_string_equal(scratch_read("f"), "new");
    assert_int_equal(mode_of("f"), 0600);
    assert_int_equal(scratch_count(), 1);
    assert_int_equal(r.fd, -1);
}

static void test_replaces_whole_or_not_at_all(void **state)
{
    struct replace r;

    (void)state;
    scratch_write("f", "the old and longer text");
    begin(&r, "new", 0644);
    assert_string_equal(scratch_read("f"), "the old and longer text");
    assert_int_equal(replace_commit(&r), 0);
    assert_string_equal(scratch_read("f"), "new");
    assert_int_equal(scratch_count(), 1);
}

static void test_new_takes_no_name_that_is_taken(void **state)
{
    struct replace r;

    (void)state;
    begin(&r, "new", 0640);
    assert_int_equal(replace_commit_new(&r), 0);
    assert_string_equal(scratch_read("f"), "new");
    assert_int_equal(mode_of("f"), 0640);
    assert_int_equal(scratch_count(), 1);
    begin(&r, "newer", 0640);
    assert_int_equal(replace_commit_new(&r), -EEXIST);
    assert_string_equal(scratch_read("f"), "new");
    assert_int_equal(scratch_count(), 1);
}

static void test_abort_changes_nothing(void **state)
{
    struct replace r;

    (void)state;
    scratch_write("f", "old");
    begin(&r, "new", 0644);
    assert_int_equal(scratch_count(), 2);
    replace_abort(&r);
    assert_string_equal(scratch_read("f"), "old");
    assert_int_equal(scratch_count(), 1);
    replace_abort(&r); /* once more is harmless */
    begin(&r, "new", 0644);
    assert_int_equal(replace_commit(&r), 0);
    replace_abort(&r); /* and after commit */
    assert_string_equal(scratch_read("f"), "new");
}

static void test_abort_after_sync(void **state)
{
    struct replace r;

    (void)state;
    scratch_write("f", "old");
    begin(&r, "new", 0644);
    assert_int_equal(replace_sync(&r), 0);
    assert_int_equal(r.fd, -1);
    assert_int_equal(replace_sync(&r), 0);
    replace_abort(&r);
    assert_string_equal(scratch_read("f"), "old");
    assert_int_equal(scratch_count(), 1);
}

static void test_commit_after_sync(void **state)
{
    struct replace r;

    (void)state;
    begin(&r, "new", 0644);
    assert_int_equal(replace_sync(&r), 0);
    assert_null(scratch_read("f"));
    assert_int_equal(replace_commit(&r), 0);
    assert_string_equal(scratch_read("f"), "new");
}

static void test_mode_is_given_whatever_the_umask(void **state)
{
    static const uint32_t modes[] = {0600, 0644, 0666, 0777, 0400, 0};
    mode_t before = umask(077);

    (void)state;
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        struct replace r;

        begin(&r, "x", S_IFREG | modes[i]);
        assert_int_equal(replace_commit(&r), 0);
        assert_int_equal(mode_of("f"), modes[i]);
    }
    umask(before);
}

static void test_like_takes_owner_and_mode(void **state)
{
    struct file_stat like;
    struct replace r;
    struct stat st;

    (void)state;
    scratch_write("f", "old");
    if (geteuid() == 0)
        assert_int_equal(fchownat(scratch_fd(), "f", 4321, 1234, 0), 0);
    assert_int_equal(fchmodat(scratch_fd(), "f", 02751, 0), 0);
    assert_int_equal(tree_stat(scratch_fd(), "f", &like), 0);
    begin(&r, "new", 0600);
    assert_int_equal(replace_like(&r, &like), 0);
    assert_int_equal(replace_commit(&r), 0);
    assert_int_equal(fstatat(scratch_fd(), "f", &st, 0), 0);
    assert_int_equal(st.st_mode, S_IFREG | 02751);
    assert_int_equal(st.st_uid, like.uid);
    assert_int_equal(st.st_gid, like.gid);
}

static void test_like_says_what_it_may_not(void **state)
{
    struct file_stat like = {.kind = FILE_REGULAR, .uid = 4321, .gid = 1234, .mode = 0644};
    struct replace r;

    (void)state;
    begin(&r, "new", 0600);
    if (geteuid() == 0)
        assert_int_equal(seteuid(65534), 0); /* nobody: may not give files away */
    assert_int_equal(replace_like(&r, &like), -EPERM);
    if (getuid() == 0)
        assert_int_equal(seteuid(0), 0);
    replace_abort(&r);
    assert_int_equal(scratch_count(), 0);
}

static void test_refuses_what_is_no_name(void **state)
{
    static const char *const bad[] = {"", ".", "..", "a/b", "/a", "a/"};
    char name[300];
    struct replace r = {.fd = 77};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(replace_begin(&r, scratch_fd(), bad[i], 0600), -EINVAL);
    memset(name, 'x', sizeof(name));
    name[256] = '\0';
    assert_int_equal(replace_begin(&r, scratch_fd(), name, 0600), -EINVAL);
    assert_int_equal(replace_begin(&r, 999999, "f", 0600), -EBADF);
    assert_int_equal(r.fd, 77);
    name[255] = '\0';
    assert_int_equal(replace_begin(&r, scratch_fd(), name, 0600), 0);
    assert_int_equal(replace_commit(&r), 0);
    assert_int_equal(scratch_count(), 1);
}

static void test_a_directory_in_the_way_stays(void **state)
{
    struct replace r;

    (void)state;
    scratch_mkdir("f");
    begin(&r, "new", 0644);
    assert_int_equal(replace_commit(&r), -EISDIR);
    assert_int_equal(scratch_count(), 1);
}

static void test_a_link_in_the_way_is_replaced_not_followed(void **state)
{
    struct replace r;
    struct file_stat st;

    (void)state;
    scratch_write("target", "old");
    scratch_link("target", "f");
    begin(&r, "new", 0644);
    assert_int_equal(replace_commit(&r), 0);
    assert_string_equal(scratch_read("target"), "old");
    assert_int_equal(tree_stat(scratch_fd(), "f", &st), 0);
    assert_int_equal(st.kind, FILE_REGULAR);
}

static void test_works_in_an_o_path_directory(void **state)
{
    struct replace r;
    int fd;

    (void)state;
    assert_int_equal(tree_open_root(scratch_path(), &fd), 0);
    assert_int_equal(replace_begin(&r, fd, "f", 0600), 0);
    assert_int_equal(replace_commit(&r), 0);
    assert_int_equal(replace_sweep(fd), 0);
    assert_string_equal(scratch_read("f"), "");
    assert_int_equal(close(fd), 0);
}

static void test_a_vanished_temporary_file_is_told(void **state)
{
    struct replace r;

    (void)state;
    scratch_write("f", "old");
    begin(&r, "new", 0644);
    assert_int_equal(unlinkat(scratch_fd(), r.temp, 0), 0);
    assert_int_equal(replace_commit(&r), -ENOENT);
    assert_string_equal(scratch_read("f"), "old");
}

static void test_a_rename_that_was_done_already_is_done(void **state)
{
    struct replace r;

    (void)state; /* as when a file server's answer got lost and the client asked again */
    scratch_write("f", "old");
    begin(&r, "new", 0644);
    assert_int_equal(renameat(scratch_fd(), r.temp, scratch_fd(), "f"), 0);
    assert_int_equal(replace_commit(&r), 0);
    assert_string_equal(scratch_read("f"), "new");
}

static void test_names(void **state)
{
    static const char *const others[] = {
        "",
        "f",
        ".lockstep-",
        ".lockstep-.tmp",
        ".lockstep-0123456789abcde.tmp",
        ".lockstep-0123456789abcdef0.tmp",
        ".lockstep-0123456789abcdeg.tmp",
        ".lockstep-0123456789ABCDEF.tmp",
        ".lockstep-0123456789abcdef.lst",
        "x.lockstep-0123456789abcdef.tmp",
        ".lockstep-0123456789abcdef.tmp.lst",
    };
    struct replace a;
    struct replace b;

    (void)state;
    assert_int_equal(replace_begin(&a, scratch_fd(), "x.lst", 0600), 0);
    assert_int_equal(replace_begin(&b, scratch_fd(), "x.lst", 0600), 0);
    assert_string_not_equal(a.temp, b.temp);
    assert_true(replace_is_temp(a.temp));
    assert_true(replace_is_temp(b.temp));
    assert_true(replace_is_temp(".lockstep-0123456789abcdef.tmp"));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(replace_is_temp(others[i]));
    replace_abort(&a);
    replace_abort(&b);
}

/* Make a name look so many seconds old. */
static void age(const char *name, int seconds)
{
    struct timespec times[2] = {{.tv_sec = time(NULL) - seconds}, {.tv_sec = time(NULL) - seconds}};

    assert_int_equal(utimensat(scratch_fd(), name, times, AT_SYMLINK_NOFOLLOW), 0);
}

static void test_sweep_removes_old_leftovers_only(void **state)
{
    static const char old[] = ".lockstep-00000000000000aa.tmp";
    static const char young[] = ".lockstep-00000000000000bb.tmp";
    static const char directory[] = ".lockstep-00000000000000cc.tmp";
    static const char link[] = ".lockstep-00000000000000dd.tmp";

    (void)state;
    scratch_write(old, "x");
    scratch_write(young, "x");
    scratch_mkdir(directory);
    scratch_link("f", link);
    scratch_write("f", "x");
    scratch_write(".lockstep-note.tmp", "x");
    age(old, 3700);
    age(young, 3500);
    age(directory, 9999);
    age(link, 9999);
    age("f", 9999);
    age(".lockstep-note.tmp", 9999);
    assert_int_equal(replace_sweep(scratch_fd()), 0);
    assert_null(scratch_read(old));
    assert_string_equal(scratch_read(young), "x");
    assert_string_equal(scratch_read("f"), "x");
    assert_int_equal(scratch_count(), 5);
    assert_int_equal(replace_sweep(scratch_fd()), 0);
    assert_int_equal(replace_sweep(999999), -EBADF);
}

static void test_a_process_that_dies_leaves_what_sweep_removes(void **state)
{
    struct replace r;
    pid_t child;
    int status;

    (void)state;
    scratch_write("f", "old");
    assert_int_equal(replace_begin(&r, scratch_fd(), "f", 0644), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(write_whole(r.fd, "half", 4) == 0 ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(close(r.fd), 0); /* as if we had died with it */
    assert_string_equal(scratch_read("f"), "old");
    assert_int_equal(scratch_count(), 2);
    assert_int_equal(replace_sweep(scratch_fd()), 0);
    assert_int_equal(scratch_count(), 2);
    age(r.temp, 3601);
    assert_int_equal(replace_sweep(scratch_fd()), 0);
    assert_int_equal(scratch_count(), 1);
    assert_string_equal(scratch_read("f"), "old");
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(test_creates),
        IN_SCRATCH(test_replaces_whole_or_not_at_all),
        IN_SCRATCH(test_new_takes_no_name_that_is_taken),
        IN_SCRATCH(test_abort_changes_nothing),
        IN_SCRATCH(test_abort_after_sync),
        IN_SCRATCH(test_commit_after_sync),
        IN_SCRATCH(test_mode_is_given_whatever_the_umask),
        IN_SCRATCH(test_like_takes_owner_and_mode),
        IN_SCRATCH(test_like_says_what_it_may_not),
        IN_SCRATCH(test_refuses_what_is_no_name),
        IN_SCRATCH(test_a_directory_in_the_way_stays),
        IN_SCRATCH(test_a_link_in_the_way_is_replaced_not_followed),
        IN_SCRATCH(test_works_in_an_o_path_directory),
        IN_SCRATCH(test_a_vanished_temporary_file_is_told),
        IN_SCRATCH(test_a_rename_that_was_done_already_is_done),
        IN_SCRATCH(test_names),
        IN_SCRATCH(test_sweep_removes_old_leftovers_only),
        IN_SCRATCH(test_a_process_that_dies_leaves_what_sweep_removes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
