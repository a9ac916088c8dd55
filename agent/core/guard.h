/*
 * The guard: an accident is not a command. Pure.
 *
 * Removals pass in batches. A batch is held, whole, when it looks like an accident: the root is not
 * what it was, the tree is empty, or more is removed at once than the limits allow. Renames are not
 * removals and are not asked about.
 */
#ifndef LOCKSTEP_AGENT_CORE_GUARD_H
#define LOCKSTEP_AGENT_CORE_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUARD_WINDOW_MS 60000 /* removals within this time count as "at once" */
#define GUARD_SLOTS     60    /* the window's resolution: one second */

struct guard_limits {
    uint64_t max_removals; /* this many always pass */
    unsigned max_percent;  /* or this share of what the mapping holds, whichever is more */
};

/* The removals that passed lately. Zeroed to begin. */
struct guard_recent {
    int64_t slot_ms[GUARD_SLOTS];
    uint64_t slot_count[GUARD_SLOTS];
};
void guard_passed(struct guard_recent *r, uint64_t count, int64_t now_ms);
uint64_t guard_recent_count(const struct guard_recent *r, int64_t now_ms);

struct guard_question {
    uint64_t removals; /* in this batch */
    uint64_t objects;  /* of them, those that have an object in S3 */
    uint64_t recent;   /* that passed within the window */
    uint64_t held;     /* held already */
    uint64_t indexed;  /* objects that the mapping has in S3 now */
    bool root_lost;    /* the root cannot be reached */
    bool root_changed; /* another device or directory is under the path */
};

enum guard_verdict {
    GUARD_PASS,
    GUARD_ROOT_LOST,
    GUARD_ROOT_CHANGED,
    GUARD_EMPTIED, /* nothing would be left */
    GUARD_TOO_MANY,
    GUARD_HELD /* others are held: this mapping's removals wait for the operator */
};

enum guard_verdict guard_ask(const struct guard_limits *limits, const struct guard_question *q);

/* guard_words(v, limits, q, out, size): the verdict as a sentence for status and journal. */
char *guard_words(enum guard_verdict v, const struct guard_limits *limits,
                  const struct guard_question *q, char *out, size_t size);

#endif
