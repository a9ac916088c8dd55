/*
 * STRAYS: uploads in parts of a key that were begun without our hearing of it. Shell.
 *
 *   ListMultipartUploads (prefix: the key) -> next page ... -> none of ours: done
 *            ^                                    |
 *            +--------- Abort, Abort ... <--------+ ROUNDS times in all
 *
 * Their ids are learned from the listing; stray.h says which are ours. They have no parts: nobody
 * knew where to send them.
 */
#include "uploaders/stray.h"
#include "uploaders/task.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS    3
#define PAGES_MAX 64 /* of one round, of uploads whose keys begin with this one */
#define IDS_MAX   64 /* of one round; what is beyond has its turn in the next one */

struct strays {
    struct task task;
    struct s3_uploads page;
    char *next_key, *next_id; /* of the next page; NULL: the first */
    char *ids[IDS_MAX];
    size_t count;
    unsigned pages;
    unsigned rounds;
};

/* Let go of what one round found. */
static void clear(struct strays *s)
{
    while (s->count > 0)
        free(s->ids[--s->count]);
    free(s->next_key);
    free(s->next_id);
    s->next_key = s->next_id = NULL;
    s->pages = 0;
}

/* task.drop */
static void drop(struct task *task)
{
    struct strays *s = (struct strays *)task;
    clear(s);
    s3_uploads_release(&s->page);
    free(s);
}

static void list(struct strays *s);
static void abort_next(struct strays *s);

/* call.done of AbortMultipartUpload */
static void on_aborted(struct call *call)
{
    struct strays *s = call->owner;
    struct transfer *t = s->task.transfer;
    enum verdict verdict = call->verdict;
    bool gone = verdict == VERDICT_ABSENT || strcmp(call->error.code, "NoSuchUpload") == 0;
    task_report(&s->task, call);
    caller_give(call);
    if (verdict != VERDICT_DONE && !gone) {
        worker_end(&s->task, verdict);
        return;
    }
    t->aborted++;
    free(s->ids[--s->count]);
    abort_next(s);
}

/* Abort the next of those that were found; when there are none left, look again. */
static void abort_next(struct strays *s)
{
    if (s->count == 0) {
        list(s);
        return;
    }
    struct call *call = task_call(&s->task, "DELETE", s->task.transfer->key);
    if (!call)
        return;
    call->kind = TRANSFER_DELETE;
    call_query(call, "uploadId", s->ids[s->count - 1]);
    call->done = on_aborted;
    caller_start(call);
}

/* How far S3's clock is ahead of ours, by this answer. */
static int64_t offset_of(const struct strays *s, const struct call *call)
{
    const char *date = wire_head(&call->x, "date");
    int64_t server_us, offset_us;
    if (date && clock_parse_http(date, &server_us) == 0 &&
        retry_clock_offset(server_us, call->x.sent_us, call->x.answered_us,
                           wire_head(&call->x, "age") != NULL, &offset_us))
        return offset_us;
    return site_clock_offset_us(worker_options_of(s->task.worker)->site);
}

/* Take the strays of the page, and where the next one begins. False without memory. */
static bool take_page(struct strays *s, int64_t offset_us)
{
    const struct transfer *t = s->task.transfer;
    free(s->next_key);
    free(s->next_id);
    s->next_key = s->next_id = NULL;
    for (size_t i = 0; i < s->page.count && s->count < IDS_MAX; i++) {
        const struct s3_upload *u = &s->page.uploads[i];
        if (!stray_is(u, t->key, t->since_us, t->until_us, offset_us))
            continue;
        s->ids[s->count] = strdup(u->id);
        if (!s->ids[s->count])
            return false;
        s->count++;
    }
    if (!s->page.next_key)
        return true;
    s->next_key = strdup(s->page.next_key);
    s->next_id = strdup(s->page.next_id);
    return s->next_key && s->next_id;
}

/* All pages of a round were read. */
static void end_round(struct strays *s)
{
    struct transfer *t = s->task.transfer;
    bool none = s->count == 0;
    if (none && !s->next_key) {
        worker_end(&s->task, VERDICT_DONE);
        return;
    }
    if (none || s->rounds == ROUNDS) {
        snprintf(t->message, sizeof(t->message), "%s",
                 none ? "too many uploads of keys that begin with this one"
                      : "they were aborted and are still listed");
        worker_end(&s->task, VERDICT_BUSY);
        return;
    }
    abort_next(s);
}

/* call.read of ListMultipartUploads */
static int read_page(struct call *call, struct s3_error *ret_error)
{
    struct strays *s = call->owner;
    struct span body = {call->x.answer.data, call->x.answer.len};
    s3_uploads_release(&s->page);
    return answers_uploads(body, &s->page, ret_error);
}

static void ask(struct strays *s);

/* call.done of ListMultipartUploads */
static void on_page(struct call *call)
{
    struct strays *s = call->owner;
    enum verdict verdict = call->verdict;
    int64_t offset_us = offset_of(s, call);
    task_report(&s->task, call);
    caller_give(call);
    if (verdict != VERDICT_DONE)
        worker_end(&s->task, verdict);
    else if (!take_page(s, offset_us))
        task_no_memory(&s->task);
    else if (s->next_key && s->count < IDS_MAX && s->pages < PAGES_MAX)
        ask(s);
    else
        end_round(s);
}

/* A page of ListMultipartUploads. */
static void ask(struct strays *s)
{
    struct call *call = task_call(&s->task, "GET", NULL);
    if (!call)
        return;
    s->pages++;
    call->kind = TRANSFER_LIST;
    call_query(call, "encoding-type", "url");
    if (s->next_key)
        call_query(call, "key-marker", s->next_key);
    call_query(call, "prefix", s->task.transfer->key);
    if (s->next_key && *s->next_id)
        call_query(call, "upload-id-marker", s->next_id);
    call_query(call, "uploads", "");
    call->read = read_page;
    call->done = on_page;
    caller_start(call);
}

/* A round: from the first page on. */
static void list(struct strays *s)
{
    clear(s);
    s->rounds++;
    ask(s);
}

/* task.begin */
static void begin(struct task *task)
{
    list((struct strays *)task);
}

struct task *task_strays_new(void)
{
    struct strays *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->task.begin = s->task.feed = begin;
    s->task.drop = drop;
    return &s->task;
}
