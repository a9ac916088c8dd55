/*
 * Watching, put together. Shell.
 *
 *   kernel -> reader thread -> batches --\
 *                                         inbox -> tracker thread -> outbox -> the taker
 *   pool threads <- checks ---- looks ---/              |
 *        ^------------------------------ jobs <---------/
 *
 * The tracker thread owns the rules and the model (tracker.h); it never waits for a disk. The pool
 * looks at places. Nobody holds a lock while waiting for a disk.
 */
#include "watchers/watchers.h"

#include "watchers/identity.h"
#include "watchers/notify.h"
#include "watchers/observe.h"
#include "watchers/rounds.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define SCAN_THREADS_DEFAULT   8
#define SCAN_THREADS_MAX       64
#define LISTINGS_AHEAD_DEFAULT 1024
#define ROOTS_MAX              4096
#define LIMIT_STEP             1024
#define OBSERVE_MOST           32 /* paths that a thread looks at in one go */
#define OBSERVE_LEAST          16 /* and at least, if they are there, where looks are quick */

/* A job of the pool that answers watchers_observe. */
struct observe_job {
    struct job job;
    struct watchers *w;
    struct hint *hint;
};

/* Look at the paths of jobs, all of one root. */
static void look(struct watchers *w, struct root *r, struct hint *const *hints, size_t n,
                 void *scratch)
{
    struct observation each[OBSERVE_MOST];

    for (size_t i = 0; i < n; i++) {
        each[i] = (struct observation){.path = hints[i]->path, .code = -ETIMEDOUT};
    }
    if (rounds_ask(w, hints[0]->root)) {
        observe_each(&r->place, each, n, scratch);
        if (stall_answered(&r->stall)) {
            rounds_wake(w);
        }
    }
    for (size_t i = 0; i < n; i++) {
        struct hint *h = hints[i];

        h->code = atomic_load(&r->lost) ? -ESTALE : each[i].code;
        if (each[i].code == 0) {
            h->st = each[i].st;
        }
        h->is_directory = h->code == 0 && h->st.kind == FILE_DIRECTORY;
    }
}

/* Pool: answer watchers_observe. */
static void run_observe(struct job *job, void *scratch)
{
    struct watchers *w = ((struct observe_job *)job)->w;
    struct hint *hints[OBSERVE_MOST];
    struct hint_list list = {0};
    size_t n = 0;

    for (struct job *next; job != NULL; job = next) {
        struct observe_job *j = (struct observe_job *)job;

        next = job->next;
        hints[n++] = j->hint;
        if (next == NULL || ((struct observe_job *)next)->hint->root != j->hint->root) {
            look(w, &w->roots[j->hint->root], hints, n, scratch);
            for (size_t i = 0; i < n; i++) {
                hint_list_add_take(&list, hints[i]);
            }
            n = 0;
        }
        free(j);
    }
    outbox_put_take(w->outbox, &list);
}

/* Open fanotify for the roots that want it, or may come to. 0 or -errno, said in e. */
static int start_fan(struct watchers *w, struct err *e)
{
    bool wanted = false;
    int code = 0;

    for (unsigned i = 0; i < w->root_count; i++) {
        const struct place_root *p = &w->roots[i].place;

        wanted = wanted || (p->watch && p->with != WATCH_INOTIFY);
    }
    if (wanted) {
        code = fan_new(&w->fan);
    }
    for (unsigned i = 0; i < w->root_count; i++) {
        const int marked = roots_mark(&w->roots[i], w->fan, code, e);

        if (marked != 0) {
            return marked;
        }
        if (!w->roots[i].place.watch) {
            tracker_scan_only(w->tracker, i);
        }
    }
    return 0;
}

/* Open all roots and make the tracker. 0 or -errno, said in e. */
static int open_roots(struct watchers *w, const struct watchers_options *opt, struct err *e)
{
    struct filter **filters;
    int code = 0;

    for (; w->root_count < opt->root_count && code == 0; w->root_count++) {
        code = roots_open(&w->roots[w->root_count], &opt->roots[w->root_count], !w->scan_only,
                          &w->stop, e);
    }
    if (code != 0) {
        return code;
    }
    filters = calloc(w->root_count + 1, sizeof(struct filter *));
    if (filters == NULL) {
        return err_set(e, -ENOMEM, "", "", "out of memory");
    }
    for (unsigned i = 0; i < w->root_count; i++) {
        filters[i] = w->roots[i].filter;
    }
    code = tracker_new(filters, w->root_count, !w->scan_only, &w->tracker);
    free(filters);
    for (unsigned i = 0; code == 0 && i < w->root_count; i++) {
        tracker_set_rate(w->tracker, i, opt->roots[i].scan_rate);
    }
    return code == 0 ? 0 : err_set(e, code, "", "", "out of memory");
}

