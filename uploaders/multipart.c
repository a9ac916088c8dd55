/*
 * A file in parts. Shell.
 *
 *   open -> Create -> parts, PARALLEL at a time -> end of file, stat as before -> Complete -> done
 *              \          \                            \                            \
 *               \          +----------------------------+----------------------------+-> Abort
 *                +-> the verdict                                                          |
 *                                                                      the verdict <------+
 *
 * Each part is read once, in order, and carries its CRC-64/NVME; Complete carries the whole file's,
 * combined from them, so S3 itself compares. Parts in flight are waited for before Abort.
 *
 * A Complete whose answer was lost and that is sent again (by us, or by libcurl where a kept
 * connection died) finds no such upload: then HEAD tells whether the object is ours.
 */
#include "uploaders/task.h"

#include "base/crc.h"
#include "uploaders/source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARALLEL      4
#define PARTS_MAX     10000
#define PART_STEP     (UINT64_C(1) << 20) /* part sizes are whole MiB */
#define PART_SIZE_MAX (UINT64_C(5) << 30)
#define DOCUMENT_MAX  (4 * 1024 * 1024) /* 10,000 parts at under 300 bytes */

struct multipart;

/* One part in flight. */
struct part {
    struct multipart *upload;
    char *body; /* NULL: this slot is free */
    size_t n;
    unsigned index;
    uint64_t crc;
    char crc_text[CRC64_BASE64_SIZE];
    char number[12];
};

struct multipart {
    struct task task;
    int fd;
    uint64_t part_bytes;
    unsigned count;
    unsigned next;        /* the part to be read next */
    unsigned flying;      /* parts in flight */
    enum verdict failure; /* VERDICT_DONE: none so far */
    struct s3_part *parts;
    struct part slots[PARALLEL];
    char upload_id[S3_UPLOAD_ID_MAX];
    struct buf document;
    char crc_text[CRC64_BASE64_SIZE];
    char size_text[24];
    struct header posix[HEADERS_POSIX_COUNT];
};

/* task.drop */
static void drop(struct task *task)
{
    struct multipart *m = (struct multipart *)task;
    for (size_t i = 0; i < PARALLEL; i++)
        worker_body_back(task, m->slots[i].body, m->slots[i].n);
    source_close(m->fd);
    buf_release(&m->document);
    free(m->parts);
    free(m);
}

/* Over, with what was found first. */
static void end(struct multipart *m, enum verdict verdict)
{
    if (verdict != VERDICT_DONE)
        m->task.transfer->etag[0] = m->task.transfer->version[0] = '\0';
    worker_end(&m->task, verdict);
}

/* call.done of AbortMultipartUpload: whatever came of it, the verdict was found before. */
static void on_aborted(struct call *call)
{
    struct multipart *m = call->owner;
    caller_give(call);
    end(m, m->failure);
}

/* S3 keeps the parts of an upload, and bills them, until it is aborted. */
static void abort_upload(struct multipart *m)
{
    struct call *call = caller_take(worker_caller(m->task.worker));
    if (!call) {
        end(m, m->failure);
        return;
    }
    call->kind = TRANSFER_DELETE;
    call->method = "DELETE";
    call->key = m->task.transfer->key;
    call->owner = m;
    call_query(call, "uploadId", m->upload_id);
    call->done = on_aborted;
    caller_start(call);
}

/* The ETag that S3 gives to these parts: the MD5 of their MD5s, "-" and their number. False where
 * the parts' ETags are not MD5s (SSE-KMS, SSE-C). */
static bool compute_etag(const struct multipart *m, char out[S3_ETAG_MAX])
{
    uint8_t *all = malloc((size_t)m->count * MD5_BYTES);
    uint8_t digest[MD5_BYTES];
    char text[2 * MD5_BYTES + 1];
    bool good = all != NULL;
    for (unsigned i = 0; i < m->count && good; i++)
        good = strlen(m->parts[i].etag) == sizeof(text) - 1 &&
               hex_decode(m->parts[i].etag, sizeof(text) - 1, all + (size_t)i * MD5_BYTES) == 0;
    if (good) {
        digest_md5(all, (size_t)m->count * MD5_BYTES, digest);
        snprintf(out, S3_ETAG_MAX, "%s-%u", hex_encode(digest, sizeof(digest), text), m->count);
    }
    free(all);
    return good;
}

/* call.done of the HEAD after a Complete whose answer was lost. */
static void on_found(struct call *call)
{
    struct multipart *m = call->owner;
    struct transfer *t = m->task.transfer;
    const char *crc = wire_head(&call->x, "x-amz-checksum-crc64nvme");
    char found[S3_ETAG_MAX], expected[S3_ETAG_MAX];
    task_etag(call, found);
    bool ours = call->verdict == VERDICT_DONE &&
                ((crc && strcmp(crc, m->crc_text) == 0) ||
                 (compute_etag(m, expected) && strcmp(found, expected) == 0));
    if (ours) {
        task_report(&m->task, call);
        memcpy(t->etag, found, sizeof(found));
    }
    caller_give(call);
    end(m, ours ? VERDICT_DONE : VERDICT_UNREACHED);
}

