/*
 * A file in parts. Shell.
 *
 *   open -> Create -> parts, PARALLEL at a time -> end of file, stat as before -> Complete -> done
 *     \                  ^          \                        \                        \
 *      \                 |           +------------------------+------------------------+-> abandon
 *       +-> ListParts ---+
 *            \           |
 *             +-> HEAD --+-> nothing to send: are these the bytes of the object?
 *
 * Each part is read once, in order, and carries its CRC-64/NVME; Complete carries the whole file's,
 * combined from them, so S3 itself compares. Parts in flight are waited for before the end.
 *
 * An upload of an earlier run is gone on with: a part that S3 lists is kept if it is what the file
 * has there now. Where S3 does not know the upload any more, its Complete may have been the last
 * that was heard of it: then the file is read and compared with the object.
 */
#include "uploaders/upload.h"

#include "uploaders/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARALLEL 4
#define TOGETHER 2 /* parts that are read at once where their hashes are needed */

struct multipart;

/* One part in flight. */
struct part {
    struct multipart *file;
    char *body; /* NULL: this slot is free */
    size_t n;
    unsigned index;
    struct source_sums sums;
    char crc_text[CRC64_BASE64_SIZE];
    char number[12];
};

struct multipart {
    struct task task;
    struct upload upload;
    int fd;
    unsigned next;   /* the part to be read next */
    unsigned flying; /* parts in flight, and what is being read, which counts as one */
    struct part *coming[TOGETHER]; /* are being read, in this order; NULL: none */
    int read_code;
    struct part slots[PARALLEL];
    struct header posix[HEADERS_POSIX_COUNT];

    /* Of an earlier run. */
    struct s3_part *listed; /* by index; number 0 where S3 has none */
    char marker[12];        /* of the next page of parts */
    bool comparing;         /* with the object that is there: no part is sent */
    char object_etag[S3_ETAG_MAX];
    uint64_t object_crc;
    bool object_has_crc;
};

/* task.drop */
static void drop(struct task *task)
{
    struct multipart *m = (struct multipart *)task;
    for (size_t i = 0; i < PARALLEL; i++)
        worker_body_back(task, m->slots[i].body, m->slots[i].n);
    source_close(m->fd);
    upload_release(&m->upload);
    free(m->listed);
    free(m);
}

/* The whole file was read for an upload that is gone: is the object what it made? */
static void end_comparing(struct multipart *m)
{
    struct transfer *t = m->task.transfer;
    char etag[S3_ETAG_MAX];
    bool same = m->object_has_crc ? m->object_crc == t->crc64
                                  : parts_etag(m->upload.parts, m->upload.plan.count, etag) &&
                                        strcmp(etag, m->object_etag) == 0;
    t->upload_over = true;
    memcpy(t->etag, m->object_etag, sizeof(t->etag));
    if (same) {
        t->s3_code[0] = t->message[0] = '\0';
        t->parts_kept = m->upload.plan.count;
    } else {
        snprintf(t->message, sizeof(t->message), "the upload is gone, and made no object");
    }
    upload_end(&m->upload, same ? VERDICT_DONE : VERDICT_UNREACHED);
}

/* No part is in flight and none can begin: what now? */
static void settle(struct multipart *m)
{
    struct upload *u = &m->upload;
    struct transfer *t = m->task.transfer;
    if (u->failure == VERDICT_DONE && m->next == u->plan.count)
        u->failure = source_end(t, m->fd);
    if (u->failure != VERDICT_DONE && m->comparing) {
        t->upload_over = true;
        upload_end(u, u->failure);
    } else if (u->failure != VERDICT_DONE) {
        upload_abandon(u);
    } else if (m->comparing) {
        end_comparing(m);
    } else {
        u->has_crc = true;
        u->crc64 = t->crc64;
        upload_complete(u);
    }
}

static void pump(struct multipart *m);

/* call.read of UploadPart */
static int read_part(struct call *call, struct s3_error *ret_error)
{
    const struct part *part = call->owner;
    return task_stored(call, part->sums.crc, ret_error);
}

