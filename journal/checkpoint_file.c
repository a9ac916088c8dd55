/* Files of checkpoints: read whole, grown by one note, replaced where that is in doubt. Shell. */
#include "journal/checkpoint.h"

#include "base/replace.h"
#include "journal/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MODE 0600

/* All bytes of an open file. 0, ERR_LIMIT, -ENOMEM, -errno. */
static int read_all(int fd, struct buf *out)
{
    struct stat st;
    ssize_t n = 1;
    int rc;

    if (fstat(fd, &st))
        return -errno;
    if (!S_ISREG(st.st_mode))
        return ERR_NOT_FILE;
    if (st.st_size > (off_t)JOURNAL_CHECKPOINTS_MAX)
        return ERR_LIMIT;
    rc = buf_reserve(out, (size_t)st.st_size);
    while (rc == 0 && out->len < (size_t)st.st_size && n) {
        n = pread(fd, out->data + out->len, (size_t)st.st_size - out->len, (off_t)out->len);
        if (n < 0 && errno != EINTR)
            rc = -errno;
        else
            out->len += n > 0 ? (size_t)n : 0;
    }
    if (rc == 0 && out->data)
        out->data[out->len] = '\0';
    return rc;
}

int journal_checkpoints_read(int dir_fd, const char *file, struct buf *out)
{
    int fd = openat(dir_fd, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    int rc;

    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    rc = read_all(fd, out);
    close(fd);
    return rc;
}

/* A file of these bytes in the place of what is there. 0 or -errno. */
static int replace_with(int dir_fd, const char *file, const char *p, size_t n)
{
    struct replace r;
    int rc = replace_begin(&r, dir_fd, file, FILE_MODE);

    if (rc)
        return rc;
    rc = journal_write_at(r.fd, p, n, 0);
    if (rc == 0)
        return replace_commit(&r);
    replace_abort(&r);
    return rc;
}

/* Add bytes behind `size` good ones to a file that may not be there yet. 0 or -errno. */
static int append_to(int dir_fd, const char *file, const char *p, size_t n, size_t size)
{
    int fd = openat(dir_fd, file, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    int rc;

    if (fd < 0)
        return -errno;
    rc = journal_write_at(fd, p, n, size);
    if (rc == 0 && fdatasync(fd))
        rc = -errno;
    close(fd);
    if (rc == 0 && size == 0 && fsync(dir_fd))
        rc = -errno;
    return rc;
}

/* How many bytes are whole notes. */
static size_t whole_notes(const struct buf *in)
{
    struct span rest = {in->data, in->len}, note;

    while (rest.n && journal_checkpoints_next(&rest, &note))
        ;
    return in->len - rest.n;
}

int journal_checkpoints_add(int dir_fd, struct journal_name name, struct span note, bool anew)
{
    char file[JOURNAL_FILE_SIZE];
    struct buf all;
    size_t whole = 0, before = 0;
    int rc;

    buf_init(&all, 2 * (size_t)JOURNAL_CHECKPOINTS_MAX);
    rc = journal_checkpoints_read(dir_fd, journal_checkpoints_name(name, file), &all);
    if (rc == 0) {
        before = all.len;
        whole = whole_notes(&all);
        all.len = whole;
        rc = buf_append_span(&all, note);
    }
    if (rc == 0)
        rc = buf_append_byte(&all, '\n');
    if (rc == 0)
        rc = anew || whole < before
                 ? replace_with(dir_fd, file, all.data, all.len)
                 : append_to(dir_fd, file, all.data + whole, all.len - whole, whole);
    buf_release(&all);
    if (rc == 0)
        rc = replace_with(dir_fd, JOURNAL_CHECKPOINT_FILE, note.p, note.n);
    return rc;
}
