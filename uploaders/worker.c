/* A worker: one thread that carries many transfers through their calls. Shell. */
#include "uploaders/worker.h"

#include "base/clock.h"
#include "base/priority.h"
#include "uploaders/ahead.h"
#include "uploaders/bodies.h"
#include "uploaders/readers.h"
#include "uploaders/streams.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tasks in the order of arrival. */
struct queue {
    struct task *head;
    struct task *tail;
};

#define READING_SMALL                                                                              \
    16 /* bodies that are read, or wait for a slot after that, ahead of the network */
#define READING_LARGE 4
#define TOGETHER_MS   16 /* outcomes that are not further apart are told together */
#define TOGETHER_MAX  64 /* and no more than these */

struct worker {
    struct worker_options opt;
    struct mailbox *inbox;
    struct caller *caller;
    pthread_t thread;
    bool started;
    atomic_uint load;
    struct bundle letters; /* out of the inbox */
    struct bundle ended;   /* outcomes that are not told yet, the first at ended_ms */
    int64_t ended_ms;
    int64_t last_ms;    /* when the last one ended */
    struct letter stop; /* sent to the inbox: the end */
    bool stopping;
    struct queue waiting[LANE_COUNT]; /* not yet begun */
    struct queue hungry[LANE_COUNT];  /* for memory */
    struct task *begun;
    struct lanes memory;
    unsigned large;                 /* bodies of the large lane */
    bool large_freed;               /* one is not in memory any more */
    struct ahead ahead[LANE_COUNT]; /* what its files are read like */
    unsigned reading[LANE_COUNT];   /* tasks that are with the readers */
    bool memory_freed;              /* since the hungry were last fed */
    struct task *single;            /* was read, and waits for a second one */
    struct bodies bodies;
    struct streams streams;
};

static void queue_put(struct queue *q, struct task *task)
{
    task->next = NULL;
    if (q->tail)
        q->tail->next = task;
    else
        q->head = task;
    q->tail = task;
}

static struct task *queue_take(struct queue *q)
{
    struct task *task = q->head;
    if (task) {
        q->head = task->next;
        if (!q->head)
            q->tail = NULL;
    }
    return task;
}

/* Take one out of the middle. */
static void queue_remove(struct queue *q, struct task *gone)
{
    struct queue rest = {NULL, NULL};
    for (struct task *task; (task = queue_take(q));)
        if (task != gone)
            queue_put(&rest, task);
    *q = rest;
}

const struct worker_options *worker_options_of(const struct worker *w)
{
    return &w->opt;
}

struct caller *worker_caller(const struct worker *w)
{
    return w->caller;
}

unsigned worker_load(const struct worker *w)
{
    return atomic_load_explicit(&w->load, memory_order_relaxed);
}

void worker_add(struct worker *w, struct task *task, struct bundle *tasks)
{
    task->worker = w;
    atomic_fetch_add_explicit(&w->load, 1, memory_order_relaxed);
    bundle_add(tasks, &task->letter);
}

void worker_hand(struct worker *w, struct bundle *tasks)
{
    (void)!mailbox_send_all(w->inbox, tasks); /* it has no ceiling and is never closed */
}

/* Would another large body only lie in memory? */
static bool is_enough(const struct worker *w, uint64_t n)
{
    const struct ahead_bodies bodies = {.count = w->large,
                                        .reading = w->reading[LANE_LARGE],
                                        .bytes = w->memory.used[LANE_LARGE],
                                        .all = readers_large(w->opt.readers),
                                        .processors = w->opt.reads,
                                        .worth = flow_bodies(w->opt.flow)};
    return ahead_is_enough(&w->ahead[LANE_LARGE], &bodies, n);
}

/* It is in memory. */
static void enter(struct task *task, uint64_t n)
{
    lanes_enter(&task->worker->memory, task->lane, n);
    task->worker->large += task->lane == LANE_LARGE;
}

/* Room in the budget for n bytes? If not, the task stands in line afterwards. */
static bool reserve(struct task *task, uint64_t n)
{
    struct worker *w = task->worker;
    struct queue *line = &w->hungry[task->lane];
    bool first = !line->head || line->head == task;
    w->memory.waiting[LANE_LARGE] = w->hungry[LANE_LARGE].head != NULL;
    bool enough = task->lane == LANE_LARGE && is_enough(w, n);
    if (first && !enough && lanes_open(&w->memory, task->lane, n, w->opt.memory_bytes)) {
        if (task->hungry)
            (void)queue_take(line);
        task->hungry = false;
        enter(task, n);
        return true;
    }
    if (!task->hungry)
        queue_put(line, task);
    task->hungry = true;
    return false;
}

