/*
 * Memory for bodies, which is kept from one body to the next. Shell.
 *
 * Bodies up to BODIES_SMALL_BYTES take buffers of one size, so that they cost neither malloc nor
 * page faults. Those of the large lane are mapped, in huge pages where the system gives them: in
 * pages of 4 KiB the faults of a part of 8 MiB can take longer than all that is done with it. They
 * are kept as well, but not for longer than large bodies come one after the other (bodies_trim).
 * Of one thread.
 */
#ifndef LOCKSTEP_UPLOADERS_BODIES_H
#define LOCKSTEP_UPLOADERS_BODIES_H

#include <stddef.h>

#define BODIES_SMALL_BYTES (128 * 1024)
#define BODIES_KEPT_BYTES  (16u << 20) /* of large buffers that are not in use */

/* A buffer that is not in use. */
struct bodies_spare;

/* Zeroed, with small_max set, to begin. */
struct bodies {
    unsigned small_max; /* small buffers that are kept */
    unsigned small_count;
    struct bodies_spare *small;
    struct bodies_spare *large;
    size_t large_bytes;
};

/* bodies_take(b, n): room for n bytes; NULL without memory. */
char *bodies_take(struct bodies *b, size_t n);

/* bodies_give(b, p, n): back, with the n it was taken for. */
void bodies_give(struct bodies *b, char *p, size_t n);

/* bodies_trim(b): no large body is there any more: the system gets their memory back. */
void bodies_trim(struct bodies *b);

/* bodies_release(b): all that is kept. */
void bodies_release(struct bodies *b);

#endif
