/*
 * The directories that we know. Pure. See model.h.
 */
#include "watchers/model.h"

#include "base/mix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS_FIRST 1024 /* a power of two */

/* A hash table of nodes, chained through one of their members. */
struct table {
    struct node **buckets;
    size_t size; /* a power of two */
    size_t count;
};

struct model {
    unsigned root_count;
    struct node **roots;
    struct model_counts *counts; /* one a root */
    struct table names;
    struct table wds;
};

/* The hash of a place. */
static uint64_t hash_place(const struct node *parent, const char *name)
{
    return mix_bytes((uintptr_t)parent, name, strlen(name));
}

/* The hash of a watch descriptor. */
static uint64_t hash_wd(int wd)
{
    return mix((uint64_t)(uint32_t)wd);
}

const char *node_name(const struct node *n)
{
    return (n->flags & NODE_LONG_NAME) != 0 ? n->name.long_name : n->name.short_name;
}

/* Double the buckets of the names. Without memory the chains just get longer. */
static void names_grow(struct table *t)
{
    struct node **bigger = calloc(t->size * 2, sizeof(*bigger));

    if (bigger == NULL) {
        return;
    }
    for (size_t i = 0; i < t->size; i++) {
        for (struct node *n = t->buckets[i], *next; n != NULL; n = next) {
            struct node **to = &bigger[hash_place(n->parent, node_name(n)) & (t->size * 2 - 1)];

            next = n->name_next;
            n->name_next = *to;
            *to = n;
        }
    }
    free(t->buckets);
    t->buckets = bigger;
    t->size *= 2;
}

/* Double the buckets of the watch descriptors; as above. */
static void wds_grow(struct table *t)
{
    struct node **bigger = calloc(t->size * 2, sizeof(*bigger));

    if (bigger == NULL) {
        return;
    }
    for (size_t i = 0; i < t->size; i++) {
        for (struct node *n = t->buckets[i], *next; n != NULL; n = next) {
            struct node **to = &bigger[hash_wd(n->wd) & (t->size * 2 - 1)];

            next = n->wd_next;
            n->wd_next = *to;
            *to = n;
        }
    }
    free(t->buckets);
    t->buckets = bigger;
    t->size *= 2;
}

/* Empty tables. 0 or -ENOMEM. */
static int table_init(struct table *t)
{
    t->buckets = calloc(BUCKETS_FIRST, sizeof(struct node *));
    t->size = BUCKETS_FIRST;
    t->count = 0;
    return t->buckets == NULL ? -ENOMEM : 0;
}

/* Enter an attached node under its place. */
static void names_put(struct table *t, struct node *n)
{
    struct node **bucket;

    if (t->count >= t->size) {
        names_grow(t);
    }
    bucket = &t->buckets[hash_place(n->parent, node_name(n)) & (t->size - 1)];
    n->name_next = *bucket;
    *bucket = n;
    t->count++;
}

/* Take an attached node out of the places. */
static void names_remove(struct table *t, struct node *n)
{
    struct node **at = &t->buckets[hash_place(n->parent, node_name(n)) & (t->size - 1)];

    while (*at != n) {
        at = &(*at)->name_next;
    }
    *at = n->name_next;
    n->name_next = NULL;
    t->count--;
}

/* Set a node's name. 0 or -ENOMEM (the old name stays). */
static int name_set(struct node *n, const char *name)
{
    const size_t size = strlen(name) + 1;
    char *copy = NULL;

    if (size > NODE_SHORT_NAME) {
        copy = strdup(name);
        if (copy == NULL) {
            return -ENOMEM;
        }
    }
    if ((n->flags & NODE_LONG_NAME) != 0) {
        free(n->name.long_name);
    }
    if (copy != NULL) {
        n->flags |= NODE_LONG_NAME;
        n->name.long_name = copy;
    } else {
        n->flags &= (uint16_t)~NODE_LONG_NAME;
        memcpy(n->name.short_name, name, size);
    }
    return 0;
}

/* Free the node itself. */
static void node_free(struct node *n)
{
    if ((n->flags & NODE_LONG_NAME) != 0) {
        free(n->name.long_name);
    }
    free(n);
}

/* A node that hangs nowhere yet, or NULL. */
static struct node *node_new(unsigned root, const char *name)
{
    struct node *n = calloc(1, sizeof(*n));

    if (n == NULL) {
        return NULL;
    }
    n->wd = -1;
    n->root = (uint16_t)root;
    n->active_s = INT32_MIN;
    if (name_set(n, name) != 0) {
        free(n);
        return NULL;
    }
    return n;
}

