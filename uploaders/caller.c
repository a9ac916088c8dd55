/* Calls of S3 on one thread: signed, sent, judged, tried again. Shell. */
#include "uploaders/caller.h"

#include "base/clock.h"
#include "base/log.h"
#include "uploaders/counts.h"
#include "uploaders/patience.h"
#include "uploaders/redirect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS      5000
#define KEYS_WAIT_MS    20000       /* for other keys: more than their source takes to answer */
#define KEYS_LOOK_MS    20          /* between two looks whether they are there */
#define TELL_US         20000       /* between two reports of what ended */
#define POOL_ANSWER_MAX (64 * 1024) /* a larger answer's memory is not kept */

/* Calls in the order of arrival. */
struct line {
    struct call *head;
    struct call *tail;
};

struct caller {
    struct site *site;
    struct site_view view;
    struct wire *wire;
    struct flow *flow;
    struct counts *counts;
    unsigned number;
    unsigned attempts;
    struct lanes slots; /* that calls hold, and that they wait for */
    struct line queued[LANE_COUNT];
    struct line paced; /* with a slot, but too early: the first one's turn is at paced_ms */
    int64_t paced_ms;
    struct line unsent;  /* could not be built; their owners learn it in the next turn */
    struct call *asleep; /* in no order: never more than there are slots */
    struct call *pool;
    struct call *all;
    struct retry_dice dice;
    struct window_sample ended; /* since flow was told */
    int64_t told_us;            /* real time */
    struct buf scratch;
};

static void on_answer(struct exchange *x);

static void line_put(struct line *line, struct call *call)
{
    call->next = NULL;
    if (line->tail)
        line->tail->next = call;
    else
        line->head = call;
    line->tail = call;
}

static struct call *line_take(struct line *line)
{
    struct call *call = line->head;
    if (call) {
        line->head = call->next;
        if (!line->head)
            line->tail = NULL;
    }
    return call;
}

bool caller_room(const struct caller *c, enum lane lane, bool large_waits)
{
    struct lanes slots = c->slots;
    slots.waiting[LANE_LARGE] += large_waits;
    return c->slots.waiting[lane] == 0 &&
           lanes_open(&slots, lane, 1, flow_share(c->flow, c->number));
}

unsigned caller_waiting(const struct caller *c, enum lane lane)
{
    return (unsigned)c->slots.waiting[lane];
}

bool caller_signs_payload(const struct caller *c)
{
    return site_signs_payload(site_payload_signing(c->site), site_endpoint(c->site)->tls);
}

const struct endpoint *caller_endpoint(const struct caller *c)
{
    return site_endpoint(c->site);
}

/* A call with its buffers. */
static struct call *call_new(struct caller *c)
{
    struct call *call = calloc(1, sizeof(*call));
    if (!call)
        return NULL;
    wire_exchange_init(&call->x);
    buf_init(&call->path, SIGV4_REQUEST_MAX);
    buf_init(&call->query_text, SIGV4_REQUEST_MAX);
    buf_init(&call->url, 2 * SIGV4_REQUEST_MAX);
    buf_init(&call->lines, SIGV4_REQUEST_MAX);
    buf_init(&call->authorization, SIGV4_REQUEST_MAX);
    call->all = c->all;
    c->all = call;
    return call;
}

/* The lines hold signatures and a session token. */
static void call_free(struct call *call)
{
    wire_exchange_release(&call->x);
    buf_release(&call->path);
    buf_release(&call->query_text);
    buf_release(&call->url);
    free(call->elsewhere);
    buf_wipe(&call->lines);
    buf_wipe(&call->authorization);
    free(call);
}