/* It is not in memory any more. */
static void leave(struct task *task, uint64_t n)
{
    lanes_leave(&task->worker->memory, task->lane, n);
    if (task->lane == LANE_LARGE) {
        task->worker->large--;
        task->worker->large_freed = true;
    }
}

enum body_step worker_body(struct task *task, size_t n, char **ret)
{
    if (!reserve(task, n))
        return BODY_WAIT;
    char *p = bodies_take(&task->worker->bodies, n);
    if (!p) {
        leave(task, n);
        return BODY_NO_MEMORY;
    }
    task->read_bytes = n;
    *ret = p;
    return BODY_READY;
}

char *worker_body_more(struct task *task, size_t n)
{
    struct worker *w = task->worker;
    if (ahead_is_slow(&w->ahead[task->lane]) ||
        !lanes_open(&w->memory, task->lane, n, w->opt.memory_bytes))
        return NULL;
    char *p = bodies_take(&w->bodies, n);
    if (!p)
        return NULL;
    enter(task, n);
    task->read_bytes += n;
    return p;
}

void worker_body_back(struct task *task, char *p, size_t n)
{
    if (!p)
        return;
    bodies_give(&task->worker->bodies, p, n);
    leave(task, n);
    task->worker->memory_freed = true;
}

enum body_step worker_stream(struct task *task)
{
    return reserve(task, STREAM_BYTES) ? BODY_READY : BODY_WAIT;
}

void worker_stream_back(struct task *task)
{
    leave(task, STREAM_BYTES);
    task->worker->memory_freed = true;
}

struct streams *worker_streams(struct worker *w)
{
    return ahead_is_slow(&w->ahead[LANE_LARGE]) ? NULL : &w->streams;
}

void worker_body_cancel(struct task *task)
{
    if (!task->hungry)
        return;
    queue_remove(&task->worker->hungry[task->lane], task);
    task->hungry = false;
    task->worker->memory_freed = true; /* the next in line may have waited for this one only */
}

void worker_again(struct task *task)
{
    struct worker *w = task->worker;
    if (!task->hungry)
        queue_put(&w->hungry[task->lane], task);
    task->hungry = true;
    w->memory_freed = true;
}

/* Feed those of a lane that wait for memory, as far as it goes; each once, so that one that stands
 * in line again at once does not keep the network from its turn. */
static void feed_lane(struct worker *w, enum lane lane)
{
    const struct queue *line = &w->hungry[lane];
    const struct task *last = line->tail;
    for (bool more = last != NULL; more && line->head;) {
        struct task *task = line->head;
        more = task != last;
        task->feed(task);
        more = more && line->head != task;
    }
}

/* Somebody waits for memory. */
static bool is_hungry(const struct worker *w)
{
    return w->hungry[LANE_SMALL].head || w->hungry[LANE_LARGE].head;
}

/* Feed those that wait, small ones first. */
static void feed(struct worker *w)
{
    if (!w->memory_freed)
        return;
    w->memory_freed = false;
    for (enum lane lane = LANE_SMALL; lane < LANE_COUNT; lane++)
        feed_lane(w, lane);
}

/* Among those that have begun. */
static void link_begun(struct worker *w, struct task *task)
{
    task->before = NULL;
    task->after = w->begun;
    if (w->begun)
        w->begun->before = task;
    w->begun = task;
}

static void unlink_begun(struct worker *w, struct task *task)
{
    if (task->before)
        task->before->after = task->after;
    else
        w->begun = task->after;
    if (task->after)
        task->after->before = task->before;
}

void worker_replace(struct task *task, struct task *other)
{
    worker_body_cancel(task);
    unlink_begun(task->worker, task);
    other->worker = task->worker;
    other->transfer = task->transfer;
    other->reply = task->reply;
    other->handed_ms = task->handed_ms;
    link_begun(other->worker, other);
    task->drop(task);
    other->begin(other);
}

/* Outcomes to who waits for them. */
static void tell(struct worker *w)
{
    (void)!mailbox_send_all(w->opt.outcomes, &w->ended); /* no ceiling, never closed */
}

/* An outcome. Who waits for many is not woken for each: where one follows the other closely, it
 * waits a moment for the next. */