/* call.done of UploadPart */
static void on_part(struct call *call)
{
    struct part *part = call->owner;
    struct multipart *m = part->file;
    upload_note_part(&m->upload, call);
    if (m->upload.failure == VERDICT_DONE) {
        task_report(&m->task, call);
        m->upload.failure = call->verdict;
    }
    if (call->verdict == VERDICT_DONE)
        task_etag(call, m->upload.parts[part->index].etag);
    caller_give(call);
    worker_body_back(&m->task, part->body, part->n);
    part->body = NULL;
    m->flying--;
    pump(m);
}

/* The part is in memory: send it. False without memory. */
static bool send_part(struct multipart *m, struct part *part)
{
    snprintf(part->number, sizeof(part->number), "%u", part->index + 1);
    struct call *call = upload_part_call(&m->upload, part->number);
    if (!call)
        return false;
    call->owner = part;
    call_header(call, "x-amz-checksum-crc64nvme", crc64nvme_base64(part->sums.crc, part->crc_text));
    call->body = (struct span){part->body, part->n};
    memcpy(call->payload_hash, part->sums.payload_hash, sizeof(call->payload_hash));
    call->read = read_part;
    call->done = on_part;
    m->flying++;
    caller_start(call);
    return true;
}

/* Where the file is compared with an object that has no checksum, its parts' ETags are needed. */
static void note_md5(const struct part *part, char etag[S3_ETAG_MAX])
{
    uint8_t digest[MD5_BYTES];
    digest_md5(part->body, part->n, digest);
    hex_encode(digest, sizeof(digest), etag);
}

/* S3 has this very part already, or is not to get it. */
static bool is_kept(struct multipart *m, const struct part *part)
{
    struct s3_part *made = &m->upload.parts[part->index];
    const struct s3_part *listed = m->listed ? &m->listed[part->index] : NULL;
    if (m->comparing) {
        if (!m->object_has_crc)
            note_md5(part, made->etag);
        return true;
    }
    if (!listed || listed->number == 0 || !parts_same(listed, part->body, part->n, part->sums.crc))
        return false;
    memcpy(made->etag, listed->etag, sizeof(made->etag));
    made->has_crc = listed->has_crc;
    m->task.transfer->parts_kept++;
    return true;
}

/* task.read, on a reader's thread: the next parts into their slots. */
static void read_apart(struct task *task)
{
    struct multipart *m = (struct multipart *)task;
    struct part *first = m->coming[0], *second = m->coming[1];
    if (second) {
        const struct source_piece pieces[] = {{first->body, first->n, &first->sums},
                                              {second->body, second->n, &second->sums}};
        m->read_code = source_read_both(m->fd, pieces);
    } else {
        m->read_code = source_read(m->fd, first->body, first->n, &first->sums);
    }
}

/* The part was read: it is one of the file's. */
static enum verdict note_read(struct multipart *m, struct part *part)
{
    struct transfer *t = m->task.transfer;
    enum verdict verdict = source_judge(t, m->read_code);
    if (verdict != VERDICT_DONE)
        return verdict;
    part->file = m;
    part->index = m->next++;
    m->upload.parts[part->index] = (struct s3_part){
        .number = part->index + 1, .size = part->n, .crc64 = part->sums.crc, .has_crc = true};
    t->crc64 = crc64nvme_combine(t->crc64, part->sums.crc, part->n);
    t->size += part->n;
    return VERDICT_DONE;
}

/* What came of an attempt to begin one more part. */
enum began {
    BEGAN_PART,   /* it is in flight */
    BEGAN_READ,   /* it is being read */
    BEGAN_KEPT,   /* S3 has it: no need to wait for anything, but others are to have their turn */
    BEGAN_NOTHING /* no slot, no memory, no part, or a failure */
};

/* The part is in its slot: send it, unless S3 has it. */
static enum began go_on_with(struct multipart *m, struct part *part)
{
    if (m->upload.failure == VERDICT_DONE)
        m->upload.failure = note_read(m, part);
    if (m->upload.failure == VERDICT_DONE && !is_kept(m, part)) {
        if (send_part(m, part))
            return BEGAN_PART;
        m->task.transfer->code = -ENOMEM;
        m->upload.failure = VERDICT_UNREACHED;
    }
    worker_body_back(&m->task, part->body, part->n);
    part->body = NULL;
    return m->upload.failure == VERDICT_DONE ? BEGAN_KEPT : BEGAN_NOTHING;
}

