/* Reading a compressed segment. Shell. See packed_file.h. */
#include "journal/packed_file.h"

#include "base/err.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NONE SIZE_MAX

/* Where a frame begins, in the file and in the segment. */
struct place {
    struct packed_frame frame;
    uint64_t packed_at, plain_at;
};

struct packed_file {
    int fd;        /* borrowed */
    uint64_t size; /* of the file */
    struct packed_coder *coder;
    struct place *places;
    size_t count, room;
    uint64_t plain, packed; /* where the last of them ends */
    bool by_table;          /* they are what the table says */
    size_t loaded;          /* the frame that `bytes` holds; NONE */
    char *bytes;            /* PACKED_FRAME_MAX */
    struct buf in;
    uint64_t told; /* damage of frames before this offset of the file was told */
    bool found;    /* `first` was found and not told */
    struct journal_damage first;
    void (*tell)(void *arg, const struct journal_damage *d);
    void *arg;
};

/* Bytes of the file from an offset, as many as there are up to n, into p->in. 0 or a negative code.
 */
static int fetch(struct packed_file *p, uint64_t offset, uint64_t n)
{
    int rc;

    buf_reset(&p->in);
    if (offset >= p->size)
        return 0;
    if (n > p->size - offset)
        n = p->size - offset;
    rc = buf_reserve(&p->in, (size_t)n);
    while (rc == 0 && p->in.len < n) {
        const ssize_t got = pread(p->fd, p->in.data + p->in.len, (size_t)n - p->in.len,
                                  (off_t)(offset + p->in.len));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            rc = -errno;
        if (got <= 0)
            break;
        p->in.len += (size_t)got;
    }
    return rc;
}

/* What was fetched. */
static struct span fetched(const struct packed_file *p)
{
    return (struct span){p->in.data, p->in.len};
}

/* Tell of damage, now or as soon as someone listens. */
static void tell(struct packed_file *p, struct journal_damage d)
{
    if (p->tell) {
        p->tell(p->arg, &d);
    } else if (!p->found) {
        p->first = d;
        p->found = true;
    }
}

/* One more frame behind those that are known. 0 or -ENOMEM. */
static int add(struct packed_file *p, struct packed_frame f)
{
    if (p->count == p->room) {
        const size_t more = p->room ? p->room * 2 : 64;
        struct place *places = reallocarray(p->places, more, sizeof *places);

        if (!places)
            return -ENOMEM;
        p->places = places;
        p->room = more;
    }
    p->places[p->count++] = (struct place){f, p->packed, p->plain};
    p->packed += f.packed;
    p->plain += f.plain;
    return 0;
}

/* No frame is known. */
static void forget(struct packed_file *p)
{
    p->count = 0;
    p->plain = p->packed = 0;
    p->loaded = NONE;
}

/* Of how many frames is the table at the end of the file? 0, ERR_CORRUPT where none is there,
 * -errno. */
static int count_of(struct packed_file *p, size_t *ret)
{
    int rc;

    if (p->size < PACKED_TABLE(0))
        return ERR_CORRUPT;
    rc = fetch(p, p->size - PACKED_FOOTER, PACKED_FOOTER);
    if (rc == 0 && p->in.len != PACKED_FOOTER)
        rc = ERR_CORRUPT;
    if (rc == 0)
        rc = packed_footer_decode((const unsigned char *)p->in.data, ret);
    return rc == 0 && PACKED_TABLE(*ret) > p->size ? ERR_CORRUPT : rc;
}

/* Take the frames from the table. 0; ERR_CORRUPT where it is none that fits the file; a negative
 * code. */
static int by_table(struct packed_file *p)
{
    struct packed_frame *frames = NULL;
    size_t count;
    int rc = count_of(p, &count);

    if (rc == 0)
        rc = fetch(p, p->size - PACKED_TABLE(count), PACKED_TABLE(count));
    if (rc == 0) {
        frames = calloc(count + 1, sizeof *frames);
        rc = frames ? packed_table_decode(fetched(p), frames) : -ENOMEM;
    }
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = add(p, frames[i]);
    if (rc == 0 && p->packed != p->size - PACKED_TABLE(count))
        rc = ERR_CORRUPT;
    p->by_table = rc == 0;
    free(frames);
    return rc;
}

/* What stands behind the last frame that could be found, where that is not the table of these.
 * `whole`: the file has its end. */
static struct journal_damage judge(struct packed_file *p, int code, bool whole, size_t count)
{
    const uint64_t left = p->size - p->packed;
    struct journal_damage d = {"table", p->packed, left, p->plain, p->plain};
    uint64_t size;

    if (packed_table_begins(fetched(p), &size)) {
        if (size == PACKED_TABLE(p->count) && size < left)
            return (struct journal_damage){"trailing", p->packed + size, left - size, p->plain,
                                           p->plain};
        if (size == PACKED_TABLE(p->count) && size > left)
            d.kind = "truncated";
        return d;
    }
    if (whole && left == PACKED_TABLE(count) && count == p->count)
        return d;
    d.kind = !whole && (left < PACKED_TABLE_HEAD || code == -ENODATA) ? "truncated" : "frame";
    d.to = UINT64_MAX;
    return d;
}

