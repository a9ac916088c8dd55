/*
 * ABORT: an upload in parts that nobody goes on with. Shell.
 *
 * A part that S3 was still taking when the upload was aborted may stay (S3 API, "AbortMultipart-
 * Upload"), so the parts are asked for afterwards, and the upload is aborted again while it is
 * still there.
 *
 *   Abort -> gone: done
 *         -> ListParts -> gone: done
 *                      -> there: Abort, TRIES times in all
 */
#include "uploaders/task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRIES 3

struct abort {
    struct task task;
    unsigned tries;
};

/* task.drop */
static void drop(struct task *task)
{
    free(task);
}

/* Over: S3 has nothing of the upload any more. */
static void end_gone(struct task *task)
{
    struct transfer *t = task->transfer;
    t->s3_code[0] = t->message[0] = '\0';
    t->upload_over = true;
    worker_end(task, VERDICT_DONE);
}

/* A call about the upload; NULL: the task has ended. */
static struct call *make_call(struct abort *abort, const char *method)
{
    struct call *call = task_call(&abort->task, method, abort->task.transfer->key);
    if (!call)
        return NULL;
    call->kind = TRANSFER_DELETE;
    call_query(call, "uploadId", abort->task.transfer->upload_id);
    return call;
}

/* There is no such upload. */
static bool is_gone(const struct call *call)
{
    return call->verdict == VERDICT_ABSENT || strcmp(call->error.code, "NoSuchUpload") == 0;
}

static void send(struct abort *abort);

/* call.done of ListParts */
static void on_listed(struct call *call)
{
    struct abort *abort = call->owner;
    enum verdict verdict = call->verdict;
    bool gone = is_gone(call);
    task_report(&abort->task, call);
    caller_give(call);
    if (gone) {
        end_gone(&abort->task);
    } else if (verdict == VERDICT_DONE && abort->tries < TRIES) {
        send(abort);
    } else {
        if (verdict == VERDICT_DONE)
            snprintf(abort->task.transfer->message, sizeof(abort->task.transfer->message),
                     "it was aborted and is still there");
        worker_end(&abort->task, verdict == VERDICT_DONE ? VERDICT_BUSY : verdict);
    }
}

/* call.done of AbortMultipartUpload */
static void on_aborted(struct call *call)
{
    struct abort *abort = call->owner;
    enum verdict verdict = call->verdict;
    bool gone = is_gone(call);
    task_report(&abort->task, call);
    caller_give(call);
    if (gone) {
        end_gone(&abort->task);
        return;
    }
    if (verdict != VERDICT_DONE) {
        worker_end(&abort->task, verdict);
        return;
    }
    call = make_call(abort, "GET");
    if (!call)
        return;
    call_query(call, "max-parts", "1");
    call->done = on_listed;
    caller_start(call);
}

/* AbortMultipartUpload. */
static void send(struct abort *abort)
{
    struct call *call = make_call(abort, "DELETE");
    if (!call)
        return;
    abort->tries++;
    call->done = on_aborted;
    caller_start(call);
}

/* task.begin */
static void begin(struct task *task)
{
    send((struct abort *)task);
}

struct task *task_abort_new(void)
{
    struct abort *abort = calloc(1, sizeof(*abort));
    if (!abort)
        return NULL;
    abort->task.begin = abort->task.feed = begin;
    abort->task.drop = drop;
    return &abort->task;
}
