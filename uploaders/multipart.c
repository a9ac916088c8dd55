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
 * What is sent of a part, and its CRC-64/NVME, are of one read; Complete carries the whole file's,
 * combined from those that S3 has, so S3 itself compares. Parts in flight are waited for before the
 * end.
 *
 * A part whose SHA-256 is signed is sent while it is read (streams.h), where the server takes that:
 * the first one asks, while the others go as a whole. What its end says of the server, and whether
 * the part goes once more, as a whole, says chunked_judge.
 *
 * An upload of an earlier run is gone on with: a part that S3 lists is kept if it is what the file
 * has there now. Where S3 does not know the upload any more, its Complete may have been the last
 * that was heard of it: then the file is read and compared with the object.
 */
#include "uploaders/earlier.h"
#include "uploaders/source.h"
#include "uploaders/streams.h"

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
    bool taken;             /* this slot is */
    bool again;             /* it is to go once more, as a whole */
    bool asks;              /* by this stream it is found out whether the server takes any */
    enum chunked_said said; /* of the server, when it went as a stream */
    char *body;             /* NULL: it is not in memory as a whole */
    size_t n;
    unsigned index;
    struct source_sums sums;
    struct stream stream; /* of none: it has no call */
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
    struct earlier earlier;
};

/* It came to nothing as a stream, and goes as a whole. */
static bool is_in_doubt(const struct part *part)
{
    return part->said == CHUNKED_REFUSED || part->said == CHUNKED_UNHEARD;
}

/* A part that came to nothing as a stream is over. If the server took it as a whole, it was because
 * of that. */
static void end_doubt(struct multipart *m, struct part *part, bool taken)
{
    if (is_in_doubt(part))
        site_learn_chunks(upload_site(&m->upload), taken ? part->said : CHUNKED_SAYS_NOTHING);
    part->said = CHUNKED_SAYS_NOTHING;
}

/* The slot is free. */
static void free_part(struct multipart *m, struct part *part)
{
    end_doubt(m, part, false);
    worker_body_back(&m->task, part->body, part->n);
    part->body = NULL;
    part->taken = false;
}

/* task.drop */
static void drop(struct task *task)
{
    struct multipart *m = (struct multipart *)task;
    for (struct part *part = m->slots; part < m->slots + PARALLEL; part++) {
        if (part->stream.call)
            stream_end(&part->stream);
        free_part(m, part);
    }
    source_close(m->fd);
    upload_release(&m->upload);
    earlier_release(&m->earlier);
    free(m);
}

/* The whole file was read for an upload that is gone: is the object what it made? */
static void end_comparing(struct multipart *m)
{
    struct transfer *t = m->task.transfer;
    bool same = earlier_made(&m->earlier, t->crc64);
    t->upload_over = true;
    memcpy(t->etag, m->earlier.object_etag, sizeof(t->etag));
    if (same) {
        t->s3_code[0] = t->message[0] = '\0';
        t->parts_kept = m->upload.plan.count;
    } else {
        snprintf(t->message, sizeof(t->message), "the upload is gone, and made no object");
    }
    upload_end(&m->upload, same ? VERDICT_DONE : VERDICT_UNREACHED);
}

/* The whole's CRC-64/NVME: of all parts, those too of which S3 has none. */
static uint64_t whole_crc(const struct upload *u)
{
    uint64_t crc = 0;
    for (unsigned i = 0; i < u->plan.count; i++)
        crc = crc64nvme_combine(crc, u->parts[i].crc64, u->parts[i].size);
    return crc;
}

/* No part is in flight and none can begin: what now? */
static void settle(struct multipart *m)
{
    struct upload *u = &m->upload;
    struct transfer *t = m->task.transfer;
    if (u->failure == VERDICT_DONE)
        u->failure = source_end(t, m->fd);
    if (u->failure == VERDICT_DONE)
        t->crc64 = whole_crc(u);
    if (u->failure != VERDICT_DONE && m->earlier.comparing) {
        t->upload_over = true;
        upload_end(u, u->failure);
    } else if (u->failure != VERDICT_DONE) {
        upload_abandon(u);
    } else if (m->earlier.comparing) {
        end_comparing(m);
    } else {
        u->has_crc = true;
        u->crc64 = t->crc64;
        upload_complete(u);
    }
}

static void pump(struct multipart *m);

/* Its CRC-64/NVME: of what is in memory, or of what has gone as a stream. */
static uint64_t crc_of(const struct part *part)
{
    return part->stream.call ? part->stream.crc : part->sums.crc;
}

/* call.read of UploadPart */
static int read_part(struct call *call, struct s3_error *ret_error)
{
    return task_stored(call, crc_of(call->owner), ret_error);
}

/* How the call of a part ended, into what is known of the upload. */
static void note_part(struct multipart *m, const struct part *part, const struct call *call)
{
    if (m->upload.failure == VERDICT_DONE) {
        task_report(&m->task, call);
        m->upload.failure = call->verdict;
    }
    if (call->verdict == VERDICT_DONE)
        task_etag(call, m->upload.parts[part->index].etag);
}

