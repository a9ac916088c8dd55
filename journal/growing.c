/*
 * The tree over what is durable: grown here and now, or by a thread while the writer goes on.
 * Shell.
 *
 * Nothing on the disk needs the tree before the next checkpoint or segment, so it may lag behind.
 * The thread gets the bytes themselves: `held` is exchanged for the buffer that it had before, into
 * which only what is not durable yet is copied. While it works, tree and buffer are the thread's;
 * whoever wants the tree waits for it by journal_grown. It cannot fail.
 */
#include "journal/worker.h"
#include "journal/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define APART_BYTES (8u << 10) /* less takes the thread longer to wake up for than to hash */

struct journal_grower {
    struct journal_worker *worker;
    struct journal_tree *tree; /* the journal's; the thread's while it works */
    struct buf lines;          /* what it has to put in */
};

/* The thread's work, of which there is one piece at a time. */
static void grow(void *arg, size_t n)
{
    struct journal_grower *g = arg;

    (void)n;
    journal_batch_leaves(g->tree, (struct span){g->lines.data, g->lines.len});
}

int journal_grow_apart(struct journal *j)
{
    struct journal_grower *g;
    int rc;

    if (j->grower)
        return 0;
    g = calloc(1, sizeof(*g));
    if (!g)
        return -ENOMEM;
    g->tree = &j->durable.tree;
    buf_init(&g->lines, j->held.max);
    rc = journal_worker_new(grow, g, &g->worker);
    if (rc == 0)
        j->grower = g;
    else
        free(g);
    return rc;
}

const struct journal_tree *journal_grown(struct journal *j)
{
    if (j->grower)
        (void)journal_worker_take(j->grower->worker, true);
    return &j->durable.tree;
}

/* The thread, which has nothing to do, gets the first n bytes of `held`, and gives the buffer that
 * it had. False where it cannot: without memory. */
static bool hand_over(struct journal *j, size_t n)
{
    struct journal_grower *g = j->grower;
    struct buf other;

    buf_reset(&g->lines);
    if (buf_append(&g->lines, j->held.data + n, j->held.len - n))
        return false;
    other = g->lines;
    g->lines = j->held;
    g->lines.len = n;
    g->lines.data[n] = '\0';
    j->held = other;
    journal_worker_ask(g->worker);
    return true;
}

void journal_grow(struct journal *j, size_t n)
{
    const size_t rest = j->held.len - n;

    j->open_from -= n;
    if (n == 0)
        return;
    (void)journal_grown(j); /* what it has comes first */
    if (j->grower && n >= APART_BYTES && hand_over(j, n))
        return;
    journal_batch_leaves(&j->durable.tree, (struct span){j->held.data, n});
    memmove(j->held.data, j->held.data + n, rest);
    j->held.len = rest;
    j->held.data[rest] = '\0';
}

void journal_grow_stop(struct journal *j)
{
    struct journal_grower *g = j->grower;

    if (!g)
        return;
    journal_worker_free(g->worker);
    buf_release(&g->lines);
    free(g);
    j->grower = NULL;
}
