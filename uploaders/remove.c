/*
 * DELETE and DELETE_MANY where an object may only go if it is still the one that is meant: its ETag
 * must hold. Shell.
 *
 * Amazon's S3 holds the condition (If-Match; ETag in DeleteObjects). Other servers refuse it, or
 * take no notice of it and delete. Which it is, is learned once for each of the two requests, from
 * the first object that is to go: it is looked at (HEAD) and, if it is the one that is meant,
 * deleted on the condition of an ETag that it does not have. Who holds the condition refuses that;
 * who does not has deleted what was to go. Where the condition is not held each object is looked at
 * first: what somebody puts there between HEAD and DELETE is lost.
 *
 *   an object:  ASK   -> it went                                    OVER
 *                     -> refused: another, or compared otherwise?   LOOK
 *               LOOK  -> it is another: conflict; or is none: done  OVER
 *                     -> it is the one that is meant                SEND, or PROBE
 *               PROBE -> refused: the condition is held             ASK
 *                     -> went: it is not held                       OVER
 *                     -> the server does not know the request       SEND
 *               SEND  -> went, or did not                           OVER
 *
 * One that was refused and is still the one that is meant tells of a server that compares ETags in
 * another form: it is deleted, and the condition counts as not held from then on.
 */
#include "uploaders/task.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MD5_BASE64_SIZE 25
#define DELETE_BODY_MAX (16 * 1024 * 1024) /* 1,000 keys of 1,024 bytes, escaped, with room */
#define LOOKS_MAX       16                 /* HEADs of one transfer at once */
#define WRONG_ETAG      "00000000000000000000000000000000" /* no object's, or as good as that */

enum step { STEP_SEND, STEP_ASK, STEP_PROBE, STEP_LOOK, STEP_LOOKING, STEP_OVER };

/* A HEAD in flight. */
struct look {
    struct remove *remove;
    struct delete_item *item;
};

struct remove {
    struct task task;
    struct delete_item *items; /* the transfer's, or `one` */
    size_t count;
    struct delete_item one;   /* DELETE */
    enum step *steps;         /* of each item */
    struct delete_item *sent; /* what the document under way names; borrows */
    size_t *sent_at;
    size_t sent_count;
    bool probing;         /* whether the server holds the condition is not known yet */
    bool ready;           /* ... and an item is there to find out with */
    bool asked;           /* objects that are looked at now were refused before */
    enum verdict verdict; /* of the last request that failed as a whole */
    unsigned flying;
    size_t next; /* items before it were looked at, if they had to be */
    struct look looks[LOOKS_MAX];
    struct buf body;
    char md5[MD5_BASE64_SIZE];
    char condition[S3_ETAG_MAX + 2]; /* DELETE */
};

static void pump(struct remove *r);

/* task.drop */
static void drop(struct task *task)
{
    struct remove *r = (struct remove *)task;
    buf_release(&r->body);
    free(r->steps);
    free(r->sent);
    free(r->sent_at);
    free(r);
}

/* One object by itself? */
static bool is_single(const struct remove *r)
{
    return r->task.transfer->kind == TRANSFER_DELETE;
}

/* The request whose condition is in question. */
static enum site_delete request_of(const struct remove *r)
{
    return is_single(r) ? SITE_DELETE_ONE : SITE_DELETE_MANY;
}

/* The site, which knows what was learned of the server. */
static struct site *site_of(const struct remove *r)
{
    return worker_options_of(r->task.worker)->site;
}

/* From now on this is known of the server. */
static void learn(const struct remove *r, enum site_condition what)
{
    site_learn_condition(site_of(r), request_of(r), what);
}

/* An object that is through. code NULL: it is gone. */
static void over(struct remove *r, size_t at, const char *code)
{
    r->steps[at] = STEP_OVER;
    r->items[at].done = !code;
    snprintf(r->items[at].code, sizeof(r->items[at].code), "%s", code ? code : "");
}

/* The words for a call that failed. */
static const char *code_of(const struct call *call)
{
    return call->error.code[0] ? call->error.code : verdict_name(call->verdict);
}

/* ---- HEAD ---- */

/* It is the one that is meant. */
static void looked_same(struct remove *r, size_t at)
{
    if (r->asked) /* and was refused all the same */
        learn(r, SITE_CONDITION_IGNORED);
    r->ready = r->probing;
    r->steps[at] = r->probing ? STEP_PROBE : STEP_SEND;
}

/* It is encrypted with a key that is not the rules' any more: nobody can look at it, but who holds
 * conditions can compare its ETag. */
static bool is_locked(const struct remove *r, const struct delete_item *item, enum verdict verdict)
{
    const char *md5;
    return (verdict == VERDICT_DENIED || verdict == VERDICT_REFUSED) && !r->asked &&
           s3_attributes_key(item->attributes, &md5) &&
           site_condition(site_of(r), request_of(r)) != SITE_CONDITION_IGNORED;
}

