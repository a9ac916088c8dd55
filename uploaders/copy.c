/*
 * COPY and META: objects copied inside S3. Shell.
 *
 *   COPY: CopyObject, metadata kept, if the source's ETag holds.
 *         What is larger than S3 copies at once goes on in parts (copy_parts.c); how much that is,
 *         is S3's to say.
 *   META: HEAD, then CopyObject of the object onto itself; REPLACE drops what is not sent again, so
 *         all that HEAD told is.
 *
 * Amazon wants the condition's ETag in quotes, some servers (Ceph) only without. Both forms mean
 * the same, so a failed condition is asked once more in the other form before it is believed.
 */
#include "uploaders/copy.h"

#include "uploaders/sigv4.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PART_BYTES_MIN (UINT64_C(5) << 20) /* S3's: what is smaller cannot be divided */

struct copy {
    struct task task;
    struct buf source;           /* x-amz-copy-source */
    char condition[S3_ETAG_MAX]; /* ETag without quotes; "": unconditional */
    char condition_text[COPY_CONDITION_SIZE];
    bool bare;         /* the condition goes without quotes */
    bool asked_again;  /* in the other form */
    struct call *head; /* META: what HEAD told; its strings are sent again */
    struct header posix[HEADERS_POSIX_COUNT];
};

/* task.drop */
static void drop(struct task *task)
{
    struct copy *copy = (struct copy *)task;
    buf_release(&copy->source);
    free(copy);
}

/* Over. The call of HEAD goes back to the pool. */
static void end(struct copy *copy, enum verdict verdict)
{
    if (copy->head)
        caller_give(copy->head);
    worker_end(&copy->task, verdict);
}

/* call.read: 200 may be an error all the same. */
static int read_copied(struct call *call, struct s3_error *ret_error)
{
    const struct copy *copy = call->owner;
    struct span body = {call->x.answer.data, call->x.answer.len};
    return answers_copy(body, copy->task.transfer->etag, ret_error);
}

void copy_add_kept(struct call *call, const struct call *head, bool class)
{
    static const char *const kept[] = {
        "content-type",
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "expires",
        "x-amz-storage-class", /* from here on: CLASS */
        "x-amz-website-redirect-location",
        "x-amz-server-side-encryption",
        "x-amz-server-side-encryption-aws-kms-key-id",
        "x-amz-server-side-encryption-bucket-key-enabled",
    };
    enum { PLAIN = 6, ALL = sizeof(kept) / sizeof(kept[0]) };
    bool is_meta = head->kind == TRANSFER_META;
    const char *name, *value;
    for (size_t at = 0; wire_head_next(&head->x, &at, &name, &value);) {
        bool keep = strncmp(name, "x-amz-meta-", 11) == 0 && !(is_meta && headers_is_posix(name));
        for (size_t i = 0; i < (class ? ALL : PLAIN); i++)
            keep = keep || strcmp(name, kept[i]) == 0;
        if (keep)
            call_header(call, name, value);
    }
}

void copy_condition(const char *etag, bool bare, char out[COPY_CONDITION_SIZE])
{
    const char *quote = bare ? "" : "\"";
    snprintf(out, COPY_CONDITION_SIZE, "%s%s%s", quote, etag, quote);
}

/* Plain MD5s, and others: the server took no notice of the condition (Ceph 16 does not) and copied
 * something else. Where keys of KMS or of customers are in play an ETag is no MD5 and says nothing.
 */
static bool copied_another(const struct copy *copy, const struct call *call)
{
    const char *etag = copy->task.transfer->etag;
    const char *cipher = wire_head(&call->x, "x-amz-server-side-encryption");
    bool plain = (!cipher || strcmp(cipher, "AES256") == 0) &&
                 !wire_head(&call->x, "x-amz-server-side-encryption-customer-algorithm");
    return plain && strlen(copy->condition) == 2 * MD5_BYTES && strlen(etag) == 2 * MD5_BYTES &&
           strcmp(copy->condition, etag) != 0;
}

/* The verdict of an answer that is final. */
static enum verdict judge(const struct copy *copy, const struct call *call)
{
    struct transfer *t = copy->task.transfer;
    /* A server that does not know the other form has answered the first time. */
    if (call->verdict == VERDICT_REFUSED && copy->asked_again)
        return VERDICT_CONFLICT;
    if (call->verdict != VERDICT_DONE || !copied_another(copy, call))
        return call->verdict;
    snprintf(t->message, sizeof(t->message),
             "the server ignored the condition: the source's ETag was %s, not %s", t->etag,
             copy->condition);
    return VERDICT_CONFLICT;
}

static void send(struct copy *copy);
static void go_on_in_parts(struct copy *copy);

/* The words of S3 for a source that is more than one CopyObject takes; they serve other complaints
 * as well, but what is wrong with those is wrong with parts too. */
