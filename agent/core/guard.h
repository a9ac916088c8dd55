/*
 * The guard: an accident is not a command. Pure.
 *
 * Removals pass in batches. A batch is held, whole, when it looks like an accident: the root or its
 * marker is not what it was, the tree is empty, or more is removed at once, or within an hour, than
 * the limits allow. Renames are not removals and are not asked about.
 */
#ifndef LOCKSTEP_AGENT_CORE_GUARD_H
#define LOCKSTEP_AGENT_CORE_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUARD_WINDOW_MS 60000 /* removals within this time count as "at once" */
#define GUARD_HOUR_MS   3600000
#define GUARD_SLOTS     60 /* a window's resolution: a sixtieth */

struct guard_limits {
    uint64_t max_removals; /* this many always pass */
    unsigned max_percent;  /* or this share of what the mapping holds, whichever is more */
    uint64_t max_hourly;   /* this many within an hour, or what may pass at once if that is more */
};

/* The removals that passed within a window that ends now. Zeroed to begin; plain data, that may be
 * kept and loaded again where now_ms is the time of day. A clock that is set back forgets nothing
 * of it, one that is set forward does. */
struct guard_recent {
    int64_t slot_ms[GUARD_SLOTS];
    uint64_t slot_count[GUARD_SLOTS];
};
/* guard_passed(r, window_ms, count, now_ms): so many passed now. guard_recent_count: within the
 * window. Of one guard_recent, window_ms is always the same. */
void guard_passed(struct guard_recent *r, int64_t window_ms, uint64_t count, int64_t now_ms);
uint64_t guard_recent_count(const struct guard_recent *r, int64_t window_ms, int64_t now_ms);

/* The file that says that the root is what it was, where one is configured. */
enum guard_marker {
    GUARD_MARKER_FINE, /* it is there, or none is configured */
    GUARD_MARKER_MISSING,
    GUARD_MARKER_OTHER /* another file is in its place */
};

struct guard_question {
    uint64_t removals; /* in this batch */
    uint64_t objects;  /* of them, those that have an object in S3 */
    uint64_t recent;   /* that passed within the window */
    uint64_t hourly;   /* that passed within the hour */
    uint64_t held;     /* held already */
    uint64_t indexed;  /* objects that the mapping has in S3 now */
    bool root_lost;    /* the root cannot be reached */
    bool root_changed; /* another device or directory is under the path */
    enum guard_marker marker;
};

enum guard_verdict {
    GUARD_PASS,
    GUARD_ROOT_LOST,
    GUARD_ROOT_CHANGED,
    GUARD_NO_MARKER,
    GUARD_OTHER_MARKER,
    GUARD_EMPTIED, /* nothing would be left */
    GUARD_TOO_MANY,
    GUARD_TOO_FAST, /* too many within an hour */
    GUARD_HELD      /* others are held: this mapping's removals wait for the operator */
};

enum guard_verdict guard_ask(const struct guard_limits *limits, const struct guard_question *q);

/* guard_words(v, limits, q, out, size): the verdict as a sentence for status and journal. */
char *guard_words(enum guard_verdict v, const struct guard_limits *limits,
                  const struct guard_question *q, char *out, size_t size);

#endif
