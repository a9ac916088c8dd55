/*
 * The rules of watching: what is wanted, what time concludes, scans and roots. Pure. See tracker.h.
 * tracker_look.c concludes from looks at the disk, tracker_event.c from events.
 */
#include "watchers/tracker_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Put a node at the end of a line. */
static void queue_add(struct node_queue *q, struct node *n)
{
    model_pin(n);
    n->queue_next = NULL;
    if (q->last != NULL) {
        q->last->queue_next = n;
    } else {
        q->first = n;
    }
    q->last = n;
    q->count++;
}

/* The first node of a line, still pinned, or NULL. */
static struct node *queue_pop(struct node_queue *q)
{
    struct node *n = q->first;

    if (n != NULL) {
        q->first = n->queue_next;
        q->last = q->first == NULL ? NULL : q->last;
        q->count--;
    }
    return n;
}

/* Empty a line. */
static void queue_release(struct node_queue *q)
{
    for (struct node *n = queue_pop(q); n != NULL; n = queue_pop(q)) {
        model_unpin(n);
    }
}

int tracker_new(struct filter *const *filters, unsigned root_count, bool watching,
                struct tracker **ret)
{
    struct tracker *t = calloc(1, sizeof(*t));

    if (t == NULL) {
        return -ENOMEM;
    }
    t->roots = calloc(root_count + 1, sizeof(*t->roots));
    if (t->roots == NULL || model_new(root_count, &t->model) != 0 ||
        cookies_new(&t->cookies) != 0) {
        tracker_free(t);
        return -ENOMEM;
    }
    t->root_count = root_count;
    t->watching = watching;
    for (unsigned i = 0; i < root_count; i++) {
        t->roots[i].filter = filters[i];
        t->roots[i].guard_wd = -1;
        t->roots[i].whole_wanted = true;
        t->roots[i].wants_identity = true;
        t->roots[i].counts.scanning = true;
    }
    *ret = t;
    return 0;
}

void tracker_scan_only(struct tracker *t, unsigned root)
{
    t->roots[root].scan_only = true;
}

/* Free the scans that a root was asked for. */
static void requests_release(struct tracker_root *root)
{
    for (struct scan_request *r = root->requests, *next; r != NULL; r = next) {
        next = r->next;
        free(r);
    }
    root->requests = NULL;
    free(root->running);
    root->running = NULL;
}

void tracker_free(struct tracker *t)
{
    if (t == NULL) {
        return;
    }
    while (t->cookies != NULL && cookies_oldest(t->cookies) != NULL) {
        struct cookie_entry *e = cookies_oldest(t->cookies);
        struct node *n = tracker_entry_node(e);

        if (n != NULL) {
            model_kill(t->model, n, &t->released);
        }
        tracker_entry_end(t, e);
    }
    queue_release(&t->urgent);
    queue_release(&t->dirty);
    queue_release(&t->asked);
    t->flight_count = 0;
    tracker_event_forget(t);
    for (unsigned i = 0; i < t->root_count; i++) {
        requests_release(&t->roots[i]);
        queue_release(&t->roots[i].slow);
        queue_release(&t->roots[i].held);
        tracker_mend_forget(t, i);
    }
    hint_list_release(&t->hints);
    free(t->released.wds);
    cookies_free(t->cookies);
    model_free(t->model);
    free(t->roots);
    free(t);
}

void tracker_say(struct tracker *t, enum hint_kind kind, unsigned root, const char *path,
                 bool is_directory, int code)
{
    struct hint *h = hint_new(kind, root, path, NULL);

    if (h == NULL) {
        t->short_of_memory = true;
        return;
    }
    h->is_directory = is_directory;
    h->code = code;
    h->number = ++t->said;
    hint_list_add_take(&t->hints, h);
}

void tracker_say_moved(struct tracker *t, unsigned root, const char *path, unsigned root2,
                       const char *path2, bool is_directory)
{
    struct hint *h = hint_new(HINT_MOVED, root, path, path2);

    if (h == NULL) {
        t->short_of_memory = true;
        return;
    }
    h->root2 = root2;
    h->is_directory = is_directory;
    h->number = ++t->said;
    hint_list_add_take(&t->hints, h);
}

