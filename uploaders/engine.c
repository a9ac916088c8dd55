/* The engine: workers, and the way of a transfer to one of them and back. Shell. */
#include "uploaders/engine.h"

#include "base/clock.h"
#include "uploaders/copy.h"
#include "uploaders/counts.h"
#include "uploaders/flow.h"
#include "uploaders/readers.h"
#include "uploaders/spares.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define MIB                UINT64_C(1048576)
#define WORKERS_DEFAULT    2
#define WORKERS_MAX        64
#define IN_FLIGHT_DEFAULT  64
#define IN_FLIGHT_MAX      1024
#define MULTIPART_DEFAULT  (16 * MIB)
#define MULTIPART_MAX      (5 * 1024 * MIB) /* the most that S3 takes in one PUT */
#define PART_DEFAULT       (8 * MIB)
#define PART_MIN           (5 * MIB) /* S3's, but for the last part */
#define PART_MAX           (5 * 1024 * MIB)
#define MEMORY_DEFAULT     (256 * MIB)
#define ATTEMPTS_DEFAULT   3
#define TIMEOUT_DEFAULT_MS 30000

struct uploaders {
    struct site *site;
    struct flow *flow;
    struct counts counts;
    struct readers *readers;
    struct spares spares;
    struct addresses *addresses;
    struct mailbox *outcomes;
    struct bundle ended; /* out of them */
    unsigned worker_count;
    uint64_t multipart_bytes;
    struct worker *workers[WORKERS_MAX];
};

/* value, or its default where it is 0, within bounds. */
static uint64_t limit(uint64_t value, uint64_t otherwise, uint64_t least, uint64_t most)
{
    value = value ? value : otherwise;
    return value < least ? least : value > most ? most : value;
}

/* A seed for the jitter; any will do. */
static uint64_t random_seed(void)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed))
        seed = (uint64_t)clock_real_us();
    return seed;
}

/* How many there are. */
static unsigned processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (unsigned)n : 1;
}

/* Start the workers; what there is of requests and memory is shared out. */
static int start_workers(struct uploaders *u, const struct uploaders_options *opt, struct err *e)
{
    unsigned workers = (unsigned)limit(opt->workers, WORKERS_DEFAULT, 1, WORKERS_MAX);
    unsigned calls = (unsigned)limit(opt->in_flight, IN_FLIGHT_DEFAULT, 1, IN_FLIGHT_MAX);
    if (workers > calls)
        workers = calls;
    u->flow = flow_new(workers, calls, opt->fixed_in_flight, clock_mono_us());
    u->readers = readers_new();
    if (!u->flow || !u->readers)
        return err_set(e, -ENOMEM, "", "", "no memory for the uploaders");
    struct worker_options wo = {
        .site = u->site,
        .flow = u->flow,
        .counts = &u->counts,
        .readers = u->readers,
        .spares = &u->spares,
        .ca_file = opt->ca_file,
        .proxy = opt->proxy,
        .addresses = u->addresses,
        .calls = (calls + workers - 1) / workers,
        .reads = processors(),
        .attempts = (unsigned)limit(opt->attempts, ATTEMPTS_DEFAULT, 1, UINT32_MAX),
        .timeout_ms = opt->timeout_ms > 0 ? opt->timeout_ms : TIMEOUT_DEFAULT_MS,
        .memory_bytes = limit(opt->memory_bytes, MEMORY_DEFAULT, 1, UINT64_MAX) / workers,
        .part_bytes = limit(opt->part_bytes, PART_DEFAULT, PART_MIN, PART_MAX),
        .outcomes = u->outcomes,
    };
    for (unsigned i = 0; i < workers; i++) {
        wo.number = i;
        wo.seed = random_seed();
        int code = worker_new(&wo, &u->workers[i], e);
        if (code != 0)
            return code;
        u->worker_count++;
    }
    return 0;
}

