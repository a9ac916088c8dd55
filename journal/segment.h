/*
 * The files that a writer owns: the open segment, and the ballast that is let go when the disk is
 * full. Shell. Private to journal/.
 */
#ifndef LOCKSTEP_JOURNAL_SEGMENT_H
#define LOCKSTEP_JOURNAL_SEGMENT_H

#include "journal/batch.h"

struct journal_segment {
    int fd; /* -1 none */
    struct journal_name name;
    uint64_t size;     /* bytes of whole batches */
    uint64_t reserved; /* bytes that have their blocks */
    int64_t born_us;   /* the header's time */
};

/* journal_segment_create(dir_fd, h, head, ret): make the segment that begins with h->first (under
 * the next part where that name is taken), write header and commit line, make file and name
 * durable. head, as it was before the header, is moved on. 0 or -errno; then nothing is left behind
 * and head is unchanged. */
int journal_segment_create(int dir_fd, const struct journal_header *h, struct journal_head *head,
                           struct journal_segment *ret) __attribute__((warn_unused_result));

/* journal_segment_open(dir_fd, name, size, born_us, ret): go on with a segment of `size` good
 * bytes, after making them durable (whoever wrote them may not have lived to do so). 0 or -errno.
 */
int journal_segment_open(int dir_fd, struct journal_name name, uint64_t size, int64_t born_us,
                         struct journal_segment *ret) __attribute__((warn_unused_result));

/* journal_write_at(fd, p, n, offset): all of the bytes there. 0 or -errno. */
int journal_write_at(int fd, const char *p, size_t n, uint64_t offset)
    __attribute__((warn_unused_result));

/* journal_segment_write(s, p, n): at the end. 0 or -errno; then size is unchanged, and what was
 * written in part is written over by the next call. */
int journal_segment_write(struct journal_segment *s, const void *p, size_t n)
    __attribute__((warn_unused_result));

/* journal_segment_sync(s): fdatasync. 0 or -errno; after an error never call it again on s. */
int journal_segment_sync(struct journal_segment *s) __attribute__((warn_unused_result));

/* journal_segment_reserve(s, n, chunk): blocks for n more bytes, `chunk` at a time. 0, -ENOSPC or
 * -EDQUOT; a file system that cannot reserve is no error. */
int journal_segment_reserve(struct journal_segment *s, uint64_t n, uint64_t chunk)
    __attribute__((warn_unused_result));

/* journal_segment_close(s): give back what was reserved; close. journal_segment_drop(s): close a
 * segment that failed, without touching it. */
void journal_segment_close(struct journal_segment *s);
void journal_segment_drop(struct journal_segment *s);

/* journal_ballast_make(dir_fd, bytes): reserve them in the file "ballast", if it does not have
 * them. 0, -ENOSPC or -EDQUOT, as for reserve. journal_ballast_release(dir_fd): let them go. */
int journal_ballast_make(int dir_fd, uint64_t bytes) __attribute__((warn_unused_result));
void journal_ballast_release(int dir_fd);

#endif