struct call *caller_take(struct caller *c)
{
    struct call *call = c->pool;
    if (call)
        c->pool = call->next;
    else
        call = call_new(c);
    if (!call)
        return NULL;
    call->caller = c;
    call->next = NULL;
    call->kind = TRANSFER_HEAD;
    call->method = "GET";
    call->key = NULL;
    call->query_count = call->header_count = 0;
    call->body = (struct span){NULL, 0};
    call->chunked = NULL;
    call->x.made_n = 0;
    call->broken = false;
    call->lane = LANE_SMALL;
    call->payload_hash[0] = '\0';
    call->read = NULL;
    call->done = NULL;
    call->owner = NULL;
    call->keys_until_ms = 0;
    call->is_elsewhere = false;
    call->doubt_since_us = call->doubt_until_us = 0;
    call->x.given_up = 0;
    memset(&call->error, 0, sizeof(call->error));
    memset(&call->retry, 0, sizeof(call->retry));
    call->x.done = on_answer;
    call->x.answer_max = ANSWERS_BODY_MAX;
    return call;
}

void caller_give(struct call *call)
{
    struct caller *c = call->caller;
    if (call->x.answer.cap > POOL_ANSWER_MAX)
        buf_release(&call->x.answer);
    call->next = c->pool;
    c->pool = call;
}

void call_query(struct call *call, const char *name, const char *value)
{
    if (call->query_count < CALL_QUERY_MAX)
        call->query[call->query_count] = (struct sigv4_pair){name, value};
    call->query_count++;
}

void call_header(struct call *call, const char *name, const char *value)
{
    if (call->header_count < CALL_HEADERS_MAX)
        call->headers[call->header_count] = (struct sigv4_pair){name, value};
    call->header_count++;
}

/* S3 has little to do for it: not a copy, nor putting parts together, nor many keys at once. */
static bool is_quick(const struct call *call)
{
    bool put = call->kind == TRANSFER_PUT && strcmp(call->method, "PUT") == 0;
    return call_bytes(call) < PATIENCE_BODY_MAX &&
           (put || strcmp(call->method, "HEAD") == 0 || strcmp(call->method, "DELETE") == 0);
}

/* Send an attempt. */
static void send(struct caller *c, struct call *call)
{
    int64_t now_us = site_now_us(c->site);
    int code = site_look(c->site, now_us, &c->view);
    call->keys_generation = c->view.keys_generation;
    memcpy(call->region, c->view.endpoint.region, sizeof(call->region));
    if (code == 0)
        code = call_build(call, &c->view, now_us, &c->scratch);
    call->x.quick = is_quick(call);
    if (code == 0) {
        call->sent_us = clock_mono_us();
        wire_send(c->wire, &call->x);
        return;
    }
    call->verdict = code == -ENOMEM ? VERDICT_UNREACHED : VERDICT_REFUSED;
    call->x.status = 0;
    call->x.transport = TRANSPORT_ANSWERED;
    snprintf(call->error.message, sizeof(call->error.message), "the request cannot be made: %s",
             err_name(code));
    line_put(&c->unsent, call);
}

/* May it go now, by the rates in force? If not, it is known when to ask again. */
static bool admit(struct caller *c, const struct call *call)
{
    uint64_t n = call_bytes(call);
    size_t at_once = n < WIRE_INLINE_MAX ? (size_t)n : 0; /* more goes by pieces */
    int64_t wait_us = flow_admit(c->flow, at_once);
    if (wait_us > 0)
        c->paced_ms = clock_mono_ms() + wait_us / US_PER_MS + 1;
    return wait_us == 0;
}

/* One attempt, in its turn. */
static void attempt(struct caller *c, struct call *call)
{
    if (!c->paced.head && admit(c, call))
        send(c, call);
    else
        line_put(&c->paced, call);
}

/* Those whose time has come by the rates in force. */
static void serve_paced(struct caller *c)
{
    while (c->paced.head && clock_mono_ms() >= c->paced_ms && admit(c, c->paced.head))
        send(c, line_take(&c->paced));
}

/* Calls that wait for a slot get those that are free. */
static void serve_queued(struct caller *c)
{
    for (enum lane lane = LANE_SMALL; lane < LANE_COUNT; lane++) {
        while (c->slots.waiting[lane] > 0 &&
               lanes_open(&c->slots, lane, 1, flow_share(c->flow, c->number))) {
            c->slots.waiting[lane]--;
            lanes_enter(&c->slots, lane, 1);
            attempt(c, line_take(&c->queued[lane]));
        }
    }
}

