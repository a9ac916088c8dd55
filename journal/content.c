/* The bytes of a segment. Shell. See content.h. */
#include "journal/content.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)

int journal_content_open(struct journal_content *s, int dir_fd, struct journal_name name)
{
    struct journal_content found = {-1, NULL};
    char file[JOURNAL_FILE_SIZE];
    int rc = 0;

    found.fd = openat(dir_fd, journal_name_format(name, file), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (found.fd < 0 && errno == ENOENT) {
        /* In this order: the compressed one is there before the plain one goes. */
        found.fd =
            openat(dir_fd, journal_packed_name(name, file), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (found.fd >= 0)
            rc = packed_file_open(found.fd, &found.packed);
    }
    if (found.fd < 0)
        return -errno;
    if (rc)
        close(found.fd);
    else
        *s = found;
    return rc;
}

void journal_content_close(struct journal_content *s)
{
    packed_file_close(s->packed);
    s->packed = NULL;
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

ssize_t journal_content_read(struct journal_content *s, void *to, size_t n, uint64_t offset)
{
    ssize_t got;

    if (s->packed)
        return packed_file_read(s->packed, to, n, offset);
    do
        got = pread(s->fd, to, n, (off_t)offset);
    while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

int journal_content_read_all(struct journal_content *s, void *to, size_t n, uint64_t offset)
{
    char *at = to;

    while (n) {
        const ssize_t got = journal_content_read(s, at, n, offset);

        if (got <= 0)
            return got ? (int)got : ERR_CORRUPT;
        at += got;
        n -= (size_t)got;
        offset += (uint64_t)got;
    }
    return 0;
}

int journal_content_stat(const struct journal_content *s, uint64_t *ret_size, int64_t *ret_mtime_ns)
{
    struct stat st;

    if (fstat(s->fd, &st))
        return -errno;
    if (ret_size)
        *ret_size = s->packed ? packed_file_plain(s->packed) : (uint64_t)st.st_size;
    if (ret_mtime_ns)
        *ret_mtime_ns = st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec;
    return 0;
}

void journal_content_watch(struct journal_content *s,
                           void (*tell)(void *arg, const struct journal_damage *d), void *arg)
{
    if (s->packed)
        packed_file_watch(s->packed, tell, arg);
}

bool journal_content_is_packed(int dir_fd, struct journal_name name)
{
    char file[JOURNAL_FILE_SIZE];

    return faccessat(dir_fd, journal_name_format(name, file), F_OK, AT_SYMLINK_NOFOLLOW) != 0 &&
           faccessat(dir_fd, journal_packed_name(name, file), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

char *journal_content_file(int dir_fd, struct journal_name name, char out[JOURNAL_FILE_SIZE])
{
    return journal_content_is_packed(dir_fd, name) ? journal_packed_name(name, out)
                                                   : journal_name_format(name, out);
}
