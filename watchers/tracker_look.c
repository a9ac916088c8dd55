/*
 * The rules of watching: what a look at the disk says. Pure. See tracker.h.
 */
#include "watchers/tracker_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The check has landed. */
static void flight_end(struct tracker *t, uint64_t serial)
{
    for (size_t i = 0; i < t->flight_count; i++) {
        if (t->flights[i] == serial) {
            t->flights[i] = t->flights[--t->flight_count];
            return;
        }
    }
}

/* The check was one of a slow pass: that has one less to wait for. */
static void slow_end(struct tracker *t, const struct check_result *r)
{
    if (r->check->slow) {
        t->roots[r->check->root].mend.slow.flights--;
        t->slow_flights--;
    }
}

/* A watch that was placed but is of no use, unless a node has it. */
static void give_back_watch(struct tracker *t, int wd)
{
    if (wd >= 0 && model_wd_first(t->model, wd) == NULL) {
        wd_list_add(&t->released, wd);
    }
}

/* The directory at n's place is not n: n waits in limbo, a new node takes its place and its duties.
 * NULL without memory. */
static struct node *replace_node(struct tracker *t, struct node *n, int64_t now_ms)
{
    char name[PATH_COMPONENT_MAX + 1];
    struct node *parent = n->parent;
    const unsigned duties = n->flags & (NODE_RECURSE | NODE_SCAN | NODE_AGAIN);
    struct node *fresh;

    memcpy(name, node_name(n), strlen(node_name(n)) + 1);
    model_lower(t->model, n, duties);
    tracker_limbo(t, n, now_ms);
    fresh = model_add(t->model, parent, name);
    if (fresh == NULL) {
        t->short_of_memory = true;
        return NULL;
    }
    model_raise(t->model, fresh, duties | NODE_RECURSE);
    return fresh;
}

/* The directory at n's place is m, known elsewhere: m moves here, and the place that it left is
 * checked. Returns m, or NULL without memory. */
static struct node *move_here(struct tracker *t, struct node *n, struct node *m, int64_t now_ms)
{
    char name[PATH_COMPONENT_MAX + 1];
    char old_name[PATH_COMPONENT_MAX + 1];
    struct node *parent = n->parent;
    struct node *old_parent = m->parent;
    const unsigned duties = n->flags & (NODE_RECURSE | NODE_SCAN | NODE_AGAIN);

    memcpy(name, node_name(n), strlen(node_name(n)) + 1);
    memcpy(old_name, node_name(m), strlen(node_name(m)) + 1);
    if (old_parent != NULL) {
        if (model_is_beneath(old_parent, n)) {
            old_parent = NULL; /* it goes where n goes */
        }
        model_detach(t->model, m);
    }
    model_lower(t->model, n, duties);
    if (n->wd >= 0) {
        tracker_limbo(t, n, now_ms);
    } else {
        model_kill(t->model, n, &t->released);
    }
    if (model_attach(t->model, m, parent, name) != 0) {
        t->short_of_memory = true;
        model_kill(t->model, m, &t->released);
        return NULL;
    }
    model_raise(t->model, m, duties | NODE_RECURSE);
    if (old_parent != NULL) {
        struct node *left = model_add(t->model, old_parent, old_name);

        if (left != NULL) {
            tracker_check(t, left, 0);
        } else {
            t->short_of_memory = true;
        }
    }
    return m;
}

/* Which node is the directory that was found at n's place? It is at that place when this returns.
 * NULL: no conclusion now. */
static struct node *identify(struct tracker *t, struct node *n, const struct check_result *r,
                             int64_t now_ms)
{
    struct node *m = r->wd < 0 ? NULL : model_by_wd(t->model, n->root, r->wd);
    const bool other = n->ino != 0 && n->ino != r->ino;

    if (m == n || (n->flags & NODE_IS_ROOT) != 0) {
        return n;
    }
    if (m != NULL && model_is_beneath(n, m)) {
        /* The model has it above this place: an older move is still to be read. */
        if ((m->flags & NODE_IS_ROOT) == 0) {
            tracker_check(t, m, 0);
        }
        tracker_dirty(t, n);
        return NULL;
    }
    if (m != NULL) {
        return move_here(t, n, m, now_ms);
    }
    if (other && n->wd >= 0) {
        return replace_node(t, n, now_ms);
    }
    if (other || (n->wd >= 0 && n->wd != r->wd)) {
        model_raise(t->model, n, NODE_RECURSE);
    }
    return n;
}

/* Keep what the look says of the watch. */
static void settle_watch(struct tracker *t, struct node *n, const struct check_result *r,
                         int64_t now_ms)
{
    if (r->wd >= 0) {
        if (n->wd != r->wd) {
            model_release_wd(t->model, n, &t->released);
            model_set_wd(t->model, n, r->wd);
        }
        if ((n->flags & NODE_LIMITED) != 0) {
            tracker_budget_placed(t, now_ms);
        }
        model_lower(t->model, n, NODE_LIMITED | NODE_YIELDS);
        return;
    }
    if (r->watch_code == 0) {
        return;
    }
    model_release_wd(t->model, n, &t->released);
    model_raise(t->model, n, NODE_LIMITED);
    tracker_budget_refused(t, n, r->watch_code, now_ms);
}

