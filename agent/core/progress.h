/*
 * How far the work has come that `lockstep status --watch` looks at, and how fast it goes. Pure.
 */
#ifndef LOCKSTEP_AGENT_CORE_PROGRESS_H
#define LOCKSTEP_AGENT_CORE_PROGRESS_H

#include "base/buf.h"

#include <stdint.h>

/* Zeroed at first. */
struct progress {
    uint64_t open; /* changes */
    uint64_t most; /* that were open at once, since all was in step */
    int64_t at_ms; /* of the latest look */
    double rate;   /* changes a second, smoothed; 0: not known yet */
};

/* progress_note(p, status, now_ms): take what the text of a status says is open. */
void progress_note(struct progress *p, struct span status, int64_t now_ms);

/* progress_line(p, out): append "[####......]  40 %: 4812 of 12030 changes, 310/s, 23 s to go" and
 * a line's end; nothing where nothing is open. 0, -ENOMEM or ERR_LIMIT. */
int progress_line(const struct progress *p, struct buf *out) __attribute__((warn_unused_result));

#endif