static void put_outcome(struct worker *w, struct transfer *t)
{
    int64_t now_ms = clock_mono_ms();
    bool alone = now_ms - w->last_ms > TOGETHER_MS;
    if (w->ended.count == 0)
        w->ended_ms = now_ms;
    w->last_ms = now_ms;
    bundle_add(&w->ended, &t->letter);
    if (alone || w->ended.count >= TOGETHER_MAX)
        tell(w);
}

/* Tell what has waited long enough, or has nothing more to wait for. Until when may the worker
 * sleep? */
static int64_t tell_due(struct worker *w)
{
    if (w->ended.count == 0)
        return INT64_MAX;
    if (worker_load(w) > 0 && clock_mono_ms() - w->ended_ms < TOGETHER_MS)
        return w->ended_ms + TOGETHER_MS;
    tell(w);
    return INT64_MAX;
}

void worker_end(struct task *task, enum verdict verdict)
{
    struct worker *w = task->worker;
    struct transfer *t = task->transfer;
    struct mailbox *reply = task->reply;
    worker_body_cancel(task);
    unlink_begun(w, task);
    t->verdict = verdict;
    t->duration_ms = (uint64_t)(clock_mono_ms() - task->handed_ms);
    task->drop(task);
    atomic_fetch_sub_explicit(&w->load, 1, memory_order_relaxed);
    if (reply == w->opt.outcomes)
        put_outcome(w, t);
    else
        (void)!mailbox_send(reply, &t->letter); /* no ceiling, never closed */
}

bool worker_reads_ahead(struct worker *w)
{
    return ahead_hands_on(&w->ahead[LANE_SMALL]);
}

bool worker_watches(const struct worker *w)
{
    return ahead_watches(&w->ahead[LANE_SMALL]);
}

void worker_timed(struct worker *w, uint64_t bytes, int64_t took_us, int64_t waits)
{
    ahead_timed(&w->ahead[LANE_SMALL], bytes, took_us, waits);
}

bool worker_read(struct task *task)
{
    struct worker *w = task->worker;
    task->reading = true;
    w->reading[task->lane]++;
    if (readers_hand(w->opt.readers, task))
        return true;
    task->reading = false;
    w->reading[task->lane]--;
    return false;
}

struct task *worker_pair(struct task *task)
{
    struct worker *w = task->worker;
    struct task *other = w->single;
    w->single = other ? NULL : task;
    return other;
}

void worker_read_end(struct task *task)
{
    (void)!mailbox_send(task->worker->inbox, &task->letter); /* no ceiling, never closed */
}

/* A task is back from the readers. */
static void take_read(struct worker *w, struct task *task)
{
    task->reading = false;
    w->reading[task->lane]--;
    if (task->lane == LANE_LARGE) {
        ahead_timed_large(&w->ahead[LANE_LARGE], task->read_bytes, task->read_us, task->read_waits);
        w->memory_freed = true; /* others may be read now */
    }
    task->have(task);
}

/* Letters into the lines for a slot; the stop letter ends the loop. */
static void take_letters(struct worker *w)
{
    mailbox_take_all(w->inbox, &w->letters);
    for (struct letter *l; (l = bundle_take(&w->letters));) {
        struct task *task = (struct task *)l;
        if (l == &w->stop)
            w->stopping = true;
        else if (task->reading)
            take_read(w, task);
        else
            queue_put(&w->waiting[task->lane], task);
    }
}

/* A task of the lane could begin. */
static bool can_begin(const struct worker *w, enum lane lane)
{
    bool large_waits = w->waiting[LANE_LARGE].head != NULL;
    if (!w->waiting[lane].head)
        return false;
    if (lane == LANE_SMALL && ahead_is_slow(&w->ahead[LANE_SMALL]))
        return w->reading[lane] + caller_waiting(w->caller, lane) < READING_SMALL;
    return w->reading[lane] < READING_LARGE && caller_room(w->caller, lane, large_waits);
}

/* Begin a task of each lane if there are slots. Reading a file blocks, so after each one the
 * network gets its turn. True where more could begin. */
static bool begin_some(struct worker *w)
{
    bool more = false;
    for (enum lane lane = LANE_SMALL; lane < LANE_COUNT; lane++) {
        if (!can_begin(w, lane))
            continue;
        struct task *task = queue_take(&w->waiting[lane]);
        link_begun(w, task);
        task->begin(task);
        more = more || can_begin(w, lane);
    }
    return more;
}

