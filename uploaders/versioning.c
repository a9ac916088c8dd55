/* VERSIONING: whether the bucket keeps versions. Shell. */
#include "uploaders/task.h"

#include <stdlib.h>

struct asking {
    struct task task;
    enum s3_versioning versioning;
};

/* task.drop */
static void drop(struct task *task)
{
    free(task);
}

/* call.read */
static int read_answer(struct call *call, struct s3_error *ret_error)
{
    struct asking *a = call->owner;
    struct span body = {call->x.answer.data, call->x.answer.len};
    return answers_versioning(body, &a->versioning, ret_error);
}

/* call.done */
static void on_answer(struct call *call)
{
    struct asking *a = call->owner;
    enum verdict verdict = call->verdict;
    task_report(&a->task, call);
    caller_give(call);
    if (verdict == VERDICT_DONE)
        a->task.transfer->versioning = a->versioning;
    worker_end(&a->task, verdict);
}

/* task.begin */
static void begin(struct task *task)
{
    struct call *call = task_call(task, "GET", NULL);
    if (!call)
        return;
    call->kind = TRANSFER_LIST; /* both ask the bucket */
    call_query(call, "versioning", "");
    call->read = read_answer;
    call->done = on_answer;
    caller_start(call);
}

struct task *task_versioning_new(void)
{
    struct asking *a = calloc(1, sizeof(*a));
    if (!a)
        return NULL;
    a->task.begin = a->task.feed = begin;
    a->task.drop = drop;
    return &a->task;
}
