/* The file behind a PUT: opened below its root, compared with what was observed, read once. Shell.
 */
#include "uploaders/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The file moved under us. */
static enum verdict changed(struct transfer *t, const char *how)
{
    snprintf(t->message, sizeof(t->message), "%s", how);
    return VERDICT_CHANGED;
}

/* The system said no. */
static enum verdict failed(struct transfer *t, const char *what, int code)
{
    t->code = code;
    snprintf(t->message, sizeof(t->message), "%s: %s", what, err_name(code));
    return VERDICT_UNREADABLE;
}

/* Why it could not be opened. */
static enum verdict cannot_open(struct transfer *t, int code)
{
    switch (code) {
    case -ENOENT:
    case -ENOTDIR:
        snprintf(t->message, sizeof(t->message), "the file is gone");
        return VERDICT_ABSENT;
    case -ELOOP:
    case -EXDEV:
        return changed(t, "a symbolic link is in its place or on its way");
    case -ENXIO:
    case -ENODEV:
        return changed(t, "it is not a regular file any more");
    default:
        return failed(t, "open", code);
    }
}

/* Is the open file what was observed? */
static enum verdict compare(struct transfer *t, int fd)
{
    struct file_stat now;
    int code = tree_stat_fd(fd, &now);
    if (code == -ENOENT || code == -ESTALE)
        return changed(t, "another host removed or replaced it");
    if (code != 0)
        return failed(t, "stat", code);
    if (now.kind != FILE_REGULAR)
        return changed(t, "it is not a regular file any more");
    if (!file_same_content(&now, &t->expected))
        return changed(t, "inode, size, mtime or ctime are others than observed");
    return VERDICT_DONE;
}

enum verdict source_open(struct transfer *t, int *ret_fd)
{
    int fd;
    int code = tree_open(t->root_fd, t->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, &fd);
    if (code != 0)
        return cannot_open(t, code);
    enum verdict v = compare(t, fd);
    if (v == VERDICT_DONE)
        *ret_fd = fd;
    else
        source_close(fd);
    return v;
}

enum verdict source_read(struct transfer *t, int fd, char *p, size_t n)
{
    return source_judge(t, read_whole(fd, p, n));
}

enum verdict source_judge(struct transfer *t, int code)
{
    if (code == ERR_CHANGED)
        return changed(t, "it ended early");
    return code == 0 ? VERDICT_DONE : failed(t, "read", code);
}

enum verdict source_end(struct transfer *t, int fd)
{
    return compare(t, fd); /* what has grown has another size */
}

void source_close(int fd)
{
    if (fd >= 0)
        (void)close(fd); /* it was only read */
}

/* The target of a symbolic link, which is what is stored of it. It never changes in place: where
 * the link is the one that was observed, so is its target. */
static enum verdict load_link(struct transfer *t, char *p)
{
    char target[TREE_LINK_MAX];
    struct file_stat now;
    size_t n;
    int code = tree_read_link(t->root_fd, t->path, target, &n, &now);
    if (code == -ENAMETOOLONG) {
        snprintf(t->message, sizeof(t->message),
                 "the target of the symbolic link has more than 4,080 bytes");
        return VERDICT_REFUSED;
    }
    if (code == ERR_CHANGED)
        return changed(t, "it is not a symbolic link any more");
    if (code != 0)
        return cannot_open(t, code);
    if (!file_same_content(&now, &t->expected) || n != t->expected.size)
        return changed(t, "inode, size, mtime or ctime are others than observed");
    memcpy(p, target, n);
    return VERDICT_DONE;
}

enum verdict source_load(struct transfer *t, char *p)
{
    int fd = -1;
    if (file_is_link(&t->expected))
        return load_link(t, p);
    enum verdict v = source_open(t, &fd);
    if (v == VERDICT_DONE)
        v = source_read(t, fd, p, t->expected.size);
    if (v == VERDICT_DONE)
        v = source_end(t, fd);
    source_close(fd);
    return v;
}
