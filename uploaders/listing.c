/* ListObjectsV2, page by page. Shell. */
#include "uploaders/engine.h"
#include "uploaders/task.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One page: asked for on a worker, handed out on the thread that waits. */
struct listing {
    struct task task;
    const char *prefix;
    const char *token; /* NULL: the first page */
    struct s3_page page;
};

/* task.drop: the listing belongs to the thread that waits. */
static void drop(struct task *task)
{
    (void)task;
}

/* call.read */
static int read_page(struct call *call, struct s3_error *ret_error)
{
    struct listing *l = call->owner;
    struct span body = {call->x.answer.data, call->x.answer.len};
    return answers_list(body, &l->page, ret_error);
}

/* call.done */
static void on_page(struct call *call)
{
    struct listing *l = call->owner;
    enum verdict verdict = call->verdict;
    task_report(&l->task, call);
    caller_give(call);
    worker_end(&l->task, verdict);
}

/* task.begin */
static void begin(struct task *task)
{
    struct listing *l = (struct listing *)task;
    struct call *call = task_call(task, "GET", NULL);
    if (!call)
        return;
    if (l->token)
        call_query(call, "continuation-token", l->token);
    call_query(call, "encoding-type", "url");
    call_query(call, "list-type", "2");
    call_query(call, "prefix", l->prefix);
    call->read = read_page;
    call->done = on_page;
    caller_start(call);
}

/* What a page that did not come means to the caller. */
static int explain(const struct transfer *t, const char *prefix, struct err *e)
{
    bool final = t->verdict != VERDICT_UNREACHED && t->verdict != VERDICT_BUSY;
    return err_set(e, final ? ERR_REFUSED : -EIO, prefix, "", "listing: %s %.60s %.200s",
                   verdict_name(t->verdict), t->s3_code, t->message);
}

/* Get one page. 0 or a negative code with e. */
static int get_page(struct uploaders *u, struct listing *l, struct err *e)
{
    struct transfer *t = transfer_new(TRANSFER_HEAD, NULL);
    if (!t)
        return err_set(e, -ENOMEM, l->prefix, "", "no memory for a listing");
    l->task = (struct task){.transfer = t, .begin = begin, .feed = begin, .drop = drop};
    int code = engine_run(u, &l->task);
    if (code != 0)
        err_set(e, code, l->prefix, "", "no mailbox: %s", err_name(code));
    else if (t->verdict != VERDICT_DONE)
        code = explain(t, l->prefix, e);
    transfer_free(t);
    return code;
}

/* Hand out the objects of a page. */
static int visit(const struct s3_page *page, int (*fn)(void *arg, const struct s3_object *o),
                 void *arg)
{
    int code = 0;
    for (size_t i = 0; i < page->count && code == 0; i++)
        code = fn(arg, &page->objects[i]);
    return code;
}

int uploaders_list(struct uploaders *u, const char *prefix,
                   int (*fn)(void *arg, const struct s3_object *o), void *arg, struct err *e)
{
    char *token = NULL;
    int code;
    do {
        struct listing l = {.prefix = prefix, .token = token};
        code = get_page(u, &l, e);
        free(token);
        token = NULL;
        if (code == 0) {
            code = visit(&l.page, fn, arg);
            if (code == 0 && l.page.next_token && !(token = strdup(l.page.next_token)))
                code = err_set(e, -ENOMEM, prefix, "", "no memory for a listing");
            s3_page_release(&l.page);
        }
    } while (code == 0 && token);
    free(token);
    return code;
}
