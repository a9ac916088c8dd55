/* Memory for bodies, which is kept from one body to the next. Shell. */
#include "uploaders/bodies.h"

#include "uploaders/lanes.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

/* It lies in the buffer itself. */
struct bodies_spare {
    struct bodies_spare *next;
    size_t size; /* of a large one: bytes that are mapped */
};

/* What is mapped for a body of n bytes: whole huge pages. 0 where that is no number. */
static size_t mapped_size(size_t n)
{
    return n > SIZE_MAX - 2 * HUGE_PAGE ? 0 : (n + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
}

/* Unmap; what cannot be is left. */
static void unmap(char *p, size_t n)
{
    if (n > 0)
        (void)munmap(p, n);
}

/* Map whole huge pages, which have to begin where one of them does. */
static char *map(size_t size)
{
    size_t all = size + HUGE_PAGE;
    char *p = size > 0 ? mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                       : MAP_FAILED;
    if (p == MAP_FAILED)
        return NULL;
    size_t before = (HUGE_PAGE - (uintptr_t)p % HUGE_PAGE) % HUGE_PAGE;
    unmap(p, before);
    unmap(p + before + size, all - before - size);
    (void)madvise(p + before, size, MADV_HUGEPAGE); /* small pages do as well */
    return p + before;
}

/* The first of those that are kept, out of their list and unmapped. */
static void drop_first(struct bodies *b)
{
    struct bodies_spare *spare = b->large;
    size_t size = spare->size;
    b->large = spare->next;
    b->large_bytes -= size;
    unmap((char *)spare, size);
}

/* One that is kept and has this size, or a new one. Those of other sizes make room for it. */
static char *take_large(struct bodies *b, size_t size)
{
    for (struct bodies_spare **at = &b->large; *at; at = &(*at)->next) {
        struct bodies_spare *spare = *at;
        if (spare->size != size)
            continue;
        *at = spare->next;
        b->large_bytes -= size;
        return (char *)spare;
    }
    if (b->large)
        drop_first(b);
    return map(size);
}

/* Keep it, within what may be kept. */
static void give_large(struct bodies *b, char *p, size_t size)
{
    struct bodies_spare *spare = (struct bodies_spare *)(void *)p; /* mapped: aligned */
    if (size > BODIES_KEPT_BYTES) {
        unmap(p, size);
        return;
    }
    while (b->large && b->large_bytes + size > BODIES_KEPT_BYTES)
        drop_first(b);
    *spare = (struct bodies_spare){.next = b->large, .size = size};
    b->large = spare;
    b->large_bytes += size;
}

char *bodies_take(struct bodies *b, size_t n)
{
    struct bodies_spare *spare = b->small;
    if (lanes_of(n) == LANE_LARGE)
        return take_large(b, mapped_size(n));
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
        give_large(b, p, mapped_size(n));
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

void bodies_trim(struct bodies *b)
{
    while (b->large)
        drop_first(b);
}

void bodies_release(struct bodies *b)
{
    bodies_trim(b);
    while (b->small) {
        struct bodies_spare *spare = b->small;
        b->small = spare->next;
        free(spare);
    }
    b->small_count = 0;
}
