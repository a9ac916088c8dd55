/*
 * The tracker's thread. Shell. See rounds.h.
 */
#include "watchers/rounds.h"

#include "base/clock.h"
#include "watchers/handles.h"
#include "watchers/notify.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/inotify.h>

#define RESCAN_REMOTE_MS (15 * INT64_C(60000))
#define SLICE_MS         (15 * INT64_C(60000)) /* where nobody else writes: a part of the tree */
#define SLICES           96                    /* so many make the whole: a day */

#define FLIGHTS_A_THREAD 32 /* checks given to the pool at a time, so that no thread starves */

/* A job of the pool that ends in a notice. */
struct round_job {
    struct job job;
    struct watchers *w;
    struct notice *notice; /* to be filled in and sent */
};

void rounds_wake(void *arg)
{
    struct watchers *w = arg;

    pthread_mutex_lock(&w->lock);
    w->woken = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

void rounds_tell_take(struct watchers *w, struct notice *n)
{
    n->next = NULL;
    pthread_mutex_lock(&w->lock);
    *w->notices_end = n;
    w->notices_end = &n->next;
    w->woken = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

void rounds_give_take(void *arg, struct batch *b)
{
    struct watchers *w = arg;

    b->next = NULL;
    pthread_mutex_lock(&w->lock);
    *w->batches_end = b;
    w->batches_end = &b->next;
    w->woken = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

bool rounds_ask(struct watchers *w, unsigned root)
{
    if (!stall_ask(&w->roots[root].stall)) {
        return false;
    }
    if (atomic_load(&w->dozes)) {
        rounds_wake(w);
    }
    return true;
}

/* Look at one place. */
static void look(struct watchers *w, struct check_result *look, const struct check *next,
                 struct place_above *above, void *scratch)
{
    struct check *check = look->check;
    struct root *r = &w->roots[check->root];

    if (rounds_ask(w, check->root)) {
        place_look(&r->place, check, next, above, scratch, look);
        if (stall_answered(&r->stall)) {
            rounds_wake(w);
        }
    } else {
        *look = (struct check_result){.outcome = CHECK_UNREADABLE, .code = -EAGAIN, .wd = -1};
    }
    look->check = check;
}

/* Pool: look at places. */
static void run_looks(struct job *job, void *scratch)
{
    struct round_job *j = (struct round_job *)job;
    struct looks_notice *n = (struct looks_notice *)j->notice;
    struct place_above above = PLACE_ABOVE_NONE;

    for (size_t i = 0; i < n->count; i++) {
        const struct check *next = i + 1 < n->count ? n->looks[i + 1].check : NULL;

        look(j->w, &n->looks[i], next, &above, scratch);
    }
    place_above_release(&above);
    rounds_tell_take(j->w, &n->notice);
    free(j);
}

/* Pool: is a root what it was? */
static void run_identity(struct job *job, void *scratch)
{
    struct round_job *j = (struct round_job *)job;
    struct identity_notice *n = (struct identity_notice *)j->notice;
    struct root *r = &j->w->roots[n->notice.root];

    (void)scratch;
    if (rounds_ask(j->w, n->notice.root)) {
        n->code = roots_compare(r);
        n->guard_wd = roots_guard(r);
        (void)stall_answered(&r->stall); /* the notice wakes */
    } else {
        n->code = -EAGAIN;
    }
    rounds_tell_take(j->w, &n->notice);
    free(j);
}

/* A job of the pool that ends in a notice of that size. NULL without memory. */
static struct round_job *round_job_new(struct watchers *w, enum notice_kind kind, size_t size,
                                       unsigned root, void (*run)(struct job *job, void *scratch))
{
    struct round_job *j = calloc(1, sizeof(*j));
    struct notice *n = calloc(1, size);

    if (j == NULL || n == NULL) {
        free(j);
        free(n);
        return NULL;
    }
    n->kind = kind;
    n->root = root;
    j->job.run = run;
    j->w = w;
    j->notice = n;
    return j;
}

/* Checks that may be in the pool at once. Those that hang with a stuck root do not count. */
static size_t flights_max(const struct watchers *w)
{
    size_t most = (size_t)w->threads * FLIGHTS_A_THREAD;

    for (unsigned i = 0; i < w->root_count; i++) {
        most += atomic_load(&w->roots[i].stall.stuck) ? w->roots[i].looks_out : 0;
    }
    return most;
}

/* See which file systems do not answer; others take the place of threads that hang. */
static void mind_stalls(struct watchers *w, int64_t now_ms)
{
    for (unsigned i = 0; i < w->root_count; i++) {
        struct stall *s = &w->roots[i].stall;

        if (stall_step(s, now_ms)) {
            tracker_set_stuck(w->tracker, i, atomic_load(&s->stuck));
            pool_relieve(w->pool, STALL_MS);
        }
    }
}

/* Give the pool checks of one root. False without memory: nothing was given. */
static bool send_looks(struct watchers *w, struct check *const *checks, size_t count)
{
    const unsigned root = checks[0]->root;
    struct round_job *j =
        round_job_new(w, NOTICE_LOOKS, sizeof(struct looks_notice), root, run_looks);
    struct looks_notice *n;

    if (j == NULL) {
        return false;
    }
    n = (struct looks_notice *)j->notice;
    n->count = count;
    for (size_t i = 0; i < count; i++) {
        n->looks[i].check = checks[i];
    }
    pool_add_take(w->pool, POOL_LISTINGS, &j->job);
    w->looks_out += count;
    w->roots[root].looks_out += count;
    return true;
}

/* Without memory for a job: as if the places could not be read. */
static void give_up_looks(struct watchers *w, struct check *const *checks, size_t count,
                          int64_t now_ms)
{
    for (size_t i = 0; i < count; i++) {
        struct check_result r = {
            .check = checks[i], .outcome = CHECK_UNREADABLE, .code = -ENOMEM, .wd = -1};

        tracker_result(w->tracker, &r, now_ms);
    }
}

/* How many checks make a job: few while threads would be idle, many while they are not, since what
 * costs is to hand them over. */
static size_t looks_a_job(const struct watchers *w, size_t count)
{
    const size_t share = (w->looks_out + count) / ((size_t)w->threads * 2);

    return share < 1 ? 1 : share > LOOKS_MAX ? LOOKS_MAX : share;
}

/* Give the pool as many checks as it and the taker of the listings have room for. */
static void send_checks(struct watchers *w, int64_t now_ms)
{
    struct check *checks[FLIGHTS_MAX];
    const size_t most = flights_max(w);
    size_t count = 0;
    size_t share;

    while (count < FLIGHTS_MAX && w->looks_out + count < most &&
           outbox_room(w->outbox, w->looks_out + count)) {
        checks[count] = tracker_next_check(w->tracker, now_ms);
        if (checks[count] == NULL) {
            break;
        }
        count++;
    }
    share = looks_a_job(w, count);
    for (size_t i = 0, n; i < count; i += n) {
        for (n = 1; n < share && i + n < count && checks[i + n]->root == checks[i]->root; n++) {
        }
        if (!send_looks(w, checks + i, n)) {
            give_up_looks(w, checks + i, n, now_ms);
        }
    }
}

/* Have the identity of roots looked at where that is wanted. */
static void send_identities(struct watchers *w, int64_t now_ms)
{
    for (unsigned i = 0; i < w->root_count; i++) {
        struct round_job *j;

        if (!tracker_wants_identity(w->tracker, i)) {
            continue;
        }
        j = round_job_new(w, NOTICE_IDENTITY, sizeof(struct identity_notice), i, run_identity);
        if (j != NULL) {
            pool_add_take(w->pool, POOL_ANSWERS, &j->job);
        } else {
            tracker_identity(w->tracker, i, -ENOMEM, now_ms);
        }
    }
}

/* How often the whole root is scanned; 0: never. */
static int64_t patrol_interval(const struct watchers *w, unsigned i)
{
    const struct root *r = &w->roots[i];

    if (w->scan_only) {
        return 0;
    }
    if (r->rescan_ms >= 0) {
        return r->rescan_ms;
    }
    return r->remote || !r->place.watch ? RESCAN_REMOTE_MS : 0;
}

/* How often a part of it is; 0: never. What has no watch must be looked at, whatever was set. */
static int64_t slice_interval(struct watchers *w, unsigned i)
{
    if (w->scan_only || patrol_interval(w, i) > 0) {
        return 0;
    }
    return w->roots[i].rescan_ms < 0 || tracker_model_counts(w->tracker, i)->limited > 0 ? SLICE_MS
                                                                                         : 0;
}

/* How often everything that no event tells of is looked at; 0: never by itself. */
static int64_t rescan_interval(struct watchers *w, unsigned i)
{
    const int64_t slice = slice_interval(w, i);

    if (slice == 0) {
        return patrol_interval(w, i);
    }
    return tracker_model_counts(w->tracker, i)->limited > 0 ? slice : slice * SLICES;
}

/* When the root's next scan is due; INT64_MAX: not. */
static int64_t rescan_at(struct watchers *w, unsigned i)
{
    const struct tracker_root_counts *c = tracker_root_counts(w->tracker, i);
    const int64_t patrol = patrol_interval(w, i);
    const int64_t slice = slice_interval(w, i);

    if (patrol + slice == 0 || c->scanning || c->scans == 0 || tracker_is_passing(w->tracker, i) ||
        tracker_root_is_lost(w->tracker, i)) {
        return INT64_MAX;
    }
    if (patrol > 0) {
        return c->last_scan_ms + patrol;
    }
    return (w->roots[i].sliced_ms > c->last_scan_ms ? w->roots[i].sliced_ms : c->last_scan_ms) +
           slice;
}

/* Begin the scans that are due. */
static void begin_due_scans(struct watchers *w, int64_t now_ms)
{
    for (unsigned i = 0; i < w->root_count; i++) {
        if (rescan_at(w, i) > now_ms) {
            continue;
        }
        if (patrol_interval(w, i) > 0) {
            tracker_patrol(w->tracker, i, now_ms);
        } else {
            w->roots[i].sliced_ms = now_ms;
            tracker_slice(w->tracker, i, SLICES, now_ms);
        }
    }
}

/* All that the kernel held when the barrier was asked for has been read. */
static void pass_barrier(struct watchers *w)
{
    w->barrier_out = false;
    tracker_barrier(w->tracker);
    marks_barrier(&w->marks);
}

/* One barrier at a time, for all who want one: else it would be told of as the one before. */
static void ask_barrier(struct watchers *w, int64_t now_ms)
{
    bool wanted;

    if (w->barrier_out) {
        return;
    }
    wanted = tracker_wants_barrier(w->tracker, now_ms);
    wanted = marks_want_barrier(&w->marks) || wanted;
    if (!wanted) {
        return;
    }
    if (w->reader == NULL) {
        pass_barrier(w); /* no events, none to wait for */
        return;
    }
    w->barrier_out = true;
    reader_barrier(w->reader);
}

/* May changes of this root come without an event of ours? */
static bool is_unheard(struct watchers *w, unsigned root)
{
    const struct root *r = &w->roots[root];

    return w->scan_only || r->remote || !r->place.watch ||
           tracker_model_counts(w->tracker, root)->limited > 0;
}

/* A mark is wanted: it goes the way of the events and, where they do not tell all, waits for scans.
 */
static void place_mark_take(struct watchers *w, struct mark *mark, int64_t now_ms)
{
    for (unsigned i = 0; i < w->root_count; i++) {
        if (!is_unheard(w, i)) {
            continue;
        }
        mark->scans[i] = tracker_root_counts(w->tracker, i)->whole_begun + 1;
        if (!tracker_root_is_lost(w->tracker, i) && tracker_scan(w->tracker, i, "") != 0) {
            tracker_overflow(w->tracker, now_ms);
        }
    }
    marks_add_take(&w->marks, mark);
}

/* Tell of the marks before which nothing is left to be told. */
static void tell_marks(struct watchers *w)
{
    struct hint_list list = {0};
    struct mark *mark;

    if (w->marks.first == NULL || !tracker_is_quiet(w->tracker) || outbox_is_short(w->outbox)) {
        return;
    }
    for (unsigned i = 0; i < w->root_count; i++) {
        w->whole_ended[i] = tracker_root_counts(w->tracker, i)->whole_ended;
    }
    while ((mark = marks_take(&w->marks, w->whole_ended)) != NULL) {
        struct hint *h = hint_new(HINT_MARK, 0, "", NULL);

        if (h == NULL) {
            marks_add_take(&w->marks, mark);
            break; /* in the next round */
        }
        h->number = mark->number;
        hint_list_add_take(&list, h);
        free(mark);
    }
    outbox_put_take(w->outbox, &list);
}

/* Everything that came by itself. */
static void handle_batch(struct watchers *w, struct batch *b, int64_t now_ms)
{
    struct raw_event ev;

    if (b->lost) {
        tracker_overflow(w->tracker, now_ms);
    }
    while (batch_next(b, &ev)) {
        tracker_event(w->tracker, &ev, now_ms);
        w->events_read++;
    }
    if (b->barrier) {
        pass_barrier(w);
    }
    for (unsigned i = 0; b->mounts && i < w->root_count; i++) {
        tracker_suspect_root(w->tracker, i);
    }
    reader_done_take(w->reader, b);
}

/* A root was compared with what it was. */
static void handle_identity(struct watchers *w, const struct identity_notice *n, int64_t now_ms)
{
    const unsigned root = n->notice.root;

    if (n->code == -EAGAIN) {
        tracker_unasked(w->tracker, root);
        return;
    }
    tracker_guard(w->tracker, root, n->guard_wd);
    tracker_identity(w->tracker, root, n->code, now_ms);
    atomic_store(&w->roots[root].lost, tracker_root_is_lost(w->tracker, root));
}

void rounds_conclude(struct watchers *w, struct looks_notice *n, int64_t now_ms)
{
    w->looks_out -= n->count;
    w->roots[n->notice.root].looks_out -= n->count;
    for (size_t i = 0; i < n->count; i++) {
        tracker_result(w->tracker, &n->looks[i], now_ms);
    }
}

/* Everything that was asked for. */
static void handle_notice_take(struct watchers *w, struct notice *n, int64_t now_ms)
{
    switch (n->kind) {
    case NOTICE_LOOKS:
        rounds_conclude(w, (struct looks_notice *)n, now_ms);
        break;
    case NOTICE_IDENTITY:
        handle_identity(w, (struct identity_notice *)n, now_ms);
        break;
    case NOTICE_GLANCE:
        tracker_glance(w->tracker, n->root);
        break;
    case NOTICE_RESCAN:
        if (tracker_scan(w->tracker, n->root, ((struct rescan_notice *)n)->path) != 0) {
            tracker_overflow(w->tracker, now_ms);
        }
        break;
    case NOTICE_MARK:
        place_mark_take(w, ((struct mark_notice *)n)->mark, now_ms);
        break;
    }
    free(n);
}

/* Copy the figures for watchers_stats. */
static void keep_stats(struct watchers *w, bool between)
{
    pthread_mutex_lock(&w->lock);
    w->busy = between || !tracker_is_quiet(w->tracker);
    for (unsigned i = 0; i < w->root_count; i++) {
        const struct model_counts *m = tracker_model_counts(w->tracker, i);
        const struct tracker_root_counts *c = tracker_root_counts(w->tracker, i);

        w->stats[i] = (struct watch_stats){
            .directories = m->directories,
            .watches = m->watches,
            .unwatched = w->roots[i].place.watch ? m->directories - m->watches : 0,
            .limited = m->limited,
            .events = w->events_read,
            .overflows = c->overflows,
            .to_go = m->directories - m->current,
            .scans = c->scans,
            .scanning = c->scanning,
            .stuck = atomic_load(&w->roots[i].stall.stuck),
            .rescan_ms = rescan_interval(w, i),
            .last_scan_ms = c->last_scan_ms,
            .names_from_ms = c->names_from_ms,
            .names_ms = c->names_ms,
            .seen_from_ms = c->seen_from_ms,
            .sliced_from_ms = c->sliced_from_ms,
            .seen_ms = c->seen_ms,
        };
    }
    pthread_mutex_unlock(&w->lock);
}

/* Remove a watch. */
static void forget(struct watchers *w, int wd)
{
    const struct raw_event ignored = {.wd = wd, .mask = IN_IGNORED, .name = ""};

    if (!handles_has_range(wd)) {
        notify_forget(wd);
    } else if (fan_forget(w->fan, wd)) {
        tracker_event(w->tracker, &ignored, clock_mono_ms()); /* as inotify tells by itself */
    }
}

/* Remove the watches that no directory has any more; hand out the hints, the figures first.
 * `between`: this round goes on. */
static void deliver(struct watchers *w, bool between)
{
    struct wd_list *released = tracker_released(w->tracker);

    for (size_t i = 0; i < released->count; i++) {
        forget(w, released->wds[i]); /* may add to the list */
    }
    released->count = 0;
    keep_stats(w, between);
    outbox_put_take(w->outbox, tracker_hints(w->tracker));
}

/* When the tracker thread must look up by itself. */
static int64_t next_deadline(struct watchers *w)
{
    int64_t deadline = tracker_deadline_ms(w->tracker);

    for (unsigned i = 0; i < w->root_count; i++) {
        const int64_t at = rescan_at(w, i);

        const int64_t stall = stall_deadline(&w->roots[i].stall);

        deadline = at < deadline ? at : deadline;
        deadline = stall < deadline ? stall : deadline;
    }
    return deadline;
}

/* Wait until there is something to do, and take it. */
static void wait_for_work(struct watchers *w, struct batch **ret_batches,
                          struct notice **ret_notices)
{
    int64_t deadline;
    struct timespec until;

    atomic_store(&w->dozes, true); /* before the deadline, so that no question is overlooked */
    deadline = next_deadline(w);
    atomic_store(&w->dozes, deadline - clock_mono_ms() > STALL_MS);
    until = (struct timespec){.tv_sec = deadline / 1000, .tv_nsec = deadline % 1000 * 1000000};
    pthread_mutex_lock(&w->lock);
    while (!w->woken) {
        if (deadline == INT64_MAX) {
            pthread_cond_wait(&w->wake, &w->lock);
        } else if (pthread_cond_timedwait(&w->wake, &w->lock, &until) == ETIMEDOUT) {
            break;
        }
    }
    w->woken = false;
    atomic_store(&w->dozes, false);
    *ret_batches = w->batches;
    w->batches = NULL;
    w->batches_end = &w->batches;
    *ret_notices = w->notices;
    w->busy = w->busy || w->batches != NULL || w->notices != NULL || *ret_batches != NULL;
    w->notices = NULL;
    w->notices_end = &w->notices;
    pthread_mutex_unlock(&w->lock);
}

/* One round of the tracker thread. */
static void step(struct watchers *w)
{
    struct batch *batches;
    struct notice *notices;
    int64_t now_ms;
    bool quiet;

    wait_for_work(w, &batches, &notices);
    now_ms = clock_mono_ms();
    quiet = batches == NULL;
    while (batches != NULL) {
        struct batch *b = batches;

        batches = b->next;
        handle_batch(w, b, now_ms);
        deliver(w, true);
    }
    while (notices != NULL) {
        struct notice *n = notices;

        notices = n->next;
        handle_notice_take(w, n, now_ms);
    }
    if (outbox_dropped(w->outbox)) {
        tracker_overflow(w->tracker, now_ms);
    }
    if (quiet) {
        tracker_expire(w->tracker, now_ms);
    }
    mind_stalls(w, now_ms);
    begin_due_scans(w, now_ms);
    ask_barrier(w, now_ms);
    send_identities(w, now_ms);
    deliver(w, true); /* so that the outbox knows how many listings wait */
    send_checks(w, now_ms);
    deliver(w, false);
    tell_marks(w);
}

void *rounds_run(void *arg)
{
    struct watchers *w = arg;

    (void)pthread_setname_np(pthread_self(), "watch-tracker"); /* for who looks with ps */
    while (!atomic_load(&w->stop)) {
        step(w);
        atomic_fetch_add(&w->rounds, 1);
    }
    return NULL;
}
