/*
 * Atomic replacement of a file: the new content appears under the name whole or not at all. Shell.
 *
 *   replace_begin -> write to r->fd -> replace_commit      the new file is in place and durable
 *                                   \-> replace_abort      nothing happened
 *
 * The temporary name lies in the same directory, starts with ".lockstep-", ends in ".tmp" and never
 * in the ending of the file that it stands for. If the process dies midway the name stays behind;
 * replace_sweep removes such leftovers.
 */
#ifndef LOCKSTEP_BASE_REPLACE_H
#define LOCKSTEP_BASE_REPLACE_H

#include "base/tree.h"

struct replace {
    int dir_fd; /* borrowed */
    int fd;     /* O_RDWR on the temporary file; owned; -1 once synced or released */
    uint64_t ino;
    char name[256];
    char temp[64];
};

/* replace_begin(r, dir_fd, name, mode): create the temporary file (O_EXCL|O_NOFOLLOW) with `mode`
 * (permission bits). dir_fd must stay open until commit or abort. 0 or -errno. */
int replace_begin(struct replace *r, int dir_fd, const char *name, uint32_t mode)
    __attribute__((warn_unused_result));

/* replace_like(r, st): give the temporary file the owner, group and mode of `st`. 0 or -errno.
 * Call it after the last write: writing clears set-id bits. */
int replace_like(struct replace *r, const struct file_stat *st) __attribute__((warn_unused_result));

/* replace_sync(r): fsync and close the temporary file, checking both. After it only commit or abort
 * may follow. 0 or -errno. (NFS tells of a failed write here at the latest, so before the rename.)
 */
int replace_sync(struct replace *r) __attribute__((warn_unused_result));

/* replace_commit(r): sync if that was not done, rename over `name`, fsync the directory. 0 or
 * -errno (then the old file is in place still, and the temporary one gone). r is released. */
int replace_commit(struct replace *r) __attribute__((warn_unused_result));

/* replace_commit_new(r): the same, where nothing has the name: -EEXIST where something does. */
int replace_commit_new(struct replace *r) __attribute__((warn_unused_result));

/* replace_abort(r): remove the temporary file. r is released. Harmless after commit. */
void replace_abort(struct replace *r);

/* replace_is_temp(name): the name is one that replace_begin makes. Pure. */
bool replace_is_temp(const char *name);

/* replace_sweep(dir_fd): unlink leftovers older than an hour in this directory. 0 or -errno. */
int replace_sweep(int dir_fd) __attribute__((warn_unused_result));

#endif
