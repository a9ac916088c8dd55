/* LIST: one page of ListObjectsV2 as a transfer. Shell. */
#include "uploaders/task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct list {
    struct task task;
    struct s3_page page;
};

/* task.drop */
static void drop(struct task *task)
{
    struct list *l = (struct list *)task;
    s3_page_release(&l->page);
    free(l);
}

/* call.read */
static int read_page(struct call *call, struct s3_error *ret_error)
{
    struct list *l = call->owner;
    struct span body = {call->x.answer.data, call->x.answer.len};
    return answers_list(body, &l->page, ret_error);
}

/* The page as the transfer's items. False without memory. */
static bool take_page(struct transfer *t, const struct s3_page *page)
{
    t->items = calloc(page->count + 1, sizeof(*t->items));
    if (!t->items)
        return false;
    for (; t->item_count < page->count; t->item_count++) {
        const struct s3_object *o = &page->objects[t->item_count];
        struct delete_item *item = &t->items[t->item_count];
        item->key = strdup(o->key);
        item->etag = strdup(o->etag);
        if (!item->key || !item->etag) {
            t->item_count++;
            return false;
        }
    }
    t->truncated = page->next_token != NULL;
    return true;
}

/* call.done */
static void on_page(struct call *call)
{
    struct list *l = call->owner;
    struct transfer *t = l->task.transfer;
    enum verdict verdict = call->verdict;
    task_report(&l->task, call);
    caller_give(call);
    if (verdict == VERDICT_DONE && !s3_page_advances(&l->page, t->source_key ?: "")) {
        snprintf(t->message, sizeof(t->message), "S3's listing goes round in circles");
        verdict = VERDICT_REFUSED;
    }
    if (verdict == VERDICT_DONE && !take_page(t, &l->page))
        task_no_memory(&l->task);
    else
        worker_end(&l->task, verdict);
}

/* task.begin */
static void begin(struct task *task)
{
    const struct transfer *t = task->transfer;
    struct call *call = task_call(task, "GET", NULL);
    if (!call)
        return;
    call_query(call, "encoding-type", "url");
    call_query(call, "list-type", "2");
    call_query(call, "prefix", t->key);
    if (t->source_key)
        call_query(call, "start-after", t->source_key);
    call->read = read_page;
    call->done = on_page;
    caller_start(call);
}

struct task *task_list_new(void)
{
    struct list *l = calloc(1, sizeof(*l));
    if (!l)
        return NULL;
    l->task.begin = l->task.feed = begin;
    l->task.drop = drop;
    return &l->task;
}
