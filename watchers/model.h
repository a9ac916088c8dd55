/*
 * The directories that we know, as a tree of nodes. Pure.
 *
 * A node is a directory: its parent, its own name, its children, the watch descriptor on it. A path
 * is composed when it is needed, so a rename is one relink whatever lies beneath. Files have no
 * node. At most one node of a root has a given watch descriptor; nodes of different roots (which
 * may overlap) can share one.
 *
 * A node is attached (its top is a root), in limbo (renamed away, nobody knows where to: it has no
 * parent, its subtree hangs on it), or dead (taken out, but something still points to it: pins).
 * Not thread-safe.
 */
#ifndef LOCKSTEP_WATCHERS_MODEL_H
#define LOCKSTEP_WATCHERS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NODE_SHORT_NAME 16 /* names of up to 15 bytes need no allocation */

enum node_state { NODE_IDLE, NODE_QUEUED, NODE_FLYING, NODE_DIRTY };

enum node_flag {
    NODE_IS_ROOT = 1,
    NODE_DEAD = 2,
    NODE_AGAIN = 4,      /* check once more when the check in flight is back */
    NODE_RECURSE = 8,    /* the check goes on to every directory beneath */
    NODE_SCAN = 16,      /* the check belongs to the root's scan */
    NODE_SUSPECT = 32,   /* was absent at the last look */
    NODE_MISPLACED = 64, /* its parent was not where it should be at the last look */
    NODE_LIMITED = 128,  /* the system had no watch left for it */
    NODE_LONG_NAME = 256,
    NODE_DOUBTFUL = 512, /* another may have come to its place: open until the next look */
    NODE_YIELDS = 1024   /* its watch is being given up for a directory where more happens */
};

struct node {
    struct node *parent; /* NULL: a root, in limbo, or dead */
    struct node *child;  /* the first one */
    struct node *next;   /* siblings */
    struct node *prev;
    struct node *name_next; /* chain of the map of (parent, name) */
    struct node *wd_next;   /* chain of the map of watch descriptors */
    struct node *queue_next;
    uint64_t ino;        /* 0: never looked at */
    uint64_t mark;       /* its times when it was last listed, mixed; 0: not known */
    int32_t wd;          /* -1: none */
    uint32_t stamp;      /* the listing of the parent that last held it */
    uint32_t moves;      /* changes of place; a check that began before a change says nothing */
    uint32_t generation; /* of the root, when it was last listed */
    int32_t active_s;    /* when something last happened in it, as far as we know */
    uint32_t pins;       /* pointers from outside the tree; a dead node is freed with the last */
    uint16_t root;
    uint16_t flags; /* enum node_flag */
    uint8_t state;  /* enum node_state */
    union {
        char short_name[NODE_SHORT_NAME];
        char *long_name;
    } name;
};

/* Watch descriptors that no node has any more. */
struct wd_list {
    int *wds;
    size_t count;
    size_t cap;
};

/* wd_list_add(list, wd): without memory the descriptor is left out: its watch stays until the
 * directory goes, and its events find no node. */
void wd_list_add(struct wd_list *list, int wd);

struct model_counts {
    uint64_t directories; /* looked at, in the tree */
    uint64_t watches;
    uint64_t limited;  /* NODE_LIMITED */
    uint64_t scanning; /* NODE_SCAN */
    uint64_t current;  /* directories that were listed in the root's generation */
    uint32_t generation;
};

struct model;

/* model_new(root_count, ret): a model whose roots have no watch yet. 0 or -ENOMEM. */
int model_new(unsigned root_count, struct model **ret) __attribute__((warn_unused_result));

/* model_free(m): all nodes, pinned or not. NULL is allowed. */
void model_free(struct model *m);

struct node *model_root(const struct model *m, unsigned root);
const char *node_name(const struct node *n);

/* model_child(m, parent, name): the node in that place, or NULL. */
struct node *model_child(const struct model *m, const struct node *parent, const char *name);

/* model_add(m, parent, name): a new node in a place that is free. NULL without memory. */
struct node *model_add(struct model *m, struct node *parent, const char *name);

/* model_detach(m, n): take n and its subtree out of its place, into limbo. */
void model_detach(struct model *m, struct node *n);

/* model_attach(m, n, parent, name): put n, in limbo, into a free place. 0 or -ENOMEM (still in
 * limbo). parent must not lie beneath n. */
int model_attach(struct model *m, struct node *n, struct node *parent, const char *name)
    __attribute__((warn_unused_result));

/* model_is_beneath(n, top): n is top or lies in its subtree. */
bool model_is_beneath(const struct node *n, const struct node *top);

/* model_path(n, out, size): its path below the root. 0, -ENAMETOOLONG, or -ENOENT if n is in limbo
 * or dead. */
int model_path(const struct node *n, char *out, size_t size) __attribute__((warn_unused_result));

/* model_by_wd(m, root, wd): the root's node with this watch, or NULL.
 * model_wd_first, model_wd_next: every root's. */
struct node *model_by_wd(const struct model *m, unsigned root, int wd);
struct node *model_wd_first(const struct model *m, int wd);
struct node *model_wd_next(const struct node *n);

/* model_set_wd(m, n, wd): wd may be -1. */
void model_set_wd(struct model *m, struct node *n, int wd);

/* model_set_ino, model_raise, model_lower: set the inode or flags and keep the counts. */
void model_set_ino(struct model *m, struct node *n, uint64_t ino);
void model_raise(struct model *m, struct node *n, unsigned flags);
void model_lower(struct model *m, struct node *n, unsigned flags);

/* A root's generation: what was listed in an older one may have changed unseen. model_outdate:
 * begin a new one. model_set_current: n was listed in the running one. */
void model_outdate(struct model *m, unsigned root);
void model_set_current(struct model *m, struct node *n);
bool model_is_current(const struct model *m, const struct node *n);
/* model_behind(m, root): how many directories are not current. */
uint64_t model_behind(const struct model *m, unsigned root);

/* model_next(n, top): the node after n in the subtree of top, parents first; NULL at the end. */
struct node *model_next(struct node *n, const struct node *top);

/* model_kill(m, n, released): take n and its subtree out for good; n is not a root. Watches that no
 * node has any more are added to `released`. model_kill_children: the subtree without n. */
void model_kill(struct model *m, struct node *n, struct wd_list *released);
void model_kill_children(struct model *m, struct node *n, struct wd_list *released);

/* model_release_wd(m, n, released): n loses its watch. */
void model_release_wd(struct model *m, struct node *n, struct wd_list *released);

void model_pin(struct node *n);
/* model_unpin(n): frees a dead node with its last pin. */
void model_unpin(struct node *n);

const struct model_counts *model_counts(const struct model *m, unsigned root);

#endif
