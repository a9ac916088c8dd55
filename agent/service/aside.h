/* An agent that is not at work, for something that it waits for: what it is, `status` and the
 * service manager's watchdog meanwhile. Shell. */
#ifndef LOCKSTEP_AGENT_SERVICE_ASIDE_H
#define LOCKSTEP_AGENT_SERVICE_ASIDE_H

#include "agent/service/agent.h"

#include "base/json.h"

struct aside {
    const char *state;   /* that of every mapping, in `status --json` */
    const char *refusal; /* the answer to whoever asks for anything but the status; no newline */
    bool (*is_over)(struct agent *a);                           /* asked every second */
    void (*json)(struct json_writer *w, const struct agent *a); /* members that tell of it */
    int (*text)(struct buf *out, const struct agent *a);        /* lines for people; 0 or -code */
};

/* aside_wait(a, what): the agent's threads end and the control socket is answered. 1: it is over, a
 * is to be ended and a new one begun; 0: asked to end (SIGTERM, SIGINT); -errno. a->now_ms is when
 * it began. The loop's thread. */
int aside_wait(struct agent *a, const struct aside *what);

/* aside_status(a, json, out): what `status` says meanwhile; the exit status. */
int aside_status(const struct agent *a, bool json, struct buf *out);

/* aside_s(a): since when, in seconds. */
int64_t aside_s(const struct agent *a);

#endif
