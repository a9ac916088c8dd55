/* The keys of a bucket in the order of their bytes. Pure. */
#include "tests/s3d/index.h"

#include <stdlib.h>
#include <string.h>

#define LEVELS 20

struct node {
    struct object *newest; /* its key is the node's */
    int levels;
    struct node *next[];
};

struct index {
    struct node *head; /* LEVELS links, no object */
    size_t count;
    uint64_t random; /* xorshift; the order of insertion is not an attacker's here */
};

/* A node with room for its links. */
static struct node *node_new(int levels)
{
    struct node *n = mem_new(sizeof(*n) + (size_t)levels * sizeof(n->next[0]));
    n->levels = levels;
    return n;
}

struct index *index_new(void)
{
    struct index *x = mem_new(sizeof(*x));
    x->head = node_new(LEVELS);
    x->random = UINT64_C(0x9e3779b97f4a7c15);
    return x;
}

void index_free(struct index *x)
{
    if (!x)
        return;
    for (struct node *n = x->head; n;) {
        struct node *next = n->next[0];
        object_unref(n->newest);
        free(n);
        n = next;
    }
    free(x);
}

/* The last node before `key` (or before what follows it, if `after`), with its links' owners. */
static struct node *find_before(const struct index *x, const char *key, bool after,
                                struct node *path[LEVELS])
{
    struct node *n = x->head;
    for (int level = LEVELS - 1; level >= 0; level--) {
        while (n->next[level]) {
            int order = strcmp(n->next[level]->newest->key, key);
            if (order > 0 || (order == 0 && !after))
                break;
            n = n->next[level];
        }
        if (path)
            path[level] = n;
    }
    return n;
}

struct object *index_seek(const struct index *x, const char *from, bool after)
{
    struct node *n = find_before(x, from, after, NULL)->next[0];
    return n ? n->newest : NULL;
}

struct object *index_get(const struct index *x, const char *key)
{
    struct object *o = index_seek(x, key, false);
    return o && strcmp(o->key, key) == 0 ? o : NULL;
}

/* One level, and one more with a probability of 1/4 each. */
static int random_levels(struct index *x)
{
    x->random ^= x->random << 13;
    x->random ^= x->random >> 7;
    x->random ^= x->random << 17;
    int levels = 1;
    for (uint64_t bits = x->random; levels < LEVELS && (bits & 3) == 0; bits >>= 2)
        levels++;
    return levels;
}

/* Put a new node behind those of the path. */
static void insert(struct index *x, struct node *path[LEVELS], struct object *newest)
{
    struct node *n = node_new(random_levels(x));
    n->newest = newest;
    for (int level = 0; level < n->levels; level++) {
        n->next[level] = path[level]->next[level];
        path[level]->next[level] = n;
    }
    x->count++;
}

/* Take the node behind the path out. */
static void unlink_node(struct index *x, struct node *path[LEVELS], struct node *n)
{
    for (int level = 0; level < n->levels; level++)
        path[level]->next[level] = n->next[level];
    free(n);
    x->count--;
}

struct object *index_set(struct index *x, const char *key, struct object *newest)
{
    struct node *path[LEVELS];
    struct node *n = find_before(x, key, false, path)->next[0];
    if (!n || strcmp(n->newest->key, key) != 0) {
        if (newest)
            insert(x, path, newest);
        return NULL;
    }
    struct object *before = n->newest;
    if (newest)
        n->newest = newest;
    else
        unlink_node(x, path, n);
    return before;
}

size_t index_count(const struct index *x)
{
    return x->count;
}
