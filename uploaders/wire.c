/* HTTP exchanges of one thread. Shell. */
#include "uploaders/wire.h"

#include "base/clock.h"
#include "uploaders/connections.h"
#include "uploaders/http.h"
#include "uploaders/patience.h"
#include "uploaders/proxies.h"
#include "uploaders/wire_list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST_HEAD_MAX (1024 * 1024) /* bytes */
#define TLS_RECORD       (16 * 1024)
#define PIECE_MAX        (512 * 1024) /* bytes of a larger body that are sent at once */
#define TLS_PIECE_MAX    (64 * 1024)
#define INBOX_BYTES      (64 * 1024)
#define SWEEP_MIN_MS     50
#define SWEEP_MAX_MS     1000
#define SWEEP_QUICK      250 /* ms, while there are requests that may be given up early */
#define DETOURS_MAX      2   /* of one exchange */
#define USER_AGENT       "lockstep/" PACKAGE_VERSION

/* An exchange under way, with what it needs beside it. */
struct talk {
    struct wire *wire;
    struct talk *next; /* in the pool */
    struct exchange *x;
    struct connection *c;
    struct connection_wish wish;
    struct buf head;  /* of the request; over TLS the beginning of its body, too */
    size_t head_body; /* bytes of the body in there */
    size_t sent;      /* bytes of head and body together */
    size_t may;       /* that many may be, by the pace */
    bool over;        /* the exchange, which may be freed */
    bool deaf;        /* the server takes no more; what it has said may still be read */
    bool starved;     /* the next piece of its body is not there yet */
    int64_t moved;    /* bytes, in both directions */
    struct http_answer answer;
};

struct wire {
    struct connections *connections;
    char *proxy; /* as wire_proxy says */
    int64_t timeout_ms;
    int64_t (*pace)(void *arg, size_t *n);
    void *pace_arg;
    int64_t resume_ms; /* monotonic, of the first body that is held back; INT64_MAX: none */
    struct patience patience;
    int64_t sweep_ms; /* monotonic, when to look for exchanges that stand still */
    struct talk *pool;
    struct exchange *active;
    struct exchange *waiting; /* handed over, not begun; the first one first */
    struct exchange *waiting_last;
    bool told; /* of an end, or a want, in this turn */
    char inbox[INBOX_BYTES];
};

/* Out of the pool, or a new one; NULL without memory. */
static struct talk *talk_take(struct wire *w)
{
    struct talk *t = w->pool;
    if (t) {
        w->pool = t->next;
        return t;
    }
    t = calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    t->wire = w;
    buf_init(&t->head, REQUEST_HEAD_MAX);
    return t;
}

/* Back into the pool. */
static void talk_give(struct talk *t)
{
    t->over = true;
    t->c = NULL;
    t->next = t->wire->pool;
    t->wire->pool = t;
}

/* The words of a failure, and more of it. */
static void set_words(struct exchange *x, const char *words, const char *detail)
{
    snprintf(x->words, sizeof(x->words), "%s", words);
    snprintf(x->detail, sizeof(x->detail), "%s", detail);
}

void wire_send(struct wire *w, struct exchange *x)
{
    buf_reset(&x->head);
    buf_reset(&x->answer);
    x->transport = TRANSPORT_LOST;
    x->status = 0;
    x->talk = NULL;
    x->progress = 0;
    x->was_slow = false;
    x->resume_ms = 0;
    x->detours = x->sent = 0;
    x->words[0] = x->detail[0] = '\0';
    x->sent_us = clock_real_us();
    x->answered_us = x->sent_us;
    x->progress_ms = x->begun_ms = clock_mono_ms();
    x->after = NULL;
    if (w->waiting_last)
        w->waiting_last->after = x;
    else
        w->waiting = x;
    w->waiting_last = x;
}

/* Its connection goes back, or away. */
static void let_go(struct talk *t, bool keep)
{
    if (t->c)
        connections_give(t->wire->connections, t->c, keep);
    t->c = NULL;
}

