/* Pure. The items by key, their deadlines in a binary heap, counts by state. */
#include "agent/core/pending.h"

#include "agent/core/trouble.h"

#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#define PENDING_MAPPINGS_MAX 64
#define HEAP_ROOM_MIN        64

struct pending {
    struct map *by_key;
    struct item **heap; /* by deadline_ms */
    size_t heap_count;
    size_t heap_room;
    struct item *mates[PENDING_MAPPINGS_MAX];
    size_t counts[PENDING_MAPPINGS_MAX][ITEM_STATE_COUNT];
    size_t sums[ITEM_STATE_COUNT]; /* of all mappings */
};

const char *item_state_name(enum item_state state)
{
    static const char *const names[ITEM_STATE_COUNT] = {
        "settling", "observing", "observed", "hashing", "checking", "waiting", "ready",  "flying",
        "gone",     "claimed",   "listing",  "barrier", "deleting", "retry",   "refused"};

    return names[state];
}

void item_queue_push(struct item_queue *q, struct item *it)
{
    item_queue_leave(it);
    it->queue = q;
    it->prev = q->last;
    it->next = NULL;
    if (q->last)
        q->last->next = it;
    else
        q->first = it;
    q->last = it;
    q->count++;
}

void item_queue_leave(struct item *it)
{
    struct item_queue *q = it->queue;

    if (!q)
        return;
    if (it->prev)
        it->prev->next = it->next;
    else
        q->first = it->next;
    if (it->next)
        it->next->prev = it->prev;
    else
        q->last = it->prev;
    it->queue = NULL;
    it->prev = it->next = NULL;
    q->count--;
}

struct pending *pending_new(void)
{
    struct pending *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->by_key = map_new();
    if (!p->by_key) {
        free(p);
        return NULL;
    }
    return p;
}

/* Free what an item owns, and the item. */
static void item_free(struct item *it)
{
    free(it->origin);
    free(it->via);
    free(it->heir);
    free(it->went);
    free(it->image);
    free(it->awaits);
    free(it->target);
    free(it->why);
    free(it);
}

void pending_free(struct pending *p)
{
    void *value;

    if (!p)
        return;
    for (size_t at = 0; map_next(p->by_key, &at, NULL, NULL, &value);)
        item_free(value);
    map_free(p->by_key);
    free(p->heap);
    free(p);
}

struct item *pending_find(const struct pending *p, const char *key)
{
    return map_get_str(p->by_key, key);
}

/* Exchange two places of the heap. */
static void heap_swap(struct pending *p, size_t a, size_t b)
{
    struct item *t = p->heap[a];

    p->heap[a] = p->heap[b];
    p->heap[b] = t;
    p->heap[a]->heap_at = a;
    p->heap[b]->heap_at = b;
}

/* Move the item at `i` to where its deadline belongs. */
static void heap_settle(struct pending *p, size_t i)
{
    while (i > 0 && p->heap[i]->deadline_ms < p->heap[(i - 1) / 2]->deadline_ms) {
        heap_swap(p, i, (i - 1) / 2);
        i = (i - 1) / 2;
    }
    for (;;) {
        size_t least = i;

        for (size_t c = 2 * i + 1; c <= 2 * i + 2 && c < p->heap_count; c++)
            if (p->heap[c]->deadline_ms < p->heap[least]->deadline_ms)
                least = c;
        if (least == i)
            return;
        heap_swap(p, i, least);
        i = least;
    }
}

/* Take an item out of the heap. */
static void heap_remove(struct pending *p, struct item *it)
{
    size_t at = it->heap_at;

    if (at == SIZE_MAX)
        return;
    heap_swap(p, at, p->heap_count - 1);
    p->heap_count--;
    it->heap_at = SIZE_MAX;
    if (at < p->heap_count)
        heap_settle(p, at);
}

/* Room for every item in the heap, so that setting a deadline cannot fail. */
static bool heap_reserve(struct pending *p)
{
    size_t want = map_count(p->by_key) + 1;

    if (want <= p->heap_room)
        return true;
    size_t room = p->heap_room ? p->heap_room * 2 : HEAP_ROOM_MIN;
    struct item **heap = realloc(p->heap, room * sizeof *heap);

    if (!heap)
        return false;
    p->heap = heap;
    p->heap_room = room;
    return true;
}

