/* A file held open, and what can be known of its writers. Shell. */
#include "lists/held.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE_BYTES (1 << 18) /* of a comparison: fits the cache */

/* Read up to n bytes from an offset: how many (less than n only at the end), or -errno. */
static int64_t read_at(int fd, char *p, size_t n, uint64_t offset)
{
    size_t done = 0;

    while (done < n) {
        ssize_t got = pread(fd, p + done, n - done, (off_t)(offset + done));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (int64_t)done;
}

/* Read all of h->fd. On failure nothing is allocated. */
static int read_all(struct held *h, uint64_t max_bytes)
{
    struct file_stat after;
    int64_t got;
    int rc = tree_stat_fd(h->fd, &h->st);

    if (rc < 0)
        return rc;
    if (h->st.kind != FILE_REGULAR)
        return ERR_NOT_FILE;
    if (h->st.size > max_bytes)
        return ERR_LIMIT;
    h->bytes = malloc(h->st.size + 1);
    if (!h->bytes)
        return -ENOMEM;
    got = read_at(h->fd, h->bytes, h->st.size + 1, 0); /* one more shows that it grew */
    rc = got < 0 ? (int)got : tree_stat_fd(h->fd, &after);
    if (rc == 0 && ((uint64_t)got != h->st.size || !file_same_content(&h->st, &after)))
        rc = ERR_CHANGED;
    if (rc < 0) {
        free(h->bytes);
        h->bytes = NULL;
        return rc;
    }
    h->content = (struct span){h->bytes, h->st.size};
    return 0;
}

int held_open(struct held *h, int dir_fd, const char *name, uint64_t max_bytes)
{
    struct held new = HELD_NOTHING;
    /* O_NONBLOCK: a pipe of this name must not make us wait. */
    int rc = tree_open(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, &new.fd);

    if (rc == -ELOOP || rc == -ENXIO)
        return ERR_NOT_FILE; /* a symbolic link, a socket */
    if (rc == 0)
        rc = read_all(&new, max_bytes);
    if (rc < 0) {
        held_release(&new);
        return rc;
    }
    *h = new;
    return 0;
}

int held_adopt(struct held *h, int dir_fd, const char *name, struct span content)
{
    struct held new = {.fd = -1, .content = content};
    int rc = tree_open(dir_fd, name, O_RDONLY | O_NOFOLLOW, &new.fd);

    if (rc == 0)
        rc = tree_stat_fd(new.fd, &new.st);
    if (rc < 0) {
        held_release(&new);
        return rc;
    }
    *h = new;
    return 0;
}

int held_reread(const struct held *h, uint64_t max_bytes, struct held *ret)
{
    struct held new = HELD_NOTHING;
    int rc = 0;

    new.fd = fcntl(h->fd, F_DUPFD_CLOEXEC, 0);
    if (new.fd < 0)
        return -errno;
    rc = read_all(&new, max_bytes);
    if (rc < 0) {
        held_release(&new);
        return rc;
    }
    *ret = new;
    return 0;
}

void held_release(struct held *h)
{
    held_unlease(h);
    if (h->fd >= 0)
        (void)close(h->fd); /* opened for reading: nothing to lose */
    free(h->bytes);
    *h = HELD_NOTHING;
}

int held_lease(struct held *h)
{
    int rc = tree_lease(h->fd);

    h->leased = h->leased || rc == 0;
    return rc;
}

void held_unlease(struct held *h)
{
    if (h->leased)
        tree_unlease(h->fd);
    h->leased = false;
}

/* The file holds exactly these bytes. */
static bool same_bytes(int fd, struct span content)
{
    char *piece = malloc(PIECE_BYTES);
    bool same = piece != NULL;

    for (size_t at = 0; same && at < content.n;) {
        size_t n = content.n - at < PIECE_BYTES ? content.n - at : PIECE_BYTES;

        same = read_at(fd, piece, n, at) == (int64_t)n && memcmp(piece, content.p + at, n) == 0;
        at += n;
    }
    same = same && read_at(fd, piece, 1, content.n) == 0; /* and nothing after them */
    free(piece);
    return same;
}

bool held_untouched(const struct held *h)
{
    struct file_stat now;

    if (tree_stat_fd(h->fd, &now) < 0 || now.size != h->st.size || now.mode != h->st.mode ||
        now.uid != h->st.uid || now.gid != h->st.gid)
        return false;
    if (!same_bytes(h->fd, h->content))
        return false;
    return !h->leased || fcntl(h->fd, F_GETLEASE) == F_RDLCK;
}

bool held_is_at(const struct held *h, int dir_fd, const char *name)
{
    struct file_stat now;

    /* From the directory's stat NFS learns of names that another host gave anew. */
    return tree_stat_fd(dir_fd, &now) == 0 && tree_stat_at(dir_fd, name, &now) == 0 &&
           now.kind == FILE_REGULAR && now.dev == h->st.dev && now.ino == h->st.ino;
}