/* Its owner learns of the end. */
static void tell(struct wire *w, struct exchange *x)
{
    w->told = true;
    x->done(x);
}

/* An exchange is over, one way or the other: take it out and tell its owner. */
static void finish(struct talk *t, enum transport transport, bool keep)
{
    struct wire *w = t->wire;
    struct exchange *x = t->x;
    bool answered = transport == TRANSPORT_ANSWERED;
    x->status = answered ? t->answer.status : 0;
    x->transport = transport;
    x->answered_us = clock_real_us();
    if (x->quick && (answered || x->was_slow))
        patience_note(&w->patience, clock_mono_ms() - x->begun_ms);
    let_go(t, keep);
    wire_list_remove(&w->active, x);
    x->talk = NULL;
    talk_give(t);
    tell(w, x);
}

/* It came to nothing. */
static void fail(struct talk *t, const char *words, const char *detail)
{
    set_words(t->x, words, detail);
    finish(t, TRANSPORT_LOST, false);
}

/* How long its body is. */
static size_t body_bytes(const struct exchange *x)
{
    return x->made_n > 0 ? x->made_n : x->body.n;
}

/* The head of the request. Over TLS what fits into its first record goes along with it. */
static int write_head(struct talk *t)
{
    const struct exchange *x = t->x;
    struct buf authorization;
    buf_init(&authorization, REQUEST_HEAD_MAX);
    struct http_request q = {.method = x->method,
                             .to = t->wish.to,
                             .lines = x->lines,
                             .lines_n = x->lines_n,
                             .has_body = body_bytes(x) > 0 || strcmp(x->method, "PUT") == 0 ||
                                         strcmp(x->method, "POST") == 0,
                             .body_n = body_bytes(x),
                             .agent = USER_AGENT};
    int rc = 0;
    if (t->wish.proxy && *t->wish.proxy && proxies_reads(t->wish.proxy)) {
        q.by_proxy = true;
        rc = proxies_authorization(t->wish.proxy, &authorization);
        q.authorization = authorization.len > 0 ? authorization.data : NULL;
    }
    buf_reset(&t->head);
    rc = rc ?: http_write(&q, &t->head);
    buf_wipe(&authorization);
    if (rc == 0 && t->wish.to.tls && t->head.len < TLS_RECORD) {
        size_t fits = TLS_RECORD - t->head.len;
        t->head_body = x->body.n < fits ? x->body.n : fits;
        if (x->body.n >= WIRE_INLINE_MAX)
            t->head_body = 0; /* it goes by the pace */
        rc = buf_append(&t->head, x->body.p, t->head_body);
    }
    return rc;
}

/* How long the request is, with its body. */
static size_t length_of(const struct talk *t)
{
    return t->head.len - t->head_body + body_bytes(t->x);
}

/* How much of that is there. */
static size_t there(const struct talk *t)
{
    const struct exchange *x = t->x;
    return x->made_n > 0 ? t->head.len + x->made_at + x->body.n : length_of(t);
}

/* A body is sent faster than it may be: it rests. */
static void hold_back(struct talk *t, int64_t wait_us)
{
    struct wire *w = t->wire;
    t->x->resume_ms = clock_mono_ms() + wait_us / US_PER_MS + 1;
    if (t->x->resume_ms < w->resume_ms)
        w->resume_ms = t->x->resume_ms;
}

/* May more of it go? What was allowed once stays so. */
static bool ask_pace(struct talk *t)
{
    struct wire *w = t->wire;
    size_t piece = t->wish.to.tls ? TLS_PIECE_MAX : PIECE_MAX, left = there(t) - t->may;
    if (t->sent < t->may && t->may > t->head.len)
        return true;
    if (left > piece + piece / 8) /* a small rest goes with it */
        left = piece;
    int64_t wait_us = w->pace && left > 0 ? w->pace(w->pace_arg, &left) : 0;
    if (wait_us > 0)
        hold_back(t, wait_us);
    else
        t->may += left;
    return wait_us <= 0;
}

