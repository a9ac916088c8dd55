/*
 * Files below a root. Shell.
 *
 * Where openat2 is missing (kernels before 5.6) or forbidden by a system call filter, the path is
 * walked one component at a time with O_NOFOLLOW: slower, as safe.
 */
#include "base/tree.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define OPEN_TRIES 16 /* while somebody renames on the way; then -EAGAIN */
#define TRANSFER_MAX                                                                               \
    ((uint64_t)1 << 30) /* bytes a read or write call; Linux takes at most 2 GiB                   \
                         */

int tree_open_root(const char *path, int *ret_fd)
{
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    *ret_fd = fd;
    return 0;
}

/* The path has a component "..", or starts at the host's root. */
static bool leads_out(const char *path)
{
    if (*path == '/')
        return true;
    for (const char *p = path; p; p = strchr(p, '/')) {
        p += *p == '/';
        if (p[0] == '.' && p[1] == '.' && (p[2] == '\0' || p[2] == '/'))
            return true;
    }
    return false;
}

/* Did openat2 fail because of a rename on the way? The kernel says EXDEV where a directory that it
 * had entered was moved out from below the root (complete_walk in fs/namei.c): the place is to be
 * looked at again, it says nothing of mounts. */
static bool is_passing(int code)
{
    return code == EAGAIN || code == EXDEV || code == EINTR;
}

