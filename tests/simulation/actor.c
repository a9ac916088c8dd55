/* Pure. What the agent's shells do between plan, rows, order and guard, in steps. */
#include "tests/simulation/actor.h"

#include <stdlib.h>
#include <string.h>

#define LIST_BIT (1u << WORLD_PATHS)
#define ALL_BITS (2u * LIST_BIT - 1)
#define STEP_MS  1000

static const char *const names[WORLD_PATHS] = {"a/x", "a/y", "b/x", "b/y"};
static const struct guard_limits limits = {.max_removals = 1, .max_hourly = 1};

/* There is no test without memory. */
static void must(int rc)
{
    if (rc < 0)
        abort();
}

static int path_of(const char *name)
{
    for (int p = 0; name && p < WORLD_PATHS; p++)
        if (strcmp(names[p], name) == 0)
            return p;
    return -1;
}

static struct file_stat stat_of(const struct world_file *f)
{
    if (!f->image)
        return (struct file_stat){.kind = FILE_ABSENT};
    return (struct file_stat){.kind = FILE_REGULAR,
                              .nlink = 1,
                              .ino = f->image,
                              .born_ns = f->image,
                              .size = 100,
                              .mtime_ns = f->content,
                              .ctime_ns = f->changed};
}

static struct file_stat look(const struct actor *a, unsigned p)
{
    return stat_of(&a->world->disk[p]);
}

static bool is_current(const struct actor *a, unsigned p)
{
    return a->has[p] && !(a->known[p].flags & KNOWN_MOVED);
}

static void forget_memory(struct actor *a)
{
    rows_free(a->rows);
    a->rows = rows_new();
    if (!a->rows)
        abort();
    a->order = (struct order){0};
    a->list = (struct item){0};
    memset(a->state, 0, sizeof a->state);
    memset(a->seen, 0, sizeof a->seen);
    memset(a->barrier, 0, sizeof a->barrier);
    for (unsigned p = 0; p < WORLD_PATHS; p++)
        a->from[p] = -1;
}

void actor_begin(struct actor *a, struct world *w)
{
    *a = (struct actor){.world = w};
    forget_memory(a);
    for (unsigned p = 0; p < WORLD_PATHS; p++) {
        struct file_stat st = look(a, p);

        a->listed[p] = (int)p;
        a->has[p] = st.kind == FILE_REGULAR;
        if (a->has[p])
            known_from(&st, w->disk[p].content, "e", "v", &a->known[p]);
    }
}

void actor_end(struct actor *a)
{
    rows_free(a->rows);
    a->rows = NULL;
}

void actor_restart(struct actor *a)
{
    forget_memory(a);
    for (unsigned p = 0; p < WORLD_PATHS; p++) {
        if (a->world->intent[p] != WORLD_NO_INTENT) {
            if (!a->has[p])
                known_from(&a->intended[p], 0, "", "", &a->known[p]);
            a->has[p] = true;
            a->known[p].flags |= KNOWN_UNCERTAIN;
            world_outcome(a->world, p);
        }
    }
    a->dirty = ALL_BITS;
}

/* The path under which the index has the image that was seen at p, should that be another one. */
static int find_source(const struct actor *a, unsigned p)
{
    int found = -1;

    if (is_current(a, p) && plan_is_same(&a->seen[p], &a->known[p]))
        return -1;
    for (unsigned q = 0; q < WORLD_PATHS; q++)
        if (q != p && is_current(a, q) && plan_is_same(&a->seen[p], &a->known[q]) &&
            (found < 0 || !(a->known[q].flags & KNOWN_UNCERTAIN)))
            found = (int)q;
    return found;
}