int model_new(unsigned root_count, struct model **ret)
{
    struct model *m = calloc(1, sizeof(*m));

    if (m == NULL) {
        return -ENOMEM;
    }
    m->roots = calloc(root_count + 1, sizeof(*m->roots));
    m->counts = calloc(root_count + 1, sizeof(*m->counts));
    if (m->roots == NULL || m->counts == NULL || table_init(&m->names) != 0 ||
        table_init(&m->wds) != 0) {
        model_free(m);
        return -ENOMEM;
    }
    for (; m->root_count < root_count; m->root_count++) {
        struct node *n = node_new(m->root_count, "");

        if (n == NULL) {
            model_free(m);
            return -ENOMEM;
        }
        n->flags |= NODE_IS_ROOT;
        m->counts[m->root_count].generation = 1;
        m->roots[m->root_count] = n;
    }
    *ret = m;
    return 0;
}

/* Free a subtree whatever points to it. Climbs by parent pointers: no recursion. */
static void subtree_free(struct node *top)
{
    struct node *n = top;

    for (;;) {
        struct node *up;

        while (n->child != NULL) {
            n = n->child;
        }
        up = n->parent;
        if (n == top) {
            node_free(n);
            return;
        }
        up->child = n->next;
        node_free(n);
        n = up;
    }
}

void model_free(struct model *m)
{
    if (m == NULL) {
        return;
    }
    for (unsigned i = 0; i < m->root_count; i++) {
        subtree_free(m->roots[i]);
    }
    free(m->roots);
    free(m->counts);
    free(m->names.buckets);
    free(m->wds.buckets);
    free(m);
}

struct node *model_root(const struct model *m, unsigned root)
{
    return m->roots[root];
}

struct node *model_child(const struct model *m, const struct node *parent, const char *name)
{
    struct node *n = m->names.buckets[hash_place(parent, name) & (m->names.size - 1)];

    while (n != NULL && (n->parent != parent || strcmp(node_name(n), name) != 0)) {
        n = n->name_next;
    }
    return n;
}

/* Hang n, which has its name, beneath parent. */
static void link_in(struct model *m, struct node *n, struct node *parent)
{
    n->parent = parent;
    n->prev = NULL;
    n->next = parent->child;
    if (n->next != NULL) {
        n->next->prev = n;
    }
    parent->child = n;
    names_put(&m->names, n);
}

struct node *model_add(struct model *m, struct node *parent, const char *name)
{
    struct node *n = node_new(parent->root, name);

    if (n != NULL) {
        link_in(m, n, parent);
    }
    return n;
}

void model_detach(struct model *m, struct node *n)
{
    names_remove(&m->names, n);
    if (n->prev != NULL) {
        n->prev->next = n->next;
    } else {
        n->parent->child = n->next;
    }
    if (n->next != NULL) {
        n->next->prev = n->prev;
    }
    n->next = NULL;
    n->prev = NULL;
    n->parent = NULL;
    n->moves++;
}

int model_attach(struct model *m, struct node *n, struct node *parent, const char *name)
{
    const int code = name_set(n, name);

    if (code != 0) {
        return code;
    }
    n->moves++;
    link_in(m, n, parent);
    return 0;
}

bool model_is_beneath(const struct node *n, const struct node *top)
{
    while (n != NULL && n != top) {
        n = n->parent;
    }
    return n != NULL;
}

int model_path(const struct node *n, char *out, size_t size)
{
    size_t length = 0;
    const struct node *up = n;

    for (; up->parent != NULL; up = up->parent) {
        length += strlen(node_name(up)) + 1;
        if (length > size) {
            return -ENAMETOOLONG;
        }
    }
    if ((up->flags & NODE_IS_ROOT) == 0) {
        return -ENOENT;
    }
    if (length == 0) {
        out[0] = '\0';
        return size == 0 ? -ENAMETOOLONG : 0;
    }
    for (size_t at = length; n->parent != NULL; n = n->parent) {
        const size_t part = strlen(node_name(n));

        at--;
        out[at] = at + 1 == length ? '\0' : '/';
        at -= part;
        memcpy(out + at, node_name(n), part);
    }
    return 0;
}

struct node *model_wd_first(const struct model *m, int wd)
{
    struct node *n = wd < 0 ? NULL : m->wds.buckets[hash_wd(wd) & (m->wds.size - 1)];

    while (n != NULL && n->wd != wd) {
        n = n->wd_next;
    }
    return n;
}

struct node *model_wd_next(const struct node *n)
{
    struct node *next = n->wd_next;

    while (next != NULL && next->wd != n->wd) {
        next = next->wd_next;
    }
    return next;
}

struct node *model_by_wd(const struct model *m, unsigned root, int wd)
{
    struct node *n = model_wd_first(m, wd);

    while (n != NULL && n->root != root) {
        n = model_wd_next(n);
    }
    return n;
}

/* Take n out of the map of watch descriptors. */
static void wd_clear(struct model *m, struct node *n)
{
    struct node **at = &m->wds.buckets[hash_wd(n->wd) & (m->wds.size - 1)];

    while (*at != n) {
        at = &(*at)->wd_next;
    }
    *at = n->wd_next;
    n->wd_next = NULL;
    n->wd = -1;
    m->wds.count--;
    m->counts[n->root].watches--;
}

