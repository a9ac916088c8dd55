/* Memory for bodies, which is kept from one body to the next. Shell. */
#include "uploaders/bodies.h"

#include "uploaders/lanes.h"

#include <stdlib.h>

/* It lies in the buffer itself. */
struct bodies_spare {
    struct bodies_spare *next;
};

char *bodies_take(struct bodies *b, size_t n)
{
    struct bodies_spare *spare = b->small;
    if (lanes_of(n) == LANE_LARGE)
        return spares_take(b->large, n);
    if (n > BODIES_SMALL_BYTES)
        return malloc(n);
    if (!spare)
        return malloc(BODIES_SMALL_BYTES);
    b->small = spare->next;
    b->small_count--;
    return (char *)spare;
}

void bodies_give(struct bodies *b, char *p, size_t n)
{
    if (lanes_of(n) == LANE_LARGE) {
        spares_give(b->large, p, n);
        return;
    }
    if (n > BODIES_SMALL_BYTES || b->small_count >= b->small_max) {
        free(p);
        return;
    }
    struct bodies_spare *spare = (struct bodies_spare *)(void *)p; /* from malloc: aligned */
    spare->next = b->small;
    b->small = spare;
    b->small_count++;
}

void bodies_release(struct bodies *b)
{
    while (b->small) {
        struct bodies_spare *spare = b->small;
        b->small = spare->next;
        free(spare);
    }
    b->small_count = 0;
}
