/* The file behind a PUT: opened below its root, compared with what was observed, read once. Shell.
 */
#include "uploaders/source.h"

#include "base/clock.h"
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

#define WRITTEN_NS (10 * NS_PER_S) /* so long a single write is given, at most */

/* It was changed a moment ago by somebody who has it open still: the change may be under way, and
 * its time is that of its beginning. */
static bool is_under_way(const struct transfer *t, int fd)
{
    const int64_t age_ns = clock_real_us() * (NS_PER_S / US_PER_S) - t->expected.ctime_ns;

    return age_ns >= 0 && age_ns < WRITTEN_NS && tree_is_written(fd);
}

enum verdict source_open(struct transfer *t, int *ret_fd)
{
    int fd;
    int code = tree_open(t->root_fd, t->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, &fd);
    if (code != 0)
        return cannot_open(t, code);
    enum verdict v = compare(t, fd);
    t->written = v == VERDICT_DONE && is_under_way(t, fd);
    if (t->written)
        v = changed(t, "somebody is writing it");
    if (v == VERDICT_DONE)
        *ret_fd = fd;
    else
        source_close(fd);
    return v;
}

/* Bytes that are there, after those that were summed up before; without their hash where that is
 * NULL. */
static void sum_up(struct source_sums *sums, struct sha256 *hash, const char *p, size_t n)
{
    sums->crc = crc64nvme(sums->crc, p, n);
    if (hash)
        sha256_add(hash, p, n);
}

/* All bytes were hashed. */
static void end_hash(struct source_sums *sums, struct sha256 *hash)
{
    uint8_t digest[SHA256_BYTES];
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

/* n bytes from `from` on, summed up while they are in the processor's cache. */
static int read_summed(int fd, uint64_t from, char *p, size_t n, struct source_sums *sums,
                       struct sha256 *hash)
{
    for (size_t at = 0; at < n;) {
        size_t piece = n - at < PIECE_BYTES ? n - at : PIECE_BYTES;
        int code = read_whole_at(fd, from + at, p + at, piece);
        if (code != 0)
            return code;
        sum_up(sums, hash, p + at, piece);
        at += piece;
    }
    return 0;
}

int source_read(int fd, uint64_t at, char *p, size_t n, struct source_sums *sums)
{
    struct sha256 hash;
    begin_sums(sums, &hash);
    int code = read_summed(fd, at, p, n, sums, sums->hashes ? &hash : NULL);
    if (code == 0 && sums->hashes)
        end_hash(sums, &hash);
    return code;
}

void source_hash(struct source_sums *sums, struct span body)
{
    struct sha256 hash;
    sha256_begin(&hash);
    sha256_add(&hash, body.p, body.n);
    end_hash(sums, &hash);
}

void source_hash_both(struct source_sums *a, struct span x, struct source_sums *b, struct span y)
{
    struct sha256 hashes[2];
    sha256_begin(&hashes[0]);
    sha256_begin(&hashes[1]);
    sha256_add_both(&hashes[0], x, &hashes[1], y);
    end_hash(a, &hashes[0]);
    end_hash(b, &hashes[1]);
}

/* What a piece has from there on, PIECE_BYTES at most. */
static struct span next_bytes(const struct source_piece *piece, size_t at)
{
    size_t begin = at < piece->n ? at : piece->n;
    size_t left = piece->n - begin;
    return (struct span){piece->p + begin, left < PIECE_BYTES ? left : PIECE_BYTES};
}

/* The second piece, which is hashed as it comes, together with the first one, which is there. */
static int read_second(int fd, const struct source_piece pieces[2], struct sha256 hashes[2])
{
    for (size_t at = 0; at < pieces[0].n || at < pieces[1].n; at += PIECE_BYTES) {
        const struct span x = next_bytes(&pieces[0], at), y = next_bytes(&pieces[1], at);
        int code = y.n > 0 ? read_whole_at(fd, pieces[1].at + at, pieces[1].p + at, y.n) : 0;
        if (code != 0)
            return code;
        pieces[1].sums->crc = crc64nvme(pieces[1].sums->crc, y.p, y.n);
        sha256_add_both(&hashes[0], x, &hashes[1], y);
    }
    return 0;
}

int source_read_both(int fd, const struct source_piece pieces[2])
{
    struct sha256 hashes[2];
    begin_sums(pieces[0].sums, &hashes[0]);
    begin_sums(pieces[1].sums, &hashes[1]);
    int code = read_summed(fd, pieces[0].at, pieces[0].p, pieces[0].n, pieces[0].sums, NULL);
    if (code == 0)
        code = read_second(fd, pieces, hashes);
    if (code != 0)
        return code;
    end_hash(pieces[0].sums, &hashes[0]);
    end_hash(pieces[1].sums, &hashes[1]);
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
    sum_up(sums, sums->hashes ? &hash : NULL, p, n);
    if (sums->hashes)
        end_hash(sums, &hash);
    return VERDICT_DONE;
}

enum verdict source_load(struct transfer *t, char *p, struct source_sums *sums)
{
    int fd = -1;
    if (file_is_link(&t->expected))
        return load_link(t, p, sums);
    enum verdict v = source_open(t, &fd);
    if (v == VERDICT_DONE)
        v = source_judge(t, source_read(fd, 0, p, t->expected.size, sums));
    if (v == VERDICT_DONE)
        v = source_end(t, fd);
    source_close(fd);
    return v;
}
