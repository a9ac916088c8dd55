/* Compressing closed segments. Shell. See pack.h. */
#include "journal/pack.h"

#include "base/err.h"
#include "base/replace.h"
#include "journal/closed.h"
#include "journal/content.h"
#include "journal/index.h"
#include "journal/segment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MODE 0600
#define NS_PER_S  INT64_C(1000000000)

/* A segment being compressed. */
struct packing {
    struct journal_content from;
    struct packed_coder *coder;
    char *plain; /* PACKED_FRAME_MAX: bytes of the next frame */
    struct buf out;
    struct packed_frame *frames;
    size_t count, room;
    uint64_t read; /* bytes of the segment that are in frames */
    uint64_t written;
};

/* Bytes of the segment from an offset, as many as there are up to a frame's. Their number or a
 * negative code. */
static ssize_t read_piece(struct journal_content *s, uint64_t offset, char *to)
{
    size_t n = 0;

    while (n < PACKED_FRAME_MAX) {
        const ssize_t got = journal_content_read(s, to + n, PACKED_FRAME_MAX - n, offset + n);

        if (got < 0)
            return got;
        if (got == 0)
            break;
        n += (size_t)got;
    }
    return (ssize_t)n;
}

/* One more frame. 0 or a negative code. */
static int add_frame(struct packing *p, struct span plain)
{
    int rc;

    if (p->count == p->room) {
        const size_t more = p->room ? p->room * 2 : 256;
        struct packed_frame *frames = reallocarray(p->frames, more, sizeof *frames);

        if (!frames)
            return -ENOMEM;
        p->frames = frames;
        p->room = more;
    }
    buf_reset(&p->out);
    rc = packed_frame_encode(p->coder, plain, &p->out, &p->frames[p->count]);
    p->count += rc == 0;
    return rc;
}

/* What is in p->out goes to the file. 0 or -errno. */
static int put(struct packing *p, int fd)
{
    int rc = journal_write_at(fd, p->out.data, p->out.len, p->written);

    p->written += rc == 0 ? p->out.len : 0;
    return rc;
}

/* All frames and the table. 0 or a negative code. */
static int write_all(struct packing *p, int fd)
{
    ssize_t n;
    int rc = 0;

    while (rc == 0 && (n = read_piece(&p->from, p->read, p->plain)) != 0) {
        const size_t cut = n < 0 ? 0 : packed_cut((struct span){p->plain, (size_t)n});

        rc = n < 0 ? (int)n : add_frame(p, (struct span){p->plain, cut});
        if (rc == 0)
            rc = put(p, fd);
        p->read += cut;
    }
    buf_reset(&p->out);
    if (rc == 0)
        rc = packed_table_encode(p->frames, p->count, &p->out);
    return rc ? rc : put(p, fd);
}

/* Is in the new file what is in the segment? 0, ERR_CORRUPT, a negative code. */
static int compare(struct packing *p, int fd)
{
    struct journal_content made = {fd, NULL};
    char *bytes = malloc(PACKED_FRAME_MAX);
    int rc = bytes ? packed_file_open(fd, &made.packed) : -ENOMEM;

    for (uint64_t at = 0; rc == 0 && at < p->read;) {
        const ssize_t mine = read_piece(&p->from, at, p->plain);
        const ssize_t its = read_piece(&made, at, bytes);

        if (mine < 0 || its < 0)
            rc = mine < 0 ? (int)mine : (int)its;
        else if (mine == 0 || mine != its || memcmp(p->plain, bytes, (size_t)mine) != 0)
            rc = ERR_CORRUPT;
        else
            at += (uint64_t)mine;
    }
    if (rc == 0 && packed_file_plain(made.packed) != p->read)
        rc = ERR_CORRUPT;
    packed_file_close(made.packed);
    free(bytes);
    return rc;
}

/* Give the new file the time of the plain one, to which the index is bound. 0 or -errno. */
static int keep_time(const struct packing *p, int fd)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {0}};
    int64_t ns;
    int rc = journal_content_stat(&p->from, NULL, &ns);

    if (rc)
        return rc;
    times[1].tv_sec = ns / NS_PER_S;
    times[1].tv_nsec = ns % NS_PER_S;
    return futimens(fd, times) ? -errno : 0;
}

/* The compressed file, in place and durable. 0 or a negative code. */
static int make_file(struct packing *p, int dir_fd, struct journal_name name)
{
    char file[JOURNAL_FILE_SIZE];
    struct replace r;
    int rc = replace_begin(&r, dir_fd, journal_packed_name(name, file), FILE_MODE);

    if (rc)
        return rc;
    rc = write_all(p, r.fd);
    if (rc == 0)
        rc = compare(p, r.fd);
    if (rc == 0)
        rc = keep_time(p, r.fd);
    if (rc == 0)
        return replace_commit(&r);
    replace_abort(&r);
    return rc;
}

/* Compress a closed segment. 0 or a negative code. */
static int pack_one(int dir_fd, struct journal_name name)
{
    char file[JOURNAL_FILE_SIZE];
    struct packing p = {.from = {-1, NULL}};
    int rc = journal_content_open(&p.from, dir_fd, name);

    if (rc)
        return rc;
    buf_init(&p.out, PACKED_TABLE(PACKED_FRAMES_MAX));
    p.coder = packed_coder_new();
    p.plain = malloc(PACKED_FRAME_MAX);
    rc = p.coder && p.plain ? make_file(&p, dir_fd, name) : -ENOMEM;
    /* Until the directory is durable a crash may bring the plain one back: it is gone over again.
     */
    if (rc == 0 && (unlinkat(dir_fd, journal_name_format(name, file), 0) || fsync(dir_fd)))
        rc = -errno;
    packed_coder_free(p.coder);
    buf_release(&p.out);
    free(p.frames);
    free(p.plain);
    journal_content_close(&p.from);
    return rc;
}

/* journal_closed_do: compress one that has its index. */
static int handle(void *how, int dir_fd, struct journal_name name, uint64_t size, bool *ret_made)
{
    struct journal_places places;
    int rc;

    (void)how;
    if (journal_content_is_packed(dir_fd, name))
        return 0;
    if (size == UINT64_MAX || journal_index_find(dir_fd, name, size, NULL, &places))
        return -ENODATA;
    journal_places_release(&places);
    rc = pack_one(dir_fd, name);
    *ret_made = rc == 0;
    return rc;
}

int journal_pack_all(const char *dir, journal_index_told *on_segment, void *arg, struct err *e)
{
    return journal_closed_each(dir, NULL, handle, NULL, on_segment, arg, e);
}
