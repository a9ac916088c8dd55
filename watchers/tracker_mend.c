/*
 * The rules of watching: what is done where events were lost. Pure. See tracker.h.
 *
 * What was listed before a loss may have changed unseen, so a loss begins a new generation of the
 * root, in which no directory is current until it is listed. Two passes make them so:
 *
 *  - fast: every known directory is glanced at. Its times move with the names in it, so where inode
 *    and times are those of the last listing its names are known; elsewhere it is listed. After
 * this the structure is known, renames included: HINT_SCAN_DONE.
 *  - slow: a file that is written in place moves no directory's times. So what is not current yet
 * is listed, what was active last first. When nothing is left behind: HINT_WHOLE.
 *
 * Events lost during a pass begin a new generation; the slow pass goes on (what it lists is current
 * from then on), a fast pass follows, then another slow one for what is still behind. Between
 * passes of a kind lies at least the time that the last one took; it doubles while losses go on.
 *
 * The same passes serve file systems with other writers (tracker_patrol), and a slow pass over a
 * part of the tree at a time serves the others (tracker_slice). A fast pass alone shows where names
 * are that are missed (tracker_glance).
 */
#include "watchers/tracker_state.h"

#include <stdlib.h>

#define LOOK_AGAIN_MS 100 /* at what is behind but cannot be listed now: it is being looked at */

/* Should this node be in the pass? */
typedef bool (*pass_filter)(const struct tracker *t, const struct node *n);

/* Begin a pass. */
static void pace_begin(struct pace *p, int64_t now_ms)
{
    if (now_ms - p->ended_ms > 2 * p->wait_ms) {
        p->wait_ms = 0; /* it was quiet for long enough */
    }
    p->began_ms = now_ms;
}

/* The pass is through: when may the next one begin? */
static void pace_end(struct pace *p, int64_t now_ms)
{
    const int64_t took_ms = now_ms - p->began_ms;
    int64_t most_ms = took_ms * 16;

    most_ms = most_ms > PASS_WAIT_MAX_MS ? PASS_WAIT_MAX_MS : most_ms;
    most_ms = most_ms < PASS_WAIT_FEW ? PASS_WAIT_FEW : most_ms;
    p->wait_ms = p->wait_ms * 2 > most_ms ? most_ms : p->wait_ms * 2;
    p->wait_ms = p->wait_ms < PASS_WAIT_MIN_MS ? PASS_WAIT_MIN_MS : p->wait_ms;
    p->wait_ms = p->wait_ms < took_ms ? took_ms : p->wait_ms;
    p->ended_ms = now_ms;
    p->not_before_ms = now_ms + p->wait_ms;
}

/* Let go of all that the pass has not come to. */
static void pass_release(struct pass *p)
{
    for (; p->next < p->count; p->next++) {
        model_unpin(p->nodes[p->next]);
    }
    free(p->nodes);
    p->nodes = NULL;
    p->count = 0;
    p->cap = 0;
    p->next = 0;
}

/* Add a node. False without memory. */
static bool pass_add(struct pass *p, struct node *n)
{
    if (p->count == p->cap) {
        const size_t cap = p->cap == 0 ? 64 : p->cap * 2;
        struct node **bigger = reallocarray(p->nodes, cap, sizeof(struct node *));

        if (bigger == NULL) {
            return false;
        }
        p->nodes = bigger;
        p->cap = cap;
    }
    model_pin(n);
    p->nodes[p->count++] = n;
    return true;
}

/* Begin a pass over the nodes for which `wanted` says yes, parents first. */
static void pass_begin(struct tracker *t, unsigned root, struct pass *p, pass_filter wanted)
{
    struct node *top = model_root(t->model, root);

    pass_release(p);
    for (struct node *n = top; n != NULL; n = model_next(n, top)) {
        if (wanted(t, n) && !pass_add(p, n)) {
            t->short_of_memory = true;
            break;
        }
    }
    p->runs = true;
    p->slice = false;
}

