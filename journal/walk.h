/*
 * A journal's directory and the batches of one segment in it, read with a bounded window. Shell.
 * Private to journal/.
 */
#ifndef LOCKSTEP_JOURNAL_WALK_H
#define LOCKSTEP_JOURNAL_WALK_H

#include "journal/audit.h"
#include "journal/batch.h"
#include "journal/content.h"

struct journal_list {
    struct journal_name *names; /* in order; owned */
    size_t count;
};

/* journal_list_read(dir_fd, ret): the segments in the directory, plain or compressed. 0 or -errno.
 */
int journal_list_read(int dir_fd, struct journal_list *ret) __attribute__((warn_unused_result));
/* journal_list_checkpoints(dir_fd, ret): the same for files of checkpoints. */
int journal_list_checkpoints(int dir_fd, struct journal_list *ret)
    __attribute__((warn_unused_result));
void journal_list_release(struct journal_list *list);

/* journal_dir_open(path, ret_fd, e): 0 or -errno. */
int journal_dir_open(const char *path, int *ret_fd, struct err *e)
    __attribute__((warn_unused_result));

struct journal_walk {
    struct journal_content content; /* owned; its fd is -1: closed */
    uint64_t limit;                 /* bytes of the segment that count */
    uint64_t offset;                /* of the first byte that was not handed out yet */
    uint64_t lost; /* bytes from there on that lie before the window: longer than any batch */
    size_t at;     /* of the window's first byte in data */
    struct buf data;
};

/* journal_walk_open(w, dir_fd, name): from the first byte on, no limit. 0 or -errno.
 * journal_walk_close(w): harmless on a zeroed or closed walk whose content has fd -1. */
int journal_walk_open(struct journal_walk *w, int dir_fd, struct journal_name name)
    __attribute__((warn_unused_result));
void journal_walk_close(struct journal_walk *w);

/* journal_walk_next(w, ret_step, ret, ret_offset): the next batch and where its bytes begin, those
 * skipped included; MORE at the end of the file or the limit. What ret points to lives until the
 * next call. 0, -ENOMEM or -errno of the read. */
int journal_walk_next(struct journal_walk *w, enum journal_step *ret_step,
                      struct journal_batch *ret, uint64_t *ret_offset)
    __attribute__((warn_unused_result));

/* journal_walk_rewind(w, offset): drop what was read; go on from this offset. */
void journal_walk_rewind(struct journal_walk *w, uint64_t offset);

/* journal_walk_header(dir_fd, name, store, ret): the segment's header, if its first batch is good.
 * Strings point into store. 0, ERR_CORRUPT, ERR_VERSION, -ENODATA where no batch is complete yet,
 * -errno. */
int journal_walk_header(int dir_fd, struct journal_name name, struct buf *store,
                        struct journal_header *ret) __attribute__((warn_unused_result));

/* journal_walk_counted(dir_fd, name, next, ret): bytes of `name` that count, by the word of the
 * segment after it; UINT64_MAX where that has no word to say. 0, -ENODATA (ret unchanged) or
 * -errno. */
int journal_walk_counted(int dir_fd, struct journal_name name, struct journal_name next,
                         uint64_t *ret) __attribute__((warn_unused_result));

/* journal_walk_audit(dir_fd, name, next, a, ret_size): hold a whole segment against the audit. next
 * is the segment after it or NULL. 0 or -errno. */
int journal_walk_audit(int dir_fd, struct journal_name name, const struct journal_name *next,
                       struct journal_audit *a, uint64_t *ret_size)
    __attribute__((warn_unused_result));

#endif
