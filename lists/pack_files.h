/*
 * A .rec and its .idx as files: written in one go and put in place, read in order. Shell. Not for
 * other rooms.
 *
 *   pack_out_begin -> pack_out_add... -> pack_out_commit
 *                                     \-> pack_out_abort   nothing happened
 */
#ifndef LOCKSTEP_LISTS_PACK_FILES_H
#define LOCKSTEP_LISTS_PACK_FILES_H

#include "base/replace.h"
#include "lists/record.h"

struct pack_out {
    int dir_fd;
    struct replace rec;
    struct replace idx;
    struct file_stat was_rec; /* what had the names */
    struct file_stat was_idx;
    struct buf rec_text; /* not written yet */
    struct buf idx_text;
    uint64_t at; /* where the next record begins */
};

/* pack_idx_name(rec, out, size): the name of the .idx of a name that ends in .rec. 0, ERR_SYNTAX
 * where it does not, -ENAMETOOLONG. */
int pack_idx_name(const char *rec, char *out, size_t size) __attribute__((warn_unused_result));

/* pack_out_begin(o, path, e): 0 or a failure (then there is nothing to abort). */
int pack_out_begin(struct pack_out *o, const char *path, struct err *e)
    __attribute__((warn_unused_result));
/* pack_out_add(o, id, payload): 0, ERR_LIMIT, -errno. */
int pack_out_add(struct pack_out *o, uint64_t id, struct span payload)
    __attribute__((warn_unused_result));
/* pack_out_commit(o): 0 or -errno. o is released either way. pack_out_abort(o): as if it had not
 * begun. */
int pack_out_commit(struct pack_out *o) __attribute__((warn_unused_result));
void pack_out_abort(struct pack_out *o);

/* A .rec that is read. */
struct pack_in {
    int fd;
    struct file_stat st;
    struct buf window; /* read ahead, from window_at on */
    uint64_t window_at;
    struct record_reader reader;
};

/* pack_in_open(in, path): 0, ERR_NOT_FILE, -errno. pack_in_close(in): releases. */
int pack_in_open(struct pack_in *in, const char *path) __attribute__((warn_unused_result));
void pack_in_close(struct pack_in *in);
/* pack_in_next(in, ret): the next record, in in->reader, RECORD_END or RECORD_BAD; never
 * RECORD_MORE. 0, -errno, ERR_CHANGED where the file changed meanwhile. */
int pack_in_next(struct pack_in *in, enum record_next *ret) __attribute__((warn_unused_result));

#endif