/* Start inotify and its reader. 0 or -errno, said in e. */
static int start_reader(struct watchers *w, struct err *e)
{
    int notify_fd;
    int code = notify_start(&notify_fd);

    if (code != 0) {
        return err_set(e, code, "inotify",
                       code == -EMFILE ? "raise fs.inotify.max_user_instances, or start with fewer "
                                         "open files"
                                       : "",
                       "cannot start inotify: %s", err_name(code));
    }
    w->notify_open = true;
    code = reader_new(notify_fd, w->fan, rounds_give_take, w, &w->reader);
    return code == 0 ? 0 : err_set(e, code, "", "", "cannot start a thread: %s", err_name(code));
}

/* Start the threads. 0 or -errno, said in e. */
static int start(struct watchers *w, const struct watchers_options *opt, struct err *e)
{
    const size_t ahead = opt->listings_ahead == 0 ? LISTINGS_AHEAD_DEFAULT : opt->listings_ahead;
    unsigned threads = opt->scan_threads == 0 ? SCAN_THREADS_DEFAULT : opt->scan_threads;
    sigset_t all, before;
    int code = outbox_new(ahead, rounds_wake, w, &w->outbox);

    threads = threads > SCAN_THREADS_MAX ? SCAN_THREADS_MAX : threads;
    w->threads = threads;
    if (code == 0) {
        code = pool_new(threads, &w->pool);
    }
    if (code != 0) {
        return err_set(e, code, "", "", "cannot start threads: %s", err_name(code));
    }
    code = w->scan_only ? 0 : start_reader(w, e);
    if (code != 0) {
        return code;
    }
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    code = pthread_create(&w->thread, NULL, rounds_run, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    w->running = code == 0;
    return code == 0 ? 0 : err_set(e, -code, "", "", "cannot start a thread: %s", err_name(-code));
}

/* Empty watchers, with the lock and what it guards. NULL without memory. */
static struct watchers *watchers_alloc(const struct watchers_options *opt)
{
    struct watchers *w = calloc(1, sizeof(*w));
    pthread_condattr_t attr;

    if (w == NULL) {
        return NULL;
    }
    w->roots = calloc(opt->root_count + 1, sizeof(*w->roots));
    w->stats = calloc(opt->root_count + 1, sizeof(*w->stats));
    w->whole_ended = calloc(opt->root_count + 1, sizeof(*w->whole_ended));
    if (w->roots == NULL || w->stats == NULL || w->whole_ended == NULL) {
        free(w->roots);
        free(w->stats);
        free(w->whole_ended);
        free(w);
        return NULL;
    }
    w->scan_only = opt->scan_only;
    w->gathers = opt->gathers;
    w->marks.root_count = (unsigned)opt->root_count;
    w->woken = true; /* the first scans are wanted */
    w->batches_end = &w->batches;
    w->notices_end = &w->notices;
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wake, &attr);
    pthread_condattr_destroy(&attr);
    return w;
}

int watchers_new(const struct watchers_options *opt, struct watchers **ret, struct err *e)
{
    struct watchers *w;
    int code;

    if (opt->root_count > ROOTS_MAX) {
        return err_set(e, ERR_LIMIT, "", "", "more than %d watched directories", ROOTS_MAX);
    }
    w = watchers_alloc(opt);
    if (w == NULL) {
        return err_set(e, -ENOMEM, "", "", "out of memory");
    }
    code = open_roots(w, opt, e);
    if (code == 0) {
        code = start_fan(w, e);
    }
    if (code == 0) {
        code = start(w, opt, e);
    }
    if (code != 0) {
        watchers_free(w);
        return code;
    }
    *ret = w;
    return 0;
}

/* Give back all that was on its way to the tracker thread, which has ended. */
static void inbox_release(struct watchers *w)
{
    for (struct batch *b = w->batches, *next; b != NULL; b = next) {
        next = b->next;
        reader_done_take(w->reader, b);
    }
    for (struct notice *n = w->notices, *next; n != NULL; n = next) {
        next = n->next;
        if (n->kind == NOTICE_LOOKS) {
            rounds_conclude(w, (struct looks_notice *)n, 0);
        } else if (n->kind == NOTICE_MARK) {
            free(((struct mark_notice *)n)->mark);
        }
        free(n);
    }
}

