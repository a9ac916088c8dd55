/* Pure. The gate that holds removals that look like an accident. */
#include "agent/core/guard.h"

#include <inttypes.h>
#include <stdio.h>

void guard_passed(struct guard_recent *r, int64_t window_ms, uint64_t count, int64_t now_ms)
{
    int64_t slot = now_ms / (window_ms / GUARD_SLOTS);
    size_t at = (size_t)(slot % GUARD_SLOTS);

    if (r->slot_ms[at] != slot)
        r->slot_count[at] = 0;
    r->slot_ms[at] = slot;
    r->slot_count[at] += count;
}

uint64_t guard_recent_count(const struct guard_recent *r, int64_t window_ms, int64_t now_ms)
{
    int64_t slot = now_ms / (window_ms / GUARD_SLOTS);
    uint64_t sum = 0;

    for (size_t i = 0; i < GUARD_SLOTS; i++)
        if (r->slot_ms[i] > slot - GUARD_SLOTS)
            sum += r->slot_count[i];
    return sum;
}

/* How many removals may pass at once. */
static uint64_t guard_limit(const struct guard_limits *limits, uint64_t indexed)
{
    uint64_t share =
        indexed / 100 * limits->max_percent + indexed % 100 * limits->max_percent / 100;

    return share > limits->max_removals ? share : limits->max_removals;
}

/* How many within an hour. */
static uint64_t guard_hourly_limit(const struct guard_limits *limits, uint64_t indexed)
{
    uint64_t at_once = guard_limit(limits, indexed);

    return at_once > limits->max_hourly ? at_once : limits->max_hourly;
}

enum guard_verdict guard_ask(const struct guard_limits *limits, const struct guard_question *q)
{
    if (q->root_lost)
        return GUARD_ROOT_LOST;
    if (q->root_changed)
        return GUARD_ROOT_CHANGED;
    if (q->marker != GUARD_MARKER_FINE)
        return q->marker == GUARD_MARKER_MISSING ? GUARD_NO_MARKER : GUARD_OTHER_MARKER;
    if (q->held)
        return GUARD_HELD;
    if (q->removals + q->recent > guard_limit(limits, q->indexed + q->recent))
        return GUARD_TOO_MANY;
    if (q->indexed && q->objects >= q->indexed)
        return GUARD_EMPTIED;
    if (q->removals + q->hourly > guard_hourly_limit(limits, q->indexed + q->hourly))
        return GUARD_TOO_FAST;
    return GUARD_PASS;
}

char *guard_words(enum guard_verdict v, const struct guard_limits *limits,
                  const struct guard_question *q, char *out, size_t size)
{
    switch (v) {
    case GUARD_PASS:
        snprintf(out, size, "%" PRIu64 " removals may go", q->removals);
        break;
    case GUARD_ROOT_LOST:
        snprintf(out, size, "the directory cannot be reached; nothing is concluded from that");
        break;
    case GUARD_ROOT_CHANGED:
        snprintf(out, size, "another device or directory lies under the path than before");
        break;
    case GUARD_NO_MARKER:
        snprintf(out, size, "the marker of the tree is not there");
        break;
    case GUARD_OTHER_MARKER:
        snprintf(out, size, "the marker of the tree is another file than before");
        break;
    case GUARD_EMPTIED:
        snprintf(out, size, "all %" PRIu64 " files would be removed: the tree is empty",
                 q->indexed);
        break;
    case GUARD_TOO_MANY:
        snprintf(out, size,
                 "%" PRIu64 " removals at once (%" PRIu64
                 " of them just passed), more than %" PRIu64 " of %" PRIu64 " files",
                 q->removals + q->recent, q->recent, guard_limit(limits, q->indexed + q->recent),
                 q->indexed + q->recent);
        break;
    case GUARD_TOO_FAST:
        snprintf(out, size,
                 "%" PRIu64 " removals within an hour (%" PRIu64
                 " of them passed before), more than %" PRIu64,
                 q->removals + q->hourly, q->hourly,
                 guard_hourly_limit(limits, q->indexed + q->hourly));
        break;
    case GUARD_HELD:
        snprintf(out, size, "removals of this mapping are held already");
        break;
    }
    return out;
}
