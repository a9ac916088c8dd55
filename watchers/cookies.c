/*
 * Renames of which only one half has been seen. Pure. See cookies.h.
 */
#include "watchers/cookies.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COOKIE_BUCKETS 4096 /* a power of two; some 100,000 a second wait for half a second */

struct cookies {
    struct cookie_entry *oldest;
    struct cookie_entry *youngest;
    size_t displaced; /* entries without a cookie */
    struct cookie_entry *buckets[COOKIE_BUCKETS];
};

int cookies_new(struct cookies **ret)
{
    struct cookies *c = calloc(1, sizeof(*c));

    if (c == NULL) {
        return -ENOMEM;
    }
    *ret = c;
    return 0;
}

void cookies_free(struct cookies *c)
{
    free(c);
}

/* Where the chain of a cookie begins. Cookies count up, so their low bits spread them. */
static struct cookie_entry **bucket_of(struct cookies *c, uint32_t cookie)
{
    return &c->buckets[cookie & (COOKIE_BUCKETS - 1)];
}

struct cookie_entry *cookies_put(struct cookies *c, uint32_t cookie, struct node *parent,
                                 const char *name, int64_t expires_ms)
{
    const size_t size = strlen(name) + 1;
    struct cookie_entry *e = calloc(1, sizeof(*e) + size);
    struct cookie_entry **bucket = bucket_of(c, cookie);

    if (e == NULL) {
        return NULL;
    }
    memcpy(e->name, name, size);
    e->cookie = cookie;
    e->parent = parent;
    e->root = parent->root;
    e->expires_ms = expires_ms;
    e->chain = *bucket;
    *bucket = e;
    e->older = c->youngest;
    if (c->youngest != NULL) {
        c->youngest->newer = e;
    } else {
        c->oldest = e;
    }
    c->youngest = e;
    c->displaced += cookie == 0;
    return e;
}

struct cookie_entry *cookies_find(const struct cookies *c, uint32_t cookie, unsigned root)
{
    struct cookie_entry *other = NULL;
    struct cookie_entry *e = cookie == 0 ? NULL : c->buckets[cookie & (COOKIE_BUCKETS - 1)];

    for (; e != NULL; e = e->chain) {
        if (e->cookie == cookie && e->root == root) {
            return e;
        }
        if (e->cookie == cookie) {
            other = e;
        }
    }
    return other;
}

struct cookie_entry *cookies_find_displaced(const struct cookies *c, const struct node *parent,
                                            const char *name)
{
    struct cookie_entry *e = c->displaced == 0 ? NULL : c->buckets[0];

    while (e != NULL && (e->cookie != 0 || e->parent != parent || strcmp(e->name, name) != 0)) {
        e = e->chain;
    }
    return e;
}

struct cookie_entry *cookies_oldest(const struct cookies *c)
{
    return c->oldest;
}

void cookies_remove(struct cookies *c, struct cookie_entry *e)
{
    struct cookie_entry **at = bucket_of(c, e->cookie);

    while (*at != e) {
        at = &(*at)->chain;
    }
    *at = e->chain;
    if (e->older != NULL) {
        e->older->newer = e->newer;
    } else {
        c->oldest = e->newer;
    }
    if (e->newer != NULL) {
        e->newer->older = e->older;
    } else {
        c->youngest = e->older;
    }
    c->displaced -= e->cookie == 0;
}