static void follow(struct actor *a, unsigned p)
{
    int q = a->from[p] = find_source(a, p);

    if (rows_seen(a->rows, file_id_of(&a->seen[p]), names[p]) == 0 && q >= 0)
        must(
            rows_follow(a->rows, names[q], plan_file(&a->known[q]), names[a->listed[q]], names[p]));
    else if (q < 0 && is_current(a, p) && a->listed[p] != (int)p && !rows_has(a->rows, names[p]) &&
             plan_is_same(&a->seen[p], &a->known[p]))
        must(
            rows_follow(a->rows, names[p], plan_file(&a->known[p]), names[a->listed[p]], names[p]));
    if (is_current(a, p) && plan_is_other(&a->seen[p], &a->known[p]))
        must(rows_displaced(a->rows, names[p], plan_file(&a->known[p]), names[a->listed[p]]));
}

/* The index has the file that was seen at p under p from now on, and under no other name. */
static void know(struct actor *a, unsigned p)
{
    int q = a->from[p];
    const char *image = q >= 0 ? names[q] : NULL;
    const char *at;

    if (image || !is_current(a, p) || plan_is_other(&a->seen[p], &a->known[p]))
        must(rows_landed(a->rows, image, file_id_of(&a->seen[p]), names[p]));
    known_from(&a->seen[p], a->world->bucket[p].content, "e", "v", &a->known[p]);
    a->has[p] = true;
    at = rows_at(a->rows, names[p]);
    a->listed[p] = at ? path_of(at) : (int)p;
    for (unsigned o = 0; o < WORLD_PATHS; o++)
        if (o != p && is_current(a, o) && plan_is_same(&a->seen[p], &a->known[o])) {
            a->known[o].flags |= KNOWN_MOVED;
            a->heir[o] = p;
            a->dirty |= 1u << o;
        }
    a->dirty |= LIST_BIT;
}

static void observe(struct actor *a, unsigned p)
{
    const struct known *k = a->has[p] ? &a->known[p] : NULL;
    uint64_t hash = a->world->disk[p].content;
    int was_from = a->from[p];
    enum plan plan;

    a->dirty &= ~(1u << p);
    a->seen[p] = look(a, p);
    a->from[p] = -1;
    a->barrier[p] = 0;
    if (a->seen[p].kind != FILE_REGULAR) {
        if (was_from >= 0)
            rows_lost(a->rows, names[was_from], names[p]);
        a->state[p] = k ? ACTOR_GONE : ACTOR_IDLE;
        return;
    }
    a->held &= ~(1u << p);
    follow(a, p);
    plan = plan_path(&a->seen[p], k, NULL);
    if (plan == PLAN_HASH)
        plan = plan_path(&a->seen[p], k, &hash);
    a->state[p] = ACTOR_IDLE;
    if (plan == PLAN_REFRESH)
        know(a, p);
    else if (plan != PLAN_NOTHING)
        a->state[p] = ACTOR_READY;
}

/* The image that the index has at p was found at another path. */
static bool is_found_elsewhere(const struct actor *a, unsigned p)
{
    for (unsigned q = 0; q < WORLD_PATHS; q++)
        if (q != p && plan_is_same(&a->seen[q], &a->known[p]))
            return true;
    return false;
}

/* The same image is in step at another path: what is here is an old object of it. */
static bool is_in_step_elsewhere(struct actor *a, unsigned p)
{
    for (unsigned q = 0; q < WORLD_PATHS; q++)
        if (q != p && a->state[q] == ACTOR_IDLE && is_current(a, q) &&
            plan_is_same(&a->seen[q], &a->known[q]) && plan_is_same(&a->seen[q], &a->known[p])) {
            a->known[p].flags |= KNOWN_MOVED;
            a->heir[p] = q;
            return true;
        }
    return false;
}

/* The gone paths that nothing explains; `moved`: those that were renamed. */
static unsigned unexplained(struct actor *a, unsigned *ret_moved)
{
    unsigned gone = 0;

    *ret_moved = 0;
    for (unsigned p = 0; p < WORLD_PATHS; p++) {
        if (a->state[p] != ACTOR_GONE || a->held & 1u << p)
            continue;
        if (a->known[p].flags & KNOWN_MOVED)
            *ret_moved |= 1u << p;
        else if (!is_found_elsewhere(a, p))
            gone |= 1u << p;
        else if (is_in_step_elsewhere(a, p))
            *ret_moved |= 1u << p;
    }
    return gone;
}