/* What is next of the request, as far as it may go. How many pieces. */
static int pieces_of(const struct talk *t, struct iovec out[CONNECTION_PIECES])
{
    int n = 0;
    size_t at = t->sent;
    if (at < t->head.len) {
        out[n++] = (struct iovec){t->head.data + at, t->head.len - at};
        at = t->head.len;
    }
    if (at < t->may) {
        const char *body = t->x->body.p + (at - t->head.len - t->x->made_at) + t->head_body;
        out[n++] = (struct iovec){(char *)(uintptr_t)body, t->may - at};
    }
    return n;
}

static void receive(struct talk *t);
static void begin(struct talk *t, bool fresh);

/* The connection is of no use any more. Where it was kept from before and nothing came of the
 * answer it was dead already, and the request goes on a new one. */
static void lose(struct talk *t, const char *words, const char *detail)
{
    if (!connection_is_used(t->c) || t->answer.begun) {
        fail(t, words, detail);
        return;
    }
    let_go(t, false);
    begin(t, true);
}

/* The server takes no more: perhaps it said why. */
static void hear_out(struct talk *t, int code)
{
    t->deaf = true;
    receive(t);
    if (!t->over && t->deaf)
        lose(t, "the connection ended while sending", connection_trouble(t->c, code));
}

/* What is there of a body was sent, and there is to be more. */
static void starve(struct talk *t)
{
    if (t->sent < there(t) || t->sent == length_of(t))
        return;
    t->starved = true;
    t->wire->told = true;
    t->x->starved(t->x, t->sent - t->head.len);
}

/* Send what can be sent at once; of a large body a piece, then others have their turn. */
static void send_more(struct talk *t)
{
    struct iovec pieces[CONNECTION_PIECES];
    if (t->sent < there(t) && ask_pace(t)) {
        ssize_t n = connection_send(t->c, pieces, pieces_of(t, pieces));
        if (n < 0 && n != -EAGAIN) {
            hear_out(t, (int)n);
            return;
        }
        t->sent += n > 0 ? (size_t)n : 0;
        t->moved += n > 0 ? n : 0;
        starve(t);
    }
    bool more = t->sent < length_of(t) && t->x->resume_ms == 0 && !t->starved;
    int rc = connection_wait(t->c, more);
    if (rc != 0)
        fail(t, "the connection cannot be waited for", err_name(rc));
}

/* An open connection: the request goes. */
static void speak(struct talk *t)
{
    struct exchange *x = t->x;
    t->sent = 0;
    t->may = body_bytes(x) < WIRE_INLINE_MAX && x->made_n == 0 ? length_of(t) : t->head.len;
    x->made_at = 0;
    if (x->made_n > 0)
        x->body.n = 0;
    buf_reset(&x->head);
    buf_reset(&x->answer);
    http_begin(&t->answer, strcmp(x->method, "HEAD") == 0, &x->head, &x->answer, x->answer_max);
    x->sent++;
    send_more(t);
}

/* Find it a connection. */
static void begin(struct talk *t, bool fresh)
{
    t->wish.fresh = fresh;
    t->deaf = t->starved = false;
    t->x->resume_ms = 0;
    t->c = connections_take(t->wire->connections, &t->wish);
    if (!t->c)
        fail(t, "the request cannot begin", "no memory");
    else if (connection_is_open(t->c))
        speak(t);
}

/* connections_options.opened: that, or why not. */
static void on_opened(void *arg, void *owner, enum connecting how)
{
    struct talk *t = owner;
    struct exchange *x = t->x;
    (void)arg;
    if (how == CONNECTING_OPEN) {
        speak(t);
        return;
    }
    if (how == CONNECTING_UNREACHABLE && x->detours++ < DETOURS_MAX) {
        let_go(t, false);
        x->begun_ms = x->progress_ms = clock_mono_ms();
        begin(t, true);
        return;
    }
    connection_words(t->c, x->words, sizeof(x->words), x->detail, sizeof(x->detail));
    finish(t, how == CONNECTING_UNTRUSTED ? TRANSPORT_UNTRUSTED : TRANSPORT_LOST, false);
}