/* What was to be read is in its slots. */
static enum began go_on(struct multipart *m)
{
    struct part *first = m->coming[0], *second = m->coming[1];
    m->coming[0] = m->coming[1] = NULL;
    enum began began = go_on_with(m, first);
    return second ? go_on_with(m, second) : began;
}

/* A slot that nothing is in, or NULL. */
static struct part *free_slot(struct multipart *m)
{
    for (struct part *part = m->slots; part < m->slots + PARALLEL; part++)
        if (!part->body)
            return part;
    return NULL;
}

/* The part after the one that is to be read can come along with it: two hashes cost little more
 * than one. */
static void add_second(struct multipart *m)
{
    const struct upload *u = &m->upload;
    struct part *part = free_slot(m);
    if (!part || !m->coming[0]->sums.hashes || m->next + 1 >= u->plan.count)
        return;
    part->n = parts_length(&u->plan, m->next + 1);
    part->body = worker_body_more(&m->task, part->n);
    if (!part->body)
        return;
    part->sums.hashes = true;
    m->coming[1] = part;
}

/* Begin one more part, or two. */
static enum began begin_part(struct multipart *m)
{
    struct upload *u = &m->upload;
    struct part *part = free_slot(m);
    if (m->coming[0])
        return BEGAN_READ;
    if (u->failure != VERDICT_DONE || m->next == u->plan.count || !part)
        return BEGAN_NOTHING;
    part->n = parts_length(&u->plan, m->next);
    switch (worker_body(&m->task, part->n, &part->body)) {
    case BODY_WAIT:
        return BEGAN_NOTHING;
    case BODY_NO_MEMORY:
        m->task.transfer->code = -ENOMEM;
        u->failure = VERDICT_UNREACHED;
        return BEGAN_NOTHING;
    case BODY_READY:
        break;
    }
    part->sums.hashes = caller_signs_payload(worker_caller(m->task.worker));
    m->coming[0] = part;
    add_second(m);
    if (worker_read(&m->task)) {
        m->flying++;
        return BEGAN_READ;
    }
    read_apart(&m->task); /* here, then */
    return go_on(m);
}

/* What follows after an attempt to begin a part: when there are none in flight and none can come,
 * go on. */
static void after(struct multipart *m, enum began began)
{
    while (began == BEGAN_PART)
        began = begin_part(m);
    if (m->upload.failure != VERDICT_DONE)
        worker_body_cancel(&m->task);
    bool more = m->upload.failure == VERDICT_DONE && m->next < m->upload.plan.count;
    if (began == BEGAN_KEPT && more)
        worker_again(&m->task);
    if (m->flying == 0 && !more)
        settle(m);
}

/* Keep parts in flight. */
static void pump(struct multipart *m)
{
    after(m, begin_part(m));
}

/* task.have: a part was read. */
static void have(struct task *task)
{
    struct multipart *m = (struct multipart *)task;
    m->flying--;
    after(m, go_on(m));
}

/* task.feed: a task stands in that line that waits for a part's memory, or for its next turn. */
static void feed(struct task *task)
{
    pump((struct multipart *)task);
}

/* upload.ready */
static void ready(struct upload *u)
{
    pump((struct multipart *)u->task);
}

/* call.done of the HEAD that follows where the upload of an earlier run is gone. */
static void on_object(struct call *call)
{
    struct multipart *m = call->owner;
    struct transfer *t = m->task.transfer;
    const char *length = wire_head(&call->x, "content-length");
    const char *crc = wire_head(&call->x, "x-amz-checksum-crc64nvme");
    bool found =
        call->verdict == VERDICT_DONE && length && strtoull(length, NULL, 10) == t->expected.size;
    if (found) {
        task_report(&m->task, call);
        task_etag(call, m->object_etag);
        m->object_has_crc = crc && crc64nvme_parse(crc, &m->object_crc) == 0;
        m->comparing = true;
    }
    caller_give(call);
    if (found) {
        pump(m);
        return;
    }
    t->upload_over = true;
    upload_end(&m->upload, VERDICT_UNREACHED);
}