/* call.done of UploadPart, as a whole */
static void on_part(struct call *call)
{
    struct part *part = call->owner;
    struct multipart *m = part->file;
    upload_note_part(&m->upload, call);
    note_part(m, part, call);
    end_doubt(m, part, call->verdict == VERDICT_DONE);
    caller_give(call);
    free_part(m, part);
    m->flying--;
    pump(m);
}

/* A call for the part; NULL without memory. */
static struct call *part_call(struct multipart *m, struct part *part)
{
    snprintf(part->number, sizeof(part->number), "%u", part->index + 1);
    struct call *call = upload_part_call(&m->upload, part->number);
    if (call)
        call->owner = part;
    return call;
}

/* The part is in memory: send it. False without memory. */
static bool send_part(struct multipart *m, struct part *part)
{
    struct call *call = part_call(m, part);
    if (!call)
        return false;
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
    const struct s3_part *listed = earlier_part(&m->earlier, part->index);
    if (m->earlier.comparing) {
        if (!m->earlier.object_has_crc)
            note_md5(part, made->etag);
        return true;
    }
    if (!listed || !parts_same(listed, part->body, part->n, part->sums.crc))
        return false;
    memcpy(made->etag, listed->etag, sizeof(made->etag));
    made->has_crc = listed->has_crc;
    m->task.transfer->parts_kept++;
    return true;
}

/* Where a part begins in the file. */
static uint64_t begin_of(const struct multipart *m, const struct part *part)
{
    return parts_offset(&m->upload.plan, part->index);
}

/* task.read, on a reader's thread: the next parts into their slots. */
static void read_apart(struct task *task)
{
    struct multipart *m = (struct multipart *)task;
    struct part *first = m->coming[0], *second = m->coming[1];
    if (second) {
        const struct source_piece pieces[] = {
            {begin_of(m, first), first->body, first->n, &first->sums},
            {begin_of(m, second), second->body, second->n, &second->sums}};
        m->read_code = source_read_both(m->fd, pieces);
    } else {
        m->read_code = source_read(m->fd, begin_of(m, first), first->body, first->n, &first->sums);
    }
}

/* The part was read: it is one of the file's. */
static void add_part(struct multipart *m, const struct part *part)
{
    m->upload.parts[part->index] = (struct s3_part){
        .number = part->index + 1, .size = part->n, .crc64 = crc_of(part), .has_crc = true};
    m->task.transfer->size += part->n;
}

/* What came of an attempt to begin one more part. */
enum began {
    BEGAN_PART,   /* it is in flight */
    BEGAN_READ,   /* it is being read */
    BEGAN_KEPT,   /* S3 has it: no need to wait for anything, but others are to have their turn */
    BEGAN_NOTHING /* no slot, no memory, no part, or a failure */
};

/* No memory, which ends the upload. */
static enum began fail(struct multipart *m)
{
    m->task.transfer->code = -ENOMEM;
    m->upload.failure = VERDICT_UNREACHED;
    return BEGAN_NOTHING;
}