static bool is_too_large(const struct call *call)
{
    return call->verdict == VERDICT_REFUSED && (strcmp(call->error.code, "InvalidRequest") == 0 ||
                                                strcmp(call->error.code, "EntityTooLarge") == 0);
}

/* call.done of CopyObject */
static void on_copied(struct call *call)
{
    struct copy *copy = call->owner;
    bool failed_condition = call->verdict == VERDICT_CONFLICT && call->x.status == 412;
    if (failed_condition && copy->condition[0] != '\0' && !copy->asked_again) {
        caller_give(call);
        copy->bare = !copy->bare;
        copy->asked_again = true;
        send(copy);
        return;
    }
    if (is_too_large(call) && copy->task.transfer->source_size > PART_BYTES_MIN) {
        caller_give(call);
        go_on_in_parts(copy);
        return;
    }
    task_report(&copy->task, call);
    enum verdict verdict = judge(copy, call);
    caller_give(call);
    if (verdict != VERDICT_DONE)
        copy->task.transfer->etag[0] = '\0';
    end(copy, verdict);
}

/* CopyObject. */
static void send(struct copy *copy)
{
    struct transfer *t = copy->task.transfer;
    struct call *call = task_call(&copy->task, "PUT", t->key);
    if (!call)
        return;
    call_header(call, "x-amz-copy-source", copy->source.data);
    if (copy->condition[0] != '\0') {
        copy_condition(copy->condition, copy->bare, copy->condition_text);
        call_header(call, "x-amz-copy-source-if-match", copy->condition_text);
    }
    if (t->kind == TRANSFER_META) {
        headers_posix(&t->posix, copy->posix);
        call_header(call, "x-amz-metadata-directive", "REPLACE");
        copy_add_kept(call, copy->head, true);
        task_add_posix(call, copy->posix);
    }
    call->read = read_copied;
    call->done = on_copied;
    caller_start(call);
}

const char *copy_obstacle(const struct call *head)
{
    const char *missing = wire_head(&head->x, "x-amz-missing-meta");
    if (missing && strcmp(missing, "0") != 0)
        return "it has metadata that HTTP cannot carry and that would be lost";
    return NULL;
}

/* The same in parts. */
static void go_on_in_parts(struct copy *copy)
{
    struct task *other = task_copy_parts_new();
    if (copy->head)
        caller_give(copy->head);
    copy->head = NULL;
    if (other)
        worker_replace(&copy->task, other);
    else
        task_no_memory(&copy->task);
}

/* call.done of META's HEAD */
static void on_head(struct call *call)
{
    struct copy *copy = call->owner;
    struct transfer *t = copy->task.transfer;
    task_report(&copy->task, call);
    copy->head = call;
    if (call->verdict != VERDICT_DONE) {
        end(copy, call->verdict);
        return;
    }
    const char *length = wire_head(&call->x, "content-length");
    t->size = t->source_size = length ? strtoull(length, NULL, 10) : 0;
    if (t->size > COPY_BYTES_MAX) {
        go_on_in_parts(copy);
        return;
    }
    const char *obstacle = copy_obstacle(call);
    if (obstacle) {
        snprintf(t->message, sizeof(t->message), "%s (%" PRIu64 " bytes)", obstacle, t->size);
        end(copy, VERDICT_REFUSED);
        return;
    }
    task_etag(call, copy->condition);
    send(copy);
}

int copy_source(const struct task *task, struct buf *out)
{
    const struct transfer *t = task->transfer;
    int code = buf_append_byte(out, '/');
    if (code == 0)
        code = buf_append_str(out, caller_bucket(worker_caller(task->worker)));
    if (code == 0)
        code = buf_append_byte(out, '/');
    return code == 0 ? sigv4_encode_path(t->kind == TRANSFER_META ? t->key : t->source_key, out)
                     : code;
}

/* task.begin */
static void begin(struct task *task)
{
    struct copy *copy = (struct copy *)task;
    struct transfer *t = task->transfer;
    bool is_meta = t->kind == TRANSFER_META;
    if (copy_source(task, &copy->source) != 0) {
        task_no_memory(task);
        return;
    }
    if (!is_meta) {
        task_unquote(t->source_etag ? t->source_etag : "", copy->condition);
        send(copy);
        return;
    }
    struct call *call = task_call(task, "HEAD", t->key);
    if (!call)
        return;
    call->done = on_head;
    caller_start(call);
}

struct task *task_copy_new(void)
{
    struct copy *copy = calloc(1, sizeof(*copy));
    if (!copy)
        return NULL;
    buf_init(&copy->source, COPY_SOURCE_MAX);
    copy->task.begin = copy->task.feed = begin;
    copy->task.drop = drop;
    return &copy->task;
}
