/*
 * COPY and META of objects that are larger than S3 copies at once: by UploadPartCopy. Shell.
 *
 *   HEAD -> tags -> Create -> parts, PARALLEL at a time -> HEAD: as before -> Complete -> done
 *     |      |                             |                      |              |
 *     +------+-> the verdict               +----------------------+--------------+-> abandon
 *
 * Create carries what HEAD and the tags tell, since no directive copies metadata here. Each part is
 * copied on the condition of the source's ETag; servers that take no notice of it are found out by
 * the second HEAD. Complete carries the whole's CRC-64/NVME, as the source has it or combined from
 * the parts', so S3 compares what it put together.
 *
 * Nothing of a copy is worth resuming: what an earlier run began is aborted, not gone on with.
 */
#include "uploaders/copy.h"
#include "uploaders/upload.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PARALLEL  8
#define TAGS_MAX  (16 * 1024) /* 10 tags of 384 characters, each byte as %XX */
#define RANGE_MAX 64

struct copy_parts;

/* One part in flight. */
struct slot {
    struct copy_parts *copy;
    bool busy;
    bool asked_again; /* with the condition in the other form */
    bool bare;
    unsigned index;
    char condition[COPY_CONDITION_SIZE];
    char number[12];
    char range[RANGE_MAX];
};

struct copy_parts {
    struct task task;
    struct upload upload;
    struct buf source; /* x-amz-copy-source */
    struct buf tags;   /* x-amz-tagging; empty where there are none */
    struct call *head; /* what HEAD told; its strings are sent again */
    bool keyless;      /* HEAD goes without the key that the rules name */
    bool source_keyed; /* the source is under it */
    char etag[S3_ETAG_MAX];
    bool bare; /* conditions go without quotes */
    bool whole_crc;
    uint64_t crc;
    unsigned next;
    unsigned flying;
    struct slot slots[PARALLEL];
    struct header posix[HEADERS_POSIX_COUNT];
};

/* task.drop */
static void drop(struct task *task)
{
    struct copy_parts *copy = (struct copy_parts *)task;
    buf_release(&copy->source);
    buf_release(&copy->tags);
    upload_release(&copy->upload);
    free(copy);
}

/* HEAD's answer is not needed any more. */
static void give_head(struct copy_parts *copy)
{
    if (copy->head)
        caller_give(copy->head);
    copy->head = NULL;
}

/* Over, before anything was begun or with what was begun. */
static void fail(struct copy_parts *copy, enum verdict verdict)
{
    give_head(copy);
    copy->upload.failure = verdict;
    if (copy->task.transfer->upload_id)
        upload_abandon(&copy->upload);
    else
        upload_end(&copy->upload, verdict);
}

/* The source is not, or not any more, what it was. */
static void fail_changed(struct copy_parts *copy, const char *found)
{
    struct transfer *t = copy->task.transfer;
    snprintf(t->message, sizeof(t->message), "the source's ETag is %s, not %s", found, copy->etag);
    fail(copy, VERDICT_CONFLICT);
}

/* A HEAD of the source; NULL: the task has ended. */
static struct call *head_call(struct copy_parts *copy)
{
    struct call *call = copy_head(&copy->task, !copy->keyless);
    if (call)
        call_header(call, "x-amz-checksum-mode", "ENABLED");
    return call;
}

/* call.done of the HEAD after the last part. */
static void on_second_head(struct call *call)
{
    struct copy_parts *copy = call->owner;
    struct upload *u = &copy->upload;
    char found[S3_ETAG_MAX];
    enum verdict verdict = call->verdict;
    task_report(&copy->task, call);
    task_etag(call, found);
    caller_give(call);
    if (verdict != VERDICT_DONE) {
        fail(copy, verdict);
    } else if (strcmp(found, copy->etag) != 0) {
        fail_changed(copy, found);
    } else {
        u->has_crc = copy->whole_crc || parts_crc(u->parts, u->plan.count, &copy->crc);
        u->crc64 = copy->crc;
        upload_complete(u);
    }
}

/* No part is in flight and none can begin: what now? */
static void settle(struct copy_parts *copy)
{
    if (copy->upload.failure != VERDICT_DONE) {
        upload_abandon(&copy->upload);
        return;
    }
    struct call *call = head_call(copy);
    if (!call)
        return;
    call->done = on_second_head;
    caller_start(call);
}

static void pump(struct copy_parts *copy);
static bool send_part(struct copy_parts *copy, struct slot *slot);