void watchers_free(struct watchers *w)
{
    if (w == NULL) {
        return;
    }
    atomic_store(&w->stop, true);
    if (w->running) {
        rounds_wake(w);
        pthread_join(w->thread, NULL);
    }
    if (w->pool != NULL) {
        watchers_look(w);
    }
    pool_free(w->pool);
    if (w->reader != NULL) {
        reader_stop(w->reader);
    }
    inbox_release(w);
    reader_free(w->reader);
    if (w->notify_open) {
        notify_stop();
    }
    fan_free(w->fan);
    tracker_free(w->tracker);
    outbox_free(w->outbox);
    for (unsigned i = 0; i < w->root_count; i++) {
        roots_release(&w->roots[i]);
    }
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    marks_release(&w->marks);
    free(w->roots);
    free(w->stats);
    free(w->whole_ended);
    free(w);
}

int watchers_fd(const struct watchers *w)
{
    return outbox_fd(w->outbox);
}

struct hint *watchers_next(struct watchers *w, bool want_listings)
{
    return outbox_take(w->outbox, want_listings);
}

int watchers_observe(struct watchers *w, unsigned root, const char *path)
{
    struct observe_job *j = calloc(1, sizeof(*j));
    struct hint *h = hint_new(HINT_OBSERVED, root, path, NULL);

    if (j == NULL || h == NULL) {
        free(j);
        hint_free(h);
        return -ENOMEM;
    }
    j->job.run = run_observe;
    j->job.most = OBSERVE_MOST;
    j->job.least = observe_is_quick(&w->roots[root].place) ? OBSERVE_LEAST : 1;
    j->w = w;
    j->hint = h;
    jobs_add_take(&w->gathered, &j->job);
    if (!w->gathers || w->gathered.count >= (size_t)w->threads * OBSERVE_MOST) {
        watchers_look(w);
    }
    return 0;
}

void watchers_look(struct watchers *w)
{
    pool_add_all_take(w->pool, POOL_ANSWERS, &w->gathered);
}

int watchers_glance(struct watchers *w, unsigned root)
{
    struct notice *n = calloc(1, sizeof(*n));

    if (n == NULL) {
        return -ENOMEM;
    }
    n->kind = NOTICE_GLANCE;
    n->root = root;
    rounds_tell_take(w, n);
    return 0;
}

int watchers_rescan(struct watchers *w, unsigned root, const char *path)
{
    const size_t size = strlen(path) + 1;
    struct rescan_notice *n = calloc(1, sizeof(*n) + size);

    if (n == NULL) {
        return -ENOMEM;
    }
    n->notice.kind = NOTICE_RESCAN;
    n->notice.root = root;
    memcpy(n->path, path, size);
    rounds_tell_take(w, &n->notice);
    return 0;
}

int watchers_mark(struct watchers *w, uint64_t number)
{
    struct mark_notice *n = calloc(1, sizeof(*n));

    if (n != NULL) {
        n->mark = mark_new(number, w->root_count);
    }
    if (n == NULL || n->mark == NULL) {
        free(n);
        return -ENOMEM;
    }
    n->notice.kind = NOTICE_MARK;
    rounds_tell_take(w, &n->notice);
    return 0;
}

int watchers_root_fd(const struct watchers *w, unsigned root)
{
    return w->roots[root].place.fd;
}

void watchers_stats(struct watchers *w, unsigned root, struct watch_stats *ret)
{
    pthread_mutex_lock(&w->lock);
    *ret = w->stats[root];
    pthread_mutex_unlock(&w->lock);
}

void watchers_budget(struct watchers *w, struct watch_budget *ret)
{
    uint64_t directories = 0;
    uint64_t watches = 0;

    *ret = (struct watch_budget){0};
    pthread_mutex_lock(&w->lock);
    for (unsigned i = 0; i < w->root_count; i++) {
        directories += w->stats[i].directories;
        watches += w->stats[i].watches;
        ret->unwatched += w->stats[i].limited;
    }
    pthread_mutex_unlock(&w->lock);
    ret->limit = notify_watch_limit(&ret->setting);
    /* What is not ours others have; a quarter more than we need today; a round number. */
    ret->limit_wanted = (ret->limit > watches ? ret->limit - watches : 0) + directories / 4 * 5;
    ret->limit_wanted = (ret->limit_wanted / LIMIT_STEP + 1) * LIMIT_STEP;
}

bool watchers_busy(struct watchers *w)
{
    bool busy;

    pthread_mutex_lock(&w->lock);
    busy = w->busy || w->batches != NULL || w->notices != NULL;
    pthread_mutex_unlock(&w->lock);
    return busy || outbox_listings_wait(w->outbox);
}

uint64_t watchers_rounds(struct watchers *w)
{
    rounds_wake(w);
    return atomic_load(&w->rounds);
}

bool watchers_others_write(const struct root_identity *id)
{
    return identity_is_remote(id);
}

bool watchers_same_root(const struct root_identity *a, const struct root_identity *b)
{
    return identity_same_tree(a, b);
}
