/*
 * Does a file system answer? Shell: whoever asks it something says so before and after.
 *
 * What hangs in a dead network mount cannot be interrupted. What can be done is to notice, to ask
 * it nothing more, and to let other threads do the work of those that hang (pool_relieve).
 */
#ifndef LOCKSTEP_WATCHERS_STALL_H
#define LOCKSTEP_WATCHERS_STALL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define STALL_MS 5000 /* without any answer for so long a file system is held to be stuck */

struct stall {
    atomic_int asked; /* questions without an answer yet */
    _Atomic int64_t
        answered_ms; /* the last answer, or the first question after all were answered */
    atomic_bool stuck;
};

/* stall_ask(s): false if it is stuck: do not ask. stall_answered(s): true if it was stuck until
 * now. Any thread. */
bool stall_ask(struct stall *s) __attribute__((warn_unused_result));
bool stall_answered(struct stall *s);

/* stall_step(s, now_ms): see whether it is stuck; true if that has changed. stall_deadline: when to
 * look again, INT64_MAX: only when something is asked. One thread. */
bool stall_step(struct stall *s, int64_t now_ms) __attribute__((warn_unused_result));
int64_t stall_deadline(struct stall *s);

#endif
