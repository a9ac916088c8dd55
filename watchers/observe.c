/*
 * What is at a path. Shell. See observe.h.
 */
#include "watchers/observe.h"

#include "base/path.h"
#include "base/tree.h"
#include "watchers/pool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Is an open directory of our tree, and, if it is the root, still there? 0 or -errno. */
static int counts(const struct place_root *root, int fd, bool is_root, uint64_t *ret_ino)
{
    struct statx stx;
    int code = place_statx(fd, "", STATX_NLINK, &stx);

    if (code == 0) {
        code = place_same_mount(root, &stx);
    }
    *ret_ino = code == 0 ? stx.stx_ino : 0;
    return code == 0 && is_root && root->nlink_tells && stx.stx_nlink == 0 ? -ESTALE : code;
}

/* Nothing was found at the path: is that so in our tree, or in another that hides it? Looks at the
 * nearest directory above that is there; by that a network file system learns of names that it
 * remembers as absent. 0, -EXDEV, -ESTALE, -errno. */
static int absence_counts(const struct place_root *root, const char *path)
{
    char above[PATH_BYTES_MAX + 1];
    uint64_t ino;
    int code = -ENOENT;

    if (strlen(path) > PATH_BYTES_MAX) {
        return -ENAMETOOLONG;
    }
    memcpy(above, path, strlen(path) + 1);
    while (place_is_absent(code) && above[0] != '\0') {
        int fd;

        code = path_parent(above, sizeof(above), above);
        code = code != 0 ? code : tree_open(root->fd, above, O_PATH | O_DIRECTORY, &fd);
        if (code == 0) {
            code = counts(root, fd, above[0] == '\0', &ino);
            (void)close(fd); /* read only */
        }
    }
    return place_is_absent(code) ? -ESTALE : code;
}

/* Of a name in an open directory, or ("") of what is open, if it is of our tree. 0 or -errno. */
static int stat_at(const struct place_root *root, int fd, const char *name, struct file_stat *ret)
{
    struct statx stx;
    int code = place_statx(fd, name, FILE_STATX, &stx);

    code = code != 0 ? code : place_same_mount(root, &stx);
    if (code == 0) {
        *ret = file_stat_of(&stx);
        if (root->links) {
            tree_take_link(ret);
        }
    }
    return code;
}

/* One look at the path. 0 or -errno (is_absent). */
static int stat_once(const struct place_root *root, const char *path, struct file_stat *ret)
{
    int fd;
    int code = tree_open(root->fd, path, O_PATH | O_NOFOLLOW, &fd);

    if (code != 0) {
        return code;
    }
    code = stat_at(root, fd, "", ret);
    (void)close(fd); /* read only */
    return code;
}

/* Does the directory above list the name? Asked where stat says that it is absent. 0 if not,
 * -EAGAIN if so, or -errno. */
static int listed(const struct place_root *root, const char *path, void *scratch)
{
    char above[PATH_BYTES_MAX + 1];
    ssize_t n = 0;
    int fd;
    int code = path_parent(above, sizeof(above), path);

    code = code != 0 ? code : tree_open(root->fd, above, O_RDONLY | O_DIRECTORY, &fd);
    if (code != 0) {
        return place_is_absent(code) ? 0 : code;
    }
    while (code == 0 && (n = getdents64(fd, scratch, POOL_SCRATCH_BYTES)) > 0) {
        for (ssize_t at = 0; at < n && code == 0;) {
            const struct dirent64 *d = (const struct dirent64 *)((char *)scratch + at);

            at += d->d_reclen;
            code = strcmp(d->d_name, path_name(path)) == 0 ? -EAGAIN : 0;
        }
    }
    code = n < 0 ? -errno : code;
    (void)close(fd);                         /* read only */
    return place_is_absent(code) ? 0 : code; /* the directory itself went meanwhile */
}

/* Have the kernel ask the server for the directories on the way, from the root down: by that NFS
 * forgets names that another host moved away, and what they led to. What fails here fails again
 * where it matters. */