/* openat2 below the root: a descriptor or -errno. The path does not lead out by itself. */
static int open_beneath(int root_fd, const char *path, int flags)
{
    struct open_how how = {
        .flags = (uint64_t)(unsigned)flags,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    for (int i = 0; i < OPEN_TRIES; i++) {
        const long fd = syscall(SYS_openat2, root_fd, *path ? path : ".", &how, sizeof(how));
        if (fd >= 0)
            return (int)fd;
        if (!is_passing(errno))
            return -errno;
    }
    return -EAGAIN;
}

/* openat, saying ELOOP where O_DIRECTORY makes the kernel say ENOTDIR of a symbolic link. */
static int open_component(int dir_fd, const char *name, int flags)
{
    struct stat st;
    int fd = openat(dir_fd, name, flags | O_NOFOLLOW);

    if (fd >= 0)
        return fd;
    if (errno == ENOTDIR && fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISLNK(st.st_mode))
        return -ELOOP;
    return -errno;
}

/* Open below the root one component at a time: a descriptor or -errno. */
static int open_walking(int root_fd, const char *path, int flags)
{
    char name[PATH_COMPONENT_MAX + 1];
    int dir_fd = root_fd;
    int fd;

    for (;;) {
        size_t n = strcspn(path, "/");
        bool last = path[n] == '\0';

        if (n > PATH_COMPONENT_MAX) {
            fd = -ENAMETOOLONG;
        } else {
            memcpy(name, path, n);
            name[n] = '\0';
            fd = open_component(dir_fd, n > 0 ? name : ".",
                                last ? flags : O_PATH | O_DIRECTORY | O_CLOEXEC);
        }
        if (dir_fd != root_fd)
            (void)close(dir_fd); /* O_PATH: nothing was written that could fail */
        if (fd < 0 || last)
            return fd;
        dir_fd = fd;
        path += n + 1;
    }
}

int tree_open(int root_fd, const char *path, int flags, int *ret_fd)
{
    int fd;

    if (flags & O_CREAT)
        return -EINVAL;
    if (leads_out(path))
        return -EXDEV;
    fd = open_beneath(root_fd, path, flags | O_CLOEXEC);
    if (fd == -ENOSYS || fd == -EPERM)
        fd = open_walking(root_fd, path, flags | O_CLOEXEC);
    if (fd < 0)
        return fd;
    *ret_fd = fd;
    return 0;
}

/* The kind of file that a mode tells of. */
static enum file_kind kind_of(mode_t mode)
{
    if (S_ISREG(mode))
        return FILE_REGULAR;
    if (S_ISDIR(mode))
        return FILE_DIRECTORY;
    return S_ISLNK(mode) ? FILE_SYMLINK : FILE_OTHER;
}

/* A time as one number. */
static int64_t nanoseconds(struct statx_timestamp t)
{
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* When the file was made, where that says who it is: with several links it is several images. */
static int64_t birth_of(const struct statx *stx)
{
    return stx->stx_mask & STATX_BTIME && stx->stx_nlink == 1 ? nanoseconds(stx->stx_btime) : 0;
}

struct file_stat file_stat_of(const struct statx *stx)
{
    return (struct file_stat){
        .kind = kind_of(stx->stx_mode),
        .mode = stx->stx_mode,
        .uid = stx->stx_uid,
        .gid = stx->stx_gid,
        .nlink = stx->stx_nlink,
        .dev = makedev(stx->stx_dev_major, stx->stx_dev_minor),
        .ino = stx->stx_ino,
        .size = stx->stx_size,
        .mtime_ns = nanoseconds(stx->stx_mtime),
        .ctime_ns = nanoseconds(stx->stx_ctime),
        .born_ns = birth_of(stx),
    };
}

/* Look, and translate what the kernel says. What a network file system remembers of a file may be a
 * minute old and proves nothing: with AT_STATX_FORCE_SYNC its server is asked. 0 or -errno. */
static int look(int fd, const char *name, int flags, struct file_stat *ret)
{
    struct statx stx;

    if (statx(fd, name, flags, FILE_STATX, &stx) < 0)
        return -errno;
    *ret = file_stat_of(&stx);
    return 0;
}

struct file_id file_id_of(const struct file_stat *st)
{
    return (struct file_id){.ino = st->ino, .born_ns = st->born_ns};
}

bool file_id_same(struct file_id a, struct file_id b)
{
    return a.born_ns != 0 && a.ino == b.ino && a.born_ns == b.born_ns;
}

bool file_id_differs(struct file_id a, struct file_id b)
{
    return a.ino != b.ino || (a.born_ns != 0 && b.born_ns != 0 && a.born_ns != b.born_ns);
}

/* What a failed look at a path means: 0 and FILE_ABSENT, or the error. */
static int missing_or(int code, struct file_stat *ret)
{
    if (code != -ENOENT && code != -ENOTDIR)
        return code;
    *ret = (struct file_stat){.kind = FILE_ABSENT};
    return 0;
}

int tree_stat(int root_fd, const char *path, struct file_stat *ret)
{
    int fd;
    int rc;

    if (*path != '\0' && !strchr(path, '/') && !leads_out(path))
        return tree_stat_at(root_fd, path, ret);
    rc = tree_open(root_fd, path, O_PATH | O_NOFOLLOW, &fd);
    if (rc < 0)
        return missing_or(rc, ret);
    rc = tree_stat_fd(fd, ret);
    (void)close(fd);            /* O_PATH: nothing was written that could fail */
    return missing_or(rc, ret); /* FUSE may open by memory what its server has no more */
}

int tree_stat_at(int dir_fd, const char *name, struct file_stat *ret)
{
    return missing_or(look(dir_fd, name, AT_SYMLINK_NOFOLLOW | AT_STATX_FORCE_SYNC, ret), ret);
}

int tree_stat_remembered_at(int dir_fd, const char *name, struct file_stat *ret)
{
    return missing_or(look(dir_fd, name, AT_SYMLINK_NOFOLLOW, ret), ret);
}

int tree_stat_fd(int fd, struct file_stat *ret)
{
    return look(fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, ret);
}

int tree_lease(int fd)
{
    /* A writer that waits for us is told of by a signal: SIGIO would end the process, SIGURG is
     * ignored unless somebody asks for it. We look with F_GETLEASE instead. */
    return fcntl(fd, F_SETSIG, SIGURG) < 0 || fcntl(fd, F_SETLEASE, F_RDLCK) < 0 ? -errno : 0;
}

void tree_unlease(int fd)
{
    (void)fcntl(fd, F_SETLEASE, F_UNLCK); /* it may have been taken from us by time */
}

bool tree_is_written(int fd)
{
    int code = tree_lease(fd);

    if (code == 0)
        tree_unlease(fd);
    return code == -EAGAIN;
}

bool file_same_content(const struct file_stat *a, const struct file_stat *b)
{
    return a->ino == b->ino && a->size == b->size && a->mtime_ns == b->mtime_ns &&
           a->ctime_ns == b->ctime_ns;
}

void tree_take_link(struct file_stat *st)
{
    if (st->kind == FILE_SYMLINK)
        st->kind = FILE_REGULAR;
}

bool file_is_link(const struct file_stat *st)
{
    return st->kind == FILE_REGULAR && S_ISLNK(st->mode);
}

int tree_read_link(int root_fd, const char *path, char out[TREE_LINK_MAX], size_t *ret_n,
                   struct file_stat *ret_st)
{
    char target[TREE_LINK_MAX + 1];
    struct file_stat st;
    ssize_t n = -1;
    int fd;
    int rc = tree_open(root_fd, path, O_PATH | O_NOFOLLOW, &fd);

    if (rc < 0)
        return rc;
    rc = tree_stat_fd(fd, &st);
    if (rc == 0 && st.kind != FILE_SYMLINK)
        rc = ERR_CHANGED;
    if (rc == 0) {
        n = readlinkat(fd, "", target, sizeof(target));
        rc = n < 0 ? -errno : n > TREE_LINK_MAX ? -ENAMETOOLONG : 0;
    }
    (void)close(fd); /* O_PATH: nothing was written that could fail */
    if (rc < 0)
        return rc;
    tree_take_link(&st);
    memcpy(out, target, (size_t)n);
    *ret_n = (size_t)n;
    *ret_st = st;
    return 0;
}

/* What a read has brought: bytes, 0 where it was interrupted, or a negative code. */
static ssize_t brought(ssize_t got)
{
    if (got < 0)
        return errno == EINTR ? 0 : -errno;
    return got > 0 ? got : ERR_CHANGED;
}

#define ONWARDS UINT64_MAX /* from where the descriptor stands */

/* Read n bytes from there. */
static int read_from(int fd, uint64_t from, void *p, uint64_t n)
{
    char *at = p;

    while (n > 0) {
        const size_t room = n < TRANSFER_MAX ? n : TRANSFER_MAX;
        ssize_t got = brought(
            from == ONWARDS ? read(fd, at, room)
                            : pread(fd, at, room, (off_t)(from + (uint64_t)(at - (char *)p))));

        if (got < 0)
            return (int)got;
        at += got;
        n -= (uint64_t)got;
    }
    return 0;
}

int read_whole(int fd, void *p, uint64_t n)
{
    return read_from(fd, ONWARDS, p, n);
}

int read_whole_at(int fd, uint64_t at, void *p, uint64_t n)
{
    return read_from(fd, at, p, n);
}

int read_parts_at(int fd, uint64_t at, struct iovec *parts, int count)
{
    while (count > 0) {
        ssize_t got = brought(preadv(fd, parts, count, (off_t)at));

        if (got < 0)
            return (int)got;
        at += (uint64_t)got;
        for (; count > 0 && (size_t)got >= parts->iov_len; parts++, count--)
            got -= (ssize_t)parts->iov_len;
        if (count > 0)
            *parts = (struct iovec){(char *)parts->iov_base + got, parts->iov_len - (size_t)got};
    }
    return 0;
}

int write_whole(int fd, const void *p, uint64_t n)
{
    const char *at = p;

    while (n > 0) {
        ssize_t put = write(fd, at, n < TRANSFER_MAX ? n : TRANSFER_MAX);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -errno;
        at += put;
        n -= (uint64_t)put;
    }
    return 0;
}