/* What http says of an answer, at its end. `left`: bytes that are not its own. */
static void conclude(struct talk *t, enum http_said said, size_t left)
{
    bool whole = t->sent == length_of(t) && !t->deaf;
    if (said == HTTP_ENDED)
        finish(t, TRANSPORT_ANSWERED, whole && left == 0 && t->answer.keeps);
    else
        lose(t, t->answer.fault, "");
}

/* Read what came. */
static void receive(struct talk *t)
{
    struct wire *w = t->wire;
    for (bool more = true; more;) {
        size_t used = 0;
        ssize_t n = connection_receive(t->c, w->inbox, sizeof(w->inbox), &more);
        if (n == -EAGAIN)
            return;
        enum http_said said =
            n > 0 ? http_read(&t->answer, w->inbox, (size_t)n, &used) : http_close(&t->answer);
        t->moved += n > 0 ? n : 0;
        if (n < 0)
            lose(t, "the connection ended while receiving", connection_trouble(t->c, (int)n));
        else if (said != HTTP_GOES_ON)
            conclude(t, said, (size_t)n - used);
        if (n < 0 || said != HTTP_GOES_ON)
            return;
    }
}

/* connections_options.ready. */
static void on_ready(void *arg, void *owner, bool writes)
{
    struct talk *t = owner;
    (void)arg;
    receive(t);
    if (writes && !t->over && connection_is_open(t->c) && t->x->resume_ms == 0 && !t->starved)
        send_more(t);
}

void wire_more(struct exchange *x, size_t at, struct span piece)
{
    struct talk *t = x->talk;
    if (!t || !t->starved)
        return;
    x->made_at = at;
    x->body = piece;
    t->starved = false;
    send_more(t);
}

void wire_break(struct exchange *x)
{
    if (x->talk)
        fail(x->talk, "the body cannot be made", "");
}

/* Begin one that was handed over. */
static void start(struct wire *w, struct exchange *x)
{
    struct talk *t = talk_take(w);
    if (!t) {
        set_words(x, "the request cannot begin", "no memory");
        tell(w, x);
        return;
    }
    t->x = x;
    t->over = false;
    t->moved = 0;
    t->head_body = 0;
    t->wish = (struct connection_wish){.owner = t, .elsewhere = x->given_up > 0};
    x->talk = t;
    wire_list_add(&w->active, x);
    int rc = http_target(x->url, &t->wish.to);
    if (rc == 0 && !t->wish.to.tls)
        t->wish.proxy = wire_plain_proxy(w->proxy, t->wish.to.authority);
    rc = rc ?: write_head(t);
    if (rc != 0)
        fail(t, "the request cannot begin", err_name(rc));
    else
        begin(t, x->given_up > 0);
}

/* Begin what was handed over since the last turn; what comes meanwhile has the next. */
static void start_waiting(struct wire *w)
{
    struct exchange *x = w->waiting;
    w->waiting = w->waiting_last = NULL;
    while (x) {
        struct exchange *after = x->after;
        start(w, x);
        x = after;
    }
}

/* Bodies that were held back and may go on. Resting is no standing still. */
static void resume(struct wire *w, int64_t now_ms)
{
    struct exchange *after;
    w->resume_ms = INT64_MAX;
    for (struct exchange *x = w->active; x; x = after) {
        after = x->after;
        if (x->resume_ms == 0)
            continue;
        x->progress_ms = now_ms;
        if (x->resume_ms <= now_ms) {
            x->resume_ms = 0;
            send_more(x->talk);
        } else if (x->resume_ms < w->resume_ms) {
            w->resume_ms = x->resume_ms;
        }
    }
}

/* It takes so much longer than the others that it is better asked again. */
static bool stands_out(const struct wire *w, const struct exchange *x, int64_t now_ms)
{
    return x->quick && now_ms - x->begun_ms >= patience_bound_ms(&w->patience, x->given_up);
}