/* call.read of UploadPartCopy: 200 may be an error all the same. */
static int read_part(struct call *call, struct s3_error *ret_error)
{
    const struct slot *slot = call->owner;
    struct s3_part *part = &slot->copy->upload.parts[slot->index];
    struct span body = {call->x.answer.data, call->x.answer.len};
    int code = answers_copy(body, part->etag, ret_error);
    return code == 0 ? answers_checksum(body, &part->has_crc, &part->crc64, ret_error) : code;
}

/* Some servers know the condition in quotes only, some only without. */
static bool ask_again(struct slot *slot, const struct call *call)
{
    if (call->verdict != VERDICT_CONFLICT || call->x.status != 412 || slot->asked_again)
        return false;
    slot->asked_again = true;
    slot->bare = slot->copy->bare = !slot->bare;
    return true;
}

/* call.done of UploadPartCopy */
static void on_part(struct call *call)
{
    struct slot *slot = call->owner;
    struct copy_parts *copy = slot->copy;
    struct upload *u = &copy->upload;
    bool again = u->failure == VERDICT_DONE && ask_again(slot, call);
    upload_note_part(u, call);
    if (!again && u->failure == VERDICT_DONE) {
        task_report(&copy->task, call);
        u->failure = call->verdict;
    }
    caller_give(call);
    copy->flying--;
    if (again && send_part(copy, slot))
        return;
    if (again)
        u->failure = VERDICT_UNREACHED;
    slot->busy = false;
    pump(copy);
}

/* UploadPartCopy. False without memory. */
static bool send_part(struct copy_parts *copy, struct slot *slot)
{
    const struct parts_plan *plan = &copy->upload.plan;
    uint64_t from = parts_offset(plan, slot->index);
    snprintf(slot->number, sizeof(slot->number), "%u", slot->index + 1);
    struct call *call = upload_part_call(&copy->upload, slot->number);
    if (!call)
        return false;
    snprintf(slot->range, sizeof(slot->range), "bytes=%" PRIu64 "-%" PRIu64, from,
             from + parts_length(plan, slot->index) - 1);
    copy_condition(copy->etag, slot->bare, slot->condition);
    call->kind = TRANSFER_COPY;
    call->owner = slot;
    call_header(call, "x-amz-copy-source", copy->source.data);
    call_header(call, "x-amz-copy-source-if-match", slot->condition);
    call_header(call, "x-amz-copy-source-range", slot->range);
    copy_add_source_key(call, copy->task.transfer, copy->source_keyed);
    call->read = read_part;
    call->done = on_part;
    copy->flying++;
    caller_start(call);
    return true;
}

/* Begin one more part; false where that cannot be. */
static bool begin_part(struct copy_parts *copy)
{
    struct upload *u = &copy->upload;
    struct slot *slot = copy->slots;
    while (slot < copy->slots + PARALLEL && slot->busy)
        slot++;
    if (u->failure != VERDICT_DONE || copy->next == u->plan.count || slot == copy->slots + PARALLEL)
        return false;
    *slot = (struct slot){.copy = copy, .busy = true, .bare = copy->bare, .index = copy->next++};
    u->parts[slot->index] =
        (struct s3_part){.number = slot->index + 1, .size = parts_length(&u->plan, slot->index)};
    if (send_part(copy, slot))
        return true;
    slot->busy = false;
    u->failure = VERDICT_UNREACHED;
    return false;
}

/* Keep parts in flight; when there are none and none can come, go on. */
static void pump(struct copy_parts *copy)
{
    while (begin_part(copy))
        ;
    if (copy->flying == 0)
        settle(copy);
}

/* upload.ready */
static void ready(struct upload *u)
{
    struct copy_parts *copy = (struct copy_parts *)u->task;
    give_head(copy);
    pump(copy);
}

/* CreateMultipartUpload, with what the object is to keep. */
static void create(struct copy_parts *copy)
{
    struct transfer *t = copy->task.transfer;
    bool is_meta = t->kind == TRANSFER_META;
    struct call *call = upload_create_call(&copy->upload);
    if (!call)
        return;
    const char *tags = copy_changes_tags(t) ? s3_attributes_get(t->attributes, "x-amz-tagging")
                       : copy->tags.len > 0 ? copy->tags.data
                                            : NULL;
    copy_add_headers(call, t, copy->head, true);
    if (tags)
        call_header(call, "x-amz-tagging", tags);
    if (is_meta) {
        headers_posix(&t->posix, copy->posix);
        task_add_posix(call, copy->posix);
    }
    caller_start(call);
}

/* call.read of GetObjectTagging */
static int read_tags(struct call *call, struct s3_error *ret_error)
{
    struct copy_parts *copy = call->owner;
    struct span body = {call->x.answer.data, call->x.answer.len};
    return answers_tagging(body, &copy->tags, ret_error);
}