/* A directory that n's listing holds. `flags`: why every such directory is to be checked; `scan`:
 * NODE_SCAN where the checks of new ones belong to a scan. */
static void child_seen(struct tracker *t, struct node *n, const struct listing_entry *e,
                       unsigned flags, unsigned scan)
{
    struct node *child = model_child(t->model, n, e->name);
    bool wanted = flags != 0;

    if (child == NULL) {
        child = model_add(t->model, n, e->name);
        if (child == NULL) {
            t->short_of_memory = true;
            return;
        }
        wanted = true;
    } else if (child->ino == 0) {
        wanted = wanted || child->state == NODE_IDLE;
    } else {
        wanted = wanted || (e->code == 0 && child->ino != e->st.ino) ||
                 (t->watching && !t->roots[n->root].scan_only && child->wd < 0 &&
                  (child->flags & NODE_LIMITED) == 0);
    }
    child->stamp = t->stamp;
    if (wanted) {
        tracker_check(t, child, flags | scan);
    }
}

/* Hold the directories that are known beneath n against what its listing says. */
static void compare_children(struct tracker *t, struct node *n, const struct listing *l,
                             unsigned flags)
{
    const bool placed = model_path(n, t->path, sizeof(t->path)) == 0;

    t->stamp++;
    for (size_t i = 0; i < l->count; i++) {
        if (l->entries[i].st.kind == FILE_DIRECTORY) {
            child_seen(t, n, &l->entries[i], (flags & NODE_RECURSE) != 0 ? flags : 0,
                       flags & NODE_SCAN);
        }
    }
    if (!l->complete) {
        return;
    }
    for (struct node *child = n->child, *next; child != NULL; child = next) {
        next = child->next;
        if (child->stamp == t->stamp) {
            continue;
        }
        if (placed && filter_excludes_name(t->roots[n->root].filter, t->path, node_name(child))) {
            model_kill(t->model, child, &t->released); /* its new name is passed over */
        } else {
            tracker_check(t, child, flags & NODE_SCAN);
        }
    }
}

/* Keep the first error of the scan that n's check belongs to. */
static void note_code(struct tracker *t, const struct node *n, int code)
{
    struct tracker_root *root = &t->roots[n->root];

    if ((n->flags & NODE_SCAN) != 0 && root->scan_code == 0) {
        root->scan_code = code;
    }
}

/* Say what n holds, as a check found it; the listing is taken. In limbo there is nothing to say: n
 * is listed again when it has a place. */
static void say_listing_take(struct tracker *t, struct node *n, const struct check *c,
                             struct listing *l)
{
    struct hint *h = NULL;

    note_code(t, n, l->code);
    if (model_path(n, t->path, sizeof(t->path)) == 0) {
        h = hint_new(HINT_LISTING, n->root, t->path, NULL);
        t->short_of_memory = t->short_of_memory || h == NULL;
    }
    if (h == NULL) {
        listing_free(l);
        return;
    }
    h->is_directory = true;
    h->code = l->code;
    h->number = c->said;
    h->listing = l;
    hint_list_add_take(&t->hints, h);
}

/* The duties of n's check are done, unless it is wanted once more. */
static void duties_done(struct tracker *t, struct node *n)
{
    model_lower(t->model, n, NODE_SUSPECT | NODE_MISPLACED);
    if ((n->flags & NODE_AGAIN) == 0) {
        model_lower(t->model, n, NODE_RECURSE | NODE_SCAN | NODE_DOUBTFUL);
    }
}

/* The directory was listed, or cannot be, and nothing that was lost since can have changed that. */
static void note_current(struct tracker *t, struct node *n, const struct check_result *r)
{
    struct mending *m = &t->roots[n->root].mend;

    if (r->check->generation == model_counts(t->model, n->root)->generation) {
        model_set_current(t->model, n);
        if (m->code == 0) {
            m->code = r->listing != NULL ? r->listing->code : r->code;
        }
    }
}

/* Keep what the times of a directory say: whether a later glance can rely on them, and when
 * something happened in it. */
static void note_times(struct node *n, const struct check_result *r, int64_t now_ms)
{
    const int64_t active_s = now_ms / 1000 - r->age_s;

    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): what was found was listed */
    n->mark = r->listing->complete ? r->mark : 0;
    if (active_s > n->active_s) {
        n->active_s = (int32_t)active_s;
    }
}