void tracker_check(struct tracker *t, struct node *n, unsigned flags)
{
    model_raise(t->model, n, flags);
    switch ((enum node_state)n->state) {
    case NODE_IDLE:
        n->state = NODE_QUEUED;
        queue_add((flags & NODE_SCAN) != 0 ? &t->roots[n->root].slow : &t->urgent, n);
        break;
    case NODE_FLYING:
        model_raise(t->model, n, NODE_AGAIN);
        break;
    case NODE_QUEUED:
    case NODE_DIRTY:
        break;
    }
}

void tracker_dirty(struct tracker *t, struct node *n)
{
    n->state = NODE_DIRTY;
    queue_add(&t->dirty, n);
}

/* The check of a node that was taken out of a line. -ENOMEM; another code if there is nothing to
 * look at now. */
static int check_new(struct tracker *t, struct node *n, struct check **ret)
{
    const int code = model_path(n, t->path, sizeof(t->path));
    const size_t size = strlen(t->path) + 1;
    struct check *c;

    if (code != 0) {
        if (code == -ENAMETOOLONG) {
            t->roots[n->root].scan_code = code;
            model_lower(t->model, n, NODE_SCAN | NODE_RECURSE);
        }
        return code; /* in limbo: it is checked when it has a place again */
    }
    c = malloc(sizeof(*c) + size);
    if (c == NULL) {
        t->short_of_memory = true;
        return -ENOMEM;
    }
    memcpy(c->path, t->path, size);
    c->node = n;
    c->root = n->root;
    c->moves = n->moves;
    c->serial = ++t->serial;
    c->said = t->said;
    c->parent_ino = n->parent == NULL ? 0 : n->parent->ino;
    c->ino = n->ino;
    c->mark = 0;
    c->generation = model_counts(t->model, n->root)->generation;
    c->metered = false;
    c->slow = false;
    *ret = c;
    return 0;
}

/* May this root be looked at for a scan now? */
static bool meter_open(struct meter *m, int64_t now_ms)
{
    const int64_t most = (int64_t)m->per_s * 1000;

    if (m->per_s == 0) {
        return true;
    }
    m->left += (now_ms - m->at_ms > 1000 ? 1000 : now_ms - m->at_ms) * m->per_s;
    m->left = m->left > most ? most : m->left;
    m->at_ms = now_ms;
    return m->left > 0;
}

void tracker_meter_charge(struct tracker *t, unsigned root, size_t looks)
{
    if (t->roots[root].meter.per_s != 0) {
        t->roots[root].meter.left -= (int64_t)looks * 1000;
    }
}

void tracker_set_rate(struct tracker *t, unsigned root, uint32_t looks_per_s)
{
    t->roots[root].meter = (struct meter){.per_s = looks_per_s};
}

/* Is there something to look at for scans of this root? */
static bool scan_waits(const struct tracker_root *root)
{
    return root->slow.count > 0 || root->mend.fast.next < root->mend.fast.count ||
           root->mend.slow.next < root->mend.slow.count;
}

/* A node that was taken out of a line or a pass is looked at, if there is anything to look at.
 * Without memory it goes back into a line, since a scan may wait for it, and *no_memory is set:
 * nothing more can be looked at just now. */
static struct check *take_off(struct tracker *t, struct node *n, bool *no_memory)
{
    struct check *c = NULL;
    int code = 0;

    n->state = NODE_IDLE;
    if ((n->flags & NODE_DEAD) == 0 && !t->roots[n->root].lost) {
        code = check_new(t, n, &c);
    }
    if (code == -ENOMEM) {
        *no_memory = true;
        n->state = NODE_QUEUED;
        queue_add(&t->urgent, n);
    }
    if (c == NULL) {
        model_unpin(n);
        return NULL;
    }
    n->state = NODE_FLYING; /* and stays pinned */
    t->flights[t->flight_count++] = c->serial;
    return c;
}

/* Can a glance tell whether the directory's listing is still right? Not where a watch is missing
 * that a full look might place. */
static bool glance_will_do(const struct tracker *t, const struct node *n)
{
    return (n->flags & NODE_RECURSE) == 0 &&
           (n->wd >= 0 || !t->watching || t->roots[n->root].scan_only);
}

/* The next check of a root's passes; NULL if there is none. */
static struct check *pass_check(struct tracker *t, unsigned root_index, bool *no_memory)
{
    struct mending *m = &t->roots[root_index].mend;
    bool slow;
    struct check *c = NULL;

