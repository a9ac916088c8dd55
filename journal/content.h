/*
 * The bytes of a segment, whether its file is plain or compressed. Shell. Private to journal/.
 *
 * Where both files are there, the plain one counts: the other was being made.
 */
#ifndef LOCKSTEP_JOURNAL_CONTENT_H
#define LOCKSTEP_JOURNAL_CONTENT_H

#include "journal/frame.h"
#include "journal/packed_file.h"

struct journal_content {
    int fd;                     /* owned; -1 closed */
    struct packed_file *packed; /* owned; NULL: the file is plain */
};

/* journal_content_open(s, dir_fd, name): 0, -ENOMEM, -errno. journal_content_close(s): harmless on
 * a closed one with fd -1. */
int journal_content_open(struct journal_content *s, int dir_fd, struct journal_name name)
    __attribute__((warn_unused_result));
void journal_content_close(struct journal_content *s);

/* journal_content_read(s, to, n, offset): up to n bytes from an offset on; 0 at the end. -ENOMEM,
 * -errno. journal_content_read_all(s, to, n, offset): that many. 0, ERR_CORRUPT where it ends
 * before, -ENOMEM, -errno. */
ssize_t journal_content_read(struct journal_content *s, void *to, size_t n, uint64_t offset);
int journal_content_read_all(struct journal_content *s, void *to, size_t n, uint64_t offset)
    __attribute__((warn_unused_result));

/* journal_content_stat(s, ret_size, ret_mtime_ns): bytes of the segment; the time of its file,
 * which stays as it is when it is compressed. Either may be NULL. 0 or -errno. */
int journal_content_stat(const struct journal_content *s, uint64_t *ret_size, int64_t *ret_mtime_ns)
    __attribute__((warn_unused_result));

/* journal_content_watch(s, tell, arg): be told of damage to a compressed file, see packed_file.h.
 */
void journal_content_watch(struct journal_content *s,
                           void (*tell)(void *arg, const struct journal_damage *d), void *arg);

/* journal_content_file(dir_fd, name, out): the name of the segment's file as it is now. Returns
 * out. journal_content_is_packed(dir_fd, name): is it compressed? */
char *journal_content_file(int dir_fd, struct journal_name name, char out[JOURNAL_FILE_SIZE]);
bool journal_content_is_packed(int dir_fd, struct journal_name name);

#endif
