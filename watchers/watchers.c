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

#include "base/clock.h"
#include "base/path.h"
#include "base/tree.h"
#include "watchers/filter.h"
#include "watchers/identity.h"
#include "watchers/notify.h"
#include "watchers/outbox.h"
#include "watchers/place.h"
#include "watchers/pool.h"
#include "watchers/reader.h"
#include "watchers/tracker.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCAN_THREADS_DEFAULT   8
#define SCAN_THREADS_MAX       64
#define LISTINGS_AHEAD_DEFAULT 64
#define FLIGHTS_A_THREAD       4 /* checks given to the pool at a time, so that no thread starves */
#define RESCAN_REMOTE_MS       (15 * INT64_C(60000))
#define RESCAN_LOCAL_MS        (24 * 60 * INT64_C(60000))
#define ROOTS_MAX              4096

/* What the tracker thread is told, other than events. */
enum notice_kind { NOTICE_LOOK, NOTICE_IDENTITY, NOTICE_RESCAN };

struct notice {
    struct notice *next;
    enum notice_kind kind;
    unsigned root;
    int code;                  /* NOTICE_IDENTITY */
    struct check_result look;  /* NOTICE_LOOK */
    char path[];               /* NOTICE_RESCAN */
};

struct root {
    char *path;
    struct filter *filter;
    struct place_root place;
    struct root_identity identity; /* as it was opened; the pool's, one job at a time */
    atomic_bool lost;
    int64_t rescan_ms; /* as the options say */
    bool remote;
};

struct watchers {
    unsigned root_count;
    struct root *roots;
    bool scan_only;
    unsigned flights_max;
    struct outbox *outbox;
    struct pool *pool;
    struct reader *reader;
    struct tracker *tracker; /* the tracker thread's */
    pthread_t thread;
    bool running;
    bool notify_open;
    atomic_bool stop;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    bool woken;
    struct batch *batches;
    struct batch **batches_end;
    struct notice *notices;
    struct notice **notices_end;
    struct watch_stats *stats; /* one a root */
    uint64_t events;

    size_t looks_out; /* checks in the pool; the tracker thread's */
    uint64_t events_read;
};

/* A job of the pool for us. */
struct look_job {
    struct job job;
    struct watchers *w;
    struct notice *notice; /* to be filled in and sent */
};

struct observe_job {
    struct job job;
    struct watchers *w;
    unsigned root;
    struct hint *hint;
};