    while (c == NULL) {
        struct node *n = tracker_mend_next(t, root_index, &slow);

        if (n == NULL) {
            return NULL;
        }
        c = take_off(t, n, no_memory);
        if (*no_memory) {
            return NULL;
        }
        if (c == NULL && !slow) {
            model_lower(t->model, n, NODE_SCAN); /* in limbo: it is listed when it has a place */
        }
    }
    c->slow = slow;
    if (slow) {
        m->slow.flights++;
        t->slow_flights++;
    } else if (glance_will_do(t, c->node)) {
        c->mark = c->node->mark;
    }
    return c;
}

void tracker_set_stuck(struct tracker *t, unsigned root_index, bool stuck)
{
    struct tracker_root *root = &t->roots[root_index];
    struct node *n;

    root->stuck = stuck;
    tracker_say(t, stuck ? HINT_ROOT_STUCK : HINT_ROOT_ANSWERS, root_index, "", true, 0);
    if (stuck) {
        return;
    }
    for (n = queue_pop(&root->held); n != NULL; n = queue_pop(&root->held)) {
        queue_add(&t->urgent, n);
        model_unpin(n);
    }
    root->wants_identity = true;
}

/* The next check that scans of a root want, if its meter allows one. */
static struct check *scan_check(struct tracker *t, unsigned root_index, int64_t now_ms,
                                bool *no_memory)
{
    struct tracker_root *root = &t->roots[root_index];
    struct check *c = NULL;

    if (root->stuck || !scan_waits(root) || !meter_open(&root->meter, now_ms)) {
        return NULL;
    }
    while (c == NULL && !*no_memory && root->slow.first != NULL) {
        c = take_off(t, queue_pop(&root->slow), no_memory);
    }
    c = c == NULL && !*no_memory ? pass_check(t, root_index, no_memory) : c;
    if (c != NULL) {
        c->metered = true;
        tracker_meter_charge(t, root_index, 1);
    }
    return c;
}

struct check *tracker_next_check(struct tracker *t, int64_t now_ms)
{
    struct check *c = NULL;
    bool no_memory = false;

    while (c == NULL && !no_memory && t->flight_count < FLIGHTS_MAX && t->urgent.first != NULL) {
        struct node *n = queue_pop(&t->urgent);

        if (t->roots[n->root].stuck) {
            queue_add(&t->roots[n->root].held, n);
            model_unpin(n);
        } else {
            c = take_off(t, n, &no_memory);
        }
    }
    for (unsigned i = 0;
         c == NULL && !no_memory && t->flight_count < FLIGHTS_MAX && i < t->root_count; i++) {
        c = scan_check(t, t->turn, now_ms, &no_memory);
        t->turn = (t->turn + 1) % t->root_count;
    }
    return c;
}

bool tracker_wants_barrier(struct tracker *t, int64_t now_ms)
{
    struct node *n;

    if (t->barrier_asked || t->dirty.count == 0 || now_ms < t->dirty_at_ms) {
        return false;
    }
    for (n = queue_pop(&t->dirty); n != NULL; n = queue_pop(&t->dirty)) {
        queue_add(&t->asked, n);
        model_unpin(n);
    }
    t->dirty_at_ms = now_ms + t->dirty_wait_ms;
    t->dirty_wait_ms = t->dirty_wait_ms == 0 ? DIRTY_WAIT_MIN_MS : t->dirty_wait_ms * 2;
    if (t->dirty_wait_ms > DIRTY_WAIT_MAX_MS) {
        t->dirty_wait_ms = DIRTY_WAIT_MAX_MS;
    }
    t->barrier_asked = true;
    return true;
}

void tracker_barrier(struct tracker *t)
{
    t->barrier_asked = false;
    for (struct node *n = queue_pop(&t->asked); n != NULL; n = queue_pop(&t->asked)) {
        n->state = NODE_IDLE;
        if ((n->flags & NODE_DEAD) == 0) {
            tracker_check(t, n, 0);
        }
        model_unpin(n);
    }
}

struct node *tracker_entry_node(const struct cookie_entry *e)
{
    return e->node != NULL && e->node->moves == e->node_moves && (e->node->flags & NODE_DEAD) == 0
               ? e->node
               : NULL;
}

void tracker_entry_end(struct tracker *t, struct cookie_entry *e)
{
    cookies_remove(t->cookies, e);
    model_unpin(e->parent);
    if (e->node != NULL) {
        model_unpin(e->node);
    }
    free(e);
}