static uint64_t count_current(const struct actor *a)
{
    uint64_t n = 0;

    for (unsigned p = 0; p < WORLD_PATHS; p++)
        n += is_current(a, p);
    return n;
}

/* Lists may still name an image by the path of an old object. */
static void follow_moved(struct actor *a, unsigned p)
{
    unsigned heir = a->heir[p];

    if (is_current(a, heir) && file_id_same(plan_file(&a->known[p]), plan_file(&a->known[heir])))
        must(rows_also(a->rows, names[heir], plan_file(&a->known[heir]), names[a->listed[heir]],
                       names[p]));
    else
        must(rows_gone(a->rows, names[p], names[p], names[p]));
}

/* Gone paths leave, or the guard holds them. */
static void judge_gone(struct actor *a, unsigned gone, unsigned moved)
{
    int64_t now_ms = (int64_t)a->world->clock * STEP_MS;
    uint64_t n = (uint64_t)__builtin_popcount(gone);
    uint64_t hourly = guard_recent_count(&a->hour, GUARD_HOUR_MS, now_ms);
    struct guard_question q = {.removals = n,
                               .objects = n,
                               .recent = hourly,
                               .hourly = hourly,
                               .held = (uint64_t)__builtin_popcount(a->held),
                               .indexed = count_current(a)};

    if (gone && guard_ask(&limits, &q) != GUARD_PASS) {
        a->held |= gone;
        gone = 0;
    }
    if (gone)
        guard_passed(&a->hour, GUARD_HOUR_MS, n, now_ms);
    for (unsigned p = 0; p < WORLD_PATHS; p++) {
        if (!((gone | moved) & 1u << p))
            continue;
        if (gone & 1u << p)
            must(rows_gone(a->rows, names[p], names[p], names[a->listed[p]]));
        else
            follow_moved(a, p);
        a->state[p] = ACTOR_LEAVING;
    }
}

static void send(struct actor *a, unsigned p)
{
    struct file_stat now = look(a, p);

    if (!file_same_content(&now, &a->seen[p])) {
        world_outcome(a->world, p);
        a->dirty |= 1u << p;
        a->state[p] = ACTOR_IDLE;
        return;
    }
    world_put(a->world, p, a->world->disk[p]);
    a->state[p] = ACTOR_SENT;
}

struct pass {
    int to[WORLD_PATHS]; /* -1: dropped */
};

static int take_row(void *arg, const char *from, const char *to)
{
    struct pass *pass = arg;

    pass->to[path_of(from)] = path_of(to);
    return 0;
}

static int settle_row(void *arg, const char *from, const char *to)
{
    struct actor *a = arg;

    if (from && to)
        a->listed[path_of(from)] = path_of(to);
    return 0;
}

/* The list's rows follow, at once. */
static void rewrite(struct actor *a)
{
    struct pass pass = {.to = {0, 1, 2, 3}};
    struct world_list *l = &a->world->list;

    must(rows_take(a->rows, take_row, &pass));
    for (unsigned i = 0; i < l->count; i++)
        if (l->path[i] >= 0)
            l->path[i] = pass.to[l->path[i]];
    must(rows_settled(a->rows, settle_row, a));
    a->dirty |= LIST_BIT;
}

static void put_list(struct actor *a)
{
    a->dirty &= ~LIST_BIT;
    a->list.looked = order_look(&a->order);
    world_put_list(a->world);
    a->list.live = a->list.looked;
}

static bool is_home(void *arg, const char *image, const struct file_id *file)
{
    const struct actor *a = arg;
    int p = path_of(image);

    return p >= 0 && is_current(a, (unsigned)p) && a->seen[p].kind == FILE_REGULAR &&
           (!file || file_id_same(plan_file(&a->known[p]), *file));
}

static bool is_flying(const struct actor *a, unsigned p)
{
    return a->state[p] == ACTOR_INTENT || a->state[p] == ACTOR_SENT;
}

/* What the index has at p must land where it is, before something else is put here; of a ring of
 * such images one goes first. */
