/*
 * Renames of which only one half has been seen. Pure: time is an argument.
 *
 * A MOVED_FROM waits here for the MOVED_TO with its cookie. What nobody claims until it expires has
 * left the tree. Nodes in an entry are pinned by whoever puts it in and unpinned by whoever takes
 * it out. Not thread-safe.
 */
#ifndef LOCKSTEP_WATCHERS_COOKIES_H
#define LOCKSTEP_WATCHERS_COOKIES_H

#include "watchers/model.h"

struct cookie_entry {
    struct cookie_entry *older;
    struct cookie_entry *newer;
    struct cookie_entry *chain;
    int64_t expires_ms;
    uint32_t cookie; /* 0: no rename; a directory pushed out of its place */
    unsigned root;
    bool is_directory;
    struct node *parent; /* whence it went; pinned */
    struct node
        *node; /* the directory, in limbo; pinned; NULL for a file or one that was unknown */
    uint32_t node_moves; /* the node is still in limbo if its `moves` is this */
    char name[];
};

struct cookies;

/* cookies_new(ret): 0 or -ENOMEM. cookies_free(c): must be empty; NULL is allowed. */
int cookies_new(struct cookies **ret) __attribute__((warn_unused_result));
void cookies_free(struct cookies *c);

/* cookies_put(c, cookie, parent, name, expires_ms): a new entry, youngest of all; the caller fills
 * in the rest. NULL without memory. */
struct cookie_entry *cookies_put(struct cookies *c, uint32_t cookie, struct node *parent,
                                 const char *name, int64_t expires_ms);

/* cookies_find(c, cookie, root): the entry of this cookie, of this root rather than of another.
 * cookies_find_displaced(c, parent, name): the entry without cookie from this place. NULL if there
 * is none. */
struct cookie_entry *cookies_find(const struct cookies *c, uint32_t cookie, unsigned root);
struct cookie_entry *cookies_find_displaced(const struct cookies *c, const struct node *parent,
                                            const char *name);

/* cookies_oldest(c): the entry that expires first, or NULL. */
struct cookie_entry *cookies_oldest(const struct cookies *c);

/* cookies_remove(c, e): out of the table; the caller frees it with free(). */
void cookies_remove(struct cookies *c, struct cookie_entry *e);

#endif
