/*
 * Memory for large bodies, which is kept from one body to the next. Shell.
 *
 * It is mapped, in huge pages where the system gives them: in pages of 4 KiB the faults of a part
 * of 8 MiB can take longer than all that is done with it. All workers share what is kept, so that
 * the one that begins a part takes what another has just sent: what a new mapping costs is mostly
 * that the kernel zeroes it. Any thread.
 */
#ifndef LOCKSTEP_UPLOADERS_SPARES_H
#define LOCKSTEP_UPLOADERS_SPARES_H

#include <pthread.h>
#include <stddef.h>

/* Of buffers that are not in use: four parts, as many as two readers fill while others are sent. */
#define SPARES_KEPT_BYTES (32u << 20)

/* A buffer that is not in use. */
struct spare;

struct spares {
    pthread_mutex_t lock;
    struct spare *first;
    size_t bytes;    /* kept */
    unsigned in_use; /* buffers that are taken */
};

/* spares_init(s): none. spares_release(s): after the last thread that takes any is gone. */
void spares_init(struct spares *s);
void spares_release(struct spares *s);

/* spares_take(s, n): room for n bytes, n not 0; NULL without memory. */
char *spares_take(struct spares *s, size_t n);

/* spares_give(s, p, n): back, with the n it was taken for. */
void spares_give(struct spares *s, char *p, size_t n);

/* spares_trim(s): the caller has no large body any more; where nobody has, the system gets back
 * what is kept. */
void spares_trim(struct spares *s);

#endif
