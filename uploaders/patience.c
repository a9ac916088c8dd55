/*
 * How long to wait for the answer to a small request. Pure.
 */
#include "uploaders/patience.h"

#include <stdlib.h>
#include <string.h>

#define LOOK_EVERY 8 /* durations between two looks at all of them */

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* What nine of ten took, or less. */
static uint32_t find_usual(const struct patience *p)
{
    uint32_t sorted[PATIENCE_WINDOW];
    memcpy(sorted, p->took_ms, p->count * sizeof(sorted[0]));
    qsort(sorted, p->count, sizeof(sorted[0]), compare);
    return sorted[(p->count * 9 + 9) / 10 - 1];
}

void patience_note(struct patience *p, int64_t took_ms)
{
    p->took_ms[p->next] = took_ms < 0 ? 0 : took_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)took_ms;
    p->next = (p->next + 1) % PATIENCE_WINDOW;
    p->count += p->count < PATIENCE_WINDOW ? 1 : 0;
    if (p->next % LOOK_EVERY == 0)
        p->usual_ms = find_usual(p);
}

int64_t patience_bound_ms(const struct patience *p, unsigned given_up)
{
    if (p->count < PATIENCE_KNOWN || given_up >= PATIENCE_TIMES)
        return INT64_MAX;
    int64_t bound = (int64_t)p->usual_ms * PATIENCE_FACTOR;
    return (bound > PATIENCE_LEAST_MS ? bound : PATIENCE_LEAST_MS) << given_up;
}