/* There is no such upload any more: is its object there? */
static void look_for_object(struct multipart *m)
{
    struct call *call = task_call(&m->task, "HEAD", m->task.transfer->key);
    if (!call)
        return;
    call->kind = TRANSFER_HEAD;
    call_header(call, "x-amz-checksum-mode", "ENABLED");
    call->done = on_found;
    caller_start(call);
}

/* call.read of CompleteMultipartUpload: 200 may be an error all the same. */
static int read_completed(struct call *call, struct s3_error *ret_error)
{
    struct multipart *m = call->owner;
    struct transfer *t = m->task.transfer;
    struct span body = {call->x.answer.data, call->x.answer.len};
    int code = answers_complete(body, t->etag, ret_error);
    return code == 0 ? task_checksum_fits(call, t->crc64, ret_error) : code;
}

/* call.done of CompleteMultipartUpload */
static void on_completed(struct call *call)
{
    struct multipart *m = call->owner;
    enum verdict verdict = call->verdict;
    bool gone = strcmp(call->error.code, "NoSuchUpload") == 0;
    task_report(&m->task, call);
    caller_give(call);
    if (verdict == VERDICT_DONE) {
        end(m, VERDICT_DONE);
    } else if (gone) {
        look_for_object(m);
    } else {
        m->failure = verdict;
        abort_upload(m);
    }
}

/* All parts are there. */
static void complete(struct multipart *m)
{
    struct transfer *t = m->task.transfer;
    int code = answers_build_complete(m->parts, m->count, &m->document);
    struct call *call = code == 0 ? caller_take(worker_caller(m->task.worker)) : NULL;
    if (!call) {
        m->failure = VERDICT_UNREACHED;
        t->code = code ? code : -ENOMEM;
        abort_upload(m);
        return;
    }
    crc64nvme_base64(t->crc64, m->crc_text);
    snprintf(m->size_text, sizeof(m->size_text), "%" PRIu64, t->size);
    call->kind = TRANSFER_PUT;
    call->method = "POST";
    call->key = t->key;
    call->owner = m;
    call_query(call, "uploadId", m->upload_id);
    call_header(call, "content-type", "application/xml");
    call_header(call, "x-amz-checksum-crc64nvme", m->crc_text);
    call_header(call, "x-amz-checksum-type", "FULL_OBJECT");
    call_header(call, "x-amz-mp-object-size", m->size_text);
    call->body = (struct span){m->document.data, m->document.len};
    call->read = read_completed;
    call->done = on_completed;
    caller_start(call);
}

/* No part is in flight and none can begin: what now? */
static void settle(struct multipart *m)
{
    struct transfer *t = m->task.transfer;
    if (m->failure == VERDICT_DONE && m->next == m->count)
        m->failure = source_end(t, m->fd);
    if (m->failure != VERDICT_DONE)
        abort_upload(m);
    else
        complete(m);
}

static void pump(struct multipart *m);

/* call.read of UploadPart */
static int read_part(struct call *call, struct s3_error *ret_error)
{
    const struct part *part = call->owner;
    return task_checksum_fits(call, part->crc, ret_error);
}

/* call.done of UploadPart */
static void on_part(struct call *call)
{
    struct part *part = call->owner;
    struct multipart *m = part->upload;
    if (m->failure == VERDICT_DONE) {
        task_report(&m->task, call);
        m->failure = call->verdict;
    }
    if (call->verdict == VERDICT_DONE)
        task_etag(call, m->parts[part->index].etag);
    caller_give(call);
    worker_body_back(&m->task, part->body, part->n);
    part->body = NULL;
    m->flying--;
    pump(m);
}

/* The part is in memory: send it. False without memory. */
static bool send_part(struct multipart *m, struct part *part)
{
    struct call *call = caller_take(worker_caller(m->task.worker));
    if (!call)
        return false;
    snprintf(part->number, sizeof(part->number), "%u", part->index + 1);
    crc64nvme_base64(part->crc, part->crc_text);
    call->kind = TRANSFER_PUT;
    call->method = "PUT";
    call->key = m->task.transfer->key;
    call->owner = part;
    call_query(call, "partNumber", part->number);
    call_query(call, "uploadId", m->upload_id);
    call_header(call, "x-amz-checksum-crc64nvme", part->crc_text);
    call->body = (struct span){part->body, part->n};
    call->read = read_part;
    call->done = on_part;
    m->flying++;
    caller_start(call);
    return true;
}

