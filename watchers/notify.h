/*
 * libinotifytools, made sound. Shell.
 *
 * The library opens inotify and reads its events; its records, its recursion, its names and its
 * filters are not used (DESIGN.md says why). It has one instance a process. Its calls are
 * serialised here, so every function may be called from any thread, notify_next from one.
 *
 * The program that links this needs the wraps of WATCHERS_LINK (local.mk).
 */
#ifndef LOCKSTEP_WATCHERS_NOTIFY_H
#define LOCKSTEP_WATCHERS_NOTIFY_H

#include "watchers/tracker.h"

/* notify_start(ret_fd): open the instance; *ret_fd is to be polled for reading, and belongs here.
 * 0 or -errno (-EBUSY: there is one already). */
int notify_start(int *ret_fd) __attribute__((warn_unused_result));

/* notify_stop(): remove all watches, close. */
void notify_stop(void);

/* notify_place(dir_fd, ret_wd): watch the open directory itself, whatever its path is by now. A
 * directory that is watched already keeps its descriptor. 0 or -errno (-ENOSPC: the limit). */
int notify_place(int dir_fd, int *ret_wd) __attribute__((warn_unused_result));

/* notify_guard(dir_fd, ret_wd): the same for a directory of which only the removal and the renaming
 * of names matters; one that is watched whole already stays so. 0 or -errno. */
int notify_guard(int dir_fd, int *ret_wd) __attribute__((warn_unused_result));

/* notify_forget(wd): remove a watch; one that the kernel removed already is no error. */
void notify_forget(int wd);

/* notify_next(ret): the next event, valid until the next call. False if none is waiting. */
bool notify_next(struct raw_event *ret);

/* notify_watch_limit(ret_setting): how many watches we may have, 0 if that cannot be told; the
 * sysctl that says so. */
uint64_t notify_watch_limit(const char **ret_setting);

/* notify_queue_max(): how many events the kernel's queue holds. */
size_t notify_queue_max(void);

#endif