/* What a look found. */
static void looked(struct remove *r, size_t at, const struct call *call)
{
    struct delete_item *item = &r->items[at];
    if (call->verdict == VERDICT_ABSENT) {
        over(r, at, NULL);
        return;
    }
    if (is_locked(r, item, call->verdict)) {
        r->steps[at] = STEP_ASK;
        return;
    }
    if (call->verdict != VERDICT_DONE) {
        r->verdict = call->verdict;
        over(r, at, code_of(call));
        return;
    }
    task_etag(call, item->seen);
    item->conflict = strcmp(item->seen, item->etag) != 0;
    if (item->conflict)
        over(r, at, "PreconditionFailed");
    else
        looked_same(r, at);
}

/* call.done of HEAD */
static void on_look(struct call *call)
{
    struct look *look = call->owner;
    struct remove *r = look->remove;
    r->task.transfer->attempts += call->retry.attempts;
    looked(r, (size_t)(look->item - r->items), call);
    look->item = NULL;
    caller_give(call);
    r->flying--;
    pump(r);
}

/* Ask for one object. */
static void look_at(struct remove *r, size_t at)
{
    struct look *look = r->looks;
    while (look->item)
        look++;
    struct call *call = caller_take(worker_caller(r->task.worker));
    if (!call) {
        over(r, at, "no memory");
        return;
    }
    *look = (struct look){.remove = r, .item = &r->items[at]};
    call->kind = TRANSFER_HEAD;
    call->method = "HEAD";
    call->key = r->items[at].key;
    task_add_key(call, r->items[at].attributes);
    call->owner = look;
    call->done = on_look;
    r->steps[at] = STEP_LOOKING;
    r->flying++;
    caller_start(call);
}

/* Ask for those that have to be looked at, as many as may be in flight; one after the other while
 * one is looked for to find out with. */
static void look_around(struct remove *r)
{
    size_t most = r->probing ? 1 : LOOKS_MAX;
    while (r->next < r->count && r->flying < most && !r->ready) {
        size_t at = r->next++;
        if (r->steps[at] == STEP_LOOK)
            look_at(r, at);
    }
}

/* ---- DELETE and DeleteObjects ---- */

/* A refusal that says that the server does not know such requests (not that it refuses this one).
 */
static bool is_unknown(const char *code, int status)
{
    return strcmp(code, "NotImplemented") == 0 || strcmp(code, "MalformedXML") == 0 ||
           status == 501;
}

static bool is_failed_condition(const char *code)
{
    return strcmp(code, "PreconditionFailed") == 0;
}

/* The condition of the probe was held, or was not. True: the item's step is decided. */
static bool probed(struct remove *r, size_t at, const struct delete_item *answer, int status)
{
    if (answer->done) {
        learn(r, SITE_CONDITION_IGNORED);
        over(r, at, NULL);
    } else if (is_failed_condition(answer->code)) {
        learn(r, SITE_CONDITION_HELD);
        r->steps[at] = STEP_ASK;
    } else if (is_unknown(answer->code, status)) {
        learn(r, SITE_CONDITION_IGNORED);
        r->steps[at] = STEP_SEND;
    } else {
        return false;
    }
    return true;
}

/* What the server says of one object. */
static void answered(struct remove *r, size_t at, const struct delete_item *answer, int status)
{
    if (r->steps[at] == STEP_PROBE && probed(r, at, answer, status))
        return;
    if (r->steps[at] == STEP_ASK && is_failed_condition(answer->code))
        r->steps[at] = STEP_LOOK;
    else
        over(r, at, answer->done ? NULL : answer->code);
}

/* All that was sent is answered. What waited for the probe goes on by what it told; where it told
 * nothing, each is looked at. */
static void all_answered(struct remove *r, int status)
{
    bool was_probing = r->probing;
    for (size_t i = 0; i < r->sent_count; i++)
        answered(r, r->sent_at[i], &r->sent[i], status);
    r->sent_count = r->next = 0;
    r->probing = r->ready = false;
    r->asked = !was_probing;
    if (!was_probing || site_condition(site_of(r), request_of(r)) != SITE_CONDITION_HELD)
        return;
    for (size_t i = 0; i < r->count; i++)
        if (r->steps[i] == STEP_LOOK)
            r->steps[i] = STEP_ASK;
}

/* call.read of DeleteObjects */
static int read_deleted(struct call *call, struct s3_error *ret_error)
{
    const struct remove *r = call->owner;
    struct span body = {call->x.answer.data, call->x.answer.len};
    return answers_delete(body, r->sent, r->sent_count, ret_error);
}

/* call.done of DELETE and DeleteObjects */
static void on_deleted(struct call *call)
{
    struct remove *r = call->owner;
    bool failed = call->verdict != VERDICT_DONE && call->verdict != VERDICT_ABSENT;
    int status = call->x.status;
    struct transfer *t = r->task.transfer;
    t->unheard = t->unheard || call->doubt_until_us;
    task_report(&r->task, call);
    for (size_t i = 0; i < r->sent_count; i++) {
        if (!failed && !is_single(r))
            continue; /* read_deleted has told */
        r->sent[i].done = !failed;
        snprintf(r->sent[i].code, sizeof(r->sent[i].code), "%s",
                 !failed         ? ""
                 : status == 412 ? "PreconditionFailed"
                                 : code_of(call));
    }
    if (failed && status != 412)
        r->verdict = call->verdict;
    caller_give(call);
    all_answered(r, status);
    pump(r);
}