/* No second one can come at once for the one that waits for it. */
static void release_single(struct worker *w)
{
    struct task *single = w->single;
    if (!single || (can_begin(w, LANE_SMALL) && !w->hungry[LANE_SMALL].head))
        return;
    w->single = NULL;
    single->have(single);
}

/* The thread. */
static void *run(void *arg)
{
    struct worker *w = arg;
    bool more = false;
    priority_batch(); /* a wake-up for each answer would interrupt who makes work for us */
    while (!w->stopping) {
        const int64_t until_ms = tell_due(w);
        caller_turn(w->caller, more ? 0 : until_ms);
        const bool streams = streams_turn(&w->streams);
        take_letters(w);
        feed(w);
        more = begin_some(w) || (w->memory_freed && is_hungry(w)) || streams;
        release_single(w);
        if (w->large_freed && w->memory.used[LANE_LARGE] == 0) {
            w->large_freed = false;
            spares_trim(w->opt.spares);
        }
    }
    return NULL;
}

/* Inbox, caller and thread. */
static int set_up(struct worker *w, struct err *e)
{
    const struct worker_options *opt = &w->opt;
    struct caller_options co = {.site = opt->site,
                                .flow = opt->flow,
                                .counts = opt->counts,
                                .number = opt->number,
                                .ca_file = opt->ca_file,
                                .proxy = opt->proxy,
                                .addresses = opt->addresses,
                                .calls = opt->calls,
                                .attempts = opt->attempts,
                                .timeout_ms = opt->timeout_ms,
                                .seed = opt->seed};
    int code = mailbox_new(0, &w->inbox);
    if (code != 0)
        return err_set(e, code, "", "", "a worker's mailbox: %s", err_name(code));
    code = caller_new(&co, &w->caller, e);
    if (code != 0)
        return code;
    code = caller_watch(w->caller, mailbox_fd(w->inbox));
    if (code == 0)
        code = -pthread_create(&w->thread, NULL, run, w);
    if (code != 0)
        return err_set(e, code, "", "", "a worker's thread: %s", err_name(code));
    w->started = true;
    char name[16];
    snprintf(name, sizeof(name), "upload-%u", opt->number % 1000);
    pthread_setname_np(w->thread, name);
    return 0;
}

int worker_new(const struct worker_options *opt, struct worker **ret, struct err *e)
{
    struct worker *w = calloc(1, sizeof(*w));
    if (!w)
        return err_set(e, -ENOMEM, "", "", "no memory for a worker");
    w->opt = *opt;
    w->bodies.small_max = opt->calls;
    w->bodies.large = opt->spares;
    w->streams.ahead = &w->ahead[LANE_LARGE];
    atomic_init(&w->load, 0);
    int code = set_up(w, e);
    if (code != 0) {
        worker_free(w);
        return code;
    }
    *ret = w;
    return 0;
}

/* A task that comes to no outcome. */
static void discard(struct task *task)
{
    struct transfer *t = task->transfer;
    task->drop(task);
    transfer_free(t);
}

/* The thread has ended: everything that is still inside. */
static void discard_all(struct worker *w)
{
    mailbox_take_all(w->inbox, &w->letters);
    for (struct letter *l; (l = bundle_take(&w->letters));) {
        struct task *task = (struct task *)l;
        if (l != &w->stop && !task->reading) /* else it is among those that have begun */
            queue_put(&w->waiting[task->lane], task);
    }
    for (enum lane lane = LANE_SMALL; lane < LANE_COUNT; lane++)
        for (struct task *task; (task = queue_take(&w->waiting[lane]));)
            discard(task);
    while (w->begun) {
        struct task *task = w->begun;
        w->begun = task->after;
        discard(task);
    }
}

void worker_free(struct worker *w)
{
    if (!w)
        return;
    if (w->started) {
        (void)!mailbox_send(w->inbox, &w->stop); /* no ceiling, never closed */
        pthread_join(w->thread, NULL);
    }
    if (w->ended.count > 0)
        tell(w);            /* they have ended, whoever still looks at them */
    caller_free(w->caller); /* first: bodies that tasks own are being sent */
    if (w->inbox) {
        discard_all(w);
        mailbox_free(w->inbox);
    }
    streams_release(&w->streams);
    bodies_release(&w->bodies);
    free(w);
}