/* The object is known to have tags. */
static bool has_tags(const struct copy_parts *copy)
{
    const char *count = wire_head(&copy->head->x, "x-amz-tagging-count");
    return count && strcmp(count, "0") != 0;
}

/* call.done of GetObjectTagging. Who may not read tags, or has a server without them, goes on
 * unless there are some. */
static void on_tags(struct call *call)
{
    struct copy_parts *copy = call->owner;
    enum verdict verdict = call->verdict;
    bool none = verdict == VERDICT_ABSENT || verdict == VERDICT_REFUSED ||
                (verdict == VERDICT_DENIED && !has_tags(copy));
    if (verdict != VERDICT_DONE && !none)
        task_report(&copy->task, call);
    caller_give(call);
    if (verdict == VERDICT_DONE || none)
        create(copy);
    else
        fail(copy, verdict);
}

/* GetObjectTagging. */
static void ask_for_tags(struct copy_parts *copy)
{
    const struct transfer *t = copy->task.transfer;
    struct call *call =
        task_call(&copy->task, "GET", t->kind == TRANSFER_META ? t->key : t->source_key);
    if (!call)
        return;
    call_query(call, "tagging", "");
    call->read = read_tags;
    call->done = on_tags;
    caller_start(call);
}

/* The size and checksum of the source, and whether it is the one that is meant. */
static enum verdict read_source(struct copy_parts *copy, const struct call *head)
{
    struct transfer *t = copy->task.transfer;
    const char *length = wire_head(&head->x, "content-length");
    const char *crc = wire_head(&head->x, "x-amz-checksum-crc64nvme");
    const char *obstacle = copy_obstacle(head);
    uint64_t size = length ? strtoull(length, NULL, 10) : 0;
    uint64_t part_bytes = worker_options_of(copy->task.worker)->part_bytes;
    task_etag(head, copy->etag);
    copy->source_keyed = copy_source_keyed(t, head);
    copy->upload.keyless = !copy_keyed(t, head);
    copy->whole_crc = crc && crc64nvme_parse(crc, &copy->crc) == 0;
    t->size = size;
    if (obstacle) {
        snprintf(t->message, sizeof(t->message), "%s", obstacle);
        return VERDICT_REFUSED;
    }
    return upload_divide(&copy->upload, size, parts_copy_bytes(size, part_bytes));
}

/* Is the source the one that is meant? Where no ETag was told, the one that is found now is, also
 * when the transfer is handed over again. False without memory, too. */
static bool source_fits(struct copy_parts *copy)
{
    struct transfer *t = copy->task.transfer;
    char expected[S3_ETAG_MAX];
    if (!t->source_etag)
        return (t->source_etag = strdup(copy->etag)) != NULL;
    task_unquote(t->source_etag, expected);
    return strcmp(expected, copy->etag) == 0;
}

static void ask(struct copy_parts *copy);

/* call.done of the first HEAD */
static void on_head(struct call *call)
{
    struct copy_parts *copy = call->owner;
    struct transfer *t = copy->task.transfer;
    task_report(&copy->task, call);
    if (copy_is_keyless(call, t, !copy->keyless)) {
        caller_give(call);
        copy->keyless = true;
        ask(copy);
        return;
    }
    enum verdict verdict = copy_head_verdict(call, t);
    copy->head = call;
    if (verdict == VERDICT_DONE)
        verdict = read_source(copy, call);
    if (verdict == VERDICT_DONE && !source_fits(copy)) {
        snprintf(t->message, sizeof(t->message), "the source's ETag is %s, not %s", copy->etag,
                 t->source_etag ? t->source_etag : "");
        verdict = VERDICT_CONFLICT;
    }
    if (verdict != VERDICT_DONE)
        fail(copy, verdict);
    else if (t->upload_id)
        ready(&copy->upload);
    else
        ask_for_tags(copy);
}

/* The first HEAD. */
static void ask(struct copy_parts *copy)
{
    struct call *call = head_call(copy);
    if (!call)
        return;
    call->done = on_head;
    caller_start(call);
}

/* task.begin */
static void begin(struct task *task)
{
    struct copy_parts *copy = (struct copy_parts *)task;
    if (copy_source(task, &copy->source) != 0)
        task_no_memory(task);
    else
        ask(copy);
}

struct task *task_copy_parts_new(void)
{
    struct copy_parts *copy = calloc(1, sizeof(*copy));
    if (!copy)
        return NULL;
    copy->task.lane = LANE_LARGE;
    upload_init(&copy->upload, &copy->task, ready);
    buf_init(&copy->source, COPY_SOURCE_MAX);
    buf_init(&copy->tags, TAGS_MAX);
    copy->task.begin = copy->task.feed = begin;
    copy->task.drop = drop;
    return &copy->task;
}
