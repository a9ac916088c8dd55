/* Memory for large bodies, which is kept from one body to the next. Shell. */
#include "uploaders/spares.h"

#include <stdint.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

/* It lies in the buffer itself. */
struct spare {
    struct spare *next;
    size_t size; /* bytes that are mapped */
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

/* Unmap all of a list. The kernel takes its time for that: not under the lock. */
static void unmap_all(struct spare *list)
{
    while (list) {
        struct spare *next = list->next;
        unmap((char *)list, list->size);
        list = next;
    }
}

/* Move the first of those that are kept to a list that is to be unmapped. Under the lock. */
static void drop_first(struct spares *s, struct spare **list)
{
    struct spare *spare = s->first;
    s->first = spare->next;
    s->bytes -= spare->size;
    spare->next = *list;
    *list = spare;
}

void spares_init(struct spares *s)
{
    *s = (struct spares){.in_use = 0};
    pthread_mutex_init(&s->lock, NULL);
}

void spares_release(struct spares *s)
{
    unmap_all(s->first);
    pthread_mutex_destroy(&s->lock);
}

char *spares_take(struct spares *s, size_t n)
{
    size_t size = mapped_size(n);
    struct spare **at = &s->first, *found, *dropped = NULL;
    pthread_mutex_lock(&s->lock);
    while (*at && (*at)->size != size)
        at = &(*at)->next;
    found = *at;
    if (found) {
        *at = found->next;
        s->bytes -= size;
    } else if (s->first) {
        drop_first(s, &dropped); /* those of other sizes make room */
    }
    s->in_use++;
    pthread_mutex_unlock(&s->lock);
    unmap_all(dropped);
    char *p = found ? (char *)found : map(size);
    if (!p) {
        pthread_mutex_lock(&s->lock);
        s->in_use--;
        pthread_mutex_unlock(&s->lock);
    }
    return p;
}

void spares_give(struct spares *s, char *p, size_t n)
{
    struct spare *spare = (struct spare *)(void *)p, *dropped = NULL; /* mapped: aligned */
    *spare = (struct spare){.size = mapped_size(n)};
    pthread_mutex_lock(&s->lock);
    s->in_use--;
    if (spare->size > SPARES_KEPT_BYTES) {
        dropped = spare;
    } else {
        while (s->bytes + spare->size > SPARES_KEPT_BYTES)
            drop_first(s, &dropped);
        spare->next = s->first;
        s->first = spare;
        s->bytes += spare->size;
    }
    pthread_mutex_unlock(&s->lock);
    unmap_all(dropped);
}

void spares_trim(struct spares *s)
{
    struct spare *dropped = NULL;
    pthread_mutex_lock(&s->lock);
    while (s->in_use == 0 && s->first)
        drop_first(s, &dropped);
    pthread_mutex_unlock(&s->lock);
    unmap_all(dropped);
}