/* A refusal for want of memory, or of a key that cannot be sent. */
static void fail(struct remove *r, int code)
{
    struct transfer *t = r->task.transfer;
    if (code == -ENOMEM) {
        task_no_memory(&r->task);
        return;
    }
    snprintf(t->message, sizeof(t->message), "the keys cannot be sent: %s", err_name(code));
    worker_end(&r->task, VERDICT_REFUSED);
}

/* The request for what was gathered in `sent`. */
static void send_many(struct remove *r)
{
    uint8_t digest[MD5_BYTES];
    buf_reset(&r->body);
    int code = answers_build_delete(r->sent, r->sent_count, &r->body);
    if (code != 0) {
        fail(r, code);
        return;
    }
    digest_md5(r->body.data, r->body.len, digest);
    base64_encode(digest, sizeof(digest), r->md5);
    struct call *call = task_call(&r->task, "POST", NULL);
    if (!call)
        return;
    call_query(call, "delete", "");
    call_header(call, "content-md5", r->md5);
    call_header(call, "content-type", "application/xml");
    call->body = (struct span){r->body.data, r->body.len};
    call->read = read_deleted;
    call->done = on_deleted;
    caller_start(call);
}

static void send_single(struct remove *r)
{
    struct call *call = task_call(&r->task, "DELETE", r->items[0].key);
    if (!call)
        return;
    if (r->sent[0].etag) {
        snprintf(r->condition, sizeof(r->condition), "\"%s\"", r->sent[0].etag);
        call_header(call, "if-match", r->condition);
    }
    call->done = on_deleted;
    caller_start(call);
}

/* Gather what may be sent now; while it is not known whether conditions are held, the probe alone.
 */
static void gather(struct remove *r)
{
    static char wrong[] = WRONG_ETAG;
    r->sent_count = 0;
    for (size_t i = 0; i < r->count; i++) {
        enum step step = r->steps[i];
        if (step == STEP_OVER || (r->probing && step != STEP_PROBE))
            continue;
        struct delete_item *s = &r->sent[r->sent_count];
        *s = (struct delete_item){.key = r->items[i].key};
        if (step == STEP_PROBE)
            s->etag = wrong;
        else if (step == STEP_ASK)
            s->etag = r->items[i].etag;
        r->sent_at[r->sent_count++] = i;
    }
}

/* Everything is through. */
static void end(struct remove *r)
{
    struct transfer *t = r->task.transfer;
    enum verdict verdict = r->verdict;
    if (is_single(r)) {
        verdict = r->one.done ? VERDICT_DONE : r->one.conflict ? VERDICT_CONFLICT : r->verdict;
        snprintf(t->etag, sizeof(t->etag), "%s", r->one.conflict ? r->one.seen : "");
        if (r->one.conflict)
            snprintf(t->s3_code, sizeof(t->s3_code), "PreconditionFailed");
    }
    worker_end(&r->task, verdict);
}

/* Go on: with looks; where none is needed or under way, with the next request; else it is over. */
static void pump(struct remove *r)
{
    look_around(r);
    if (r->flying)
        return;
    r->probing = r->ready; /* else nothing was left to find out with */
    gather(r);
    if (!r->sent_count)
        end(r);
    else if (is_single(r))
        send_single(r);
    else
        send_many(r);
}

/* The first step of each item, by what is known of the server. */
static void begin_steps(struct remove *r)
{
    enum site_condition known = site_condition(site_of(r), request_of(r));
    r->probing = false;
    for (size_t i = 0; i < r->count; i++) {
        struct delete_item *item = &r->items[i];
        bool bound = item->etag && item->etag[0];
        item->done = item->conflict = false;
        item->code[0] = item->seen[0] = '\0';
        r->steps[i] = !bound ? STEP_SEND : known == SITE_CONDITION_HELD ? STEP_ASK : STEP_LOOK;
        r->probing |= bound && known == SITE_CONDITION_UNKNOWN;
    }
}

/* task.begin */
static void begin(struct task *task)
{
    struct remove *r = (struct remove *)task;
    struct transfer *t = task->transfer;
    r->items = t->items;
    r->count = t->item_count;
    if (is_single(r)) {
        r->one = (struct delete_item){
            .key = t->key, .etag = t->source_etag, .attributes = t->attributes};
        r->items = &r->one;
        r->count = 1;
    }
    r->steps = calloc(r->count + 1, sizeof(*r->steps));
    r->sent = calloc(r->count + 1, sizeof(*r->sent));
    r->sent_at = calloc(r->count + 1, sizeof(*r->sent_at));
    if (!r->steps || !r->sent || !r->sent_at) {
        task_no_memory(task);
        return;
    }
    begin_steps(r);
    pump(r);
}

struct task *task_remove_new(void)
{
    struct remove *r = calloc(1, sizeof(*r));
    if (!r)
        return NULL;
    buf_init(&r->body, DELETE_BODY_MAX);
    r->task.begin = r->task.feed = begin;
    r->task.drop = drop;
    return &r->task;
}