/* A directory was found at n's place. */
static void conclude_found(struct tracker *t, struct node *n, struct check_result *r,
                           int64_t now_ms)
{
    struct node *here = identify(t, n, r, now_ms);
    unsigned flags;

    if (here == NULL) {
        give_back_watch(t, r->wd);
        return;
    }
    model_set_ino(t->model, here, r->ino);
    settle_watch(t, here, r, now_ms);
    note_times(here, r, now_ms);
    note_current(t, here, r);
    flags = (here->flags & NODE_AGAIN) != 0 ? 0 : here->flags & (NODE_RECURSE | NODE_SCAN);
    compare_children(t, here, r->listing, flags);
    say_listing_take(t, here, r->check, r->listing);
    r->listing = NULL;
    duties_done(t, here);
    if (here != n && (here->flags & NODE_AGAIN) != 0 && here->state != NODE_FLYING) {
        model_lower(t->model, here, NODE_AGAIN);
        tracker_check(t, here, 0);
    }
    if (r->wd >= 0) {
        tracker_event_replay(t, r->wd, now_ms);
    }
}

/* There is no directory at n's place: given up if that was so before the last barrier too. */
static void conclude_absent(struct tracker *t, struct node *n)
{
    if ((n->flags & NODE_IS_ROOT) != 0) {
        tracker_suspect_root(t, n->root);
        duties_done(t, n);
        return;
    }
    if ((n->flags & NODE_AGAIN) != 0) {
        return; /* an event came since the look began: what it told of is looked at first */
    }
    if ((n->flags & NODE_SUSPECT) == 0) {
        model_raise(t->model, n, NODE_SUSPECT);
        tracker_dirty(t, n);
        return;
    }
    if (model_path(n, t->path, sizeof(t->path)) == 0) {
        tracker_say(t, HINT_GONE, n->root, t->path, true, 0);
    }
    model_kill(t->model, n, &t->released);
}

/* The path to n leads elsewhere: after a barrier again, the second time with its parent. */
static void conclude_misplaced(struct tracker *t, struct node *n)
{
    if ((n->flags & NODE_MISPLACED) != 0 && n->parent != NULL) {
        if ((n->parent->flags & NODE_IS_ROOT) != 0) {
            tracker_suspect_root(t, n->root);
        } else {
            tracker_check(t, n->parent, 0);
        }
    }
    model_lower(t->model, n, NODE_SUSPECT);
    model_raise(t->model, n, NODE_MISPLACED);
    tracker_dirty(t, n);
}

/* Will the reason why a directory could not be read pass by itself? */
static bool passes(int code)
{
    return code == -EMFILE || code == -ENFILE || code == -ENOMEM || code == -EAGAIN ||
           code == -EINTR;
}

/* There is something at n's place, but it cannot be read: nothing is known of what lies beneath. */
static void conclude_unreadable(struct tracker *t, struct node *n, const struct check_result *r)
{
    const int code = r->code;
    struct listing *l;

    if (passes(code)) {
        tracker_dirty(t, n);
        return;
    }
    l = calloc(1, sizeof(*l));
    if (l == NULL) {
        t->short_of_memory = true;
    } else {
        l->code = code;
        say_listing_take(t, n, r->check, l);
    }
    if (code == -EXDEV) {
        /* Something is mounted here: what we knew lies hidden below it. */
        model_kill_children(t->model, n, &t->released);
        model_release_wd(t->model, n, &t->released);
    }
    if ((n->flags & NODE_IS_ROOT) != 0) {
        tracker_suspect_root(t, n->root);
    }
    n->mark = 0;
    note_current(t, n, r);
    duties_done(t, n);
}

/* Draw the conclusion of a look whose place has not changed meanwhile. */
static void conclude(struct tracker *t, struct node *n, struct check_result *r, int64_t now_ms)
{
    switch (r->outcome) {
    case CHECK_FOUND:
        conclude_found(t, n, r, now_ms);
        return;
    case CHECK_SAME:
        duties_done(t, n);
        return;
    case CHECK_ABSENT:
        conclude_absent(t, n);
        break;
    case CHECK_MISPLACED:
        conclude_misplaced(t, n);
        break;
    case CHECK_UNREADABLE:
        conclude_unreadable(t, n, r);
        break;
    }
    give_back_watch(t, r->wd); /* placed before it came to nothing */
}

void tracker_result(struct tracker *t, struct check_result *r, int64_t now_ms)
{
    struct node *n = r->check->node;

    flight_end(t, r->check->serial);
    slow_end(t, r);
    if (r->check->metered && r->listing != NULL) {
        tracker_meter_charge(t, n->root, r->listing->count);
    }
    n->state = NODE_IDLE;
    if ((n->flags & NODE_DEAD) == 0 && n->moves == r->check->moves && !t->roots[n->root].lost) {
        conclude(t, n, r, now_ms);
    } else {
        give_back_watch(t, r->wd);
    }
    if ((n->flags & (NODE_DEAD | NODE_AGAIN)) == NODE_AGAIN && n->state == NODE_IDLE) {
        model_lower(t->model, n, NODE_AGAIN);
        tracker_check(t, n, 0);
    }
    model_unpin(n);
    listing_free(r->listing);
    r->listing = NULL;
    free(r->check);
    r->check = NULL;
    if (t->dirty.count == 0 && t->asked.count == 0) {
        t->dirty_wait_ms = 0;
    }
    tracker_event_forget(t);
    tracker_scans_step(t, now_ms);
}
