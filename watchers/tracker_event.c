/*
 * The rules of watching: what an event says. Pure. See tracker.h; the kernel's side is inotify(7).
 */
#include "watchers/tracker_state.h"

#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

#define ROOTS_PER_WATCH 64 /* roots that overlap in one directory and are told of one event */

/* Where an event happened. */
struct spot {
    struct node *dir;
    const char *name;
    const char *path; /* of the name; NULL while the directory is in limbo */
    bool excluded;
};

/* The path of what half a rename left, in `path2`; NULL if it cannot be told any more. */
static const char *entry_path(struct tracker *t, const struct cookie_entry *e)
{
    if ((e->parent->flags & NODE_DEAD) != 0 ||
        model_path(e->parent, t->path2, sizeof(t->path2)) != 0) {
        return NULL;
    }
    const size_t n = strlen(t->path2);
    const size_t part = strlen(e->name);

    if (n + 1 + part >= sizeof(t->path2)) {
        return NULL;
    }
    if (n > 0) {
        t->path2[n] = '/';
    }
    memcpy(t->path2 + n + (n > 0), e->name, part + 1);
    return t->path2;
}

/* Say something of the spot, if its path is known. */
static void say_at(struct tracker *t, const struct spot *s, enum hint_kind kind, bool is_directory)
{
    if (s->path != NULL) {
        tracker_say(t, kind, s->dir->root, s->path, is_directory, 0);
    }
}

/* The other half of a rename came (e) or never will (NULL): say what it means at its end. */
static void say_arrived(struct tracker *t, const struct spot *s, const struct cookie_entry *e,
                        bool is_directory)
{
    const char *from = e == NULL ? NULL : entry_path(t, e);

    if (from != NULL && s->path != NULL && !s->excluded) {
        tracker_say_moved(t, e->root, from, s->dir->root, s->path, is_directory);
    } else if (from != NULL) {
        tracker_say(t, HINT_GONE, e->root, from, is_directory, 0);
    }
    if (from == NULL && !s->excluded) {
        say_at(t, s, is_directory ? HINT_TOUCHED : HINT_WRITTEN, is_directory);
    }
}

/* A file came, went, was written. */
static void file_event(struct tracker *t, const struct spot *s, const struct raw_event *ev,
                       int64_t now_ms)
{
    if ((ev->mask & IN_MOVED_TO) != 0) {
        struct cookie_entry *e = cookies_find(t->cookies, ev->cookie, s->dir->root);

        say_arrived(t, s, e, false);
        if (e != NULL) {
            tracker_entry_end(t, e);
        }
        return;
    }
    if (s->excluded) {
        return;
    }
    if ((ev->mask & IN_MOVED_FROM) != 0) {
        (void)tracker_entry_new(t, ev->cookie, s->dir, s->name, NULL, now_ms); /* short_of_memory */
    } else if ((ev->mask & IN_DELETE) != 0) {
        say_at(t, s, HINT_GONE, false);
    } else if ((ev->mask & IN_CLOSE_WRITE) != 0) {
        say_at(t, s, HINT_WRITTEN, false);
    } else if ((ev->mask & (IN_CREATE | IN_MODIFY | IN_ATTRIB)) != 0) {
        say_at(t, s, HINT_TOUCHED, false);
    }
}

/* Want the directory in this place looked at, as a new node if there is none. */
static void place_check(struct tracker *t, const struct spot *s)
{
    struct node *n = model_child(t->model, s->dir, s->name);

    if (n == NULL) {
        n = model_add(t->model, s->dir, s->name);
    }
    if (n == NULL) {
        t->short_of_memory = true;
    } else {
        tracker_check(t, n, 0);
    }
}

/* A directory was made, or its attributes changed. What has its watch is known already. */
static void directory_touched(struct tracker *t, const struct spot *s)
{
    struct node *n = model_child(t->model, s->dir, s->name);

    say_at(t, s, HINT_TOUCHED, true);
    if (n != NULL) {
        model_lower(t->model, n, NODE_SUSPECT); /* a look under way may have come too early */
    }
    if (n == NULL || (n->state == NODE_IDLE && n->wd < 0)) {
        place_check(t, s);
    }
}

/* A directory left its place: it waits in limbo for the other half. A place that it held against
 * another is looked at still: that other was exchanged for it. */
static void directory_left(struct tracker *t, const struct spot *s, uint32_t cookie, int64_t now_ms)
{
    struct cookie_entry *pushed = cookies_find_displaced(t->cookies, s->dir, s->name);
    struct node *n = pushed == NULL ? NULL : tracker_entry_node(pushed);
    struct cookie_entry *e;
    bool doubtful = false;

    if (n == NULL) {
        n = model_child(t->model, s->dir, s->name);
        if (n != NULL) {
            doubtful = (n->flags & NODE_DOUBTFUL) != 0;
            model_lower(t->model, n, NODE_DOUBTFUL);
            model_detach(t->model, n);
        }
    }
    e = tracker_entry_new(t, cookie, s->dir, s->name, n, now_ms);
    if (e != NULL) {
        e->is_directory = true;
    } else if (n != NULL) {
        model_kill(t->model, n, &t->released);
    }
    if (pushed != NULL) {
        tracker_entry_end(t, pushed);
    }
    if (doubtful) {
        place_check(t, s);
    }
}

