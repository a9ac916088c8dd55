/*
 * fanotify: one group, a mark on each file system that a root is on. Shell.
 *
 * A mark sees the whole file system, whatever lies where; what is not below a root of ours is
 * recognised by its directory's handle, which nobody gave a watch descriptor, and dropped.
 *
 * Placing a "watch" makes no call that waits: it asks for the directory's handle and notes it. The
 * same order as with inotify makes that sound: noted first, then listed. An event that is read
 * before the directory was noted happened before it was listed.
 *
 * Every function may be called from any thread, fan_drain from one.
 */
#ifndef LOCKSTEP_WATCHERS_FAN_H
#define LOCKSTEP_WATCHERS_FAN_H

#include "watchers/tracker.h"

#include <stdatomic.h>

struct fan;

/* fan_new(ret): open a group. 0 or -errno: -EPERM without CAP_SYS_ADMIN, -ENOSYS or -EINVAL from a
 * kernel without what we need. fan_free: NULL is allowed. */
int fan_new(struct fan **ret) __attribute__((warn_unused_result));
void fan_free(struct fan *f);

/* fan_fd(f): to be polled for reading; borrowed. */
int fan_fd(const struct fan *f);

/* fan_mark(f, dir_fd, ret_fsid): have events of the whole file system that dir_fd (O_PATH will do)
 * is on; again is harmless. The mark holds nothing: it goes with the file system when that is
 * unmounted. *ret_fsid, never 0, is what fan_place wants. 0 or -errno: -EPERM, -ENODEV, -EOPNOTSUPP
 * or -EXDEV (this file system cannot do it), -EINVAL (a kernel before 5.17). */
int fan_mark(struct fan *f, int dir_fd, uint64_t *ret_fsid) __attribute__((warn_unused_result));

/* fan_place(f, fsid, dir_fd, ret_wd): watch an open directory on a marked file system; one that is
 * watched already keeps its descriptor. 0 or -errno.
 * fan_placed(f, fsid, dir_fd): its descriptor, or -1. */
int fan_place(struct fan *f, uint64_t fsid, int dir_fd, int *ret_wd)
    __attribute__((warn_unused_result));
int fan_placed(struct fan *f, uint64_t fsid, int dir_fd);

/* fan_forget(f, wd): end a watch. True if there was one: then, as inotify would have, the caller
 * tells the tracker IN_IGNORED, since a look that is under way may have met the watch before. */
bool fan_forget(struct fan *f, int wd);

/* fan_drain(f, stop, take, arg): read until the kernel has no more, has given all that its queue
 * could have held at the start, or *stop is true. take(arg, ev) gets each event of a watch; it is
 * valid during the call. */
void fan_drain(struct fan *f, const atomic_bool *stop,
               void (*take)(void *arg, const struct raw_event *ev), void *arg);

/* fan_queue_max(f): how many events the kernel's queue holds. */
size_t fan_queue_max(const struct fan *f);

#endif
