/*
 * A list that a thread is about to read: need it be read, and what does it turn out to name? Shell.
 *
 *   noting_begin -> true: it need not be read
 *                -> false: read, noting_add or noting_add_all -> whole: noting_tell ->
 * noting_release
 */
#ifndef LOCKSTEP_AGENT_SERVICE_NOTING_H
#define LOCKSTEP_AGENT_SERVICE_NOTING_H

#include "agent/service/mentioned.h"
#include "base/mailbox.h"
#include "lists/glance.h"

struct noting {
    const char *key; /* of the list; NULL: nothing is noted */
    struct glance before;
    struct mentions *names; /* so far; NULL: none, or nothing is noted */
};

/* noting_begin(n, index, key, root_fd, path, sought): is it known that the list of this key (NULL:
 * nothing is known or noted of it) names nothing of what is sought? sought: NULL where it is read
 * in any case. The key is borrowed. */
bool noting_begin(struct noting *n, struct index *index, const char *key, int root_fd,
                  const char *path, const struct sought *sought);

/* noting_add(n, image), noting_add_all(n, content): it names these. What cannot be noted is not. */
void noting_add(struct noting *n, const char *image);
void noting_add_all(struct noting *n, struct span content);

/* noting_tell(n, seen, out): it was read as a whole, with this stat before and after; the loop is
 * told by a JOB_TELL_NAMES. */
void noting_tell(struct noting *n, const struct file_stat *seen, struct mailbox *out);
void noting_release(struct noting *n);

#endif