/* libcurl had no memory to go on, does not say with what, nor tries again: what is not connected
 * yet ends, for its owner to do again. */
static void give_up(struct wire *w)
{
    struct exchange *after;
    for (struct exchange *x = w->active; x; x = after) {
        struct talk *t = x->talk;
        after = x->after;
        if (!connection_is_open(t->c))
            fail(t, "no memory for the network", "");
    }
}

/* End what has stood still for the time-out, and what stands out. */
static void sweep(struct wire *w, int64_t now_ms)
{
    struct exchange *after;
    bool any_quick = false;
    for (struct exchange *x = w->active; x; x = after) {
        struct talk *t = x->talk;
        after = x->after;
        any_quick = any_quick || x->quick;
        if (t->starved) /* it is our turn */
            x->progress_ms = now_ms;
        if (stands_out(w, x, now_ms)) {
            x->was_slow = true;
            fail(t, "no answer while others have theirs", "");
        } else if (t->moved != x->progress) {
            x->progress = t->moved;
            x->progress_ms = now_ms;
        } else if (now_ms - x->progress_ms >= w->timeout_ms) {
            fail(t, "no progress within the time-out", "");
        }
    }
    int64_t pause = w->timeout_ms / 4;
    pause = pause < SWEEP_MIN_MS ? SWEEP_MIN_MS : pause > SWEEP_MAX_MS ? SWEEP_MAX_MS : pause;
    pause = any_quick && pause > SWEEP_QUICK ? SWEEP_QUICK : pause;
    w->sweep_ms = now_ms + pause;
}

void wire_turn(struct wire *w, int64_t until_ms)
{
    w->told = false;
    start_waiting(w);
    if (w->active && w->resume_ms < until_ms)
        until_ms = w->resume_ms;
    if (w->active && w->sweep_ms < until_ms)
        until_ms = w->sweep_ms;
    if (w->told || w->waiting) /* an owner has other plans by now */
        until_ms = 0;
    if (!connections_turn(w->connections, until_ms))
        give_up(w);
    int64_t now_ms = clock_mono_ms();
    if (w->resume_ms <= now_ms)
        resume(w, now_ms);
    if (w->active && w->sweep_ms <= now_ms)
        sweep(w, now_ms);
}

int wire_watch(struct wire *w, int fd)
{
    return connections_watch(w->connections, fd);
}

int wire_new(const struct wire_options *opt, struct wire **ret, struct err *e)
{
    struct wire *w = calloc(1, sizeof(*w));
    if (!w)
        return err_set(e, -ENOMEM, "", "", "no memory for a worker");
    w->timeout_ms = opt->timeout_ms;
    w->pace = opt->pace;
    w->pace_arg = opt->pace_arg;
    w->resume_ms = INT64_MAX;
    const char *proxy = opt->direct ? "" : wire_proxy(opt->proxy);
    struct connections_options co = {.ca_file = opt->ca_file,
                                     .proxy = proxy,
                                     .most = opt->exchanges,
                                     .connect_ms = opt->connect_ms,
                                     .addresses = opt->addresses,
                                     .opened = on_opened,
                                     .ready = on_ready,
                                     .arg = w};
    int rc = 0;
    if (proxy && !(w->proxy = strdup(proxy)))
        rc = err_set(e, -ENOMEM, "", "", "no memory for a worker");
    rc = rc ?: connections_new(&co, &w->connections, e);
    if (rc != 0) {
        wire_free(w);
        return rc;
    }
    *ret = w;
    return 0;
}

void wire_free(struct wire *w)
{
    if (!w)
        return;
    for (struct exchange *x = w->active; x; x = x->after) {
        let_go(x->talk, false);
        talk_give(x->talk);
    }
    while (w->pool) {
        struct talk *t = w->pool;
        w->pool = t->next;
        buf_wipe(&t->head);
        http_release(&t->answer);
        free(t);
    }
    connections_free(w->connections);
    free(w->proxy);
    explicit_bzero(w->inbox, sizeof(w->inbox)); /* answers may have brought keys */
    free(w);
}