void caller_start(struct call *call)
{
    struct caller *c = call->caller;
    if (lanes_of(call_bytes(call)) == LANE_LARGE)
        call->lane = LANE_LARGE;
    if (!caller_room(c, call->lane, false)) {
        line_put(&c->queued[call->lane], call);
        c->slots.waiting[call->lane]++;
        return;
    }
    lanes_enter(&c->slots, call->lane, 1);
    attempt(c, call);
}

/* The call is over: its slot goes to the next, its owner learns of it. */
static void end_call(struct caller *c, struct call *call)
{
    lanes_leave(&c->slots, call->lane, 1);
    serve_queued(c);
    call->done(call);
}

/* The Error document of an answer, or one inside a 200. True where a 2xx is none. */
static bool read_body(struct call *call)
{
    struct span body = {call->x.answer.data, call->x.answer.len};
    memset(&call->error, 0, sizeof(call->error));
    if (call->x.transport != TRANSPORT_ANSWERED)
        return false;
    if (call->x.status < 200 || call->x.status > 299) {
        if (body.n > 0)
            (void)!answers_error(body, &call->error); /* no code then: judged by the status */
        return false;
    }
    return call->read && call->read(call, &call->error) != 0;
}

/* What an answer says of the clocks. */
struct clock_reading {
    bool known;
    bool off; /* our time, as corrected so far, is wrong */
    int64_t offset_us;
};

/* Only refusals are looked at; where there is no Date the Error document may tell. */
static struct clock_reading read_clock(const struct caller *c, const struct call *call)
{
    struct clock_reading r = {.known = false};
    const char *date = wire_head(&call->x, "date");
    int64_t server_us = call->error.server_time_us;
    if (call->x.status < 400)
        return r;
    bool told = (date && clock_parse_http(date, &server_us) == 0) || server_us != 0;
    r.known = told && retry_clock_offset(server_us, call->x.sent_us, call->x.answered_us,
                                         wire_head(&call->x, "age") != NULL, &r.offset_us);
    int64_t error_us = r.offset_us - site_clock_offset_us(c->site);
    r.off = r.known && (error_us > RETRY_SKEW_MAX_US || error_us < -RETRY_SKEW_MAX_US);
    return r;
}

/* x-amz-retry-after in milliseconds, or -1. */
static int64_t read_hint(const struct call *call)
{
    const char *text = wire_head(&call->x, "x-amz-retry-after");
    if (!text)
        return -1;
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && value >= 0 ? value : -1;
}

/* The answer sends this call to another host, and that one may be asked. Whether it will be is not
 * said yet. */
static bool read_redirect(const struct caller *c, struct call *call)
{
    const char *target = wire_head(&call->x, "location");
    target = target ? target : call->error.endpoint;
    if (call->x.status < 300 || call->x.status > 399 || !*target || call->is_elsewhere)
        return false;
    if (!call->elsewhere)
        call->elsewhere = malloc(sizeof(*call->elsewhere));
    return call->elsewhere && redirect_follow(&c->view.endpoint, target, call->elsewhere);
}

/* The region of the bucket is another one: sign for that. The host that the answer names counts
 * where the region does not say it: for servers that are not Amazon's, or where it is ours. */
static void go_elsewhere(struct caller *c, struct call *call, const char *region, bool moved)
{
    bool learnt = *region && strcmp(region, call->region) != 0;
    if (learnt)
        (void)!site_learn_region(c->site, region); /* a bad name fails again, for good */
    call->is_elsewhere = moved && !(learnt && c->view.endpoint.amazon);
}