struct cookie_entry *tracker_entry_new(struct tracker *t, uint32_t cookie, struct node *parent,
                                       const char *name, struct node *n, int64_t now_ms)
{
    struct cookie_entry *e = cookies_put(t->cookies, cookie, parent, name, now_ms + RENAME_WAIT_MS);

    if (e == NULL) {
        t->short_of_memory = true;
        return NULL;
    }
    model_pin(parent);
    if (n != NULL) {
        model_pin(n);
        e->node = n;
        e->node_moves = n->moves;
    }
    return e;
}

void tracker_limbo(struct tracker *t, struct node *n, int64_t now_ms)
{
    char name[PATH_COMPONENT_MAX + 1];
    struct node *parent = n->parent;

    memcpy(name, node_name(n), strlen(node_name(n)) + 1);
    model_detach(t->model, n);
    if (tracker_entry_new(t, 0, parent, name, n, now_ms) == NULL) {
        model_kill(t->model, n, &t->released);
    }
}

/* The time of one half of a rename is up: what it names has left the tree. */
static void entry_expire(struct tracker *t, struct cookie_entry *e)
{
    struct node *n = tracker_entry_node(e);

    if (e->cookie != 0 && (e->parent->flags & NODE_DEAD) == 0 &&
        model_path(e->parent, t->path, sizeof(t->path)) == 0 &&
        path_join(t->path2, sizeof(t->path2), t->path, e->name) == 0) {
        tracker_say(t, HINT_GONE, e->root, t->path2, e->is_directory, -EXDEV);
    }
    if (n != NULL) {
        model_kill(t->model, n, &t->released);
    }
    tracker_entry_end(t, e);
}

void tracker_expire(struct tracker *t, int64_t now_ms)
{
    for (struct cookie_entry *e = cookies_oldest(t->cookies); e != NULL && e->expires_ms <= now_ms;
         e = cookies_oldest(t->cookies)) {
        entry_expire(t, e);
    }
    for (unsigned i = 0; i < t->root_count; i++) {
        struct tracker_root *root = &t->roots[i];

        if (root->lost && !root->asked_identity && root->lost_at_ms <= now_ms) {
            root->wants_identity = true;
        }
    }
    if (t->short_of_memory) {
        t->short_of_memory = false;
        tracker_overflow(t, now_ms);
    }
    tracker_budget_step(t, now_ms);
    tracker_scans_step(t, now_ms);
}

/* The earlier one of two times. */
static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* When the scans of a root may go on that its meter has stopped; INT64_MAX: it has not. */
static int64_t meter_deadline(const struct tracker_root *root)
{
    const struct meter *m = &root->meter;

    return m->per_s == 0 || m->left > 0 || root->stuck || !scan_waits(root)
               ? INT64_MAX
               : m->at_ms + -m->left / m->per_s + 1;
}

int64_t tracker_deadline_ms(const struct tracker *t)
{
    const struct cookie_entry *e = cookies_oldest(t->cookies);
    int64_t deadline = e == NULL ? INT64_MAX : e->expires_ms;

    if (t->dirty.count > 0 && !t->barrier_asked && t->dirty_at_ms < deadline) {
        deadline = t->dirty_at_ms;
    }
    for (unsigned i = 0; i < t->root_count; i++) {
        const struct tracker_root *root = &t->roots[i];

        if (root->lost && !root->asked_identity && root->lost_at_ms < deadline) {
            deadline = root->lost_at_ms;
        }
        deadline = earlier(deadline, tracker_mend_deadline(t, i));
        deadline = earlier(deadline, meter_deadline(root));
    }
    deadline = earlier(deadline, tracker_budget_deadline(t));
    return t->short_of_memory ? 0 : deadline;
}

struct hint_list *tracker_hints(struct tracker *t)
{
    return &t->hints;
}

struct wd_list *tracker_released(struct tracker *t)
{
    return &t->released;
}

const struct model_counts *tracker_model_counts(const struct tracker *t, unsigned root)
{
    return model_counts(t->model, root);
}

bool tracker_is_quiet(const struct tracker *t)
{
    for (unsigned i = 0; i < t->root_count; i++) {
        if (t->roots[i].slow.count > 0 || t->roots[i].mend.fast.runs) {
            return false;
        }
    }
    return t->urgent.count == 0 && t->dirty.count == 0 && t->asked.count == 0 &&
           t->flight_count == t->slow_flights && cookies_oldest(t->cookies) == NULL &&
           !t->short_of_memory;
}

const struct tracker_root_counts *tracker_root_counts(const struct tracker *t, unsigned root)
{
    return &t->roots[root].counts;
}
