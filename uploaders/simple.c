/* Transfers of one call: DELETE, DELETE_MANY, HEAD. Shell. */
#include "uploaders/head.h"
#include "uploaders/task.h"

#include "base/crc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define MD5_BASE64_SIZE 25
#define DELETE_BODY_MAX (16 * 1024 * 1024) /* 1,000 keys of 1,024 bytes, escaped, with room */

struct simple {
    struct task task;
    struct buf body; /* DELETE_MANY */
    char md5[MD5_BASE64_SIZE];
};

/* task.drop */
static void drop(struct task *task)
{
    struct simple *simple = (struct simple *)task;
    buf_release(&simple->body);
    free(simple);
}

/* call.done of DELETE: what is not there is deleted. */
static void on_deleted(struct call *call)
{
    struct task *task = call->owner;
    enum verdict verdict = call->verdict;
    task_report(task, call);
    caller_give(call);
    worker_end(task, verdict == VERDICT_ABSENT ? VERDICT_DONE : verdict);
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

/* call.done of HEAD */
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

/* call.read of DELETE_MANY */
static int read_deleted(struct call *call, struct s3_error *ret_error)
{
    const struct task *task = call->owner;
    struct span body = {call->x.answer.data, call->x.answer.len};
    return answers_delete(body, task->transfer->items, task->transfer->item_count, ret_error);
}

/* call.done of DELETE_MANY */
static void on_many_deleted(struct call *call)
{
    struct task *task = call->owner;
    enum verdict verdict = call->verdict;
    task_report(task, call);
    caller_give(call);
    worker_end(task, verdict);
}

/* The document of DELETE_MANY and its digest, which Amazon asks for. */
static int build_document(struct simple *simple)
{
    const struct transfer *t = simple->task.transfer;
    uint8_t digest[MD5_BYTES];
    int code = answers_build_delete(t->items, t->item_count, &simple->body);
    if (code != 0)
        return code;
    digest_md5(simple->body.data, simple->body.len, digest);
    base64_encode(digest, sizeof(digest), simple->md5);
    return 0;
}

/* task.begin of DELETE_MANY */
static void begin_many(struct task *task)
{
    struct simple *simple = (struct simple *)task;
    struct transfer *t = task->transfer;
    if (t->item_count == 0) {
        worker_end(task, VERDICT_DONE);
        return;
    }
    int code = build_document(simple);
    if (code == -ENOMEM) {
        task_no_memory(task);
        return;
    }
    if (code != 0) {
        snprintf(t->message, sizeof(t->message), "the keys cannot be sent: %s", err_name(code));
        worker_end(task, VERDICT_REFUSED);
        return;
    }
    struct call *call = task_call(task, "POST", NULL);
    if (!call)
        return;
    call_query(call, "delete", "");
    call_header(call, "content-md5", simple->md5);
    call_header(call, "content-type", "application/xml");
    call->body = (struct span){simple->body.data, simple->body.len};
    call->read = read_deleted;
    call->done = on_many_deleted;
    caller_start(call);
}

/* task.begin of DELETE and HEAD */
static void begin_one(struct task *task)
{
    bool is_head = task->transfer->kind == TRANSFER_HEAD;
    struct call *call = task_call(task, is_head ? "HEAD" : "DELETE", task->transfer->key);
    if (!call)
        return;
    if (is_head)
        call_header(call, "x-amz-checksum-mode", "ENABLED");
    task_add_key(call, is_head ? task->transfer->attributes : NULL);
    call->done = is_head ? on_head : on_deleted;
    caller_start(call);
}

/* task.begin */
static void begin(struct task *task)
{
    if (task->transfer->kind == TRANSFER_DELETE_MANY)
        begin_many(task);
    else
        begin_one(task);
}

struct task *task_simple_new(void)
{
    struct simple *simple = calloc(1, sizeof(*simple));
    if (!simple)
        return NULL;
    buf_init(&simple->body, DELETE_BODY_MAX);
    simple->task.begin = simple->task.feed = begin;
    simple->task.drop = drop;
    return &simple->task;
}
