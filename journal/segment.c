/* The open segment and the ballast. Shell. */
#include "journal/segment.h"

#include "journal/content.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MODE    0600
#define PARTS_MAX    1000 /* segments with the same first number */
#define BALLAST_NAME "ballast"

int journal_write_at(int fd, const char *p, size_t n, uint64_t offset)
{
    while (n) {
        ssize_t done = pwrite(fd, p, n, (off_t)offset);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -errno;
        p += done;
        n -= (size_t)done;
        offset += (size_t)done;
    }
    return 0;
}

/* A new file under the first name that is free. 0 or -errno. */
static int create_file(int dir_fd, uint64_t first, struct journal_segment *s)
{
    char file[JOURNAL_FILE_SIZE];

    s->name = (struct journal_name){.first = first};
    do {
        if (journal_content_is_packed(dir_fd, s->name)) {
            errno = EEXIST;
            continue;
        }
        s->fd = openat(dir_fd, journal_name_format(s->name, file),
                       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    } while (s->fd < 0 && errno == EEXIST && ++s->name.part < PARTS_MAX);
    return s->fd < 0 ? -errno : 0;
}

/* Header and commit line as the first batch. 0 or a negative code; `head` moves on. */
static int header_batch(const struct journal_header *h, struct journal_head *head, struct buf *out)
{
    int rc = journal_header_encode(h, out);

    if (rc)
        return rc;
    return journal_batch_close(head, out, 0, 0);
}

int journal_segment_create(int dir_fd, const struct journal_header *h, struct journal_head *head,
                           struct journal_segment *ret)
{
    struct journal_segment s = {.fd = -1, .born_us = h->time_us};
    struct journal_head next = *head;
    char file[JOURNAL_FILE_SIZE];
    struct buf batch;
    int rc;

    buf_init(&batch, JOURNAL_HEADER_MAX + JOURNAL_COMMIT_MAX);
    rc = header_batch(h, &next, &batch);
    if (rc == 0)
        rc = create_file(dir_fd, h->first, &s);
    if (rc)
        goto out;
    rc = journal_segment_write(&s, batch.data, batch.len);
    if (rc == 0)
        rc = journal_segment_sync(&s);
    if (rc == 0 && fsync(dir_fd))
        rc = -errno;
    if (rc) {
        journal_segment_drop(&s);
        /* It holds no record; if the name stays, recovery sets it aside. */
        (void)unlinkat(dir_fd, journal_name_format(s.name, file), 0);
        goto out;
    }
    *head = next;
    *ret = s;
out:
    buf_release(&batch);
    return rc;
}

int journal_segment_open(int dir_fd, struct journal_name name, uint64_t size, int64_t born_us,
                         struct journal_segment *ret)
{
    struct journal_segment s = {.name = name, .size = size, .reserved = size, .born_us = born_us};
    char file[JOURNAL_FILE_SIZE];
    int rc;

    s.fd = openat(dir_fd, journal_name_format(name, file), O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (s.fd < 0)
        return -errno;
    rc = journal_segment_sync(&s);
    if (rc == 0 && fsync(dir_fd))
        rc = -errno;
    if (rc)
        journal_segment_drop(&s);
    else
        *ret = s;
    return rc;
}

int journal_segment_write(struct journal_segment *s, const void *p, size_t n)
{
    int rc = journal_write_at(s->fd, p, n, s->size);

    if (rc == 0)
        s->size += n;
    return rc;
}

int journal_segment_sync(struct journal_segment *s)
{
    return fdatasync(s->fd) ? -errno : 0;
}

/* What a failed fallocate means: only a full disk counts. */
static int reserve_error(void)
{
    return errno == ENOSPC || errno == EDQUOT ? -errno : 0;
}

int journal_segment_reserve(struct journal_segment *s, uint64_t n, uint64_t chunk)
{
    uint64_t want = s->size + n;

    if (want <= s->reserved)
        return 0;
    want = (want / chunk + 1) * chunk;
    if (fallocate(s->fd, FALLOC_FL_KEEP_SIZE, (off_t)s->size, (off_t)(want - s->size)))
        return reserve_error();
    s->reserved = want;
    return 0;
}

void journal_segment_close(struct journal_segment *s)
{
    if (s->fd < 0)
        return;
    if (ftruncate(s->fd, (off_t)s->size)) {
        /* Blocks past the end stay with the file: they cost space and nothing else. */
    }
    journal_segment_drop(s);
}

void journal_segment_drop(struct journal_segment *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

int journal_ballast_make(int dir_fd, uint64_t bytes)
{
    struct stat st;
    int rc = 0;
    int fd = openat(dir_fd, BALLAST_NAME, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);

    if (fd < 0)
        return reserve_error();
    if (fstat(fd, &st) || (uint64_t)st.st_size < bytes)
        rc = fallocate(fd, 0, 0, (off_t)bytes) ? reserve_error() : 0;
    close(fd);
    return rc;
}

void journal_ballast_release(int dir_fd)
{
    (void)unlinkat(dir_fd, BALLAST_NAME, 0); /* none there: nothing to let go */
}