int uploaders_new(const struct uploaders_options *opt, struct uploaders **ret, struct err *e)
{
    struct uploaders *u = calloc(1, sizeof(*u));
    if (!u)
        return err_set(e, -ENOMEM, "", "", "no memory for the uploaders");
    spares_init(&u->spares);
    u->multipart_bytes = limit(opt->multipart_bytes, MULTIPART_DEFAULT, 1, MULTIPART_MAX);
    int code = site_new(opt, &u->site, e);
    if (code == 0) {
        code = addresses_new(site_endpoint(u->site), opt->proxy, &u->addresses);
        if (code != 0)
            err_set(e, code, "", "", "the resolver's thread: %s", err_name(code));
    }
    if (code == 0) {
        code = mailbox_new(0, &u->outcomes);
        if (code != 0)
            err_set(e, code, "", "", "the mailbox of outcomes: %s", err_name(code));
    }
    if (code == 0)
        code = start_workers(u, opt, e);
    if (code != 0) {
        uploaders_free(u);
        return code;
    }
    *ret = u;
    return 0;
}

void uploaders_free(struct uploaders *u)
{
    if (!u)
        return;
    readers_stop(u->readers); /* first: what they read into is the tasks' */
    for (unsigned i = 0; i < u->worker_count; i++)
        worker_free(u->workers[i]);
    for (struct transfer *t; u->outcomes && (t = uploaders_next(u));)
        transfer_free(t);
    mailbox_free(u->outcomes);
    readers_free(u->readers);
    spares_release(&u->spares);
    flow_free(u->flow);
    addresses_free(u->addresses);
    site_free(u->site);
    free(u);
}

/* The worker with the least to do: its number. */
static unsigned choose(const struct uploaders *u)
{
    unsigned best = 0;
    for (unsigned i = 1; i < u->worker_count; i++)
        if (worker_load(u->workers[i]) < worker_load(u->workers[best]))
            best = i;
    return best;
}

/* A file that goes in parts: a large one, or one whose upload was begun. */
static bool in_parts(const struct uploaders *u, const struct transfer *t)
{
    uint64_t size = t->expected.size;
    return size > 0 && !t->whole && (size >= u->multipart_bytes || t->upload_id);
}

/* The kind of task that does a transfer. */
static struct task *make_task(const struct uploaders *u, const struct transfer *t)
{
    switch (t->kind) {
    case TRANSFER_PUT:
        return in_parts(u, t) ? task_multipart_new() : task_put_new();
    case TRANSFER_COPY:
    case TRANSFER_META:
        return t->upload_id || t->source_size > COPY_BYTES_MAX ? task_copy_parts_new()
                                                               : task_copy_new();
    case TRANSFER_DELETE:
    case TRANSFER_DELETE_MANY:
        return task_remove_new();
    case TRANSFER_HEAD:
        return task_simple_new();
    case TRANSFER_LIST:
        return task_list_new();
    case TRANSFER_ABORT:
        return task_abort_new();
    case TRANSFER_STRAYS:
        return task_strays_new();
    case TRANSFER_VERSIONING:
        return task_versioning_new();
    }
    return NULL;
}

/* The outcome of an earlier submission is no longer true. */
static void clear_outcome(struct transfer *t)
{
    t->code = t->http_status = 0;
    t->s3_code[0] = t->message[0] = t->etag[0] = t->version[0] = '\0';
    t->crc64 = t->size = t->duration_ms = 0;
    t->has_crc = t->upload_over = t->untrusted = t->unheard = false;
    t->attempts = t->parts_kept = t->aborted = 0;
    if (t->kind != TRANSFER_STRAYS)
        t->since_us = t->until_us = 0;
}

/* The keys of a transfer can be sent; if not, the transfer says why. */
static bool keys_are_good(struct transfer *t)
{
    struct err e = {0};
    int code = 0;
    if (t->kind != TRANSFER_DELETE_MANY)
        code = s3_check_key(t->key, &e);
    if (code == 0 && t->kind == TRANSFER_COPY)
        code = s3_check_key(t->source_key, &e);
    for (size_t i = 0; t->kind == TRANSFER_DELETE_MANY && i < t->item_count && code == 0; i++)
        code = s3_check_key(t->items[i].key, &e);
    if (code != 0)
        snprintf(t->message, sizeof(t->message), "%.200s", e.what);
    return code == 0;
}

