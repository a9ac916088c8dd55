/*
 * The rules of watching: when the system has no watch left. Pure. See tracker.h.
 *
 * A directory that gets no watch is *limited*: it is listed with every slice or patrol instead.
 * While there are such directories a round comes every few seconds, later every minute:
 *
 *  - The limited directory where something happened last is looked at, which asks for a watch. If
 * it gets one there is room again, and four times as many are looked at in the next round, at once.
 *  - Where something happened in a limited directory much later than in a watched one, the cold one
 *    yields its watch. It keeps its descriptor until IN_IGNORED says that all of its events were
 *    read; then it is limited itself, and the other one is looked at.
 */
#include "watchers/tracker_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RANK_MAX       256 /* directories a round */
#define ROUND_MIN_MS   2000
#define ROUND_MAX_MS   60000
#define ROUND_AGAIN_MS 20 /* while there is room */
#define MARGIN_S       600 /* by so much the hotter one must be ahead, so that watches do not wander */

/* The first few of many nodes, in an order of their own. */
struct rank {
    size_t count;
    struct node *nodes[RANK_MAX];
};

/* Directories without a watch that want one. */
static uint64_t limited(const struct tracker *t)
{
    uint64_t count = 0;

    for (unsigned i = 0; i < t->root_count; i++) {
        count += model_counts(t->model, i)->limited;
    }
    return count;
}

/* Watches of ours. */
static uint64_t watches(const struct tracker *t)
{
    uint64_t count = 0;

    for (unsigned i = 0; i < t->root_count; i++) {
        count += model_counts(t->model, i)->watches;
    }
    return count;
}

void tracker_budget_refused(struct tracker *t, const struct node *n, int code, int64_t now_ms)
{
    struct budget *b = &t->budget;

    b->refused++;
    if (!b->said) {
        b->said = true;
        b->batch = 1;
        b->wait_ms = ROUND_MIN_MS;
        b->round_at_ms = now_ms + ROUND_MIN_MS;
        b->watches = watches(t);
        tracker_say(t, HINT_WATCH_LIMIT, n->root, "", true, code);
    }
}

void tracker_budget_placed(struct tracker *t, int64_t now_ms)
{
    struct budget *b = &t->budget;

    b->placed++;
    if (b->round_at_ms > now_ms + ROUND_AGAIN_MS) {
        b->round_at_ms = now_ms + ROUND_AGAIN_MS;
    }
}

void tracker_budget_yielded(struct tracker *t, struct node *n, int64_t now_ms)
{
    struct budget *b = &t->budget;

    model_lower(t->model, n, NODE_YIELDS);
    model_raise(t->model, n, NODE_LIMITED);
    b->yielding -= b->yielding > 0;
    if (b->yielding == 0) {
        b->round_at_ms = now_ms;
    }
    b->freed++;
}

/* Keep n if it is among the first RANK_MAX; `before`: should a come before b? */
static void rank_put(struct rank *r, struct node *n,
                     bool (*before)(const struct node *a, const struct node *b))
{
    size_t low = 0;
    size_t high = r->count;

    while (low < high) {
        const size_t mid = low + (high - low) / 2;

        if (before(n, r->nodes[mid])) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    if (low == RANK_MAX) {
        return;
    }
    r->count += r->count < RANK_MAX;
    memmove(&r->nodes[low + 1], &r->nodes[low], (r->count - 1 - low) * sizeof(struct node *));
    r->nodes[low] = n;
}

static bool hotter(const struct node *a, const struct node *b)
{
    return a->active_s > b->active_s;
}

static bool colder(const struct node *a, const struct node *b)
{
    return a->active_s < b->active_s;
}

/* Could this directory give up its watch? Not a root, not what several roots watch. */
static bool may_yield(const struct tracker *t, const struct node *n)
{
    const struct node *first = model_wd_first(t->model, n->wd);

    return n->wd >= 0 && n->state == NODE_IDLE && (n->flags & (NODE_IS_ROOT | NODE_YIELDS)) == 0 &&
           model_wd_next(first) == NULL;
}

/* The hottest directories without a watch, the coldest with one. */
static void rank_all(struct tracker *t, struct rank *hot, struct rank *cold)
{
    for (unsigned i = 0; i < t->root_count; i++) {
        struct node *top = model_root(t->model, i);

        for (struct node *n = top; n != NULL; n = model_next(n, top)) {
            if ((n->flags & NODE_LIMITED) != 0 && n->state == NODE_IDLE) {
                rank_put(hot, n, hotter);
            } else if (may_yield(t, n)) {
                rank_put(cold, n, colder);
            }
        }
    }
}

/* Have cold directories yield their watches to hot ones. */
static void yield_some(struct tracker *t, const struct rank *hot, const struct rank *cold)
{
    for (size_t i = 0; i < hot->count && i < cold->count; i++) {
        struct node *n = cold->nodes[i];

        if ((int64_t)hot->nodes[i]->active_s - n->active_s < MARGIN_S) {
            return;
        }
        model_raise(t->model, n, NODE_YIELDS);
        wd_list_add(&t->released, n->wd);
        t->budget.yielding++;
    }
}

/* How did the last round end, and how is this one to be? */
static void weigh(struct tracker *t, int64_t now_ms)
{
    struct budget *b = &t->budget;

    if (b->refused == 0 && b->placed > 0) {
        b->batch = b->batch * 4 > RANK_MAX ? RANK_MAX : b->batch * 4;
        b->wait_ms = ROUND_AGAIN_MS;
    } else {
        b->batch = b->freed > 0 ? b->freed : 1;
        b->wait_ms = b->wait_ms * 2 > ROUND_MAX_MS ? ROUND_MAX_MS : b->wait_ms * 2;
        b->wait_ms = b->wait_ms < ROUND_MIN_MS ? ROUND_MIN_MS : b->wait_ms;
    }
    b->refused = 0;
    b->placed = 0;
    b->freed = 0;
    b->yielding = 0; /* what has not come by now went with its directory */
    b->round_at_ms = now_ms + b->wait_ms;
    b->watches = watches(t);
}

void tracker_budget_step(struct tracker *t, int64_t now_ms)
{
    struct rank hot = {0};
    struct rank cold = {0};
    struct budget *b = &t->budget;
    bool room;

    if (!b->said) {
        return;
    }
    if (limited(t) == 0) {
        b->said = false;
        tracker_say(t, HINT_WATCH_ROOM, 0, "", true, 0);
        return;
    }
    if (watches(t) < b->watches && b->round_at_ms - now_ms > ROUND_MIN_MS) {
        b->round_at_ms = now_ms + ROUND_MIN_MS; /* directories went: there is room */
        b->watches = watches(t);
    }
    if (now_ms < b->round_at_ms) {
        return;
    }
    room = b->freed > 0 || (b->refused == 0 && b->placed > 0);
    weigh(t, now_ms);
    rank_all(t, &hot, &cold);
    if (!room) {
        yield_some(t, &hot, &cold);
    }
    for (size_t i = 0; i < hot.count && i < b->batch; i++) {
        tracker_check(t, hot.nodes[i], 0);
    }
}

int64_t tracker_budget_deadline(const struct tracker *t)
{
    return t->budget.said ? t->budget.round_at_ms : INT64_MAX;
}
