/* A file in one request: read once into memory, sent with its checksum. Shell. */
#include "uploaders/task.h"

#include "base/clock.h"
#include "base/crc.h"
#include "uploaders/readers.h"
#include "uploaders/source.h"

#include <stdlib.h>
#include <string.h>

/* Bodies of this size and more would hold up the network while they are read and hashed, wherever
 * they come from; below it is cheaper to read and send on one processor, out of its cache. */
#define READ_APART_BYTES (4u << 20)

/* Bodies up to this size are hashed two at a time, when both were read: so much is still in the
 * processor's cache then. */
#define HASH_LATER_BYTES (128u << 10)

struct put {
    struct task task;
    char *body;
    size_t n;
    enum verdict loaded;
    bool hash_due; /* it was read without */
    struct source_sums sums;
    char crc_text[CRC64_BASE64_SIZE];
    struct header posix[HEADERS_POSIX_COUNT];
};

/* task.drop */
static void drop(struct task *task)
{
    struct put *put = (struct put *)task;
    worker_body_back(task, put->body, put->n);
    free(put);
}

/* call.read: S3 has what we sent. */
static int read_answer(struct call *call, struct s3_error *ret_error)
{
    const struct put *put = call->owner;
    return task_stored(call, put->sums.crc, ret_error);
}

/* call.done */
static void on_done(struct call *call)
{
    struct put *put = call->owner;
    struct transfer *t = put->task.transfer;
    enum verdict verdict = call->verdict;
    t->unheard = t->unheard || call->doubt_until_us;
    task_report(&put->task, call);
    if (verdict == VERDICT_DONE)
        task_etag(call, t->etag);
    caller_give(call);
    worker_end(&put->task, verdict);
}

/* The body is there: send it. */
static void send(struct put *put)
{
    struct transfer *t = put->task.transfer;
    t->crc64 = put->sums.crc;
    t->has_crc = true;
    t->size = put->n;
    struct call *call = task_call(&put->task, "PUT", t->key);
    if (!call)
        return;
    crc64nvme_base64(put->sums.crc, put->crc_text);
    headers_posix(&t->posix, put->posix);
    task_add_attributes(call, t);
    call_header(call, "x-amz-checksum-crc64nvme", put->crc_text);
    task_add_posix(call, put->posix);
    if (t->only_new)
        call_header(call, "if-none-match", "*");
    call->body = (struct span){put->body, put->n};
    memcpy(call->payload_hash, put->sums.payload_hash, sizeof(call->payload_hash));
    call->read = read_answer;
    call->done = on_done;
    caller_start(call);
}

/* task.have: it is read. */
static void have(struct task *task)
{
    struct put *put = (struct put *)task;
    if (put->hash_due)
        source_hash(&put->sums, (struct span){put->body, put->n});
    if (put->loaded == VERDICT_DONE)
        send(put);
    else
        worker_end(task, put->loaded);
}

/* task.read, on a reader's thread. */
static void read_apart(struct task *task)
{
    struct put *put = (struct put *)task;
    put->loaded = source_load(task->transfer, put->body, &put->sums);
}

/* It was read, and not hashed: that is done together with the next one, unless none comes at once
 * (`have`). */
static void hash_with_another(struct put *put)
{
    struct put *other = (struct put *)worker_pair(&put->task);
    if (!other)
        return;
    source_hash_both(&other->sums, (struct span){other->body, other->n}, &put->sums,
                     (struct span){put->body, put->n});
    other->hash_due = put->hash_due = false;
    have(&other->task);
    have(&put->task);
}

/* Read it here, and see how long that takes. */
static void read_here(struct put *put)
{
    struct worker *w = put->task.worker;
    bool watched = worker_watches(w), hash_later = put->sums.hashes && put->n <= HASH_LATER_BYTES;
    int64_t began_us = clock_mono_us(), waits = watched ? readers_waits() : 0;
    put->sums.hashes = put->sums.hashes && !hash_later;
    put->loaded = source_load(put->task.transfer, put->body, &put->sums);
    waits = watched ? readers_waits() - waits : -1;
    worker_timed(w, put->n, clock_mono_us() - began_us, waits);
    put->hash_due = hash_later && put->loaded == VERDICT_DONE;
    if (put->hash_due)
        hash_with_another(put);
    else
        have(&put->task);
}

/* task.begin and task.feed: read the file once there is memory for it. */
static void begin(struct task *task)
{
    struct put *put = (struct put *)task;
    struct transfer *t = task->transfer;
    switch (worker_body(task, t->expected.size, &put->body)) {
    case BODY_WAIT:
        return;
    case BODY_NO_MEMORY:
        task_no_memory(task);
        return;
    case BODY_READY:
        break;
    }
    put->n = t->expected.size;
    put->sums.hashes = caller_signs_payload(worker_caller(task->worker));
    bool apart = put->n >= READ_APART_BYTES || worker_reads_ahead(task->worker);
    if (!apart || !worker_read(task))
        read_here(put);
}

struct task *task_put_new(void)
{
    struct put *put = calloc(1, sizeof(*put));
    if (!put)
        return NULL;
    put->task.begin = put->task.feed = begin;
    put->task.drop = drop;
    put->task.read = read_apart;
    put->task.have = have;
    return &put->task;
}
