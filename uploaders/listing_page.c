/* One page of ListObjectsV2. Shell. See listing_page.h. */
#include "uploaders/listing_page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* task.drop: the page belongs to its listing. */
static void drop(struct task *task)
{
    (void)task;
}

/* call.read */
static int read_page(struct call *call, struct s3_error *ret_error)
{
    struct listing_page *p = call->owner;
    struct span body = {call->x.answer.data, call->x.answer.len};
    return answers_list(body, &p->got, ret_error);
}

/* call.done */
static void on_page(struct call *call)
{
    struct listing_page *p = call->owner;
    enum verdict verdict = call->verdict;
    task_report(&p->task, call);
    caller_give(call);
    worker_end(&p->task, verdict);
}

/* task.begin */
static void begin(struct task *task)
{
    struct listing_page *p = (struct listing_page *)task;
    struct call *call = task_call(task, "GET", NULL);
    if (!call)
        return;
    if (p->token)
        call_query(call, "continuation-token", p->token);
    else if (p->after[0])
        call_query(call, "start-after", p->after);
    call_query(call, "encoding-type", "url");
    call_query(call, "list-type", "2");
    call_query(call, "prefix", p->prefix);
    call->read = read_page;
    call->done = on_page;
    caller_start(call);
}

struct listing_page *listing_page_new(const char *prefix, const char *after)
{
    struct listing_page *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->prefix = prefix;
    p->after = strdup(after);
    p->transfer = transfer_new(TRANSFER_HEAD, NULL);
    if (p->after && p->transfer)
        return p;
    listing_page_free(p);
    return NULL;
}

void listing_page_free(struct listing_page *p)
{
    if (!p)
        return;
    s3_page_release(&p->got);
    transfer_free(p->transfer);
    free(p->after);
    free(p->token);
    free(p);
}

int listing_page_ask(struct uploaders *u, struct listing_page *p, struct mailbox *reply)
{
    char *token = NULL;
    if (p->got.next_token && !(token = strdup(p->got.next_token)))
        return -ENOMEM;
    free(p->token);
    p->token = token;
    s3_page_release(&p->got);
    p->ready = false;
    p->transfer->owner = p;
    p->task = (struct task){.transfer = p->transfer, .begin = begin, .feed = begin, .drop = drop};
    engine_hand(u, &p->task, reply);
    return 0;
}

const char *listing_page_last(const struct listing_page *p)
{
    return p->got.next_token ? p->got.objects[p->got.count - 1].key : NULL;
}