/* pass_filter: whatever was looked at. The root, too, if it never could be. */
static bool is_known(const struct tracker *t, const struct node *n)
{
    (void)t;
    return n->ino != 0 || (n->flags & NODE_IS_ROOT) != 0;
}

/* pass_filter: what was not listed since the generation began. */
static bool is_behind(const struct tracker *t, const struct node *n)
{
    return n->ino != 0 && n->state == NODE_IDLE && !model_is_current(t->model, n);
}

/* pass_filter: the same, and whatever has no watch. */
static bool is_behind_or_blind(const struct tracker *t, const struct node *n)
{
    return is_behind(t, n) || (n->state == NODE_IDLE && (n->flags & NODE_LIMITED) != 0);
}

/* qsort: what was active last comes first. */
static int compare_active(const void *va, const void *vb)
{
    const struct node *const *a = va;
    const struct node *const *b = vb;

    return (*a)->active_s > (*b)->active_s ? -1 : (*a)->active_s < (*b)->active_s;
}

/* qsort: what has no watch first, then what was listed longest ago. */
static int compare_blind(const void *va, const void *vb)
{
    const struct node *const *a = va;
    const struct node *const *b = vb;
    const bool blind_a = ((*a)->flags & NODE_LIMITED) != 0;
    const bool blind_b = ((*b)->flags & NODE_LIMITED) != 0;

    if (blind_a != blind_b) {
        return blind_a ? -1 : 1;
    }
    return (*a)->generation < (*b)->generation ? -1 : (*a)->generation > (*b)->generation;
}

bool tracker_names_in_doubt(const struct tracker_root *root)
{
    return root->begun || root->whole_wanted || root->requests != NULL || root->mend.fast_wanted ||
           root->mend.fast.runs;
}

/* A new generation. */
static void outdate(struct tracker *t, unsigned root_index, int64_t now_ms)
{
    struct mending *m = &t->roots[root_index].mend;

    model_outdate(t->model, root_index);
    m->from_ms = now_ms;
    m->code = 0;
}

/* Everything was looked at since the generation began. */
static void note_seen(struct tracker_root *root, int64_t now_ms)
{
    root->counts.scans++;
    root->counts.last_scan_ms = now_ms;
    if (root->mend.code == 0 && root->mend.from_ms > root->counts.seen_from_ms) {
        root->counts.seen_from_ms = root->mend.from_ms;
        root->counts.seen_ms = now_ms;
    }
}

/* A new generation, and the passes that make it current. */
static void want_passes(struct tracker *t, unsigned root_index, int64_t now_ms)
{
    struct tracker_root *root = &t->roots[root_index];

    outdate(t, root_index, now_ms);
    root->mend.fast_wanted = true;
    root->mend.slow_wanted = true;
    root->counts.scanning = true;
}

void tracker_overflow(struct tracker *t, int64_t now_ms)
{
    for (unsigned i = 0; i < t->root_count; i++) {
        struct tracker_root *root = &t->roots[i];

        if (root->lost) {
            continue;
        }
        root->counts.overflows++;
        if (!root->mend.lossy) {
            root->mend.lossy = true;
            root->counts.incomplete_since_ms = now_ms;
        }
        if (!root->mend.fast_wanted) {
            tracker_say(t, HINT_OVERFLOW, i, "", true, 0);
        }
        want_passes(t, i, now_ms);
        tracker_mend_step(t, i, now_ms);
    }
}

bool tracker_is_passing(const struct tracker *t, unsigned root_index)
{
    const struct mending *m = &t->roots[root_index].mend;

    return m->fast_wanted || m->fast.runs || m->slow_wanted || m->slow.runs;
}

void tracker_glance(struct tracker *t, unsigned root_index)
{
    struct tracker_root *root = &t->roots[root_index];

    if (root->lost) {
        return;
    }
    root->mend.fast_wanted = true;
    root->mend.fast_pace.not_before_ms = 0;
    root->counts.scanning = true;
    root->wants_identity = root->wants_identity || (!root->begun && !root->mend.fast.runs);
}

