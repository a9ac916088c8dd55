/*
 * A compressed segment of any bytes: it is read to its end, in small pieces the same as in large
 * ones, and what is told of damage lies in the file. A first byte that is odd puts a table behind
 * the frames that are found, as whoever forges one would.
 */
#include "journal/packed_file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MOST  (1u << 20) /* bytes to read of one file */
#define PIECE (1u << 18) /* of these at once */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* journal_damage's: it lies in the file, and is of a kind that there is. */
static void on_damage(void *arg, const struct journal_damage *d)
{
    const uint64_t size = *(const uint64_t *)arg;

    if (d->offset > size || d->bytes > size - d->offset || d->from > d->to ||
        (strcmp(d->kind, "frame") != 0 && strcmp(d->kind, "table") != 0 &&
         strcmp(d->kind, "truncated") != 0 && strcmp(d->kind, "trailing") != 0))
        abort();
}

/* All of it, in pieces. How many bytes. */
static size_t read_all(int fd, size_t size, size_t piece, char all[MOST + PIECE])
{
    uint64_t file_size = size;
    struct packed_file *p;
    size_t n = 0;
    ssize_t got = 1;

    if (packed_file_open(fd, &p))
        abort();
    packed_file_watch(p, on_damage, &file_size);
    while (got > 0 && n < MOST) {
        got = packed_file_read(p, all + n, piece, n);
        if (got < 0 || (size_t)got > piece)
            abort();
        n += (size_t)got;
    }
    if (n < MOST && n != packed_file_plain(p))
        abort();
    packed_file_close(p);
    return n;
}

/* The table of the frames that the bytes begin with. */
static void add_table(struct span in, struct buf *out)
{
    struct packed_frame frames[64], f;
    size_t count = 0;

    while (count < 64 && packed_frame_look(in, &f) == 0) {
        frames[count++] = f;
        in.p += f.packed;
        in.n -= f.packed;
    }
    if (packed_table_encode(frames, count, out))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char large[MOST + PIECE], small[MOST + PIECE];
    struct buf file;
    size_t one, other;
    int fd = memfd_create("packed", MFD_CLOEXEC);

    if (fd < 0 || size == 0)
        return fd < 0 ? 0 : close(fd);
    buf_init(&file, size + PACKED_TABLE(64));
    if (buf_append(&file, data + 1, size - 1))
        abort();
    if (data[0] & 1)
        add_table((struct span){(const char *)data + 1, size - 1}, &file);
    if (file.len && write(fd, file.data, file.len) != (ssize_t)file.len)
        abort();
    one = read_all(fd, file.len, PIECE, large);
    other = read_all(fd, file.len, 4093, small);
    if (one < MOST && (one != other || memcmp(large, small, one) != 0))
        abort();
    buf_release(&file);
    close(fd);
    return 0;
}