/* Wake the tracker thread. */
static void wake_tracker(void *arg)
{
    struct watchers *w = arg;

    pthread_mutex_lock(&w->lock);
    w->woken = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

/* Tell the tracker thread; the notice is taken. */
static void tell_take(struct watchers *w, struct notice *n)
{
    n->next = NULL;
    pthread_mutex_lock(&w->lock);
    *w->notices_end = n;
    w->notices_end = &n->next;
    w->woken = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

/* The reader hands on a batch. */
static void give_batch(void *arg, struct batch *b)
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

/* Pool: look at a place. */
static void run_look(struct job *job, void *scratch)
{
    struct look_job *j = (struct look_job *)job;
    struct check *check = j->notice->look.check;

    place_look(&j->w->roots[j->notice->root].place, check, scratch, &j->notice->look);
    j->notice->look.check = check;
    tell_take(j->w, j->notice);
    free(j);
}

/* Is the root's path the directory that we have open? 0 or why not. */
static int compare_root(struct root *r)
{
    struct root_identity now;
    int fd;
    int code = watchers_root_identity(r->path, &now);

    if (code != 0) {
        return code;
    }
    if (now.dev == r->identity.dev && now.ino == r->identity.ino &&
        now.mount_id == r->identity.mount_id) {
        return 0;
    }
    if (!atomic_load(&r->lost) || !identity_same_tree(&r->identity, &now)) {
        return -ESTALE;
    }
    /* It was mounted anew: take the new one under the number that everybody knows. */
    code = tree_open_root(r->path, &fd);
    if (code != 0) {
        return code;
    }
    if (dup3(fd, r->place.fd, O_CLOEXEC) < 0) {
        code = -errno;
    }
    (void)close(fd); /* O_PATH */
    if (code == 0) {
        r->identity = now;
        atomic_store(&r->place.dev, now.dev);
        atomic_store(&r->place.mount_id, now.mount_id);
    }
    return code;
}

/* Pool: is a root what it was? */
static void run_identity(struct job *job, void *scratch)
{
    struct look_job *j = (struct look_job *)job;

    (void)scratch;
    j->notice->code = compare_root(&j->w->roots[j->notice->root]);
    tell_take(j->w, j->notice);
    free(j);
}

/* Pool: answer watchers_observe. */
static void run_observe(struct job *job, void *scratch)
{
    struct observe_job *j = (struct observe_job *)job;
    struct root *r = &j->w->roots[j->root];
    struct hint_list list = {0};

    (void)scratch;
    j->hint->code = place_stat(&r->place, j->hint->path, &j->hint->st);
    if (atomic_load(&r->lost)) {
        j->hint->code = -ESTALE;
    }
    j->hint->is_directory = j->hint->code == 0 && j->hint->st.kind == FILE_DIRECTORY;
    hint_list_add_take(&list, j->hint);
    outbox_put_take(j->w->outbox, &list);
    free(j);
}

/* A job of the pool that ends in a notice. NULL without memory. */
static struct look_job *look_job_new(struct watchers *w, enum notice_kind kind, unsigned root,
                                     void (*run)(struct job *job, void *scratch))
{
    struct look_job *j = calloc(1, sizeof(*j));
    struct notice *n = calloc(1, sizeof(*n));

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

/* Give the pool as many checks as it and the taker of the listings have room for. */
static void send_checks(struct watchers *w, int64_t now_ms)
{
    while (w->looks_out < w->flights_max && outbox_room(w->outbox, w->looks_out)) {
        struct check *c = tracker_next_check(w->tracker);
        struct look_job *j;

        if (c == NULL) {
            return;
        }
        j = look_job_new(w, NOTICE_LOOK, c->root, run_look);
        if (j == NULL) {
            struct check_result r = {
                .check = c, .outcome = CHECK_UNREADABLE, .code = -ENOMEM, .wd = -1};

            tracker_result(w->tracker, &r, now_ms);
            return;
        }
        j->notice->look.check = c;
        w->looks_out++;
        pool_add_take(w->pool, POOL_LISTINGS, &j->job);
    }
}

/* Have the identity of roots looked at where that is wanted. */
static void send_identities(struct watchers *w, int64_t now_ms)
{
    for (unsigned i = 0; i < w->root_count; i++) {
        struct look_job *j;

        if (!tracker_wants_identity(w->tracker, i)) {
            continue;
        }
        j = look_job_new(w, NOTICE_IDENTITY, i, run_identity);
        if (j != NULL) {
            pool_add_take(w->pool, POOL_ANSWERS, &j->job);
        } else {
            tracker_identity(w->tracker, i, -ENOMEM, now_ms);
        }
    }
}

/* How often the root is scanned; 0: never. */
static int64_t rescan_interval(struct watchers *w, unsigned i)
{
    if (w->scan_only || w->roots[i].rescan_ms == 0) {
        return 0;
    }
    if (w->roots[i].rescan_ms > 0) {
        return w->roots[i].rescan_ms;
    }
    return w->roots[i].remote || tracker_model_counts(w->tracker, i)->limited > 0
               ? RESCAN_REMOTE_MS
               : RESCAN_LOCAL_MS;
}

/* When the root's next scan is due; INT64_MAX: not. */
static int64_t rescan_at(struct watchers *w, unsigned i)
{
    const struct tracker_root_counts *c = tracker_root_counts(w->tracker, i);
    const int64_t interval = rescan_interval(w, i);

    if (interval == 0 || c->scanning || c->scans == 0 || tracker_root_is_lost(w->tracker, i)) {
        return INT64_MAX;
    }
    return c->last_scan_ms + interval;
}

/* Begin the scans that are due. */
static void begin_due_scans(struct watchers *w, int64_t now_ms)
{
    for (unsigned i = 0; i < w->root_count; i++) {
        if (rescan_at(w, i) <= now_ms && tracker_scan(w->tracker, i, "") != 0) {
            tracker_overflow(w->tracker);
        }
    }
}

/* Everything that came by itself. */
static void handle_batch(struct watchers *w, struct batch *b, int64_t now_ms)
{
    struct raw_event ev;

    if (b->lost) {
        tracker_overflow(w->tracker);
    }
    while (batch_next(b, &ev)) {
        tracker_event(w->tracker, &ev, now_ms);
        w->events_read++;
    }
    if (b->barrier) {
        tracker_barrier(w->tracker);
    }
    for (unsigned i = 0; b->mounts && i < w->root_count; i++) {
        tracker_suspect_root(w->tracker, i);
    }
    reader_done_take(w->reader, b);
}

/* Everything that was asked for. */
static void handle_notice(struct watchers *w, struct notice *n, int64_t now_ms)
{
    switch (n->kind) {
    case NOTICE_LOOK:
        w->looks_out--;
        tracker_result(w->tracker, &n->look, now_ms);
        break;
    case NOTICE_IDENTITY:
        tracker_identity(w->tracker, n->root, n->code, now_ms);
        atomic_store(&w->roots[n->root].lost, tracker_root_is_lost(w->tracker, n->root));
        break;
    case NOTICE_RESCAN:
        if (tracker_scan(w->tracker, n->root, n->path) != 0) {
            tracker_overflow(w->tracker);
        }
        break;
    }
    free(n);
}

/* Remove the watches that no directory has any more; hand out the hints. */
static void deliver(struct watchers *w)
{
    struct wd_list *released = tracker_released(w->tracker);

    for (size_t i = 0; i < released->count; i++) {
        notify_forget(released->wds[i]);
    }
    released->count = 0;
    outbox_put_take(w->outbox, tracker_hints(w->tracker));
}

/* Copy the figures for watchers_stats. The lock is held. */
static void keep_stats(struct watchers *w)
{
    for (unsigned i = 0; i < w->root_count; i++) {
        const struct model_counts *m = tracker_model_counts(w->tracker, i);
        const struct tracker_root_counts *c = tracker_root_counts(w->tracker, i);

        w->stats[i] = (struct watch_stats){
            .directories = m->directories,
            .watches = m->watches,
            .unwatched = w->scan_only ? 0 : m->directories - m->watches,
            .events = w->events_read,
            .overflows = c->overflows,
            .scans = c->scans,
            .scanning = c->scanning,
            .last_scan_ms = c->last_scan_ms,
        };
    }
}

/* When the tracker thread must look up by itself. */
static int64_t next_deadline(struct watchers *w)
{
    int64_t deadline = tracker_deadline_ms(w->tracker);

    for (unsigned i = 0; i < w->root_count; i++) {
        const int64_t at = rescan_at(w, i);

        deadline = at < deadline ? at : deadline;
    }
    return deadline;
}

/* Wait until there is something to do, and take it. */
static void wait_for_work(struct watchers *w, struct batch **ret_batches,
                          struct notice **ret_notices)
{
    const int64_t deadline = next_deadline(w);
    const struct timespec until = {.tv_sec = deadline / 1000,
                                   .tv_nsec = deadline % 1000 * 1000000};

    pthread_mutex_lock(&w->lock);
    keep_stats(w);
    while (!w->woken) {
        if (deadline == INT64_MAX) {
            pthread_cond_wait(&w->wake, &w->lock);
        } else if (pthread_cond_timedwait(&w->wake, &w->lock, &until) == ETIMEDOUT) {
            break;
        }
    }
    w->woken = false;
    *ret_batches = w->batches;
    w->batches = NULL;
    w->batches_end = &w->batches;
    *ret_notices = w->notices;
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
        deliver(w);
    }
    while (notices != NULL) {
        struct notice *n = notices;

        notices = n->next;
        handle_notice(w, n, now_ms);
    }
    if (outbox_dropped(w->outbox)) {
        tracker_overflow(w->tracker);
    }
    if (quiet) {
        tracker_expire(w->tracker, now_ms);
    }
    begin_due_scans(w, now_ms);
    if (tracker_wants_barrier(w->tracker, now_ms)) {
        if (w->reader != NULL) {
            reader_barrier(w->reader);
        } else {
            tracker_barrier(w->tracker); /* no events, none to wait for */
        }
    }
    send_identities(w, now_ms);
    send_checks(w, now_ms);
    deliver(w);
}

/* The tracker thread. */
static void *run_tracker(void *arg)
{
    struct watchers *w = arg;

    while (!atomic_load(&w->stop)) {
        step(w);
    }
    return NULL;
}

/* Open one root. 0 or -errno, said in e. */
static int open_root(struct watchers *w, struct root *r, const struct watch_root *opt,
                     struct err *e)
{
    struct place_identity place;
    int code = watchers_root_identity(opt->path, &r->identity);

    if (code == 0) {
        code = tree_open_root(opt->path, &r->place.fd);
    }
    if (code != 0) {
        r->place.fd = -1;
        return err_set(e, code, opt->path, "a directory that the agent may read and enter",
                       "cannot open the watched directory: %s", err_name(code));
    }
    code = place_identify(r->place.fd, &place);
    if (code == 0 && (place.dev != r->identity.dev || place.ino != r->identity.ino)) {
        code = -ESTALE;
    }
    if (code == 0) {
        code = filter_new(&opt->filter, &r->filter);
    }
    r->path = strdup(opt->path);
    if (code == 0 && r->path == NULL) {
        code = -ENOMEM;
    }
    if (code != 0) {
        return err_set(e, code, opt->path, "", "cannot watch the directory: %s", err_name(code));
    }
    r->rescan_ms = opt->rescan_ms;
    r->remote = identity_is_remote(&r->identity);
    atomic_store(&r->place.dev, r->identity.dev);
    atomic_store(&r->place.mount_id, r->identity.mount_id);
    r->place.filter = r->filter;
    r->place.watch = !w->scan_only;
    r->place.remote = r->remote;
    r->place.nlink_tells = !place.removed;
    r->place.stop = &w->stop;
    return 0;
}

/* Open all roots and make the tracker. 0 or -errno, said in e. */
static int open_roots(struct watchers *w, const struct watchers_options *opt, struct err *e)
{
    struct filter **filters;
    int code = 0;

    for (; w->root_count < opt->root_count && code == 0; w->root_count++) {
        w->roots[w->root_count].place.fd = -1;
        code = open_root(w, &w->roots[w->root_count], &opt->roots[w->root_count], e);
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
    code = reader_new(notify_fd, give_batch, w, &w->reader);
    return code == 0 ? 0
                     : err_set(e, code, "", "", "cannot start a thread: %s", err_name(code));
}

/* Start the threads. 0 or -errno, said in e. */
static int start(struct watchers *w, const struct watchers_options *opt, struct err *e)
{
    const size_t ahead = opt->listings_ahead == 0 ? LISTINGS_AHEAD_DEFAULT : opt->listings_ahead;
    unsigned threads = opt->scan_threads == 0 ? SCAN_THREADS_DEFAULT : opt->scan_threads;
    sigset_t all, before;
    int code = outbox_new(ahead, wake_tracker, w, &w->outbox);

    threads = threads > SCAN_THREADS_MAX ? SCAN_THREADS_MAX : threads;
    w->flights_max = threads * FLIGHTS_A_THREAD;
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
    code = pthread_create(&w->thread, NULL, run_tracker, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    w->running = code == 0;
    return code == 0 ? 0
                     : err_set(e, -code, "", "", "cannot start a thread: %s", err_name(-code));
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
    if (w->roots == NULL || w->stats == NULL) {
        free(w->roots);
        free(w->stats);
        free(w);
        return NULL;
    }
    w->scan_only = opt->scan_only;
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
        if (n->kind == NOTICE_LOOK) {
            tracker_result(w->tracker, &n->look, 0);
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
        wake_tracker(w);
        pthread_join(w->thread, NULL);
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
    tracker_free(w->tracker);
    outbox_free(w->outbox);
    for (unsigned i = 0; i < w->root_count; i++) {
        if (w->roots[i].place.fd >= 0) {
            (void)close(w->roots[i].place.fd); /* O_PATH */
        }
        filter_free(w->roots[i].filter);
        free(w->roots[i].path);
    }
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    free(w->roots);
    free(w->stats);
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
    j->w = w;
    j->root = root;
    j->hint = h;
    pool_add_take(w->pool, POOL_ANSWERS, &j->job);
    return 0;
}

int watchers_rescan(struct watchers *w, unsigned root, const char *path)
{
    const size_t size = strlen(path) + 1;
    struct notice *n = calloc(1, sizeof(*n) + size);

    if (n == NULL) {
        return -ENOMEM;
    }
    n->kind = NOTICE_RESCAN;
    n->root = root;
    memcpy(n->path, path, size);
    tell_take(w, n);
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