/* Find the frames by themselves, one after the other, and tell what is wrong with what follows
 * them; not of the table, if that was told. 0 or a negative code. */
static int by_frames(struct packed_file *p, bool told)
{
    struct journal_damage d;
    struct packed_frame f;
    size_t count = 0;
    int code, rc = count_of(p, &count);
    const bool whole = rc == 0;

    if (rc && rc != ERR_CORRUPT)
        return rc;
    forget(p);
    p->by_table = false;
    do {
        rc = fetch(p, p->packed, PACKED_FRAME_ROOM);
        if (rc)
            return rc;
        code = packed_frame_look(fetched(p), &f);
        if (code == 0)
            rc = add(p, f);
    } while (rc == 0 && code == 0);
    if (rc)
        return rc;
    d = judge(p, code, whole, count);
    if (!told || d.from != d.to)
        tell(p, d);
    return 0;
}

int packed_file_open(int fd, struct packed_file **ret)
{
    struct packed_file *p = calloc(1, sizeof *p);
    struct stat st;
    int rc = p ? 0 : -ENOMEM;

    if (rc)
        return rc;
    p->fd = fd;
    p->loaded = NONE;
    buf_init(&p->in, PACKED_TABLE(PACKED_FRAMES_MAX));
    p->coder = packed_coder_new();
    p->bytes = malloc(PACKED_FRAME_MAX);
    if (!p->coder || !p->bytes)
        rc = -ENOMEM;
    else if (fstat(fd, &st))
        rc = -errno;
    if (rc == 0) {
        p->size = (uint64_t)st.st_size;
        rc = by_table(p);
    }
    if (rc == ERR_CORRUPT)
        rc = by_frames(p, false);
    if (rc) {
        packed_file_close(p);
        return rc;
    }
    *ret = p;
    return 0;
}

void packed_file_close(struct packed_file *p)
{
    if (!p)
        return;
    packed_coder_free(p->coder);
    buf_release(&p->in);
    free(p->bytes);
    free(p->places);
    free(p);
}

void packed_file_watch(struct packed_file *p,
                       void (*on_damage)(void *arg, const struct journal_damage *d), void *arg)
{
    p->tell = on_damage;
    p->arg = arg;
    if (p->found)
        on_damage(arg, &p->first);
    p->found = false;
}

uint64_t packed_file_plain(const struct packed_file *p)
{
    return p->plain;
}

/* The frame that has a byte of the segment; p->count where there is none. */
static size_t frame_at(const struct packed_file *p, uint64_t offset)
{
    size_t low = 0, high = p->count;

    if (offset >= p->plain)
        return p->count;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;

        if (p->places[middle].plain_at <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* A frame that cannot be read: zeroes stand for it. */
static void lose(struct packed_file *p, const struct place *at)
{
    memset(p->bytes, 0, PACKED_FRAME_MAX);
    if (at->packed_at < p->told)
        return;
    p->told = at->packed_at + 1;
    tell(p, (struct journal_damage){"frame", at->packed_at, at->frame.packed, at->plain_at,
                                    at->plain_at + at->frame.plain});
}

/* Decompress the i-th frame. 0; ERR_CHANGED where the table has spoken of another one; a negative
 * code. */
static int load(struct packed_file *p, size_t i)
{
    const struct place *at = &p->places[i];
    struct packed_frame f;
    int rc = fetch(p, at->packed_at, at->frame.packed);

    p->loaded = NONE;
    if (rc)
        return rc;
    rc = packed_frame_decode(p->coder, fetched(p), p->bytes, &f);
    if (rc == ERR_CORRUPT && p->by_table) {
        rc = fetch(p, at->packed_at, PACKED_FRAME_ROOM);
        if (rc == 0)
            rc = packed_frame_decode(p->coder, fetched(p), p->bytes, &f);
    }
    if (rc == 0 &&
        (f.packed != at->frame.packed || f.plain != at->frame.plain || f.sum != at->frame.sum))
        return ERR_CHANGED;
    if (rc == ERR_CORRUPT) {
        lose(p, at);
        rc = 0;
    }
    if (rc == 0)
        p->loaded = i;
    return rc;
}

/* The i-th frame is whole and another one than the table says: the table is not used any more. 0 or
 * a negative code. */
static int distrust(struct packed_file *p, size_t i)
{
    const struct journal_damage d = {"table", p->packed + PACKED_TABLE_HEAD + i * PACKED_ENTRY,
                                     PACKED_ENTRY, p->plain, p->plain};

    tell(p, d);
    return by_frames(p, true);
}

ssize_t packed_file_read(struct packed_file *p, void *to, size_t n, uint64_t offset)
{
    const struct place *at;
    size_t i = frame_at(p, offset);
    int rc = 0;

    if (i < p->count && i != p->loaded) {
        rc = load(p, i);
        if (rc == ERR_CHANGED) {
            rc = distrust(p, i);
            i = frame_at(p, offset);
            if (rc == 0 && i < p->count)
                rc = load(p, i);
        }
    }
    if (rc || i == p->count)
        return rc;
    at = &p->places[i];
    if (n > at->plain_at + at->frame.plain - offset)
        n = (size_t)(at->plain_at + at->frame.plain - offset);
    memcpy(to, p->bytes + (offset - at->plain_at), n);
    return (ssize_t)n;
}
