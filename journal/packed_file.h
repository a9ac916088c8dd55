/*
 * Reading a compressed segment as if it were the plain one. Shell. Private to journal/.
 *
 * The bytes of a frame that is damaged read as zeroes, so that what follows stays where it was; who
 * wants to know is told. Where the table is damaged, the frames are found by themselves.
 */
#ifndef LOCKSTEP_JOURNAL_PACKED_FILE_H
#define LOCKSTEP_JOURNAL_PACKED_FILE_H

#include "journal/packed.h"

#include <stddef.h>
#include <sys/types.h>

struct packed_file;

/* packed_file_open(fd, ret): fd is borrowed. 0, -ENOMEM, -errno. NULL may be closed. */
int packed_file_open(int fd, struct packed_file **ret) __attribute__((warn_unused_result));
void packed_file_close(struct packed_file *p);

/* packed_file_watch(p, tell, arg): call tell with what was found at open, and from now on with what
 * is come upon by reading; each damage once. */
void packed_file_watch(struct packed_file *p,
                       void (*tell)(void *arg, const struct journal_damage *d), void *arg);

/* packed_file_read(p, to, n, offset): plain bytes from an offset of the segment, as pread. -ENOMEM,
 * -errno. */
ssize_t packed_file_read(struct packed_file *p, void *to, size_t n, uint64_t offset);

/* packed_file_plain(p): bytes of the segment, as far as is known. */
uint64_t packed_file_plain(const struct packed_file *p);

#endif
