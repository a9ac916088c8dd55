/*
 * Directories by their file handle, for fanotify: its events name a directory by the handle that
 * the file system gives it, the model knows a directory by a watch descriptor. So each directory
 * that is looked at is given a descriptor of ours, out of a range that inotify does not reach.
 * Pure; not thread-safe.
 *
 * Descriptors go round the whole range before one comes again, as inotify's do: an event that is
 * still on its way when its directory is forgotten does not meet another directory.
 */
#ifndef LOCKSTEP_WATCHERS_HANDLES_H
#define LOCKSTEP_WATCHERS_HANDLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* inotify counts its descriptors up from 1, so it comes here after two thousand million watches;
 * place.c refuses one that did. */
#define HANDLES_WD_FIRST  0x78000000
#define HANDLES_WD_LAST   0x7fffffff
#define HANDLES_BYTES_MAX 128 /* MAX_HANDLE_SZ */

/* A directory as fanotify names it. */
struct handle {
    uint64_t fsid; /* of the file system: statfs f_fsid */
    int type;      /* what name_to_handle_at says, 0 to 65535 */
    size_t size;
    const unsigned char *bytes; /* borrowed */
};

struct handles;

/* handles_new(first, last, ret): an empty map that gives out descriptors first..last. 0 or -ENOMEM.
 * handles_free: NULL is allowed. */
int handles_new(int first, int last, struct handles **ret) __attribute__((warn_unused_result));
void handles_free(struct handles *m);

/* handles_put(m, h, ret_wd): the descriptor of the directory, a new one if it has none. 0, -ENOMEM,
 * -ENOSPC (all are taken), -EOVERFLOW (no handle that fits). */
int handles_put(struct handles *m, const struct handle *h, int *ret_wd)
    __attribute__((warn_unused_result));

/* handles_find(m, h): its descriptor, or -1. */
int handles_find(const struct handles *m, const struct handle *h);

/* handles_remove(m, wd): true if a directory had it. */
bool handles_remove(struct handles *m, int wd);

size_t handles_count(const struct handles *m);

/* handles_has_range(wd): is it one of these, not inotify's? */
static inline bool handles_has_range(int wd)
{
    return wd >= HANDLES_WD_FIRST;
}

#endif
