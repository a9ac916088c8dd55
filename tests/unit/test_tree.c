/* Files below a root: with openat2, and where the kernel has none. */
#include "base/err.h"
#include "base/tree.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int openat2_fails_with; /* errno of every openat2; 0: it works */
static int openat2_fails_times;

long __real_syscall(long number, long a, long b, long c, long d);
long __wrap_syscall(long number, long a, long b, long c, long d);

/* Linked in the place of syscall(2). */
long __wrap_syscall(long number, long a, long b, long c, long d)
{
    if (number == SYS_openat2 && openat2_fails_with != 0 && openat2_fails_times != 0) {
        openat2_fails_times--;
        errno = openat2_fails_with;
        return -1;
    }
    return __real_syscall(number, a, b, c, d);
}

static int interruptions; /* so many reads and writes end with EINTR, each before a short one */

ssize_t __real_read(int fd, void *p, size_t n);
ssize_t __wrap_read(int fd, void *p, size_t n);
ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);
ssize_t __real_preadv(int fd, const struct iovec *parts, int count, off_t at);
ssize_t __wrap_preadv(int fd, const struct iovec *parts, int count, off_t at);

/* Whether this call is interrupted; the next one is short then. */
static bool is_interrupted(size_t *n)
{
    if (interruptions == 0)
        return false;
    interruptions--;
    if (interruptions % 2 == 0) {
        *n = *n > 1 ? 1 : *n;
        return false;
    }
    errno = EINTR;
    return true;
}

/* Linked in the place of read(2). */
ssize_t __wrap_read(int fd, void *p, size_t n)
{
    return is_interrupted(&n) ? -1 : __real_read(fd, p, n);
}

static size_t short_by; /* bytes that a short preadv does not read */

/* Linked in the place of preadv(2). */
ssize_t __wrap_preadv(int fd, const struct iovec *parts, int count, off_t at)
{
    struct iovec some[8];
    size_t unused = 1, cut = interruptions > 0 ? short_by : 0;
    int n = count;

    if (is_interrupted(&unused))
        return -1;
    memcpy(some, parts, (size_t)count * sizeof some[0]);
    for (; n > 0 && cut >= some[n - 1].iov_len; n--)
        cut -= some[n - 1].iov_len;
    if (n == 0)
        return __real_preadv(fd, parts, count, at);
    some[n - 1].iov_len -= cut;
    return __real_preadv(fd, some, n, at);
}

/* Linked in the place of write(2). */
ssize_t __wrap_write(int fd, const void *p, size_t n)
{
    return is_interrupted(&n) ? -1 : __real_write(fd, p, n);
}

/* A tree with a bit of everything. */
static int plant(void **state)
{
    char outside[5000];

    if (scratch_setup(state) != 0)
        return -1;
    scratch_mkdir("d");
    scratch_mkdir("d/e");
    scratch_write("top", "top");
    scratch_write("d/file", "content");
    scratch_write("d/e/deep", "deep");
    scratch_link("file", "d/link");
    scratch_link("d", "dirlink");
    scratch_link("nowhere", "broken");
    scratch_link("/etc/passwd", "d/absolute");
    scratch_link("..", "d/up");
    (void)snprintf(outside, sizeof(outside), "%s", scratch_path());
    scratch_link(outside, "d/self");
    assert_int_equal(mkfifoat(scratch_fd(), "fifo", 0600), 0);
    return 0;
}

/* Open for reading and compare the content. */
static void check_content(const char *path, const char *want)
{
    char text[32] = {0};
    int fd = -1;

    assert_int_equal(tree_open(scratch_fd(), path, O_RDONLY, &fd), 0);
    assert_int_equal(read(fd, text, sizeof(text) - 1), strlen(want));
    assert_string_equal(text, want);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(close(fd), 0);
}

/* Opening must fail with one of two codes, and leave the output alone. */
static void check_refused(const char *path, int flags, int want, int or_want)
{
    int fd = -7;
    int rc = tree_open(scratch_fd(), path, flags, &fd);

    if (rc != want && rc != or_want)
        fail_msg("tree_open(\"%s\") gives %d (%s)", path, rc, err_name(rc));
    assert_int_equal(fd, -7);
}

