/*
 * Texts at the edge of memory: each lies at the very end of what may be read, or at its very begin,
 * so that a look past it ends the test. And random bytes for them.
 */
#ifndef LOCKSTEP_TESTS_EDGE_BED_H
#define LOCKSTEP_TESTS_EDGE_BED_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The only memory around that may be read. */
static struct {
    char *p;
    size_t n;
} room;

static inline int room_open(void **state)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *p = mmap(NULL, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    if (p == MAP_FAILED || mprotect(p + page, page, PROT_READ | PROT_WRITE) < 0)
        return -1;
    room.p = p + page;
    room.n = page;
    return 0;
}

static inline int room_close(void **state)
{
    (void)state;
    return munmap(room.p - room.n, 3 * room.n);
}

/* These bytes in the room, so many bytes away from its end, or from its begin. */
static inline struct span placed(struct span text, bool at_end, size_t away)
{
    char *to = room.p + (at_end ? room.n - away - text.n : away);

    if (text.n > 0)
        memcpy(to, text.p, text.n);
    return (struct span){to, text.n};
}

static inline unsigned pick(uint64_t *seed, unsigned n)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(*seed >> 33) % n;
}

/* n bytes: any, or some of these. */
static inline void fill(uint64_t *seed, char *out, size_t n, struct span pool)
{
    for (size_t i = 0; i < n; i++)
        out[i] = pool.n ? pool.p[pick(seed, (unsigned)pool.n)] : (char)pick(seed, 256);
}

#endif