static void refresh_above(const struct place_root *root, const char *path)
{
    char above[PATH_BYTES_MAX + 1] = "";
    struct statx stx;

    (void)place_statx(root->fd, "", 0, &stx);
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        const size_t n = (size_t)(slash - path);
        int fd;

        if (n > PATH_BYTES_MAX) {
            return;
        }
        memcpy(above, path, n);
        above[n] = '\0';
        if (tree_open(root->fd, above, O_PATH | O_DIRECTORY, &fd) != 0) {
            return;
        }
        (void)place_statx(fd, "", 0, &stx);
        (void)close(fd); /* read only */
    }
}

int observe(const struct place_root *root, const char *path, void *scratch, struct file_stat *ret)
{
    int code;

    if (root->remote) {
        refresh_above(root, path);
    }
    code = stat_once(root, path, ret);
    if (!place_is_absent(code)) {
        return code;
    }
    code = absence_counts(root, path);
    if (code != 0) {
        return code;
    }
    code = root->remote ? stat_once(root, path, ret) : -ENOENT;
    if (!place_is_absent(code)) {
        return code;
    }
    code = root->list_absent ? listed(root, path, scratch) : 0;
    if (code == 0) {
        *ret = (struct file_stat){.kind = FILE_ABSENT};
    }
    return code;
}

/* Do two paths lie in one directory? */
static bool share_directory(const char *a, const char *b)
{
    const size_t n = (size_t)(path_name(a) - a);

    return n == (size_t)(path_name(b) - b) && memcmp(a, b, n) == 0;
}

/* Open a directory of our tree. 0 or -errno. */
static int open_above(const struct place_root *root, const char *above, int *ret_fd,
                      uint64_t *ret_ino)
{
    int fd;
    int code = tree_open(root->fd, above, O_PATH | O_DIRECTORY, &fd);

    if (code != 0) {
        return code;
    }
    code = counts(root, fd, above[0] == '\0', ret_ino);
    if (code != 0) {
        (void)close(fd); /* O_PATH */
        return code;
    }
    *ret_fd = fd;
    return 0;
}

/* Nothing is at the path. */
static void found_nothing(struct observation *o)
{
    o->code = 0;
    o->st = (struct file_stat){.kind = FILE_ABSENT};
}

/* Look at names in one open directory. */
static void observe_in(const struct place_root *root, int fd, struct observation *each, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        each[i].code = stat_at(root, fd, path_name(each[i].path), &each[i].st);
        if (place_is_absent(each[i].code)) {
            found_nothing(&each[i]);
        }
    }
}

/* Look at paths in one directory, which is opened once for all. False if nothing is told by that:
 * it cannot be opened, or it is another one afterwards. */
static bool observe_together(const struct place_root *root, struct observation *each, size_t n)
{
    char above[PATH_BYTES_MAX + 1];
    uint64_t before, after = 0;
    int fd, again;
    int code = path_parent(above, sizeof(above), each[0].path);

    code = code != 0 ? code : open_above(root, above, &fd, &before);
    if (place_is_absent(code) && absence_counts(root, each[0].path) == 0) {
        for (size_t i = 0; i < n; i++) {
            found_nothing(&each[i]);
        }
        return true;
    }
    if (code != 0) {
        return false;
    }
    observe_in(root, fd, each, n);
    if (open_above(root, above, &again, &after) == 0) {
        (void)close(again); /* O_PATH */
    }
    (void)close(fd); /* O_PATH; no other directory had its inode until now */
    return after == before;
}

bool observe_is_quick(const struct place_root *root)
{
    return !root->remote && !root->list_absent;
}

void observe_each(const struct place_root *root, struct observation *each, size_t n, void *scratch)
{
    const bool quick = observe_is_quick(root);

    for (size_t from = 0, to; from < n; from = to) {
        to = from + 1;
        while (quick && to < n && share_directory(each[from].path, each[to].path)) {
            to++;
        }
        if (to - from > 1 && observe_together(root, each + from, to - from)) {
            continue;
        }
        for (size_t i = from; i < to; i++) {
            each[i].code = observe(root, each[i].path, scratch, &each[i].st);
        }
    }
}
