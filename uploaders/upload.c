/* What all uploads in parts share. Shell. See upload.h. */
#include "uploaders/upload.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOCUMENT_MAX (4 * 1024 * 1024) /* 10,000 parts at under 300 bytes */

void upload_init(struct upload *u, struct task *task, void (*ready)(struct upload *u))
{
    u->task = task;
    u->ready = ready;
    u->failure = VERDICT_DONE;
    buf_init(&u->document, DOCUMENT_MAX);
}

void upload_release(struct upload *u)
{
    buf_release(&u->document);
    free(u->parts);
}

void upload_end(struct upload *u, enum verdict verdict)
{
    struct transfer *t = u->task->transfer;
    if (verdict != VERDICT_DONE)
        t->etag[0] = t->version[0] = '\0';
    if (t->upload_over) {
        free(t->upload_id);
        t->upload_id = NULL;
    }
    worker_end(u->task, verdict);
}

enum verdict upload_divide(struct upload *u, uint64_t size, uint64_t part_bytes)
{
    struct transfer *t = u->task->transfer;
    if (t->upload_id)
        part_bytes = t->part_bytes;
    if (!parts_divide(size, part_bytes, &u->plan)) {
        snprintf(t->message, sizeof(t->message), "larger than 10,000 parts of 5 GiB");
        return VERDICT_REFUSED;
    }
    u->parts = calloc(u->plan.count, sizeof(*u->parts));
    if (u->parts)
        return VERDICT_DONE;
    t->code = -ENOMEM;
    snprintf(t->message, sizeof(t->message), "no memory");
    return VERDICT_UNREACHED;
}

/* call.read of CreateMultipartUpload */
static int read_created(struct call *call, struct s3_error *ret_error)
{
    struct upload *u = call->owner;
    struct span body = {call->x.answer.data, call->x.answer.len};
    return answers_initiate(body, u->new_id, ret_error);
}

/* An upload of that time may be there without anybody knowing its id. */
static void tell_stray(struct transfer *t, int64_t since_us, int64_t until_us)
{
    if (!until_us)
        return;
    t->since_us = since_us;
    t->until_us = until_us;
}

/* call.done of CreateMultipartUpload */
static void on_created(struct call *call)
{
    struct upload *u = call->owner;
    struct transfer *t = u->task->transfer;
    enum verdict verdict = call->verdict;
    int64_t sent_us = call->x.sent_us, answered_us = call->x.answered_us;
    task_report(u->task, call);
    tell_stray(t, call->doubt_since_us, call->doubt_until_us);
    caller_give(call);
    if (verdict != VERDICT_DONE) {
        upload_end(u, verdict);
        return;
    }
    t->part_bytes = u->plan.part_bytes;
    t->upload_id = strdup(u->new_id);
    if (!t->upload_id) {
        tell_stray(t, t->since_us ? t->since_us : sent_us, answered_us);
        task_no_memory(u->task);
    } else if (t->tells_upload) {
        upload_end(u, VERDICT_BEGUN);
    } else {
        u->ready(u);
    }
}

struct call *upload_create_call(struct upload *u)
{
    struct call *call = task_call(u->task, "POST", u->task->transfer->key);
    if (!call)
        return NULL;
    call->owner = u;
    call_query(call, "uploads", "");
    call_header(call, "x-amz-checksum-algorithm", "CRC64NVME");
    call_header(call, "x-amz-checksum-type", "FULL_OBJECT");
    call->read = read_created;
    call->done = on_created;
    return call;
}

/* A call about the upload; NULL without memory. */
static struct call *upload_call(struct upload *u, enum transfer_kind kind, const char *method)
{
    struct call *call = caller_take(worker_caller(u->task->worker));
    if (!call)
        return NULL;
    call->kind = kind;
    call->method = method;
    call->key = u->task->transfer->key;
    call->owner = u;
    call_query(call, "uploadId", u->task->transfer->upload_id);
    return call;
}

void upload_add_key(const struct upload *u, struct call *call)
{
    if (!u->keyless)
        task_add_key(call, u->task->transfer->attributes);
}

struct call *upload_part_call(struct upload *u, const char *number)
{
    struct call *call = upload_call(u, TRANSFER_PUT, "PUT");
    if (!call)
        return NULL;
    call_query(call, "partNumber", number);
    upload_add_key(u, call);
    call->lane = LANE_LARGE;
    return call;
}

void upload_note_part(struct upload *u, const struct call *call)
{
    u->unheard = u->unheard || call->doubt_until_us;
}

/* call.done of AbortMultipartUpload: whatever came of it, the verdict was found before. */
static void on_aborted(struct call *call)
{
    struct upload *u = call->owner;
    struct transfer *t = u->task->transfer;
    bool gone = call->verdict == VERDICT_DONE || strcmp(call->error.code, "NoSuchUpload") == 0;
    t->upload_over = gone && !(u->unheard && t->tells_upload);
    caller_give(call);
    upload_end(u, u->failure);
}

/* S3 keeps the parts of an upload, and bills them, until it is aborted. */
static void abort_upload(struct upload *u)
{
    struct call *call = upload_call(u, TRANSFER_DELETE, "DELETE");
    if (!call) {
        upload_end(u, u->failure);
        return;
    }
    call->done = on_aborted;
    caller_start(call);
}