/* Read the next part into its slot. */
static enum verdict read_next(struct multipart *m, struct part *part)
{
    struct transfer *t = m->task.transfer;
    enum verdict verdict = source_read(t, m->fd, part->body, part->n);
    if (verdict != VERDICT_DONE)
        return verdict;
    part->upload = m;
    part->index = m->next++;
    part->crc = crc64nvme(0, part->body, part->n);
    m->parts[part->index] = (struct s3_part){
        .number = part->index + 1, .size = part->n, .crc64 = part->crc, .has_crc = true};
    t->crc64 = crc64nvme_combine(t->crc64, part->crc, part->n);
    t->size += part->n;
    if (send_part(m, part))
        return VERDICT_DONE;
    t->code = -ENOMEM;
    return VERDICT_UNREACHED;
}

/* Begin one more part. False where that cannot be now: no slot, no memory, no part, or a failure.
 */
static bool begin_part(struct multipart *m)
{
    struct part *part = m->slots;
    while (part < m->slots + PARALLEL && part->body)
        part++;
    if (m->failure != VERDICT_DONE || m->next == m->count || part == m->slots + PARALLEL)
        return false;
    uint64_t left = m->task.transfer->expected.size - (uint64_t)m->next * m->part_bytes;
    part->n = left < m->part_bytes ? left : m->part_bytes;
    switch (worker_body(&m->task, part->n, &part->body)) {
    case BODY_WAIT:
        return false;
    case BODY_NO_MEMORY:
        m->task.transfer->code = -ENOMEM;
        m->failure = VERDICT_UNREACHED;
        return false;
    case BODY_READY:
        break;
    }
    m->failure = read_next(m, part);
    if (m->failure == VERDICT_DONE)
        return true;
    worker_body_back(&m->task, part->body, part->n);
    part->body = NULL;
    return false;
}

/* Keep parts in flight; when there are none and none can come, go on. */
static void pump(struct multipart *m)
{
    while (begin_part(m))
        ;
    if (m->failure != VERDICT_DONE)
        worker_body_cancel(&m->task);
    bool more = m->failure == VERDICT_DONE && m->next < m->count;
    if (m->flying == 0 && !more)
        settle(m);
}

/* task.feed: only a task that waits for a part's memory stands in that line. */
static void feed(struct task *task)
{
    pump((struct multipart *)task);
}

/* call.read of CreateMultipartUpload */
static int read_created(struct call *call, struct s3_error *ret_error)
{
    struct multipart *m = call->owner;
    struct span body = {call->x.answer.data, call->x.answer.len};
    return answers_initiate(body, m->upload_id, ret_error);
}

/* call.done of CreateMultipartUpload */
static void on_created(struct call *call)
{
    struct multipart *m = call->owner;
    enum verdict verdict = call->verdict;
    task_report(&m->task, call);
    caller_give(call);
    if (verdict == VERDICT_DONE)
        pump(m);
    else
        end(m, verdict);
}

/* CreateMultipartUpload, which carries the metadata. */
static void create(struct multipart *m)
{
    struct transfer *t = m->task.transfer;
    struct call *call = task_call(&m->task, "POST", t->key);
    if (!call)
        return;
    headers_posix(&t->posix, m->posix);
    call_query(call, "uploads", "");
    call_header(call, "content-type", headers_content_type(t->key));
    call_header(call, "x-amz-checksum-algorithm", "CRC64NVME");
    call_header(call, "x-amz-checksum-type", "FULL_OBJECT");
    task_add_posix(call, m->posix);
    call->read = read_created;
    call->done = on_created;
    caller_start(call);
}

/* Part size and number of parts. False where S3 has no room for such a file. */
static bool divide(struct multipart *m, uint64_t part_bytes)
{
    uint64_t size = m->task.transfer->expected.size;
    uint64_t least = size / PARTS_MAX + (size % PARTS_MAX != 0);
    if (part_bytes < least)
        part_bytes = least;
    part_bytes = (part_bytes + PART_STEP - 1) / PART_STEP * PART_STEP;
    if (part_bytes > PART_SIZE_MAX)
        return false;
    m->part_bytes = part_bytes;
    m->count = (unsigned)((size + part_bytes - 1) / part_bytes);
    return true;
}

/* task.begin */
static void begin(struct task *task)
{
    struct multipart *m = (struct multipart *)task;
    struct transfer *t = task->transfer;
    if (!divide(m, worker_options_of(task->worker)->part_bytes)) {
        snprintf(t->message, sizeof(t->message), "larger than 10,000 parts of 5 GiB");
        end(m, VERDICT_REFUSED);
        return;
    }
    enum verdict verdict = source_open(t, &m->fd);
    if (verdict != VERDICT_DONE) {
        end(m, verdict);
        return;
    }
    t->has_crc = true;
    m->parts = calloc(m->count, sizeof(*m->parts));
    if (m->parts)
        create(m);
    else
        task_no_memory(task);
}

struct task *task_multipart_new(void)
{
    struct multipart *m = calloc(1, sizeof(*m));
    if (!m)
        return NULL;
    m->fd = -1;
    m->failure = VERDICT_DONE;
    buf_init(&m->document, DOCUMENT_MAX);
    m->task.begin = begin;
    m->task.feed = feed;
    m->task.drop = drop;
    return &m->task;
}