static void test_opens_what_is_there(void **state)
{
    struct stat st;
    int fd = -1;

    (void)state;
    check_content("top", "top");
    check_content("d/file", "content");
    check_content("d/e/deep", "deep");
    assert_int_equal(tree_open(scratch_fd(), "", O_RDONLY | O_DIRECTORY, &fd), 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_int_equal(close(fd), 0);
    assert_int_equal(tree_open(scratch_fd(), "d/e", O_PATH | O_DIRECTORY, &fd), 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(tree_open(scratch_fd(), "d/file", O_WRONLY, &fd), 0);
    assert_int_equal(close(fd), 0);
}

static void test_says_what_is_not_there(void **state)
{
    char name[300];

    (void)state;
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    check_refused("none", O_RDONLY, -ENOENT, -ENOENT);
    check_refused("none/file", O_RDONLY, -ENOENT, -ENOENT);
    check_refused("d/e/none", O_RDONLY, -ENOENT, -ENOENT);
    check_refused("top/x", O_RDONLY, -ENOTDIR, -ENOTDIR);
    check_refused("top", O_RDONLY | O_DIRECTORY, -ENOTDIR, -ENOTDIR);
    check_refused(name, O_RDONLY, -ENAMETOOLONG, -ENAMETOOLONG);
    check_refused("new", O_WRONLY | O_CREAT, -EINVAL, -EINVAL);
    assert_null(scratch_read("new"));
}

static void test_refuses_symbolic_links(void **state)
{
    (void)state;
    check_refused("d/link", O_RDONLY, -ELOOP, -ELOOP);
    check_refused("d/link", O_WRONLY, -ELOOP, -ELOOP);
    check_refused("dirlink", O_RDONLY, -ELOOP, -ELOOP);
    check_refused("dirlink", O_RDONLY | O_DIRECTORY, -ELOOP, -ELOOP);
    check_refused("dirlink/file", O_RDONLY, -ELOOP, -ELOOP);
    check_refused("broken", O_RDONLY, -ELOOP, -ELOOP);
    check_refused("d/absolute", O_RDONLY, -ELOOP, -EXDEV);
    check_refused("d/up", O_RDONLY, -ELOOP, -EXDEV);
    check_refused("d/up/top", O_RDONLY, -ELOOP, -EXDEV);
    check_refused("d/self/top", O_RDONLY, -ELOOP, -EXDEV);
}

static void test_refuses_ways_out(void **state)
{
    (void)state;
    check_refused("..", O_RDONLY, -EXDEV, -EXDEV);
    check_refused("../x", O_RDONLY, -EXDEV, -EXDEV);
    check_refused("d/..", O_RDONLY, -EXDEV, -EXDEV);
    check_refused("d/../top", O_RDONLY, -EXDEV, -EXDEV);
    check_refused("d/../../x", O_RDONLY, -EXDEV, -EXDEV);
    check_refused("/", O_RDONLY, -EXDEV, -EXDEV);
    check_refused("/etc/passwd", O_RDONLY, -EXDEV, -EXDEV);
}

static void test_names_with_dots_are_names(void **state)
{
    (void)state;
    scratch_write("..a", "1");
    scratch_write("d/...", "2");
    check_content("..a", "1");
    check_content("d/...", "2");
}

/* stat must see this kind. */
static void check_kind(const char *path, enum file_kind want)
{
    struct file_stat st;

    memset(&st, 0xff, sizeof(st));
    assert_int_equal(tree_stat(scratch_fd(), path, &st), 0);
    assert_int_equal(st.kind, want);
}

static void test_stat_sees_kinds(void **state)
{
    (void)state;
    check_kind("", FILE_DIRECTORY);
    check_kind("d", FILE_DIRECTORY);
    check_kind("d/e", FILE_DIRECTORY);
    check_kind("top", FILE_REGULAR);
    check_kind("d/file", FILE_REGULAR);
    check_kind("dirlink", FILE_SYMLINK);
    check_kind("broken", FILE_SYMLINK);
    check_kind("d/link", FILE_SYMLINK);
    check_kind("d/up", FILE_SYMLINK);
    check_kind("fifo", FILE_OTHER);
    check_kind("none", FILE_ABSENT);
    check_kind("d/none", FILE_ABSENT);
    check_kind("none/none", FILE_ABSENT);
    check_kind("top/none", FILE_ABSENT);
}

static void test_stat_fails_where_it_cannot_see(void **state)
{
    struct file_stat st = {.size = 77};

    (void)state;
    assert_int_equal(tree_stat(scratch_fd(), "dirlink/file", &st), -ELOOP);
    assert_int_equal(tree_stat(scratch_fd(), "..", &st), -EXDEV);
    assert_int_equal(tree_stat(scratch_fd(), "d/../top", &st), -EXDEV);
    assert_int_equal(tree_stat(scratch_fd(), "/etc", &st), -EXDEV);
    assert_int_equal(tree_stat(999999, "top", &st), -EBADF);
    assert_int_equal(tree_stat(999999, "d/file", &st), -EBADF);
    assert_int_equal(tree_stat_at(999999, "top", &st), -EBADF);
    assert_int_equal(tree_stat_fd(999999, &st), -EBADF);
    assert_int_equal(st.size, 77);
}

/* All members agree. */
static void check_equal(const struct file_stat *a, const struct file_stat *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->mode, b->mode);
    assert_true(a->uid == b->uid && a->gid == b->gid && a->nlink == b->nlink);
    assert_true(a->dev == b->dev);
    assert_true(file_same_content(a, b));
}

static void test_stat_tells_all(void **state)
{
    struct timespec times[2] = {{.tv_sec = 1000, .tv_nsec = 5}, {.tv_sec = 2000, .tv_nsec = 7}};
    struct file_stat a;
    struct file_stat b;
    struct stat st;
    int fd;

    (void)state;
    assert_int_equal(utimensat(scratch_fd(), "d/file", times, 0), 0);
    assert_int_equal(fchmodat(scratch_fd(), "d/file", 0640, 0), 0);
    assert_int_equal(fstatat(scratch_fd(), "d/file", &st, 0), 0);
    assert_int_equal(tree_stat(scratch_fd(), "d/file", &a), 0);
    assert_int_equal(a.mode, S_IFREG | 0640);
    assert_int_equal(a.uid, st.st_uid);
    assert_int_equal(a.gid, st.st_gid);
    assert_int_equal(a.nlink, 1);
    assert_true(a.dev == st.st_dev && a.ino == st.st_ino);
    assert_int_equal(a.size, 7);
    assert_true(a.mtime_ns == INT64_C(2000000000007));
    assert_true(a.ctime_ns == st.st_ctim.tv_sec * INT64_C(1000000000) + st.st_ctim.tv_nsec);
    assert_int_equal(tree_open(scratch_fd(), "d/file", O_RDONLY, &fd), 0);
    assert_int_equal(tree_stat_fd(fd, &b), 0);
    check_equal(&a, &b);
    assert_int_equal(close(fd), 0);
    assert_int_equal(tree_open(scratch_fd(), "d", O_PATH, &fd), 0);
    assert_int_equal(tree_stat_at(fd, "file", &b), 0);
    check_equal(&a, &b);
    assert_int_equal(close(fd), 0);
}

static void test_a_file_is_who_it_was_under_another_name(void **state)
{
    const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    struct file_stat a, b;

    (void)state;
    assert_int_equal(tree_stat(scratch_fd(), "d/file", &a), 0);
    assert_int_equal(renameat(scratch_fd(), "d/file", scratch_fd(), "d/other"), 0);
    assert_int_equal(utimensat(scratch_fd(), "d/other", times, 0), 0);
    assert_int_equal(tree_stat(scratch_fd(), "d/other", &b), 0);
    assert_int_equal(renameat(scratch_fd(), "d/other", scratch_fd(), "d/file"), 0);
    assert_int_equal(file_id_same(file_id_of(&a), file_id_of(&b)), a.born_ns != 0);
    assert_false(file_id_differs(file_id_of(&a), file_id_of(&b)));
    b.born_ns = a.born_ns + 1; /* the inode was used again */
    assert_false(file_id_same(file_id_of(&a), file_id_of(&b)));
    assert_int_equal(file_id_differs(file_id_of(&a), file_id_of(&b)), a.born_ns != 0);
    b.born_ns = a.born_ns = 0; /* nobody knows */
    assert_false(file_id_same(file_id_of(&a), file_id_of(&b)));
    assert_false(file_id_differs(file_id_of(&a), file_id_of(&b)));
    b.ino++;
    assert_true(file_id_differs(file_id_of(&a), file_id_of(&b)));
}

static void test_a_file_of_several_links_is_nobody(void **state)
{
    struct file_stat st;

    (void)state;
    assert_int_equal(linkat(scratch_fd(), "d/file", scratch_fd(), "d/second", 0), 0);
    assert_int_equal(tree_stat(scratch_fd(), "d/file", &st), 0);
    assert_int_equal(st.nlink, 2);
    assert_false(file_id_same(file_id_of(&st), file_id_of(&st)));
    assert_int_equal(unlinkat(scratch_fd(), "d/file", 0), 0);
    assert_int_equal(tree_stat(scratch_fd(), "d/second", &st), 0);
    assert_int_equal(file_id_same(file_id_of(&st), file_id_of(&st)), st.born_ns != 0);
}

static void test_reads_links_and_never_follows(void **state)
{
    static const struct {
        const char *path;
        const char *target;
    } links[] = {
        {"d/link", "file"}, {"dirlink", "d"}, {"broken", "nowhere"}, {"d/absolute", "/etc/passwd"}};
    char target[TREE_LINK_MAX];
    char longest[TREE_LINK_MAX + 2];
    struct file_stat st;
    struct file_stat seen;
    size_t n;

    (void)state;
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        assert_int_equal(tree_read_link(scratch_fd(), links[i].path, target, &n, &st), 0);
        assert_int_equal(n, strlen(links[i].target));
        assert_memory_equal(target, links[i].target, n);
        assert_int_equal(tree_stat(scratch_fd(), links[i].path, &seen), 0);
        assert_int_equal(seen.kind, FILE_SYMLINK);
        assert_false(file_is_link(&seen));
        tree_take_link(&seen);
        assert_int_equal(seen.kind, FILE_REGULAR);
        assert_true(file_is_link(&seen) && file_is_link(&st));
        assert_int_equal(st.mode, S_IFLNK | 0777);
        assert_int_equal(st.size, n);
        assert_true(file_same_content(&st, &seen));
    }
    n = 7;
    assert_int_equal(tree_read_link(scratch_fd(), "d/file", target, &n, &st), ERR_CHANGED);
    assert_int_equal(tree_read_link(scratch_fd(), "d", target, &n, &st), ERR_CHANGED);
    assert_int_equal(tree_read_link(scratch_fd(), "none", target, &n, &st), -ENOENT);
    assert_int_equal(tree_read_link(scratch_fd(), "dirlink/link", target, &n, &st), -ELOOP);
    assert_int_equal(tree_read_link(scratch_fd(), "../x", target, &n, &st), -EXDEV);
    memset(longest, 'x', sizeof(longest));
    longest[TREE_LINK_MAX + 1] = '\0';
    scratch_link(longest, "longer");
    assert_int_equal(tree_read_link(scratch_fd(), "longer", target, &n, &st), -ENAMETOOLONG);
    assert_int_equal(n, 7);
    longest[TREE_LINK_MAX] = '\0';
    scratch_link(longest, "longest");
    assert_int_equal(tree_read_link(scratch_fd(), "longest", target, &n, &st), 0);
    assert_int_equal(n, TREE_LINK_MAX);
    assert_int_equal(tree_stat(scratch_fd(), "d/file", &seen), 0);
    tree_take_link(&seen);
    assert_false(file_is_link(&seen));
}