/* A task for the transfer; NULL where the transfer has its outcome already. */
static struct task *prepare(const struct uploaders *u, struct transfer *t)
{
    clear_outcome(t);
    if (!keys_are_good(t)) {
        t->verdict = VERDICT_REFUSED;
        return NULL;
    }
    struct task *task = make_task(u, t);
    if (!task) {
        t->code = -ENOMEM;
        t->verdict = VERDICT_UNREACHED;
        snprintf(t->message, sizeof(t->message), "no memory");
        return NULL;
    }
    task->transfer = t;
    if (t->kind == TRANSFER_PUT)
        task->lane = lanes_of(t->expected.size);
    return task;
}

/* Into the bundle of the worker that will have it; its number. */
static unsigned add(const struct uploaders *u, struct task *task, struct mailbox *reply,
                    struct bundle tasks[])
{
    unsigned i = choose(u);
    task->reply = reply;
    task->handed_ms = clock_mono_ms();
    worker_add(u->workers[i], task, &tasks[i]);
    return i;
}

/* On its way. */
static void hand(const struct uploaders *u, struct task *task, struct mailbox *reply)
{
    struct bundle tasks[WORKERS_MAX] = {0};
    unsigned i = add(u, task, reply, tasks);
    worker_hand(u->workers[i], &tasks[i]);
}

void uploaders_submit_all(struct uploaders *u, struct transfer *const *transfers, size_t count)
{
    struct bundle tasks[WORKERS_MAX] = {0};
    for (size_t i = 0; i < count; i++) {
        struct task *task = prepare(u, transfers[i]);
        if (task)
            (void)add(u, task, u->outcomes, tasks);
        else
            (void)!mailbox_send(u->outcomes, &transfers[i]->letter); /* no ceiling, never closed */
    }
    for (unsigned i = 0; i < u->worker_count; i++)
        if (tasks[i].count > 0)
            worker_hand(u->workers[i], &tasks[i]);
}

void uploaders_submit(struct uploaders *u, struct transfer *t)
{
    uploaders_submit_all(u, &t, 1);
}

void uploaders_submit_to(struct uploaders *u, struct transfer *t, struct mailbox *reply)
{
    struct task *task = prepare(u, t);
    if (task)
        hand(u, task, reply);
    else
        (void)!mailbox_send(reply, &t->letter); /* no ceiling, never closed */
}

int uploaders_fd(const struct uploaders *u)
{
    return mailbox_fd(u->outcomes);
}

struct transfer *uploaders_next(struct uploaders *u)
{
    if (u->ended.count == 0)
        mailbox_take_all(u->outcomes, &u->ended);
    return (struct transfer *)bundle_take(&u->ended);
}

const char *uploaders_describe(const struct uploaders *u)
{
    return site_describe(u->site);
}

void uploaders_keys(const struct uploaders *u, struct uploaders_keys *ret)
{
    site_keys(u->site, ret);
}

void engine_hand(struct uploaders *u, struct task *task, struct mailbox *reply)
{
    hand(u, task, reply);
}

void uploaders_renew(struct uploaders *u)
{
    site_renew_now(u->site);
}

void uploaders_limit(struct uploaders *u, const struct uploaders_limits *limits)
{
    flow_limit(u->flow, limits, clock_mono_us());
}

void uploaders_flow(const struct uploaders *u, struct uploaders_flow *ret)
{
    flow_look(u->flow, ret, clock_mono_us());
}

void uploaders_counts(const struct uploaders *u, struct uploaders_counts *ret)
{
    counts_read(&u->counts, ret);
}

int engine_run(struct uploaders *u, struct task *task)
{
    struct mailbox *reply;
    int code = mailbox_new(0, &reply);
    if (code != 0)
        return code;
    hand(u, task, reply);
    (void)mailbox_wait(reply); /* nothing else comes here */
    mailbox_free(reply);
    return 0;
}

void uploaders_run(struct uploaders *u, struct transfer *t)
{
    struct task *task = prepare(u, t);
    if (!task)
        return;
    int code = engine_run(u, task);
    if (code == 0)
        return;
    task->drop(task);
    t->code = code;
    t->verdict = VERDICT_UNREACHED;
    snprintf(t->message, sizeof(t->message), "no mailbox: %s", err_name(code));
}
