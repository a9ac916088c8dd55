/* The file behind a PUT: opened below its root, compared with what was observed, read once. Shell.
 */
#include "uploaders/source.h"

#include "base/crc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Bytes that are read before they are summed up: so many are still in the processor's cache then.
 */
#define PIECE_BYTES ((size_t)256 * 1024)

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

/* Bytes that are there, after those that were summed up before. */
static void sum_up(struct source_sums *sums, struct sha256 *hash, const char *p, size_t n)
{
    sums->crc = crc64nvme(sums->crc, p, n);
    if (sums->hashes)
        sha256_add(hash, p, n);
}

/* All bytes were summed up. */
static void end_sums(struct source_sums *sums, struct sha256 *hash)
{
    uint8_t digest[SHA256_BYTES];
    if (!sums->hashes)
        return;
    sha256_end(hash, digest);
    hex_encode(digest, sizeof(digest), sums->payload_hash);
}

/* Nothing was summed up yet. */
static void begin_sums(struct source_sums *sums, struct sha256 *hash)
{
    sums->crc = 0;
    sums->payload_hash[0] = '\0';
    sha256_begin(hash);
}

int source_read(int fd, char *p, size_t n, struct source_sums *sums)
{
    struct sha256 hash;
    begin_sums(sums, &hash);
    for (size_t at = 0; at < n;) {
        size_t piece = n - at < PIECE_BYTES ? n - at : PIECE_BYTES;
        int code = read_whole(fd, p + at, piece);
        if (code != 0)
            return code;
        sum_up(sums, &hash, p + at, piece);
        at += piece;
    }
    end_sums(sums, &hash);
    return 0;
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
static enum verdict load_link(struct transfer *t, char *p, struct source_sums *sums)
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
    struct sha256 hash;
    memcpy(p, target, n);
    begin_sums(sums, &hash);
    sum_up(sums, &hash, p, n);
    end_sums(sums, &hash);
    return VERDICT_DONE;
}

enum verdict source_load(struct transfer *t, char *p, struct source_sums *sums)
{
    int fd = -1;
    if (file_is_link(&t->expected))
        return load_link(t, p, sums);
    enum verdict v = source_open(t, &fd);
    if (v == VERDICT_DONE)
        v = source_judge(t, source_read(fd, p, t->expected.size, sums));
    if (v == VERDICT_DONE)
        v = source_end(t, fd);
    source_close(fd);
    return v;
}