void tracker_patrol(struct tracker *t, unsigned root_index, int64_t now_ms)
{
    struct tracker_root *root = &t->roots[root_index];

    if (!root->lost && !tracker_names_in_doubt(root) && !root->mend.slow_wanted &&
        !root->mend.slow.runs) {
        want_passes(t, root_index, now_ms);
        root->mend.fast_pace.not_before_ms = 0;
        root->mend.slow_pace.not_before_ms = 0;
        root->wants_identity = true;
    }
}

void tracker_slice(struct tracker *t, unsigned root_index, unsigned share, int64_t now_ms)
{
    struct tracker_root *root = &t->roots[root_index];
    struct pass *p = &root->mend.slow;
    size_t most = 0;

    if (root->lost || tracker_names_in_doubt(root) || root->mend.slow_wanted || p->runs) {
        return;
    }
    if (model_behind(t->model, root_index) == 0) {
        outdate(t, root_index, now_ms);
    }
    root->mend.slice_ms = now_ms;
    pass_begin(t, root_index, p, is_behind_or_blind);
    if (p->count > 1) {
        qsort(p->nodes, p->count, sizeof(p->nodes[0]), compare_blind);
    }
    while (most < p->count && (p->nodes[most]->flags & NODE_LIMITED) != 0) {
        most++;
    }
    most += model_counts(t->model, root_index)->directories / share + 1;
    while (p->count > most) {
        model_unpin(p->nodes[--p->count]);
    }
    p->slice = true;
    root->counts.scanning = true;
}

void tracker_mend_begin(struct tracker *t, unsigned root_index, int64_t now_ms)
{
    struct tracker_root *root = &t->roots[root_index];
    struct mending *m = &root->mend;

    if (!m->fast_wanted || m->fast.runs || root->begun || now_ms < m->fast_pace.not_before_ms) {
        return;
    }
    m->fast_wanted = false;
    root->scan_code = 0;
    pace_begin(&m->fast_pace, now_ms);
    pass_begin(t, root_index, &m->fast, is_known);
}

/* The fast pass is through. */
static void fast_end(struct tracker *t, unsigned root_index, int64_t now_ms)
{
    struct tracker_root *root = &t->roots[root_index];
    struct mending *m = &root->mend;

    m->fast.runs = false;
    pass_release(&m->fast);
    pace_end(&m->fast_pace, now_ms);
    if (m->fast_wanted) {
        return; /* more was lost meanwhile */
    }
    root->counts.names_from_ms = m->fast_pace.began_ms;
    root->counts.names_ms = now_ms;
    root->counts.scanning = tracker_names_in_doubt(root);
    root->wants_identity = root->wants_identity || root->counts.scanning;
    tracker_say(t, m->lossy ? HINT_SCAN_DONE : HINT_PASS_DONE, root_index, "", true,
                root->scan_code);
}

/* Nothing is behind any more. */
static void become_whole(struct tracker *t, unsigned root_index, int64_t now_ms)
{
    struct tracker_root *root = &t->roots[root_index];
    struct mending *m = &root->mend;

    m->slow_wanted = false;
    tracker_say(t, m->lossy ? HINT_WHOLE : HINT_SCAN_DONE, root_index, "", true, m->code);
    m->lossy = false;
    root->counts.incomplete_since_ms = 0;
    note_seen(root, now_ms);
}

/* The slow pass is through. */
static void slow_end(struct tracker *t, unsigned root_index, int64_t now_ms)
{
    struct tracker_root *root = &t->roots[root_index];
    struct pass *p = &root->mend.slow;

    p->runs = false;
    pass_release(p);
    if (!p->slice) {
        pace_end(&root->mend.slow_pace, now_ms);
        return;
    }
    p->slice = false;
    root->counts.scanning = tracker_names_in_doubt(root);
    root->counts.sliced_from_ms = root->mend.slice_ms;
    tracker_say(t, HINT_PASS_DONE, root_index, "", true, root->mend.code);
    if (model_behind(t->model, root_index) == 0) {
        note_seen(root, now_ms);
    }
}

