/*
 * COPY and META: objects copied inside S3. Shell.
 *
 *   COPY: CopyObject if the source's ETag holds; after a HEAD where it is not known what the source
 *         carries, or where the rules say something else of the new path (copy_headers.c).
 *         What is larger than S3 copies at once goes on in parts (copy_parts.c); how much that is,
 *         is S3's to say.
 *   META: HEAD, then CopyObject of the object onto itself; REPLACE drops what is not sent again, so
 *         all that HEAD told is.
 *
 * Amazon wants the condition's ETag in quotes, some servers (Ceph) only without. Both forms mean
 * the same, so a failed condition is asked once more in the other form before it is believed. Some
 * (Swift, of objects in parts) compare it with another ETag than the one that they tell: so the
 * source is looked at before it counts as another, and copied without the condition if it is the
 * one that is meant; then the copy must have its ETag.
 */
#include "uploaders/copy.h"

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
    bool bound;        /* the condition is sent */
    struct call *head; /* what HEAD told, where it was asked; its strings are sent again */
    bool keyless;      /* HEAD goes without the key that the rules name */
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

struct call *copy_head(struct task *task, bool keyed)
{
    const struct transfer *t = task->transfer;
    struct call *call = task_call(task, "HEAD", t->kind == TRANSFER_META ? t->key : t->source_key);
    if (call && keyed)
        task_add_key(call, copy_source_rules(t));
    return call;
}

bool copy_is_keyless(const struct call *call, const struct transfer *t, bool keyed)
{
    const char *md5;
    return keyed && call->x.status == 400 && s3_attributes_key(copy_source_rules(t), &md5);
}

enum verdict copy_head_verdict(const struct call *call, struct transfer *t)
{
    const char *md5;
    bool keyed = s3_attributes_key(copy_source_rules(t), &md5) != NULL;
    bool wrong_key = keyed && call->verdict == VERDICT_DENIED && call->x.status == 403;
    if (!wrong_key && (call->verdict != VERDICT_REFUSED || call->x.status != 400))
        return call->verdict;
    snprintf(t->message, sizeof(t->message),
             "HTTP status %d: perhaps it is encrypted with another key than the rules name",
             call->x.status);
    return VERDICT_CONFLICT;
}

void copy_condition(const char *etag, bool bare, char out[COPY_CONDITION_SIZE])
{
    const char *quote = bare ? "" : "\"";
    snprintf(out, COPY_CONDITION_SIZE, "%s%s%s", quote, etag, quote);
}

/* The ETag is an MD5: where keys of KMS or of customers are in play it is none and says nothing. */
static bool has_plain_etag(const struct call *call)
{
    const char *cipher = wire_head(&call->x, "x-amz-server-side-encryption");
    return (!cipher || strcmp(cipher, "AES256") == 0) &&
           !wire_head(&call->x, "x-amz-server-side-encryption-customer-algorithm");
}

/* Plain MD5s, and others: the server took no notice of the condition (Ceph 16 does not) and copied
 * something else. */
