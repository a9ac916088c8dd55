/*
 * Directories by their file handle. Pure. See handles.h.
 */
#include "watchers/handles.h"

#include "base/mix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS_FIRST 1024 /* a power of two */

/* One directory. A handle of 8 bytes (ext4) makes 39 bytes, which malloc serves with 48. */
struct entry {
    struct entry *by_handle; /* chain */
    struct entry *by_wd;     /* chain */
    uint64_t fsid;
    int32_t wd;
    uint16_t type;
    uint8_t size;
    unsigned char bytes[];
};

struct handles {
    struct entry **handles; /* `size` buckets each */
    struct entry **wds;
    size_t size; /* a power of two */
    size_t count;
    int first;
    int last;
    int next; /* the descriptor to try next */
};

/* The hash of a handle. */
static uint64_t hash_handle(uint64_t fsid, unsigned type, const unsigned char *bytes, size_t size)
{
    return mix_bytes(fsid ^ type, bytes, size);
}

/* The hash of a descriptor: they count up, so their low bits spread them. */
static size_t hash_wd(const struct handles *m, int wd)
{
    return (size_t)(unsigned)wd & (m->size - 1);
}

int handles_new(int first, int last, struct handles **ret)
{
    struct handles *m = calloc(1, sizeof(*m));

    if (m == NULL) {
        return -ENOMEM;
    }
    m->size = BUCKETS_FIRST;
    m->handles = calloc(m->size, sizeof(struct entry *));
    m->wds = calloc(m->size, sizeof(struct entry *));
    m->first = first;
    m->last = last;
    m->next = first;
    if (m->handles == NULL || m->wds == NULL) {
        handles_free(m);
        return -ENOMEM;
    }
    *ret = m;
    return 0;
}

void handles_free(struct handles *m)
{
    if (m == NULL) {
        return;
    }
    for (size_t i = 0; m->wds != NULL && i < m->size; i++) {
        for (struct entry *e = m->wds[i], *next; e != NULL; e = next) {
            next = e->by_wd;
            free(e);
        }
    }
    free(m->handles);
    free(m->wds);
    free(m);
}

/* Chain an entry into both tables. */
static void link_in(struct handles *m, struct entry *e)
{
    struct entry **by_handle =
        &m->handles[hash_handle(e->fsid, e->type, e->bytes, e->size) & (m->size - 1)];
    struct entry **by_wd = &m->wds[hash_wd(m, e->wd)];

    e->by_handle = *by_handle;
    *by_handle = e;
    e->by_wd = *by_wd;
    *by_wd = e;
}

/* Double the buckets. Without memory the chains just get longer. */
static void grow(struct handles *m)
{
    const size_t old_size = m->size;
    struct entry **old = m->wds;
    struct entry **handles = calloc(old_size * 2, sizeof(struct entry *));
    struct entry **wds = calloc(old_size * 2, sizeof(struct entry *));

    if (handles == NULL || wds == NULL) {
        free(handles);
        free(wds);
        return;
    }
    free(m->handles);
    m->handles = handles;
    m->wds = wds;
    m->size = old_size * 2;
    for (size_t i = 0; i < old_size; i++) {
        for (struct entry *e = old[i], *next; e != NULL; e = next) {
            next = e->by_wd;
            link_in(m, e);
        }
    }
    free(old);
}

/* The entry of a handle, or NULL. */
static struct entry *find(const struct handles *m, const struct handle *h)
{
    const unsigned type = (unsigned)h->type;
    struct entry *e = m->handles[hash_handle(h->fsid, type, h->bytes, h->size) & (m->size - 1)];

    while (e != NULL && (e->fsid != h->fsid || e->type != type || e->size != h->size ||
                         memcmp(e->bytes, h->bytes, h->size) != 0)) {
        e = e->by_handle;
    }
    return e;
}

int handles_find(const struct handles *m, const struct handle *h)
{
    const struct entry *e = find(m, h);

    return e == NULL ? -1 : e->wd;
}

/* Where the chain of descriptors points to the entry with this one; *that is NULL if there is
 * none. */
static struct entry **at_wd(const struct handles *m, int wd)
{
    struct entry **at = &m->wds[hash_wd(m, wd)];

    while (*at != NULL && (*at)->wd != wd) {
        at = &(*at)->by_wd;
    }
    return at;
}

/* A descriptor that nobody has; there is one. */
static int draw_wd(struct handles *m)
{
    int wd;

    do {
        wd = m->next;
        m->next = wd == m->last ? m->first : wd + 1;
    } while (*at_wd(m, wd) != NULL);
    return wd;
}

int handles_put(struct handles *m, const struct handle *h, int *ret_wd)
{
    struct entry *e = find(m, h);

    if (e != NULL) {
        *ret_wd = e->wd;
        return 0;
    }
    if (h->size > HANDLES_BYTES_MAX || h->type < 0 || h->type > UINT16_MAX) {
        return -EOVERFLOW;
    }
    if (m->count > (size_t)(m->last - m->first)) {
        return -ENOSPC;
    }
    /* Not sizeof(*e): that would count the padding at the end twice. */
    e = malloc(offsetof(struct entry, bytes) + h->size);
    if (e == NULL) {
        return -ENOMEM;
    }
    if (m->count >= m->size) {
        grow(m);
    }
    e->fsid = h->fsid;
    e->wd = draw_wd(m);
    e->type = (uint16_t)h->type;
    e->size = (uint8_t)h->size;
    memcpy(e->bytes, h->bytes, h->size);
    link_in(m, e);
    m->count++;
    *ret_wd = e->wd;
    return 0;
}

bool handles_remove(struct handles *m, int wd)
{
    struct entry **at = at_wd(m, wd);
    struct entry *e = *at;

    if (e == NULL) {
        return false;
    }
    *at = e->by_wd;
    at = &m->handles[hash_handle(e->fsid, e->type, e->bytes, e->size) & (m->size - 1)];
    while (*at != e) {
        at = &(*at)->by_handle;
    }
    *at = e->by_handle;
    free(e);
    m->count--;
    return true;
}

size_t handles_count(const struct handles *m)
{
    return m->count;
}
