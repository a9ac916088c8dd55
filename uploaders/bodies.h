/*
 * Memory for the bodies of one worker. Shell.
 *
 * Bodies up to BODIES_SMALL_BYTES take buffers of one size, which are kept, so that they cost
 * neither malloc nor page faults. Those of the large lane are all workers' (spares.h). Of one
 * thread.
 */
#ifndef LOCKSTEP_UPLOADERS_BODIES_H
#define LOCKSTEP_UPLOADERS_BODIES_H

#include "uploaders/spares.h"

#include <stddef.h>

#define BODIES_SMALL_BYTES (128 * 1024)

/* A buffer that is not in use. */
struct bodies_spare;

/* Zeroed, with small_max and large set, to begin. */
struct bodies {
    unsigned small_max; /* small buffers that are kept */
    unsigned small_count;
    struct bodies_spare *small;
    struct spares *large; /* borrowed */
};

/* bodies_take(b, n): room for n bytes; NULL without memory. */
char *bodies_take(struct bodies *b, size_t n);

/* bodies_give(b, p, n): back, with the n it was taken for. */
void bodies_give(struct bodies *b, char *p, size_t n);

/* bodies_release(b): what is kept, but for what is all workers'. */
void bodies_release(struct bodies *b);

#endif