/* Put a directory in limbo into its new place. False if it cannot be. */
static bool settle_in(struct tracker *t, const struct spot *s, struct node *n)
{
    if (n->root != s->dir->root) {
        return false;
    }
    if (model_attach(t->model, n, s->dir, s->name) != 0) {
        t->short_of_memory = true;
        return false;
    }
    tracker_check(t, n, NODE_RECURSE);
    return true;
}

/* It seems that a look was in this place before the event was read, and found the directory: all
 * that waits in limbo is the empty place that it left. Or no look was at either yet. */
static bool may_be_seen_before(const struct node *occupant, const struct node *waiting)
{
    return occupant != NULL && occupant->wd >= 0 && waiting != NULL && waiting->wd < 0;
}

/* Make what arrived at the spot the node in that place. */
static void directory_settles(struct tracker *t, const struct spot *s, struct node *n,
                              int64_t now_ms)
{
    struct node *occupant = model_child(t->model, s->dir, s->name);

    if (!s->excluded && may_be_seen_before(occupant, n)) {
        model_kill(t->model, n, &t->released);
        tracker_check(t, occupant, NODE_RECURSE | NODE_DOUBTFUL);
        return;
    }
    if (occupant != NULL) {
        tracker_limbo(t, occupant, now_ms); /* replaced, or half of an exchange */
    }
    if (!s->excluded && n != NULL && settle_in(t, s, n)) {
        return;
    }
    if (n != NULL) {
        model_kill(t->model, n, &t->released);
    }
    if (!s->excluded) {
        place_check(t, s);
    }
}

/* Whoever takes hints was told just now that all beneath the origin of a rename moved. What has
 * that place by now, by an exchange or made since, may have been told of before: it is told again.
 */
static void tell_origin_again(struct tracker *t, const struct cookie_entry *e)
{
    struct node *n = model_child(t->model, e->parent, e->name);

    if (n != NULL) {
        tracker_check(t, n, NODE_RECURSE);
    }
}

/* A directory came into a place. */
static void directory_arrived(struct tracker *t, const struct spot *s, uint32_t cookie,
                              int64_t now_ms)
{
    struct cookie_entry *e = cookies_find(t->cookies, cookie, s->dir->root);

    struct node *n = e == NULL ? NULL : tracker_entry_node(e);

    say_arrived(t, s, e, true);
    if (n != NULL && model_is_beneath(s->dir, n)) {
        /* Into itself, by a model that is far behind: let it expire, look at everything. */
        tracker_scan_whole(t, n->root);
        return;
    }
    directory_settles(t, s, n, now_ms);
    if (e != NULL) {
        tell_origin_again(t, e);
        tracker_entry_end(t, e);
    }
}

/* A directory came, went or changed. */
static void directory_event(struct tracker *t, const struct spot *s, const struct raw_event *ev,
                            int64_t now_ms)
{
    if ((ev->mask & IN_MOVED_TO) != 0) {
        directory_arrived(t, s, ev->cookie, now_ms);
        return;
    }
    if (s->excluded) {
        return;
    }
    if ((ev->mask & EVENT_LOOK) != 0) {
        place_check(t, s);
    } else if ((ev->mask & IN_MOVED_FROM) != 0) {
        directory_left(t, s, ev->cookie, now_ms);
    } else if ((ev->mask & IN_DELETE) != 0) {
        struct node *n = model_child(t->model, s->dir, s->name);

        say_at(t, s, HINT_GONE, true);
        if (n != NULL) {
            model_kill(t->model, n, &t->released);
        }
    } else if ((ev->mask & (IN_CREATE | IN_ATTRIB)) != 0) {
        directory_touched(t, s);
    }
}

/* An event of the directory itself. */
static void self_event(struct tracker *t, struct node *n, const struct raw_event *ev,
                       int64_t now_ms)
{
    const bool is_root = (n->flags & NODE_IS_ROOT) != 0;

    if ((ev->mask & IN_IGNORED) != 0 && !is_root && n->parent == NULL &&
        (n->flags & NODE_YIELDS) == 0) {
        /* Gone while in limbo, as what a rename replaces is: not what leaves its place next. */
        model_kill(t->model, n, &t->released);
        return;
    }
    if ((ev->mask & IN_IGNORED) != 0) {
        /* The kernel has dropped the watch; the library's record of it goes too. */
        model_release_wd(t->model, n, &t->released);
        if ((n->flags & NODE_YIELDS) != 0) {
            tracker_budget_yielded(t, n, now_ms);
        } else {
            tracker_check(t, n, 0);
        }
    }
    if (is_root && (ev->mask & (IN_IGNORED | IN_UNMOUNT | IN_DELETE_SELF | IN_MOVE_SELF)) != 0) {
        tracker_suspect_root(t, n->root);
    } else if ((is_root || (ev->mask & EVENT_ALONE) != 0) && (ev->mask & IN_ATTRIB) != 0 &&
               model_path(n, t->path, sizeof(t->path)) == 0) {
        tracker_say(t, HINT_TOUCHED, n->root, t->path, true, 0);
    }
}

