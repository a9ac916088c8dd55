/*
 * A taker of hints that keeps what it believes of a tree, as the agent does: every hint is a reason
 * to look, only looks and listings are believed. At the end what it believes is held against the
 * disk: a file that was never hinted at, and a ghost, both show.
 */
#ifndef LOCKSTEP_TESTS_WATCH_ORACLE_H
#define LOCKSTEP_TESTS_WATCH_ORACLE_H

#include "watchers/watchers.h"

#define HINT_KINDS 17

struct oracle;

#define INOTIFY_QUEUE_FILE  "/proc/sys/fs/inotify/max_queued_events"
#define FANOTIFY_QUEUE_FILE "/proc/sys/fs/fanotify/max_queued_events"

/* oracle_new(opt): watch; fails the test if that fails.
 *
 * oracle_new_small_queue(opt, file): the same with a kernel's queue of 16 events; `file` is one of
 * the above. Without the right to write there the test is skipped. The length of the queue is the
 * whole machine's and is read at the start, so it is small for that moment only, in which nobody
 * else may start: both take a lock. */
struct oracle *oracle_new(const struct watchers_options *opt);
struct oracle *oracle_new_small_queue(const struct watchers_options *opt, const char *file);
void oracle_free(struct oracle *o);
struct watchers *oracle_watchers(struct oracle *o);

/* oracle_take(o, ms): take hints until none came for so long. */
void oracle_take(struct oracle *o, int ms);

/* oracle_until(o, kind, root, path, ms): take hints until one of this kind and path came, also if
 * it came since the last oracle_forget. False if it did not within ms. */
bool oracle_until(struct oracle *o, enum hint_kind kind, unsigned root, const char *path, int ms);

/* oracle_saw(o, kind, root, path): such a hint came since oracle_forget. "*": any path. */
bool oracle_saw(const struct oracle *o, enum hint_kind kind, unsigned root, const char *path);
/* oracle_saw_moved: the same for HINT_MOVED with both paths. */
bool oracle_saw_moved(const struct oracle *o, const char *path, const char *path2);
void oracle_forget(struct oracle *o);
/* oracle_last(o, kind, root, path): the last such hint, which the oracle keeps; NULL if none. */
const struct hint *oracle_last(const struct oracle *o, enum hint_kind kind, unsigned root,
                               const char *path);

/* oracle_differs(o, root, path, print): how many files the belief and the disk differ in. */
size_t oracle_differs(struct oracle *o, unsigned root, const char *path, bool print);

/* oracle_settle(o, root, path, ms): take hints until belief, disk and the number of directories
 * agree and nothing is being scanned; false if that is not so within ms (then it says why). */
bool oracle_settle(struct oracle *o, unsigned root, const char *path, int ms);

/* fanotify_is_allowed(): may this process mark file systems? If not it says so, and that tests are
 * skipped. The scratch directories are in a file system of this program's own from now on, which
 * goes with it; an error of any other kind fails the program. Once a program. */
bool fanotify_is_allowed(void);

#endif