/* Begin a slow pass over what is behind, if it is due. */
static void slow_step(struct tracker *t, unsigned root_index, int64_t now_ms)
{
    struct tracker_root *root = &t->roots[root_index];
    struct mending *m = &root->mend;

    if (model_behind(t->model, root_index) == 0) {
        become_whole(t, root_index, now_ms);
        return;
    }
    if (now_ms < m->slow_pace.not_before_ms) {
        return;
    }
    pass_begin(t, root_index, &m->slow, is_behind);
    if (m->slow.count == 0) {
        m->slow.runs = false;
        m->slow_pace.not_before_ms = now_ms + LOOK_AGAIN_MS;
        return;
    }
    pace_begin(&m->slow_pace, now_ms);
    qsort(m->slow.nodes, m->slow.count, sizeof(m->slow.nodes[0]), compare_active);
}

void tracker_mend_step(struct tracker *t, unsigned root_index, int64_t now_ms)
{
    struct tracker_root *root = &t->roots[root_index];
    struct mending *m = &root->mend;

    if (root->lost) {
        return;
    }
    if (m->fast.runs && m->fast.next == m->fast.count &&
        model_counts(t->model, root_index)->scanning == 0) {
        fast_end(t, root_index, now_ms);
    }
    if (m->fast_wanted && !m->fast.runs && !root->begun && now_ms >= m->fast_pace.not_before_ms) {
        root->wants_identity = true;
    }
    if (m->slow.runs && m->slow.next == m->slow.count && m->slow.flights == 0) {
        slow_end(t, root_index, now_ms);
    }
    if (m->slow_wanted && !m->slow.runs && !tracker_names_in_doubt(root)) {
        slow_step(t, root_index, now_ms);
    }
}

void tracker_mend_forget(struct tracker *t, unsigned root_index)
{
    struct mending *m = &t->roots[root_index].mend;

    pass_release(&m->fast);
    pass_release(&m->slow);
    m->fast.runs = false;
    m->slow.runs = false;
    m->slow.slice = false;
    m->fast_wanted = false;
    m->slow_wanted = m->lossy; /* until the scan that follows the root's return is through */
}

/* The next node of the fast pass. */
static struct node *fast_next(struct tracker *t, struct pass *p)
{
    while (p->next < p->count) {
        struct node *n = p->nodes[p->next++];

        if ((n->flags & NODE_DEAD) == 0 && n->state == NODE_IDLE) {
            model_raise(t->model, n, NODE_SCAN);
            return n;
        }
        if ((n->flags & NODE_DEAD) == 0) {
            tracker_check(t, n, NODE_SCAN); /* wanted already: the pass waits for it */
        }
        model_unpin(n);
    }
    return NULL;
}

/* The next node of the slow pass. What is wanted otherwise will be listed by that. */
static struct node *slow_next(struct tracker *t, struct pass *p)
{
    while (p->next < p->count) {
        struct node *n = p->nodes[p->next++];
        const bool blind = p->slice && (n->flags & NODE_LIMITED) != 0;

        if ((n->flags & NODE_DEAD) == 0 && n->state == NODE_IDLE &&
            (blind || !model_is_current(t->model, n))) {
            return n;
        }
        model_unpin(n);
    }
    return NULL;
}

struct node *tracker_mend_next(struct tracker *t, unsigned root_index, bool *ret_slow)
{
    struct mending *m = &t->roots[root_index].mend;
    struct node *n = fast_next(t, &m->fast);

    *ret_slow = n == NULL;
    return n == NULL ? slow_next(t, &m->slow) : n;
}

int64_t tracker_mend_deadline(const struct tracker *t, unsigned root_index)
{
    const struct tracker_root *root = &t->roots[root_index];
    const struct mending *m = &root->mend;

    if (root->lost || root->begun) {
        return INT64_MAX;
    }
    if (m->fast_wanted && !m->fast.runs && !root->wants_identity && !root->asked_identity) {
        return m->fast_pace.not_before_ms;
    }
    if (m->slow_wanted && !m->slow.runs && !tracker_names_in_doubt(root)) {
        return m->slow_pace.not_before_ms;
    }
    return INT64_MAX;
}