void model_set_wd(struct model *m, struct node *n, int wd)
{
    struct node **bucket;

    if (n->wd == wd) {
        return;
    }
    if (n->wd >= 0) {
        wd_clear(m, n);
    }
    if (wd < 0) {
        return;
    }
    if (m->wds.count >= m->wds.size) {
        wds_grow(&m->wds);
    }
    n->wd = wd;
    bucket = &m->wds.buckets[hash_wd(wd) & (m->wds.size - 1)];
    n->wd_next = *bucket;
    *bucket = n;
    m->wds.count++;
    m->counts[n->root].watches++;
}

void model_release_wd(struct model *m, struct node *n, struct wd_list *released)
{
    const int wd = n->wd;

    if (wd < 0) {
        return;
    }
    model_set_wd(m, n, -1);
    if (model_wd_first(m, wd) == NULL) {
        wd_list_add(released, wd);
    }
}

void wd_list_add(struct wd_list *list, int wd)
{
    if (list->count == list->cap) {
        const size_t cap = list->cap == 0 ? 64 : list->cap * 2;
        int *bigger = reallocarray(list->wds, cap, sizeof(*bigger));

        if (bigger == NULL) {
            return;
        }
        list->wds = bigger;
        list->cap = cap;
    }
    list->wds[list->count++] = wd;
}

void model_set_ino(struct model *m, struct node *n, uint64_t ino)
{
    if (n->ino == 0 && ino != 0) {
        m->counts[n->root].directories++;
    } else if (n->ino != 0 && ino == 0) {
        m->counts[n->root].directories--;
        m->counts[n->root].current -= model_is_current(m, n);
        n->generation = 0;
        n->mark = 0;
    }
    n->ino = ino;
}

void model_outdate(struct model *m, unsigned root)
{
    struct model_counts *c = &m->counts[root];

    c->current = 0;
    c->generation = c->generation == UINT32_MAX ? 1 : c->generation + 1;
}

bool model_is_current(const struct model *m, const struct node *n)
{
    return n->generation == m->counts[n->root].generation;
}

void model_set_current(struct model *m, struct node *n)
{
    if (n->ino != 0 && !model_is_current(m, n)) {
        n->generation = m->counts[n->root].generation;
        m->counts[n->root].current++;
    }
}

uint64_t model_behind(const struct model *m, unsigned root)
{
    return m->counts[root].directories - m->counts[root].current;
}

struct node *model_next(struct node *n, const struct node *top)
{
    if (n->child != NULL) {
        return n->child;
    }
    while (n != top && n->next == NULL) {
        n = n->parent;
    }
    return n == top ? NULL : n->next;
}

void model_raise(struct model *m, struct node *n, unsigned flags)
{
    const unsigned fresh = flags & ~(unsigned)n->flags;

    m->counts[n->root].limited += (fresh & NODE_LIMITED) != 0;
    m->counts[n->root].scanning += (fresh & NODE_SCAN) != 0;
    n->flags |= (uint16_t)flags;
}

void model_lower(struct model *m, struct node *n, unsigned flags)
{
    const unsigned gone = flags & (unsigned)n->flags;

    m->counts[n->root].limited -= (gone & NODE_LIMITED) != 0;
    m->counts[n->root].scanning -= (gone & NODE_SCAN) != 0;
    n->flags &= (uint16_t)~flags;
}

/* One node without children and without a place: gone from every map and count. */
static void bury(struct model *m, struct node *n, struct wd_list *released)
{
    model_release_wd(m, n, released);
    model_set_ino(m, n, 0);
    model_lower(m, n, NODE_LIMITED | NODE_YIELDS | NODE_SCAN | NODE_AGAIN | NODE_RECURSE);
    n->flags |= NODE_DEAD;
    if (n->pins == 0) {
        node_free(n);
    }
}

void model_kill_children(struct model *m, struct node *top, struct wd_list *released)
{
    struct node *n = top;

    while (top->child != NULL) {
        while (n->child != NULL) {
            n = n->child;
        }
        struct node *up = n->parent;

        model_detach(m, n);
        bury(m, n, released);
        n = up;
    }
}

void model_kill(struct model *m, struct node *n, struct wd_list *released)
{
    model_kill_children(m, n, released);
    if (n->parent != NULL) {
        model_detach(m, n);
    }
    bury(m, n, released);
}

void model_pin(struct node *n)
{
    n->pins++;
}

void model_unpin(struct node *n)
{
    n->pins--;
    if (n->pins == 0 && (n->flags & NODE_DEAD) != 0) {
        node_free(n);
    }
}

const struct model_counts *model_counts(const struct model *m, unsigned root)
{
    return &m->counts[root];
}
