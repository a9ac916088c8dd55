/*
 * Marks: has everything been told that was on disk when they were made? Pure.
 *
 * A mark goes the way of the events. The barrier that is asked for it comes back when all that the
 * kernel's queue held at that moment was read; the scans that it wants are those that begin later.
 *
 *   NEW -> ASKED (marks_want_barrier) -> PASSED (marks_barrier) -> taken (marks_take), once the
 *   scans that it wants have ended
 */
#ifndef LOCKSTEP_WATCHERS_MARKS_H
#define LOCKSTEP_WATCHERS_MARKS_H

#include <stdbool.h>
#include <stdint.h>

enum mark_state { MARK_NEW, MARK_ASKED, MARK_PASSED };

struct mark {
    struct mark *next;
    enum mark_state state;
    uint64_t number;
    uint64_t scans[]; /* one a root: the whole scan that must have ended; 0: none */
};

struct marks {
    struct mark *first;
    unsigned root_count;
};

/* mark_new(number, root_count): wants no scans. NULL without memory; freed with free(). */
struct mark *mark_new(uint64_t number, unsigned root_count);

void marks_add_take(struct marks *m, struct mark *mark);

/* marks_want_barrier(m): true if there are NEW ones; they are ASKED then. */
bool marks_want_barrier(struct marks *m);
/* marks_barrier(m): the barrier came back. */
void marks_barrier(struct marks *m);

/* marks_take(m, ended): the first mark that is PASSED and whose scans have ended; `ended` has the
 * last one of each root. The caller's; NULL if there is none. */
struct mark *marks_take(struct marks *m, const uint64_t *ended);

void marks_release(struct marks *m);

#endif