/* Give room of the heap back once an eighth is in use. Failing is harmless. */
static void heap_shrink(struct pending *p)
{
    const size_t room = p->heap_room / 2;
    struct item **heap;

    if (room < HEAP_ROOM_MIN || map_count(p->by_key) >= p->heap_room / 8)
        return;
    heap = realloc(p->heap, room * sizeof *heap);
    if (!heap)
        return;
    p->heap = heap;
    p->heap_room = room;
}

/* One more, or less (-1), in the state that the item is in. */
static void count(struct pending *p, const struct item *it, int more)
{
    p->counts[it->mapping][it->state] += (size_t)more;
    p->sums[it->state] += (size_t)more;
}

struct item *pending_get(struct pending *p, unsigned mapping, const char *key, size_t prefix_len,
                         int64_t now_ms)
{
    struct item *it = map_get_str(p->by_key, key);

    if (it)
        return it;
    if (mapping >= PENDING_MAPPINGS_MAX || !heap_reserve(p))
        return NULL;
    it = calloc(1, sizeof *it);
    if (!it)
        return NULL;
    if (map_put_str(p->by_key, key, it, NULL)) {
        item_free(it);
        return NULL;
    }
    it->key = map_key_str(p->by_key, key);
    it->mapping = mapping;
    it->mate_next = p->mates[mapping];
    if (it->mate_next)
        it->mate_next->mate_prev = it;
    p->mates[mapping] = it;
    it->path = it->key + prefix_len;
    it->deadline_ms = INT64_MAX;
    it->heap_at = SIZE_MAX;
    it->since_ms = it->hint_ms = now_ms;
    count(p, it, 1);
    return it;
}

void pending_forget(struct pending *p, struct item *it)
{
    item_queue_leave(it);
    trouble_leave(it);
    if (it->peer && it->peer->peer == it)
        it->peer->peer = NULL;
    heap_remove(p, it);
    count(p, it, -1);
    if (it->mate_prev)
        it->mate_prev->mate_next = it->mate_next;
    else
        p->mates[it->mapping] = it->mate_next;
    if (it->mate_next)
        it->mate_next->mate_prev = it->mate_prev;
    map_remove_str(p->by_key, it->key);
    item_free(it);
    heap_shrink(p);
}

void pending_set(struct pending *p, struct item *it, enum item_state state, int64_t deadline_ms)
{
    item_queue_leave(it);
    count(p, it, -1);
    it->state = state;
    count(p, it, 1);
    it->deadline_ms = deadline_ms;
    if (deadline_ms == INT64_MAX) {
        heap_remove(p, it);
        return;
    }
    if (it->heap_at == SIZE_MAX) {
        it->heap_at = p->heap_count;
        p->heap[p->heap_count++] = it;
    }
    heap_settle(p, it->heap_at);
}

struct item *pending_due(struct pending *p, int64_t now_ms)
{
    struct item *it;

    if (!p->heap_count || p->heap[0]->deadline_ms > now_ms)
        return NULL;
    it = p->heap[0];
    heap_remove(p, it);
    it->deadline_ms = INT64_MAX;
    return it;
}

int64_t pending_deadline(const struct pending *p)
{
    return p->heap_count ? p->heap[0]->deadline_ms : INT64_MAX;
}

size_t pending_count(const struct pending *p)
{
    return map_count(p->by_key);
}

size_t pending_count_state(const struct pending *p, enum item_state state)
{
    return p->sums[state];
}

size_t pending_count_mapping(const struct pending *p, unsigned mapping, enum item_state state)
{
    return p->counts[mapping][state];
}

bool pending_any_mapping(const struct pending *p, unsigned mapping, const enum item_state *states,
                         size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p->counts[mapping][states[i]])
            return true;
    return false;
}

struct item *pending_next(const struct pending *p, size_t *at)
{
    void *value;

    return map_next(p->by_key, at, NULL, NULL, &value) ? value : NULL;
}

struct item *pending_first(const struct pending *p, unsigned mapping)
{
    return mapping < PENDING_MAPPINGS_MAX ? p->mates[mapping] : NULL;
}

void item_blame(struct item *it, const char *why)
{
    char *copy = why ? strdup(why) : NULL;

    if (why && !copy)
        return;
    free(it->why);
    it->why = copy;
}