/* An event of the directory n, or of a name in it. */
static void event_at(struct tracker *t, struct node *n, const struct raw_event *ev, int64_t now_ms)
{
    struct spot s = {.dir = n, .name = ev->name};

    if (ev->name[0] == '\0') {
        self_event(t, n, ev, now_ms);
        return;
    }
    n->active_s = (int32_t)(now_ms / 1000);
    if (model_path(n, t->path, sizeof(t->path)) == 0) {
        const size_t dir = strlen(t->path);
        const size_t part = strlen(ev->name);

        s.excluded = filter_excludes_name(t->roots[n->root].filter, t->path, ev->name);
        if (dir + 1 + part < sizeof(t->path)) {
            if (dir > 0) {
                t->path[dir] = '/';
            }
            memcpy(t->path + dir + (dir > 0), ev->name, part + 1);
            s.path = t->path;
        }
    }
    if ((ev->mask & IN_ISDIR) != 0) {
        directory_event(t, &s, ev, now_ms);
    } else {
        file_event(t, &s, ev, now_ms);
    }
}

/* No node has this watch: keep the event while a check in flight may come back with it. */
static void park(struct tracker *t, const struct raw_event *ev)
{
    const size_t size = strlen(ev->name) + 1;
    struct parked *p;

    if (t->flight_count == 0) {
        return;
    }
    p = t->parked_count < PARKED_MAX ? malloc(sizeof(*p) + size) : NULL;
    if (p == NULL) {
        t->short_of_memory = true;
        return;
    }
    memcpy(p->name, ev->name, size);
    p->next = NULL;
    p->until = t->serial;
    p->wd = ev->wd;
    p->mask = ev->mask;
    p->cookie = ev->cookie;
    if (t->parked_last != NULL) {
        t->parked_last->next = p;
    } else {
        t->parked_first = p;
    }
    t->parked_last = p;
    t->parked_count++;
}

/* Deliver to every root's node that has this watch. False if none has. */
static bool deliver(struct tracker *t, const struct raw_event *ev, int64_t now_ms)
{
    struct node *nodes[ROOTS_PER_WATCH];
    size_t count = 0;

    for (struct node *n = model_wd_first(t->model, ev->wd); n != NULL && count < ROOTS_PER_WATCH;
         n = model_wd_next(n)) {
        model_pin(n);
        nodes[count++] = n;
    }
    for (size_t i = 0; i < count; i++) {
        if ((nodes[i]->flags & NODE_DEAD) == 0) {
            event_at(t, nodes[i], ev, now_ms);
        }
        model_unpin(nodes[i]);
    }
    return count > 0;
}

/* Something happened above a root: was it the root? True if the watch is such a one. */
static bool guard_event(struct tracker *t, const struct raw_event *ev)
{
    bool guards = false;

    for (unsigned i = 0; i < t->root_count; i++) {
        if (t->roots[i].guard_wd != ev->wd) {
            continue;
        }
        guards = true;
        if ((ev->mask & (IN_ISDIR | IN_IGNORED)) != 0) {
            tracker_suspect_root(t, i);
        }
    }
    return guards;
}

void tracker_event(struct tracker *t, const struct raw_event *ev, int64_t now_ms)
{
    if ((ev->mask & IN_Q_OVERFLOW) != 0) {
        tracker_overflow(t, now_ms);
        return;
    }
    const bool guards = guard_event(t, ev);

    if (!deliver(t, ev, now_ms) && !guards) {
        park(t, ev);
    }
}

void tracker_event_replay(struct tracker *t, int wd, int64_t now_ms)
{
    struct parked **at = &t->parked_first;
    struct parked *last = NULL;
    struct parked *mine = NULL;
    struct parked **mine_end = &mine;

    while (*at != NULL) {
        struct parked *p = *at;

        if (p->wd == wd) {
            *at = p->next;
            p->next = NULL;
            *mine_end = p;
            mine_end = &p->next;
            t->parked_count--;
        } else {
            last = p;
            at = &p->next;
        }
    }
    t->parked_last = last;
    while (mine != NULL) {
        struct parked *p = mine;
        const struct raw_event ev = {p->wd, p->mask, p->cookie, p->name};

        mine = p->next;
        tracker_event(t, &ev, now_ms);
        free(p);
    }
}

void tracker_event_forget(struct tracker *t)
{
    uint64_t oldest = UINT64_MAX;

    for (size_t i = 0; i < t->flight_count; i++) {
        oldest = t->flights[i] < oldest ? t->flights[i] : oldest;
    }
    while (t->parked_first != NULL && t->parked_first->until < oldest) {
        struct parked *p = t->parked_first;

        t->parked_first = p->next;
        if (t->parked_first == NULL) {
            t->parked_last = NULL;
        }
        t->parked_count--;
        free(p);
    }
}