/* Put right what an answer complains of, before the next attempt. */
static void learn(struct caller *c, struct call *call, enum failure failure,
                  const struct retry_answer *answer, const struct clock_reading *clock)
{
    switch (failure) {
    case FAILURE_REGION:
        go_elsewhere(c, call, answer->region, answer->moved);
        break;
    case FAILURE_SKEW:
        if (clock->known)
            site_learn_clock(c->site, clock->offset_us);
        break;
    case FAILURE_EXPIRED:
        site_renew(c->site, call->keys_generation); /* the old ones fail again, for good */
        call->keys_until_ms = clock_mono_ms() + KEYS_WAIT_MS;
        break;
    case FAILURE_NONE:
    case FAILURE_TRANSIENT:
    case FAILURE_THROTTLED:
    case FAILURE_DIGEST:
    case FAILURE_FINAL:
        break;
    }
}

/* To be tried again after a while. */
static void put_to_sleep(struct caller *c, struct call *call, int64_t delay_ms)
{
    log_debug("%s %s: %d %s, again in %lld ms", call->method, call->key ? call->key : "",
              call->x.status, call->x.status ? call->error.code : call->x.words,
              (long long)delay_ms);
    call->wake_ms = clock_mono_ms() + delay_ms;
    call->next = c->asleep;
    c->asleep = call;
}

/* What an answer says of how fast S3 can go. */
static void note_answer(struct caller *c, const struct call *call, enum failure failure)
{
    const struct exchange *x = &call->x;
    if (failure == FAILURE_THROTTLED)
        flow_throttled(c->flow, call->sent_us, clock_mono_us());
    if (x->transport != TRANSPORT_ANSWERED || x->status >= 500 || failure == FAILURE_THROTTLED)
        return;
    c->ended.calls++;
    c->ended.bytes += call_bytes(call);
    c->ended.took_us += x->answered_us > x->sent_us ? (uint64_t)(x->answered_us - x->sent_us) : 0;
    if (x->answered_us - c->told_us < TELL_US && x->answered_us >= c->told_us)
        return;
    flow_ended(c->flow, &c->ended, clock_mono_us());
    memset(&c->ended, 0, sizeof(c->ended));
    c->told_us = x->answered_us;
}

/* An attempt that was sent more than once, or without an answer that tells, may have taken effect
 * unheard. */
static void note_doubt(struct call *call, bool told)
{
    const struct exchange *x = &call->x;
    if (x->sent == 0 || (x->sent == 1 && told))
        return;
    if (!call->doubt_until_us)
        call->doubt_since_us = x->sent_us;
    call->doubt_until_us = x->answered_us;
}

/* exchange.done: judge the attempt. */
static void on_answer(struct exchange *x)
{
    struct call *call = (struct call *)x;
    struct caller *c = call->caller;
    if (x->was_slow) { /* at once, on a new connection; that costs no attempt */
        counts_attempt(c->counts, call, &(struct judgement){FAILURE_TRANSIENT, VERDICT_UNREACHED},
                       true);
        x->given_up++;
        note_doubt(call, false);
        put_to_sleep(c, call, 0);
        return;
    }
    if (call->broken) {
        const struct judgement lost = {FAILURE_TRANSIENT, VERDICT_UNREACHED};
        note_doubt(call, true); /* the one that broke was never whole */
        counts_attempt(c->counts, call, &lost, false);
        call->verdict = VERDICT_UNREACHED;
        end_call(c, call);
        return;
    }
    bool error_body = read_body(call);
    const char *region = wire_head(x, "x-amz-bucket-region");
    struct clock_reading clock = read_clock(c, call);
    int64_t delay_ms = 0;
    struct retry_answer answer = {.kind = call->kind,
                                  .transport = x->transport,
                                  .http_status = x->status,
                                  .code = call->error.code,
                                  .error_body = error_body,
                                  .region = region ? region : call->error.region,
                                  .our_region = call->region,
                                  .moved = read_redirect(c, call),
                                  .clock_off = clock.off,
                                  .temporary = c->view.credentials.session_token != NULL};
    struct judgement j = retry_judge(&answer);
    note_doubt(call, j.failure != FAILURE_TRANSIENT);
    note_answer(c, call, j.failure);
    bool again = retry_next(&call->retry, flow_quota(c->flow), &c->dice, &j, read_hint(call),
                            c->attempts, &delay_ms) == RETRY_GO;
    counts_attempt(c->counts, call, &j, again);
    if (again) {
        learn(c, call, j.failure, &answer, &clock);
        put_to_sleep(c, call, delay_ms);
        return;
    }
    call->verdict = j.verdict;
    end_call(c, call);
}