/* The caller comes again, and what S3 has of the upload is as good as it was. */
static bool can_go_on(const struct upload *u)
{
    const struct transfer *t = u->task->transfer;
    return t->tells_upload && (u->failure == VERDICT_UNREACHED || u->failure == VERDICT_BUSY ||
                               u->failure == VERDICT_DENIED);
}

void upload_abandon(struct upload *u)
{
    struct transfer *t = u->task->transfer;
    t->upload_over = strcmp(t->s3_code, "NoSuchUpload") == 0;
    if (t->upload_over || can_go_on(u))
        upload_end(u, u->failure);
    else
        abort_upload(u);
}

/* call.done of the HEAD after a Complete whose answer was lost. */
static void on_found(struct call *call)
{
    struct upload *u = call->owner;
    struct transfer *t = u->task->transfer;
    const char *crc = wire_head(&call->x, "x-amz-checksum-crc64nvme");
    char found[S3_ETAG_MAX], expected[S3_ETAG_MAX];
    task_etag(call, found);
    bool ours = call->verdict == VERDICT_DONE &&
                ((crc && u->has_crc && strcmp(crc, u->crc_text) == 0) ||
                 (parts_etag(u->parts, u->plan.count, expected) && strcmp(found, expected) == 0));
    if (ours) {
        task_report(u->task, call);
        memcpy(t->etag, found, sizeof(found));
    }
    caller_give(call);
    t->upload_over = true;
    upload_end(u, ours ? VERDICT_DONE : VERDICT_UNREACHED);
}

/* There is no such upload any more: is its object there? */
static void look_for_object(struct upload *u)
{
    struct call *call = task_call(u->task, "HEAD", u->task->transfer->key);
    if (!call)
        return;
    call->owner = u;
    call->kind = TRANSFER_HEAD;
    call_header(call, "x-amz-checksum-mode", "ENABLED");
    upload_add_key(u, call);
    call->done = on_found;
    caller_start(call);
}

/* call.read of CompleteMultipartUpload: 200 may be an error all the same. */
static int read_completed(struct call *call, struct s3_error *ret_error)
{
    struct upload *u = call->owner;
    struct span body = {call->x.answer.data, call->x.answer.len};
    bool told = false;
    uint64_t crc = 0;
    int code = answers_complete(body, u->task->transfer->etag, ret_error);
    if (code == 0)
        code = answers_checksum(body, &told, &crc, ret_error);
    if (code == 0 && u->has_crc)
        code = task_checksum_fits(call, u->crc64, ret_error);
    if (code || !told || !u->has_crc || crc == u->crc64)
        return code;
    snprintf(ret_error->code, sizeof(ret_error->code), "ChecksumMismatch");
    snprintf(ret_error->message, sizeof(ret_error->message),
             "S3 put other bytes together than were sent");
    return ERR_REFUSED;
}

struct site *upload_site(const struct upload *u)
{
    return worker_options_of(u->task->worker)->site;
}

/* Name no part's checksum. True if one had been named. */
static bool forget_part_crcs(struct upload *u)
{
    bool any = false;
    for (size_t i = 0; i < u->plan.count; i++) {
        any |= u->parts[i].has_crc;
        u->parts[i].has_crc = false;
    }
    return any;
}

/* call.done of CompleteMultipartUpload */
static void on_completed(struct call *call)
{
    struct upload *u = call->owner;
    enum verdict verdict = call->verdict;
    bool gone = strcmp(call->error.code, "NoSuchUpload") == 0;
    bool unread = strcmp(call->error.code, "MalformedXML") == 0;
    bool refused = call->x.status >= 400 && call->x.status <= 499;
    u->task->transfer->unheard = u->task->transfer->unheard || call->doubt_until_us;
    task_report(u->task, call);
    caller_give(call);
    if (verdict == VERDICT_DONE) {
        u->task->transfer->upload_over = true;
        upload_end(u, VERDICT_DONE);
    } else if (gone) {
        look_for_object(u);
    } else if (unread && forget_part_crcs(u)) {
        site_learn_bare_parts(upload_site(u)); /* Swift holds the document against a schema */
        upload_complete(u);
    } else {
        u->failure = verdict;
        if (refused && verdict == VERDICT_UNREACHED)
            abort_upload(u); /* its parts are not what they should be, and never will be */
        else
            upload_abandon(u);
    }
}

void upload_complete(struct upload *u)
{
    struct transfer *t = u->task->transfer;
    if (site_parts_are_bare(upload_site(u)))
        (void)forget_part_crcs(u); /* if any was named does not matter here */
    buf_reset(&u->document);
    int code = answers_build_complete(u->parts, u->plan.count, &u->document);
    struct call *call = code == 0 ? upload_call(u, TRANSFER_PUT, "POST") : NULL;
    if (!call) {
        u->failure = VERDICT_UNREACHED;
        t->code = code ? code : -ENOMEM;
        upload_abandon(u);
        return;
    }
    snprintf(u->size_text, sizeof(u->size_text), "%" PRIu64, u->plan.size);
    call_header(call, "content-type", "application/xml");
    if (u->has_crc) {
        call_header(call, "x-amz-checksum-crc64nvme", crc64nvme_base64(u->crc64, u->crc_text));
        call_header(call, "x-amz-checksum-type", "FULL_OBJECT");
    }
    call_header(call, "x-amz-mp-object-size", u->size_text);
    upload_add_key(u, call);
    call->body = (struct span){u->document.data, u->document.len};
    call->read = read_completed;
    call->done = on_completed;
    caller_start(call);
}