static bool must_wait(struct actor *a, unsigned p)
{
    unsigned at = p;

    for (unsigned hops = 0; hops < WORLD_PATHS; hops++) {
        unsigned q = 0;

        while (q < WORLD_PATHS && !(q != at && (a->state[q] == ACTOR_READY || is_flying(a, q)) &&
                                    a->from[q] == (int)at))
            q++;
        if (q == WORLD_PATHS)
            return at != p;
        at = q;
        if (at == p)
            return false;
    }
    return false;
}

/* What each path waits for. False: nothing can be done. */
static bool step_path(struct actor *a, unsigned p)
{
    bool looked = !(a->dirty & ~LIST_BIT);

    switch (a->state[p]) {
    case ACTOR_READY:
        if (!looked || must_wait(a, p))
            return false;
        world_intend(a->world, p, WORLD_PUT);
        a->intended[p] = a->seen[p];
        a->state[p] = ACTOR_INTENT;
        return true;
    case ACTOR_INTENT:
        if (a->seen[p].kind == FILE_REGULAR) {
            send(a, p);
        } else {
            world_delete(a->world, p);
            a->state[p] = ACTOR_SENT;
        }
        return true;
    case ACTOR_SENT:
        if (a->seen[p].kind == FILE_REGULAR) {
            world_outcome(a->world, p);
            know(a, p);
            a->state[p] = ACTOR_IDLE;
            a->dirty |= 1u << p;
            return true;
        }
        world_outcome(a->world, p);
        a->has[p] = false;
        a->listed[p] = (int)p;
        a->state[p] = ACTOR_IDLE;
        return true;
    case ACTOR_LEAVING:
        if (!looked || rows_pending(a->rows))
            return false;
        if (!a->barrier[p]) {
            a->barrier[p] = order_barrier(&a->order);
            a->dirty |= LIST_BIT;
            return true;
        }
        if (order_blocks(&a->list, a->barrier[p]))
            return false;
        world_intend(a->world, p, WORLD_DELETE);
        a->state[p] = ACTOR_INTENT;
        return true;
    case ACTOR_IDLE:
    case ACTOR_GONE:
        return false;
    }
    return false;
}

static bool look_somewhere(struct actor *a, unsigned first)
{
    for (unsigned i = 0; i < WORLD_PATHS; i++) {
        unsigned p = (first + i) % WORLD_PATHS;

        if (a->dirty & 1u << p && !is_flying(a, p)) {
            observe(a, p);
            return true;
        }
    }
    return false;
}

/* Everything is looked at, and nothing is to be put or on its way. */
static bool all_landed(const struct actor *a)
{
    for (unsigned p = 0; p < WORLD_PATHS; p++)
        if (is_flying(a, p) || a->state[p] == ACTOR_READY)
            return false;
    return !(a->dirty & ~LIST_BIT);
}

static bool step_lists(struct actor *a)
{
    unsigned moved, gone = unexplained(a, &moved);

    if (a->dirty & ~LIST_BIT)
        return false;
    if (gone | moved) {
        judge_gone(a, gone, moved);
        return true;
    }
    if (rows_pending(a->rows) && !rows_unsure(a->rows)) {
        rewrite(a);
        return true;
    }
    if (!all_landed(a))
        return false;
    if (rows_pending(a->rows)) {
        must(rows_close(a->rows, is_home, a));
        if (rows_pending(a->rows))
            rewrite(a);
        return true;
    }
    if (a->dirty & LIST_BIT) {
        put_list(a);
        return true;
    }
    return false;
}

bool actor_step(struct actor *a, uint64_t choice)
{
    unsigned first = (unsigned)(choice / 2 % WORLD_PATHS);
    bool lists_first = choice % 2;

    a->world->clock++;
    if (lists_first && (look_somewhere(a, first) || step_lists(a)))
        return true;
    for (unsigned i = 0; i < WORLD_PATHS; i++)
        if (step_path(a, (first + i) % WORLD_PATHS))
            return true;
    return !lists_first && (look_somewhere(a, first) || step_lists(a));
}