static bool copied_another(const struct copy *copy, const struct call *call)
{
    const char *etag = copy->task.transfer->etag;
    if (!copy->bound && copy->condition[0] != '\0') /* it was looked at, but that was before */
        return strcmp(copy->condition, etag) != 0;
    return has_plain_etag(call) && (!copy->head || has_plain_etag(copy->head)) &&
           strlen(copy->condition) == 2 * MD5_BYTES && strlen(etag) == 2 * MD5_BYTES &&
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
static void look(struct copy *copy);
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
    struct transfer *t = copy->task.transfer;
    bool failed_condition = call->verdict == VERDICT_CONFLICT && call->x.status == 412;
    t->unheard = t->unheard || call->doubt_until_us;
    if (failed_condition && copy->bound && !copy->asked_again) {
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
    if (failed_condition && copy->bound)
        look(copy);
    else
        end(copy, verdict);
}

/* call.done of the HEAD after both forms were refused. */
static void on_looked(struct call *call)
{
    struct copy *copy = call->owner;
    char found[S3_ETAG_MAX];
    task_etag(call, found);
    bool same = call->verdict == VERDICT_DONE && strcmp(found, copy->condition) == 0;
    copy->task.transfer->attempts += call->retry.attempts;
    caller_give(call);
    copy->bound = false;
    if (same)
        send(copy);
    else
        end(copy, VERDICT_CONFLICT);
}

/* Is the source really another? */
static void look(struct copy *copy)
{
    struct call *call = copy_head(&copy->task, !copy->keyless);
    if (!call)
        return;
    call->done = on_looked;
    caller_start(call);
}

/* Other tags than the source's rules say. */
static void add_tags(struct call *call, const struct transfer *t)
{
    const char *tags = s3_attributes_get(t->attributes, "x-amz-tagging");
    call_header(call, "x-amz-tagging-directive", "REPLACE");
    if (tags)
        call_header(call, "x-amz-tagging", tags);
}

/* CopyObject. */
static void send(struct copy *copy)
{
    struct transfer *t = copy->task.transfer;
    struct call *call = task_call(&copy->task, "PUT", t->key);
    if (!call)
        return;
    call_header(call, "x-amz-copy-source", copy->source.data);
    if (copy->bound) {
        copy_condition(copy->condition, copy->bare, copy->condition_text);
        call_header(call, "x-amz-copy-source-if-match", copy->condition_text);
    }
    bool replace = t->kind == TRANSFER_META || copy_changes(t);
    if (replace)
        call_header(call, "x-amz-metadata-directive", "REPLACE");
    if (copy_changes_tags(t))
        add_tags(call, t);
    copy_add_headers(call, t, copy->head, replace);
    copy_add_source_key(call, t, copy_source_keyed(t, copy->head));
    if (t->kind == TRANSFER_META) {
        headers_posix(&t->posix, copy->posix);
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

static void ask(struct copy *copy);

/* What is to be copied is the object that HEAD found; a COPY has a condition of its own, which says
 * which one it must be. */
static void take_condition(struct copy *copy, const struct call *head)
{
    if (copy->task.transfer->kind == TRANSFER_META)
        task_etag(head, copy->condition);
    copy->bound = copy->condition[0] != '\0';
}

/* call.done of HEAD */
static void on_head(struct call *call)
{
    struct copy *copy = call->owner;
    struct transfer *t = copy->task.transfer;
    task_report(&copy->task, call);
    if (copy_is_keyless(call, t, !copy->keyless)) {
        caller_give(call);
        copy->keyless = true;
        ask(copy);
        return;
    }
    copy->head = call;
    enum verdict verdict = copy_head_verdict(call, t);
    if (verdict != VERDICT_DONE) {
        end(copy, verdict);
        return;
    }
    const char *length = wire_head(&call->x, "content-length");
    t->size = t->source_size = length ? strtoull(length, NULL, 10) : 0;
    if (t->size > COPY_BYTES_MAX) {
        go_on_in_parts(copy);
        return;
    }
    bool replace = t->kind == TRANSFER_META || copy_changes(t);
    const char *obstacle = replace ? copy_obstacle(call) : NULL;
    if (obstacle) {
        snprintf(t->message, sizeof(t->message), "%s (%" PRIu64 " bytes)", obstacle, t->size);
        end(copy, VERDICT_REFUSED);
        return;
    }
    take_condition(copy, call);
    send(copy);
}

/* HEAD. */
static void ask(struct copy *copy)
{
    struct call *call = copy_head(&copy->task, !copy->keyless);
    if (!call)
        return;
    call->done = on_head;
    caller_start(call);
}

int copy_source(const struct task *task, struct buf *out)
{
    const struct transfer *t = task->transfer;
    return endpoint_copy_source(caller_endpoint(worker_caller(task->worker)),
                                t->kind == TRANSFER_META ? t->key : t->source_key, out);
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
    if (!is_meta)
        task_unquote(t->source_etag ? t->source_etag : "", copy->condition);
    copy->bound = copy->condition[0] != '\0';
    if (is_meta || t->foreign || copy_changes(t))
        ask(copy);
    else
        send(copy);
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
