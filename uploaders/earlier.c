/* What S3 has of an upload of an earlier run. Shell. See earlier.h. */
#include "uploaders/earlier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void earlier_release(struct earlier *e)
{
    free(e->listed);
    e->listed = NULL;
}

const struct s3_part *earlier_part(const struct earlier *e, unsigned index)
{
    return e->listed && e->listed[index].number != 0 ? &e->listed[index] : NULL;
}

bool earlier_made(const struct earlier *e, uint64_t crc)
{
    const struct upload *u = e->upload;
    char etag[S3_ETAG_MAX];
    if (e->object_has_crc)
        return e->object_crc == crc;
    return parts_etag(u->parts, u->plan.count, etag) && strcmp(etag, e->object_etag) == 0;
}

/* call.done of the HEAD that follows where the upload is gone. */
static void on_object(struct call *call)
{
    struct earlier *e = call->owner;
    struct upload *u = e->upload;
    struct transfer *t = u->task->transfer;
    const char *length = wire_head(&call->x, "content-length");
    const char *crc = wire_head(&call->x, "x-amz-checksum-crc64nvme");
    e->comparing =
        call->verdict == VERDICT_DONE && length && strtoull(length, NULL, 10) == t->expected.size;
    if (e->comparing) {
        task_report(u->task, call);
        task_etag(call, e->object_etag);
        e->object_has_crc = crc && crc64nvme_parse(crc, &e->object_crc) == 0;
    }
    caller_give(call);
    if (e->comparing) {
        u->ready(u);
        return;
    }
    t->upload_over = true;
    upload_end(u, VERDICT_UNREACHED);
}

/* S3 does not know the upload any more: is its object there? */
static void look_for_object(struct earlier *e)
{
    struct call *call = task_call(e->upload->task, "HEAD", e->upload->task->transfer->key);
    if (!call)
        return;
    call->owner = e;
    call->kind = TRANSFER_HEAD;
    call_header(call, "x-amz-checksum-mode", "ENABLED");
    upload_add_key(e->upload, call);
    call->done = on_object;
    caller_start(call);
}

static void list(struct earlier *e);

/* call.read of ListParts: note the page's parts. */
static int read_listed(struct call *call, struct s3_error *ret_error)
{
    struct earlier *e = call->owner;
    struct span body = {call->x.answer.data, call->x.answer.len};
    struct s3_parts page;
    int code = answers_parts(body, &page, ret_error);
    if (code != 0)
        return code;
    e->marker[0] = '\0';
    for (size_t i = 0; i < page.count; i++)
        if (page.parts[i].number <= e->upload->plan.count)
            e->listed[page.parts[i].number - 1] = page.parts[i];
    if (page.truncated)
        snprintf(e->marker, sizeof(e->marker), "%u", page.next_marker);
    s3_parts_release(&page);
    return 0;
}

/* call.done of ListParts */
static void on_listed(struct call *call)
{
    struct earlier *e = call->owner;
    struct upload *u = e->upload;
    bool gone = strcmp(call->error.code, "NoSuchUpload") == 0;
    task_report(u->task, call);
    u->failure = call->verdict;
    caller_give(call);
    if (gone) {
        u->failure = VERDICT_DONE;
        look_for_object(e);
    } else if (u->failure != VERDICT_DONE) {
        upload_abandon(u);
    } else if (e->marker[0] != '\0') {
        list(e);
    } else {
        u->ready(u);
    }
}

/* A page of ListParts. */
static void list(struct earlier *e)
{
    const struct transfer *t = e->upload->task->transfer;
    struct call *call = task_call(e->upload->task, "GET", t->key);
    if (!call)
        return;
    call->owner = e;
    if (e->marker[0] != '\0')
        call_query(call, "part-number-marker", e->marker);
    call_query(call, "uploadId", t->upload_id);
    upload_add_key(e->upload, call);
    call->read = read_listed;
    call->done = on_listed;
    caller_start(call);
}

void earlier_ask(struct earlier *e)
{
    e->listed = calloc(e->upload->plan.count, sizeof(*e->listed));
    if (e->listed)
        list(e);
    else
        task_no_memory(e->upload->task);
}
