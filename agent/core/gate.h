/*
 * Where everything fails for one and the same kind of reason, one attempt now and then tells
 * whether it still does. Pure; time is an argument (milliseconds, monotonic).
 *
 *   open    GATE_STREAK failures of different files with no success between    closed
 *   closed  an attempt succeeds                                              open
 *
 * Closed, one attempt at a time goes. One of a file that was not tried yet may go a second after
 * the last one: a bad lot of old files does not keep new ones. One that failed before goes after
 * 1, 2, 4 to 30 s.
 */
#ifndef LOCKSTEP_AGENT_CORE_GATE_H
#define LOCKSTEP_AGENT_CORE_GATE_H

#include <stdbool.h>
#include <stdint.h>

#define GATE_STREAK   16
#define GATE_FIRST_MS 1000
#define GATE_LAST_MS  30000

/* Zeroed to begin: open. */
struct gate {
    bool closed;
    unsigned streak;
    bool probing; /* an attempt is on its way */
    int64_t probed_ms;
    int64_t rest_ms; /* between attempts of files that failed before */
};

/* gate_lets(g, tried, now_ms): may one go, that failed before or not? Where the gate is closed the
 * caller sends it now. gate_deadline(g, tried): when it may; INT64_MAX where an attempt is on its
 * way. */
bool gate_lets(struct gate *g, bool tried, int64_t now_ms);
int64_t gate_deadline(const struct gate *g, bool tried);

/* gate_failed(g, counts, now_ms): an attempt failed for a reason that stops all; `counts`: of
 * another file than those before. True where the gate closes by it. */
bool gate_failed(struct gate *g, bool counts, int64_t now_ms);

/* gate_passed(g): one succeeded. True where the gate was closed. gate_other(g): one ended
 * otherwise, which says nothing of the rest. */
bool gate_passed(struct gate *g);
void gate_other(struct gate *g);

#endif