static void test_same_content(void **state)
{
    struct file_stat a = {FILE_REGULAR, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    struct file_stat b = {FILE_SYMLINK, 0, 0, 0, 0, 0, 6, 7, 8, 9, 0};

    (void)state;
    assert_true(file_same_content(&a, &b));
    b.ino++;
    assert_false(file_same_content(&a, &b));
    b.ino--;
    b.size++;
    assert_false(file_same_content(&a, &b));
    b.size--;
    b.mtime_ns++;
    assert_false(file_same_content(&a, &b));
    b.mtime_ns--;
    b.ctime_ns++;
    assert_false(file_same_content(&a, &b));
}

static void test_root(void **state)
{
    char path[5000];
    int fd = -7;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/top", scratch_path());
    assert_int_equal(tree_open_root(path, &fd), -ENOTDIR);
    (void)snprintf(path, sizeof(path), "%s/none", scratch_path());
    assert_int_equal(tree_open_root(path, &fd), -ENOENT);
    assert_int_equal(fd, -7);
    (void)snprintf(path, sizeof(path), "%s/dirlink", scratch_path()); /* the operator's word */
    assert_int_equal(tree_open_root(path, &fd), 0);
    assert_true(fcntl(fd, F_GETFL) & O_PATH);
    assert_int_equal(close(fd), 0);
}

static void test_works_from_an_o_path_root(void **state)
{
    struct file_stat st;
    int root;
    int fd;

    (void)state;
    assert_int_equal(tree_open_root(scratch_path(), &root), 0);
    assert_int_equal(tree_open(root, "d/e/deep", O_RDONLY, &fd), 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(tree_stat(root, "", &st), 0);
    assert_int_equal(st.kind, FILE_DIRECTORY);
    assert_int_equal(tree_stat(root, "d/file", &st), 0);
    assert_int_equal(st.size, 7);
    assert_int_equal(close(root), 0);
}

static void test_tries_again_while_others_rename(void **state)
{
    (void)state;
    openat2_fails_with = EAGAIN;
    openat2_fails_times = 5;
    check_content("d/file", "content");
    openat2_fails_times = -1;
    check_refused("d/file", O_RDONLY, -EAGAIN, -EAGAIN);
    openat2_fails_with = EXDEV;
    openat2_fails_times = 5;
    check_content("d/file", "content");
    openat2_fails_with = 0;
}

#define MOVED_TIMES 30000

/* Move a directory out of the tree and back until told to stop. */
static void *move_out_and_back(void *arg)
{
    const atomic_bool *stop = arg;

    while (!atomic_load(stop)) {
        (void)renameat(scratch_fd(), "d/e", scratch_fd(), "outside"); /* its state is asked below */
        (void)renameat(scratch_fd(), "outside", scratch_fd(), "d/e");
    }
    return NULL;
}

/* A directory that moves out of the tree while it is entered is there or absent, and no mount. */
static void test_a_directory_that_moves_out_is_no_other_device(void **state)
{
    atomic_bool stop = false;
    pthread_t mover;
    int root;

    (void)state;
    assert_int_equal(tree_open(scratch_fd(), "d", O_PATH | O_DIRECTORY, &root), 0);
    assert_int_equal(pthread_create(&mover, NULL, move_out_and_back, &stop), 0);
    for (int i = 0; i < MOVED_TIMES; i++) {
        struct file_stat st;
        const int code = tree_stat(root, "e/deep", &st);

        if (code != 0) {
            atomic_store(&stop, true);
            fail_msg("tree_stat gives %d (%s) after %d times", code, err_name(code), i);
        }
    }
    atomic_store(&stop, true);
    assert_int_equal(pthread_join(mover, NULL), 0);
    assert_int_equal(close(root), 0);
}

/* The descriptor that the next open would give. */
static int lowest_free(void)
{
    int fd = dup(STDIN_FILENO);

    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    return fd;
}

static void test_no_descriptor_is_lost(void **state)
{
    int before = lowest_free();

    (void)state;
    for (int i = 0; i < 100; i++) {
        struct file_stat st;

        check_content("d/e/deep", "deep");
        check_kind("d/e/none", FILE_ABSENT);
        check_refused("dirlink/file", O_RDONLY, -ELOOP, -ELOOP);
        check_refused("d/e/none/x", O_RDONLY, -ENOENT, -ENOENT);
        assert_int_equal(tree_stat(scratch_fd(), "dirlink/file", &st), -ELOOP);
    }
    assert_int_equal(lowest_free(), before);
}

static void test_read_whole(void **state)
{
    char text[8] = {0};
    int fd;

    (void)state;
    assert_int_equal(tree_open(scratch_fd(), "d/file", O_RDONLY, &fd), 0);
    assert_int_equal(read_whole(fd, text, 3), 0);
    assert_string_equal(text, "con");
    assert_int_equal(read_whole(fd, text, 4), 0);
    assert_string_equal(text, "tent");
    assert_int_equal(read_whole(fd, text, 0), 0);
    assert_int_equal(read_whole(fd, text, 1), ERR_CHANGED);
    assert_int_equal(close(fd), 0);
    assert_int_equal(read_whole(fd, text, 1), -EBADF);
}

static void test_read_parts(void **state)
{
    int fd;

    (void)state;
    assert_int_equal(tree_open(scratch_fd(), "d/file", O_RDONLY, &fd), 0); /* "content" */
    for (int times = 0; times <= 12; times++) { /* short, then interrupted, and so on */
        char a[2] = "", b[4] = "", c[2] = "";
        struct iovec parts[] = {{a, 1}, {b, 3}, {c, 1}};

        short_by = (size_t)times % 5;
        interruptions = times;
        assert_int_equal(read_parts_at(fd, 1, parts, 3), 0);
        interruptions = 0;
        assert_string_equal(a, "o");
        assert_string_equal(b, "nte");
        assert_string_equal(c, "n");
    }
    char text[8];
    struct iovec behind[] = {{text, 2}, {text + 2, 2}};
    assert_int_equal(read_parts_at(fd, 4, behind, 2), ERR_CHANGED);
    assert_int_equal(close(fd), 0);
    assert_int_equal(read_parts_at(fd, 0, behind, 2), -EBADF);
}

static void test_whole_through_a_narrow_pipe(void **state)
{
    enum { BYTES = 3000000 };
    unsigned char *bytes = malloc(BYTES);
    unsigned char *back = malloc(BYTES);
    int fds[2];
    pid_t child;

    (void)state;
    assert_non_null(bytes);
    assert_non_null(back);
    for (int i = 0; i < BYTES; i++)
        bytes[i] = (unsigned char)(i * 7 ^ i >> 8);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(write_whole(fds[1], bytes, BYTES) == 0 ? 0 : 1);
    assert_int_equal(close(fds[1]), 0);
    assert_int_equal(read_whole(fds[0], back, BYTES), 0);
    assert_memory_equal(bytes, back, BYTES);
    assert_int_equal(read_whole(fds[0], back, 1), ERR_CHANGED);
    assert_int_equal(close(fds[0]), 0);
    free(bytes);
    free(back);
}

/* Who has it open for writing, and who does not, or not any more. */
static void test_who_writes(void **state)
{
    int writer, reader;

    (void)state;
    scratch_write("f", "f");
    reader = openat(scratch_fd(), "f", O_RDONLY);
    assert_true(reader >= 0);
    assert_false(tree_is_written(reader));
    writer = openat(scratch_fd(), "f", O_WRONLY);
    assert_true(writer >= 0);
    assert_true(tree_is_written(reader));
    (void)close(writer);
    assert_false(tree_is_written(reader));
    assert_int_equal(fcntl(reader, F_GETLEASE), F_UNLCK);
    (void)close(reader);
    assert_false(tree_is_written(-1));
}

static void test_whole_despite_interruptions(void **state)
{
    char text[32] = {0};
    int fd;

    (void)state;
    assert_int_equal(tree_open(scratch_fd(), "d/file", O_RDWR, &fd), 0);
    interruptions = 8;
    assert_int_equal(read_whole(fd, text, 7), 0);
    assert_int_equal(interruptions, 0);
    assert_string_equal(text, "content");
    interruptions = 8;
    assert_int_equal(write_whole(fd, " and more", 9), 0);
    assert_int_equal(interruptions, 0);
    assert_string_equal(scratch_read("d/file"), "content and more");
    interruptions = 9;
    assert_int_equal(read_whole(fd, text, 1), ERR_CHANGED);
    interruptions = 0;
    assert_int_equal(close(fd), 0);
}

static void test_write_whole_fails(void **state)
{
    int fd;

    (void)state;
    assert_int_equal(tree_open(scratch_fd(), "d/file", O_RDONLY, &fd), 0);
    assert_int_equal(write_whole(fd, "x", 1), -EBADF);
    assert_int_equal(close(fd), 0);
    fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write_whole(fd, "x", 1), -ENOSPC);
    assert_int_equal(write_whole(fd, "x", 0), 0);
    assert_int_equal(close(fd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_opens_what_is_there, plant, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_says_what_is_not_there, plant, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_refuses_symbolic_links, plant, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_refuses_ways_out, plant, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_names_with_dots_are_names, plant, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_stat_sees_kinds, plant, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_stat_fails_where_it_cannot_see, plant,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(test_stat_tells_all, plant, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_a_file_is_who_it_was_under_another_name, plant,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(test_a_file_of_several_links_is_nobody, plant,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(test_reads_links_and_never_follows, plant,
                                        scratch_teardown),
        cmocka_unit_test(test_same_content),
        cmocka_unit_test_setup_teardown(test_root, plant, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_works_from_an_o_path_root, plant, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_a_directory_that_moves_out_is_no_other_device, plant,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(test_no_descriptor_is_lost, plant, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_read_whole, plant, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_read_parts, plant, scratch_teardown),
        cmocka_unit_test(test_whole_through_a_narrow_pipe),
        cmocka_unit_test_setup_teardown(test_who_writes, plant, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_whole_despite_interruptions, plant, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_write_whole_fails, plant, scratch_teardown),
    };
    static const struct CMUnitTest with_openat2[] = {cmocka_unit_test_setup_teardown(
        test_tries_again_while_others_rename, plant, scratch_teardown)};
    static const int ways[] = {0, ENOSYS, EPERM};
    int failed = cmocka_run_group_tests(with_openat2, NULL, NULL);

    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        openat2_fails_with = ways[i];
        openat2_fails_times = -1;
        failed +=
            cmocka_run_group_tests_name(ways[i] ? strerror(ways[i]) : "openat2", tests, NULL, NULL);
    }
    return failed;
}
