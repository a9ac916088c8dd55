/*
 * Marks. Pure. See marks.h.
 */
#include "watchers/marks.h"

#include <stdlib.h>

struct mark *mark_new(uint64_t number, unsigned root_count)
{
    struct mark *mark = calloc(1, sizeof(*mark) + root_count * sizeof(mark->scans[0]));

    if (mark != NULL) {
        mark->number = number;
    }
    return mark;
}

void marks_add_take(struct marks *m, struct mark *mark)
{
    struct mark **at = &m->first;

    while (*at != NULL) {
        at = &(*at)->next;
    }
    mark->next = NULL;
    *at = mark;
}

/* All marks of one state come to the next. False if there are none. */
static bool advance(struct marks *m, enum mark_state from, enum mark_state to)
{
    bool any = false;

    for (struct mark *mark = m->first; mark != NULL; mark = mark->next) {
        if (mark->state == from) {
            mark->state = to;
            any = true;
        }
    }
    return any;
}

bool marks_want_barrier(struct marks *m)
{
    return advance(m, MARK_NEW, MARK_ASKED);
}

void marks_barrier(struct marks *m)
{
    (void)advance(m, MARK_ASKED, MARK_PASSED); /* none: it was asked for by somebody else */
}

/* Has the mark all that it wants? */
static bool is_due(const struct marks *m, const struct mark *mark, const uint64_t *ended)
{
    for (unsigned i = 0; i < m->root_count; i++) {
        if (mark->scans[i] > ended[i]) {
            return false;
        }
    }
    return mark->state == MARK_PASSED;
}

struct mark *marks_take(struct marks *m, const uint64_t *ended)
{
    struct mark **at = &m->first;
    struct mark *mark;

    while (*at != NULL && !is_due(m, *at, ended)) {
        at = &(*at)->next;
    }
    mark = *at;
    if (mark != NULL) {
        *at = mark->next;
        mark->next = NULL;
    }
    return mark;
}

void marks_release(struct marks *m)
{
    for (struct mark *mark = m->first, *next; mark != NULL; mark = next) {
        next = mark->next;
        free(mark);
    }
    m->first = NULL;
}
