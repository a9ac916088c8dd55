/* Transfers of one call: HEAD, and GET where the bytes are wanted. Shell. */
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

/* call.read: the bytes are those that S3 has the checksum of. */
static int read_content(struct call *call, struct s3_error *ret_error)
{
    const struct buf *answer = &call->x.answer;
    const char *type = wire_head(&call->x, "x-amz-checksum-type");
    if (type && strcasecmp(type, "COMPOSITE") == 0)
        return 0; /* it is of the parts' checksums */
    return task_checksum_fits(call, crc64nvme(0, answer->data, answer->len), ret_error);
}

/* The bytes of the object. */
static enum verdict take_content(struct transfer *t, const struct buf *answer)
{
    buf_reset(t->content);
    t->code = answer->len ? buf_append(t->content, answer->data, answer->len) : 0;
    return t->code ? VERDICT_UNREADABLE : VERDICT_DONE;
}

/* call.done */
static void on_head(struct call *call)
{
    struct task *task = call->owner;
    enum verdict verdict = call->verdict;
    task_report(task, call);
    if (verdict == VERDICT_DONE) {
        read_object(task->transfer, call);
        if (task->transfer->content)
            verdict = take_content(task->transfer, &call->x.answer);
    }
    caller_give(call);
    worker_end(task, verdict);
}

/* task.begin */
static void begin(struct task *task)
{
    bool content = task->transfer->content != NULL;
    struct call *call = task_call(task, content ? "GET" : "HEAD", task->transfer->key);
    if (!call)
        return;
    if (content)
        call->read = read_content;
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