void call_break(struct call *call)
{
    if (!call->x.talk)
        return;
    call->broken = true;
    wire_break(&call->x);
}

/* When the first sleeper is due; INT64_MAX: none sleeps. */
static int64_t first_wake_ms(const struct caller *c)
{
    int64_t first = INT64_MAX;
    for (const struct call *call = c->asleep; call; call = call->next)
        if (call->wake_ms < first)
            first = call->wake_ms;
    return first;
}

/* The keys that the call waits for may still come: look again soon. */
static bool waits_for_keys(const struct caller *c, struct call *call, int64_t now_ms)
{
    if (!call->keys_until_ms)
        return false;
    if (now_ms < call->keys_until_ms && site_is_renewing(c->site, call->keys_generation)) {
        call->wake_ms = now_ms + KEYS_LOOK_MS;
        return true;
    }
    call->keys_until_ms = 0;
    return false;
}

/* The next attempts that are due. */
static void wake(struct caller *c)
{
    if (!c->asleep)
        return;
    int64_t now_ms = clock_mono_ms();
    struct call *list = c->asleep;
    c->asleep = NULL;
    while (list) {
        struct call *call = list;
        list = call->next;
        if (call->wake_ms <= now_ms && !waits_for_keys(c, call, now_ms)) {
            attempt(c, call);
        } else {
            call->next = c->asleep;
            c->asleep = call;
        }
    }
}

void caller_turn(struct caller *c, int64_t until_ms)
{
    if (c->asleep) {
        int64_t first_ms = first_wake_ms(c);
        until_ms = first_ms < until_ms ? first_ms : until_ms;
    }
    if (c->paced.head && c->paced_ms < until_ms)
        until_ms = c->paced_ms;
    wire_turn(c->wire, c->unsent.head ? 0 : until_ms);
    wake(c);
    serve_paced(c);
    serve_queued(c); /* there may be more slots than before */
    struct line unsent = c->unsent;
    c->unsent = (struct line){NULL, NULL};
    for (struct call *call; (call = line_take(&unsent));)
        end_call(c, call);
}

int caller_watch(struct caller *c, int fd)
{
    return wire_watch(c->wire, fd);
}

/* wire_options.pace: the next piece of a large body. */
static int64_t pace(void *arg, size_t *n)
{
    const struct caller *c = arg;
    return flow_body(c->flow, n);
}

int caller_new(const struct caller_options *opt, struct caller **ret, struct err *e)
{
    struct caller *c = calloc(1, sizeof(*c));
    if (!c)
        return err_set(e, -ENOMEM, "", "", "no memory for a worker");
    c->site = opt->site;
    c->flow = opt->flow;
    c->counts = opt->counts;
    c->number = opt->number;
    c->attempts = opt->attempts;
    c->dice.state = opt->seed;
    buf_init(&c->scratch, SIGV4_REQUEST_MAX);
    struct wire_options wo = {.ca_file = opt->ca_file,
                              .proxy = opt->proxy,
                              .addresses = opt->addresses,
                              .exchanges = opt->calls,
                              .timeout_ms = opt->timeout_ms,
                              .connect_ms = CONNECT_MS,
                              .pace = pace,
                              .pace_arg = c};
    int code = wire_new(&wo, &c->wire, e);
    if (code != 0) {
        caller_free(c);
        return code;
    }
    *ret = c;
    return 0;
}

void caller_free(struct caller *c)
{
    if (!c)
        return;
    wire_free(c->wire);
    while (c->all) {
        struct call *call = c->all;
        c->all = call->all;
        call_free(call);
    }
    site_view_wipe(&c->view);
    buf_wipe(&c->scratch);
    free(c);
}
