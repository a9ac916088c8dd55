/* Transfers of one call: HEAD. Shell. */
#include "uploaders/head.h"
#include "uploaders/task.h"

#include "base/crc.h"

#include <stdlib.h>
#include <strings.h>

/* task.drop */
static void drop(struct task *task)
{
    free(task);
}

/* What HEAD says of the object. */
static void read_object(struct transfer *t, const struct call *call)
{
    const char *crc = wire_head(&call->x, "x-amz-checksum-crc64nvme");
    const char *type = wire_head(&call->x, "x-amz-checksum-type");
    const char *length = wire_head(&call->x, "content-length");
    bool composite = type && strcasecmp(type, "COMPOSITE") == 0;
    task_etag(call, t->etag);
    t->size = length ? strtoull(length, NULL, 10) : 0;
    t->has_crc = crc && !composite && crc64nvme_parse(crc, &t->crc64) == 0;
    if (t->head)
        head_read(call, t->head);
}

/* call.done */
static void on_head(struct call *call)
{
    struct task *task = call->owner;
    enum verdict verdict = call->verdict;
    task_report(task, call);
    if (verdict == VERDICT_DONE)
        read_object(task->transfer, call);
    caller_give(call);
    worker_end(task, verdict);
}

/* task.begin */
static void begin(struct task *task)
{
    struct call *call = task_call(task, "HEAD", task->transfer->key);
    if (!call)
        return;
    call_header(call, "x-amz-checksum-mode", "ENABLED");
    task_add_key(call, task->transfer->attributes);
    call->done = on_head;
    caller_start(call);
}

struct task *task_simple_new(void)
{
    struct task *task = calloc(1, sizeof(*task));
    if (!task)
        return NULL;
    task->begin = task->feed = begin;
    task->drop = drop;
    return task;
}
