/*
 * A file held: an open descriptor, the content that we believe it has, and a way to tell whether
 * anybody wrote to it or is about to. Shell.
 *
 * A read lease (fcntl(2), "Leases") can only be had while nobody has the file open for writing, and
 * whoever wants to open it for writing then waits until we let go. So with a lease the content
 * cannot change, and a writer who comes shows. It costs the writer a wait of milliseconds.
 */
#ifndef LOCKSTEP_LISTS_HELD_H
#define LOCKSTEP_LISTS_HELD_H

#include "base/buf.h"
#include "base/tree.h"

#include <stdbool.h>

struct held {
    int fd; /* O_RDONLY; -1: nothing is held */
    bool leased;
    struct file_stat st;
    char *bytes; /* owned; NULL where the content is somebody else's memory */
    struct span content;
};

#define HELD_NOTHING ((struct held){.fd = -1})

/* held_open(h, dir_fd, name, max_bytes): open a regular file and read all of it. 0, -errno,
 * ERR_NOT_FILE, ERR_LIMIT, ERR_CHANGED (written while it was read). */
int held_open(struct held *h, int dir_fd, const char *name, uint64_t max_bytes)
    __attribute__((warn_unused_result));

/* held_adopt(h, dir_fd, name, content): open a file of which we know the content, which is
 * borrowed. 0 or -errno. */
int held_adopt(struct held *h, int dir_fd, const char *name, struct span content)
    __attribute__((warn_unused_result));

/* held_reread(h, ret): what an open file contains now, as a file held of its own. Errors as for
 * held_open. */
int held_reread(const struct held *h, uint64_t max_bytes, struct held *ret)
    __attribute__((warn_unused_result));

/* held_release(h): let go of lease, descriptor and memory. */
void held_release(struct held *h);

/* held_lease(h): 0; -EAGAIN: somebody has it open for writing (or this file system has no leases
 * and says so with the same word: try it on a file that nobody knows); other -errno: no leases
 * here. */
int held_lease(struct held *h) __attribute__((warn_unused_result));
void held_unlease(struct held *h);

/* held_untouched(h): content, mode and owner are as believed, and no writer waits for our lease.
 * With a lease it stays so until somebody waits. */
bool held_untouched(const struct held *h);

/* held_is_at(h, dir_fd, name): the name is this very file. */
bool held_is_at(const struct held *h, int dir_fd, const char *name);

#endif