/* The part is in its slot: send it, unless S3 has it. */
static enum began go_on_with(struct multipart *m, struct part *part)
{
    if (m->upload.failure == VERDICT_DONE)
        m->upload.failure = source_judge(m->task.transfer, m->read_code);
    if (m->upload.failure == VERDICT_DONE)
        add_part(m, part);
    if (m->upload.failure == VERDICT_DONE && !is_kept(m, part)) {
        if (send_part(m, part))
            return BEGAN_PART;
        (void)fail(m);
    }
    free_part(m, part);
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

/* One that is to go again, or NULL. */
static struct part *part_again(struct multipart *m)
{
    for (struct part *part = m->slots; part < m->slots + PARALLEL; part++)
        if (part->again)
            return part;
    return NULL;
}

/* Parts are to begin yet. */
static bool is_more(struct multipart *m)
{
    return m->upload.failure == VERDICT_DONE &&
           (m->next < m->upload.plan.count || part_again(m) != NULL);
}

/* The part that is next, in its slot; NULL where there is none, or no slot. */
static struct part *next_part(struct multipart *m)
{
    struct part *part = part_again(m);
    if (part || m->next == m->upload.plan.count)
        return part;
    for (part = m->slots; part->taken; part++)
        if (part == m->slots + PARALLEL - 1)
            return NULL;
    part->file = m;
    part->index = m->next;
    part->n = parts_length(&m->upload.plan, m->next);
    return part;
}

/* It begins. */
static void take_part(struct multipart *m, struct part *part)
{
    m->next += !part->again;
    part->taken = true;
    part->again = false;
}

/* How a stream ended: what that says of the server, and whether the part is to go once more, as a
 * whole. */
static void judge_stream(struct part *part, const struct call *call)
{
    const struct stream *s = &part->stream;
    const struct chunked_end end = {
        .asks = part->asks,
        .told = s->at == s->n && wire_head(&call->x, CHUNKED_TRAILER),
        .verdict = call->verdict,
        .transport = call->x.transport,
        .status = call->x.status,
    };
    part->said = s->code == 0 ? chunked_judge(&end) : CHUNKED_SAYS_NOTHING;
    part->again = is_in_doubt(part) && part->file->upload.failure == VERDICT_DONE;
    if (part->asks && !is_in_doubt(part))
        site_learn_chunks(upload_site(&part->file->upload), part->said);
}

/* call.done of UploadPart, as a stream */
static void on_streamed(struct call *call)
{
    struct part *part = call->owner;
    struct multipart *m = part->file;
    struct upload *u = &m->upload;
    upload_note_part(u, call);
    judge_stream(part, call);
    if (call->verdict == VERDICT_DONE && !part->again)
        add_part(m, part);
    if (u->failure == VERDICT_DONE && part->stream.code == -ENOMEM)
        (void)fail(m);
    else if (u->failure == VERDICT_DONE && part->stream.code != 0)
        u->failure = source_judge(m->task.transfer, part->stream.code);
    else if (part->again)
        m->task.transfer->attempts += call->retry.attempts;
    else
        note_part(m, part, call);
    caller_give(call);
    stream_end(&part->stream);
    part->stream.call = NULL;
    worker_stream_back(&m->task);
    if (!part->again)
        free_part(m, part);
    m->flying--;
    pump(m);
}

/* Where a part goes as a stream; NULL where it is better read as a whole: its SHA-256 is not
 * signed, files are waited for, the server does not take it, or it is first to be compared with
 * what S3 has of it. */
static struct streams *streams_for(const struct multipart *m, const struct part *part)
{
    struct worker *w = m->task.worker;
    if (m->earlier.comparing || earlier_part(&m->earlier, part->index) || is_in_doubt(part) ||
        lanes_of(part->n) != LANE_LARGE || !caller_signs_payload(worker_caller(w)) ||
        !site_may_take_chunks(upload_site(&m->upload)))
        return NULL;
    return worker_streams(w);
}

/* The part after the one that is to be read can come along with it: two hashes cost little more
 * than one. */
static void add_second(struct multipart *m)
{
    struct part *part = next_part(m);
    if (!part || !m->coming[0]->sums.hashes)
        return;
    part->body = worker_body_more(&m->task, part->n);
    if (!part->body)
        return;
    take_part(m, part);
    part->sums.hashes = true;
    m->coming[1] = part;
}

/* A part begins as a whole, or two do. */
static enum began begin_whole(struct multipart *m, struct part *part)
{
    switch (worker_body(&m->task, part->n, &part->body)) {
    case BODY_WAIT:
        return BEGAN_NOTHING;
    case BODY_NO_MEMORY:
        return fail(m);
    case BODY_READY:
        break;
    }
    take_part(m, part);
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

/* A part begins as a stream. */
static enum began begin_stream(struct multipart *m, struct part *part, struct streams *streams)
{
    if (worker_stream(&m->task) == BODY_WAIT)
        return BEGAN_NOTHING;
    struct call *call = part_call(m, part);
    if (!call) {
        worker_stream_back(&m->task);
        return fail(m);
    }
    enum site_chunks known = site_ask_chunks(upload_site(&m->upload));
    if (known != SITE_CHUNKS_TAKEN && known != SITE_CHUNKS_ASKED) { /* somebody was first */
        caller_give(call);
        worker_stream_back(&m->task);
        return begin_whole(m, part);
    }
    part->asks = known == SITE_CHUNKS_ASKED;
    take_part(m, part);
    call->read = read_part;
    call->done = on_streamed;
    stream_begin(&part->stream, streams, call, m->fd, begin_of(m, part), part->n);
    m->flying++;
    caller_start(call);
    return BEGAN_PART;
}

/* Begin one more part, or two. */
static enum began begin_part(struct multipart *m)
{
    if (m->coming[0])
        return BEGAN_READ;
    struct part *part = is_more(m) ? next_part(m) : NULL;
    if (!part)
        return BEGAN_NOTHING;
    struct streams *streams = streams_for(m, part);
    return streams ? begin_stream(m, part, streams) : begin_whole(m, part);
}

/* What follows after an attempt to begin a part: when there are none in flight and none can come,
 * go on. */
static void after(struct multipart *m, enum began began)
{
    while (began == BEGAN_PART)
        began = begin_part(m);
    if (m->upload.failure != VERDICT_DONE)
        worker_body_cancel(&m->task);
    bool more = is_more(m);
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
        earlier_ask(&m->earlier);
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
    m->earlier.upload = &m->upload;
    upload_init(&m->upload, &m->task, ready);
    m->task.begin = begin;
    m->task.feed = feed;
    m->task.drop = drop;
    m->task.read = read_apart;
    m->task.have = have;
    return &m->task;
}
