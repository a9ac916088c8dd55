/*
 * Files below a root, reached without ever leaving it. Shell.
 *
 * Every open goes through openat2(2) with
 * RESOLVE_BENEATH|RESOLVE_NO_SYMLINKS|RESOLVE_NO_MAGICLINKS, so neither "..", nor a symbolic link
 * put in the way, leads out of the tree.
 */
#ifndef LOCKSTEP_BASE_TREE_H
#define LOCKSTEP_BASE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum file_kind { FILE_ABSENT, FILE_REGULAR, FILE_DIRECTORY, FILE_SYMLINK, FILE_OTHER };

/* What stat says of a path. All zero but `kind` where it is absent. */
struct file_stat {
    enum file_kind kind;
    uint32_t mode; /* st_mode with the type */
    uint32_t uid;
    uint32_t gid;
    uint32_t nlink;
    uint64_t dev;
    uint64_t ino;
    uint64_t size;    /* bytes */
    int64_t mtime_ns; /* since 1970 */
    int64_t ctime_ns;
    int64_t born_ns; /* when the file was made; 0: not known, or it has several links */
};

/* What statx(2) has to be asked for all of that. file_stat_of(stx): it in the words of the house.
 */
#define FILE_STATX (STATX_BASIC_STATS | STATX_BTIME)
struct statx;
struct file_stat file_stat_of(const struct statx *stx);

/* A file, whatever it is renamed to. An inode is used again, so it says little alone; nobody can
 * set when it was made (statx(2), stx_btime), and renames and edits in place leave that as it is. A
 * file with several links is an image at each of them, so of those it says nothing. */
struct file_id {
    uint64_t ino;
    int64_t born_ns; /* 0: not known, and then two are never certainly the same */
};

/* file_id_of(st): that of the file that was looked at. file_id_same(a, b): certainly one file.
 * file_id_differs(a, b): certainly two. */
struct file_id file_id_of(const struct file_stat *st);
bool file_id_same(struct file_id a, struct file_id b);
bool file_id_differs(struct file_id a, struct file_id b);

/* tree_open_root(path, ret_fd): an O_PATH|O_DIRECTORY|O_CLOEXEC descriptor. 0 or -errno. Symbolic
 * links in the root's own path are followed: it is the operator's word. */
int tree_open_root(const char *path, int *ret_fd) __attribute__((warn_unused_result));

/* tree_open(root_fd, path, flags, ret_fd): open `path` ("" is the root) below the root. flags as
 * for open(2), without O_CREAT; O_CLOEXEC is added. 0 or -errno; -ELOOP or -EXDEV where the path
 * would leave the tree. */
int tree_open(int root_fd, const char *path, int flags, int *ret_fd)
    __attribute__((warn_unused_result));

/* tree_stat(root_fd, path, ret): stat without following the last link. A missing path (ENOENT or
 * ENOTDIR on the way) is FILE_ABSENT and 0; other failures are -errno (EIO, ESTALE, EACCES..., and
 * ELOOP where a directory on the way is a symbolic link: then nothing may be concluded about the
 * path). */
int tree_stat(int root_fd, const char *path, struct file_stat *ret)
    __attribute__((warn_unused_result));

/* tree_stat_at(dir_fd, name, ret): the same for one name in an open directory. */
int tree_stat_at(int dir_fd, const char *name, struct file_stat *ret)
    __attribute__((warn_unused_result));

/* tree_stat_remembered_at(dir_fd, name, ret): the same, but what a network file system remembers
 * will do; elsewhere its server is asked. */
int tree_stat_remembered_at(int dir_fd, const char *name, struct file_stat *ret)
    __attribute__((warn_unused_result));

/* tree_stat_fd(fd, ret): the same for an open file. */
int tree_stat_fd(int fd, struct file_stat *ret) __attribute__((warn_unused_result));

/* tree_lease(fd): from now on who wants to write the file waits for us, for some seconds at most;
 * fd: opened for reading alone. -EAGAIN: somebody has it open for writing; another -errno: there
 * are no leases, as on NFS, or the file is another's. tree_unlease(fd): nobody waits any more. */
int tree_lease(int fd) __attribute__((warn_unused_result));
void tree_unlease(int fd);

/* tree_is_written(fd): somebody has the file open for writing, if leases can tell. A write that is
 * under way has its time from when it began, so that no stat tells of it. */
bool tree_is_written(int fd);

/* file_same_content(a, b): device and kind aside, inode, size, mtime and ctime agree: the file was
 * not written between the two looks, as far as stat can tell. */
bool file_same_content(const struct file_stat *a, const struct file_stat *b);

/*
 * Symbolic links as files of their own: their content is their target, their mode says what they
 * are. Nothing is ever followed. tree_take_link(st): if it is of a link, it is one of a regular
 * file from now on. file_is_link(st): of such a one.
 */
void tree_take_link(struct file_stat *st);
bool file_is_link(const struct file_stat *st);

#define TREE_LINK_MAX 4080 /* bytes of a target, as FSx for Lustre and DataSync have it */

/* tree_read_link(root_fd, path, out, ret_n, ret_st): the target of a link, without a NUL, and the
 * link's stat, taken. 0 or -errno: ERR_CHANGED where it is no link any more, -ENAMETOOLONG past
 * TREE_LINK_MAX bytes. */
int tree_read_link(int root_fd, const char *path, char out[TREE_LINK_MAX], size_t *ret_n,
                   struct file_stat *ret_st) __attribute__((warn_unused_result));

/* read_whole(fd, p, n): exactly n bytes from the descriptor's position, short reads and EINTR
 * handled. 0, -errno, or ERR_CHANGED if the file ended early. */
int read_whole(int fd, void *p, uint64_t n) __attribute__((warn_unused_result));
/* read_whole_at(fd, at, p, n): the same from byte `at` of a file on; the position stays.
 * read_parts_at(fd, at, parts, count): into `count` places of 1 byte and more, one after the other;
 * `parts` is changed. */
int read_whole_at(int fd, uint64_t at, void *p, uint64_t n) __attribute__((warn_unused_result));
int read_parts_at(int fd, uint64_t at, struct iovec *parts, int count)
    __attribute__((warn_unused_result));
/* write_whole(fd, p, n): all n bytes. 0 or -errno. */
int write_whole(int fd, const void *p, uint64_t n) __attribute__((warn_unused_result));

#endif