/* S3 does not know the upload any more: is its object there? */
static void look_for_object(struct multipart *m)
{
    struct call *call = task_call(&m->task, "HEAD", m->task.transfer->key);
    if (!call)
        return;
    call->kind = TRANSFER_HEAD;
    call_header(call, "x-amz-checksum-mode", "ENABLED");
    upload_add_key(&m->upload, call);
    call->done = on_object;
    caller_start(call);
}

static void list(struct multipart *m);

/* call.read of ListParts: note the page's parts. */
static int read_listed(struct call *call, struct s3_error *ret_error)
{
    struct multipart *m = call->owner;
    struct span body = {call->x.answer.data, call->x.answer.len};
    struct s3_parts page;
    int code = answers_parts(body, &page, ret_error);
    if (code != 0)
        return code;
    m->marker[0] = '\0';
    for (size_t i = 0; i < page.count; i++)
        if (page.parts[i].number <= m->upload.plan.count)
            m->listed[page.parts[i].number - 1] = page.parts[i];
    if (page.truncated)
        snprintf(m->marker, sizeof(m->marker), "%u", page.next_marker);
    s3_parts_release(&page);
    return 0;
}

/* call.done of ListParts */
static void on_listed(struct call *call)
{
    struct multipart *m = call->owner;
    bool gone = strcmp(call->error.code, "NoSuchUpload") == 0;
    task_report(&m->task, call);
    m->upload.failure = call->verdict;
    caller_give(call);
    if (gone) {
        m->upload.failure = VERDICT_DONE;
        look_for_object(m);
    } else if (m->upload.failure != VERDICT_DONE) {
        upload_abandon(&m->upload);
    } else if (m->marker[0] != '\0') {
        list(m);
    } else {
        pump(m);
    }
}

/* A page of ListParts. */
static void list(struct multipart *m)
{
    struct call *call = task_call(&m->task, "GET", m->task.transfer->key);
    if (!call)
        return;
    if (m->marker[0] != '\0')
        call_query(call, "part-number-marker", m->marker);
    call_query(call, "uploadId", m->task.transfer->upload_id);
    upload_add_key(&m->upload, call);
    call->read = read_listed;
    call->done = on_listed;
    caller_start(call);
}

/* CreateMultipartUpload, which carries the metadata. */
static void create(struct multipart *m)
{
    struct transfer *t = m->task.transfer;
    struct call *call = upload_create_call(&m->upload);
    if (!call)
        return;
    headers_posix(&t->posix, m->posix);
    task_add_attributes(call, t);
    task_add_posix(call, m->posix);
    caller_start(call);
}

/* The file is open, the parts are planned. */
static void go(struct multipart *m)
{
    const struct transfer *t = m->task.transfer;
    if (!t->upload_id) {
        create(m);
    } else if (!t->resumes) {
        pump(m);
    } else {
        m->listed = calloc(m->upload.plan.count, sizeof(*m->listed));
        if (m->listed)
            list(m);
        else
            task_no_memory(&m->task);
    }
}

/* task.begin */
static void begin(struct task *task)
{
    struct multipart *m = (struct multipart *)task;
    struct transfer *t = task->transfer;
    struct upload *u = &m->upload;
    enum verdict verdict =
        upload_divide(u, t->expected.size, worker_options_of(task->worker)->part_bytes);
    if (verdict == VERDICT_DONE)
        verdict = source_open(t, &m->fd);
    t->has_crc = true;
    u->failure = verdict;
    if (verdict == VERDICT_DONE)
        go(m);
    else if (t->upload_id)
        upload_abandon(u);
    else
        upload_end(u, verdict);
}

struct task *task_multipart_new(void)
{
    struct multipart *m = calloc(1, sizeof(*m));
    if (!m)
        return NULL;
    m->fd = -1;
    m->task.lane = LANE_LARGE;
    upload_init(&m->upload, &m->task, ready);
    m->task.begin = begin;
    m->task.feed = feed;
    m->task.drop = drop;
    m->task.read = read_apart;
    m->task.have = have;
    return &m->task;
}
