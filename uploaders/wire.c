/* HTTP exchanges of one thread: libcurl's multi interface over epoll. Shell. */
#include "uploaders/wire.h"

#include "base/clock.h"
#include "uploaders/patience.h"
#include "uploaders/sockets.h"
#include "uploaders/wire_list.h"

#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_MAX    64
#define IDLE_MAX_S    4L           /* S3 closes an idle connection after about 5 s */
#define UPLOAD_BUFFER (256 * 1024) /* bytes a send of a larger body */
#define SWEEP_MIN_MS  50
#define SWEEP_MAX_MS  1000
#define DETOURS_MAX   2   /* of one exchange */
#define LOOK_US       200 /* between two looks at the sockets while there is other work */
#define SWEEP_QUICK   250 /* ms, while there are requests that may be given up early */
#define USER_AGENT    "lockstep/" PACKAGE_VERSION

/* A libcurl handle with what one exchange needs beside it. */
struct handle {
    struct wire *wire;
    struct handle *next; /* in the pool */
    CURL *easy;
    struct exchange *x;
    size_t read_at; /* of the body, for a large one */
    struct curl_slist nodes[WIRE_LINES_MAX];
    char to[ADDRESSES_TO_MAX]; /* kept, to find its last connection again; "": as libcurl likes */
    struct curl_slist to_node;
    char error[CURL_ERROR_SIZE];
};

struct wire {
    CURLM *multi;
    struct sockets sockets;
    int64_t looked_us; /* monotonic, at what happened on them */
    int watch_fd;      /* -1: none */
    char *ca_file;
    char *proxy; /* NULL: by the environment; "": none */
    unsigned exchanges;
    int64_t timeout_ms;
    int64_t connect_ms;
    int64_t (*pace)(void *arg, size_t *n);
    void *pace_arg;
    int64_t resume_ms; /* monotonic, of the first body that is held back; INT64_MAX: none */
    int64_t timer_ms;  /* monotonic, when libcurl wants to be called; INT64_MAX: not */
    struct addresses *addresses;
    struct patience patience;
    int64_t sweep_ms; /* monotonic, when to look for exchanges that stand still */
    struct handle *pool;
    bool stuck; /* libcurl cannot go on: what is under way would hang */
    struct exchange *active;
    struct exchange *stillborn; /* could not begin; done is called in the next turn */
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_ready = CURLE_FAILED_INIT;

/* libcurl's global state, once a process. */
static void set_up_curl(void)
{
    curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* An answer to HEAD that speaks of chunks: some servers (Swift) send the end of a body that is not
 * there, which would be taken for the next answer's beginning. Its connection is not used again. */
static void beware_of_chunks(struct handle *h)
{
    if (strcmp(h->x->method, "HEAD") == 0 && wire_head(h->x, "transfer-encoding"))
        curl_easy_setopt(h->easy, CURLOPT_FORBID_REUSE, 1L);
}

/* CURLOPT_HEADERFUNCTION. A status line begins an answer anew (after 100 Continue). */
static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
    struct handle *h = arg;
    n *= size;
    if (n >= 5 && memcmp(p, "HTTP/", 5) == 0) {
        buf_reset(&h->x->head);
        return n;
    }
    if (n > 0 && *p == '\r')
        beware_of_chunks(h);
    return wire_head_keep(h->x, p, n) == 0 ? n : 0;
}

/* CURLOPT_WRITEFUNCTION: the answer's body, up to its ceiling. */
static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct exchange *x = ((struct handle *)arg)->x;
    n *= size;
    if (n > x->answer_max || x->answer.len > x->answer_max - n)
        return 0;
    return buf_append(&x->answer, p, n) == 0 ? n : 0;
}

/* A body is sent faster than it may be: it rests. */
static size_t hold_back(struct handle *h, int64_t wait_us)
{
    h->x->resume_ms = clock_mono_ms() + wait_us / US_PER_MS + 1;
    if (h->x->resume_ms < h->wire->resume_ms)
        h->wire->resume_ms = h->x->resume_ms;
    return CURL_READFUNC_PAUSE;
}

/* Bodies that were held back and may go on. Resting is no standing still. */
static void resume(struct wire *w, int64_t now_ms)
{
    w->resume_ms = INT64_MAX;
    for (struct exchange *x = w->active; x; x = x->after) {
        if (x->resume_ms == 0)
            continue;
        x->progress_ms = now_ms;
        if (x->resume_ms <= now_ms) {
            x->resume_ms = 0;
            curl_easy_pause(((struct handle *)x->handle)->easy, CURLPAUSE_CONT);
        } else if (x->resume_ms < w->resume_ms) {
            w->resume_ms = x->resume_ms;
        }
    }
}

/* CURLOPT_READFUNCTION: the next piece of a large body. */
static size_t on_read(char *p, size_t size, size_t n, void *arg)
{
    struct handle *h = arg;
    size_t left = h->x->body.n - h->read_at;
    n *= size;
    if (n > left)
        n = left;
    int64_t wait_us = h->wire->pace && n > 0 ? h->wire->pace(h->wire->pace_arg, &n) : 0;
    if (wait_us > 0)
        return hold_back(h, wait_us);
    memcpy(p, h->x->body.p + h->read_at, n);
    h->read_at += n;
    return n;
}

/* CURLOPT_SEEKFUNCTION: libcurl begins again on a fresh connection where an old one was dead. */
static int on_seek(void *arg, curl_off_t offset, int origin)
{
    struct handle *h = arg;
    if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > h->x->body.n)
        return CURL_SEEKFUNC_FAIL;
    h->read_at = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* CURLMOPT_SOCKETFUNCTION: what libcurl waits for on a socket. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
    struct wire *w = arg;
    uint32_t events = 0;
    (void)easy;
    (void)known;
    if (what != CURL_POLL_REMOVE && (what & CURL_POLL_IN))
        events |= EPOLLIN;
    if (what != CURL_POLL_REMOVE && (what & CURL_POLL_OUT))
        events |= EPOLLOUT;
    return sockets_want(&w->sockets, fd, events) == 0 ? 0 : -1;
}

/* CURLOPT_SOCKOPTFUNCTION: a connection's socket was opened. */
static int on_opened(void *arg, curl_socket_t fd, curlsocktype purpose)
{
    struct wire *w = arg;
    (void)purpose;
    sockets_born(&w->sockets, fd);
    return CURL_SOCKOPT_OK;
}

/* CURLOPT_CLOSESOCKETFUNCTION: close it. */
static int on_close(void *arg, curl_socket_t fd)
{
    struct wire *w = arg;
    sockets_gone(&w->sockets, fd);
    return close(fd);
}

/* CURLMOPT_TIMERFUNCTION: when libcurl wants to be called next. */
static int on_timer(CURLM *multi, long timeout_ms, void *arg)
{
    struct wire *w = arg;
    (void)multi;
    w->timer_ms = timeout_ms < 0 ? INT64_MAX : clock_mono_ms() + timeout_ms;
    return 0;
}

/* CURLOPT_PREREQFUNCTION: the request goes. NOLINTNEXTLINE(readability-non-const-parameter) */
static int on_request(void *arg, char *address, char *local, int port, int local_port)
{
    struct handle *h = arg;
    (void)address;
    (void)local;
    (void)port;
    (void)local_port;
    h->x->sent++;
    return CURL_PREREQFUNC_OK;
}

/* The options that every exchange shares, set once. */
static void set_constants(struct wire *w, struct handle *h)
{
    CURL *easy = h->easy;
    curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_opened);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, w);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, w);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, IDLE_MAX_S);
    /* Otherwise giving up on a name waits for the resolver's thread, and the whole loop with it. */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)w->connect_ms);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (w->ca_file) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, w->ca_file);
        curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, w->ca_file);
    }
    if (w->proxy)
        curl_easy_setopt(easy, CURLOPT_PROXY, w->proxy);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, USER_AGENT);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, h->error);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, h);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, h);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, h);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(easy, CURLOPT_READDATA, h);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, h);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, h);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER);
}

/* A handle out of the pool, or a new one; NULL without memory. */
static struct handle *handle_take(struct wire *w)
{
    struct handle *h = w->pool;
    if (h) {
        w->pool = h->next;
        return h;
    }
    h = calloc(1, sizeof(*h));
    if (!h)
        return NULL;
    h->wire = w;
    h->easy = curl_easy_init();
    if (!h->easy) {
        free(h);
        return NULL;
    }
    set_constants(w, h);
    return h;
}

/* Back into the pool. */
static void handle_give(struct wire *w, struct handle *h)
{
    h->x = NULL;
    h->next = w->pool;
    w->pool = h;
}

/* The header lines as libcurl's list, without copies. -1 past WIRE_LINES_MAX. */
static int set_lines(struct handle *h, const struct exchange *x)
{
    size_t count = 0;
    for (size_t at = 0; at < x->lines_n; at += strlen(x->lines + at) + 1) {
        if (count == WIRE_LINES_MAX)
            return -1;
        /* libcurl only reads them. */
        h->nodes[count].data = (char *)(uintptr_t)(x->lines + at);
        h->nodes[count].next = NULL;
        if (count > 0)
            h->nodes[count - 1].next = &h->nodes[count];
        count++;
    }
    curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, count > 0 ? h->nodes : NULL);
    return 0;
}

/* How the body goes: none, in one piece with the headers, or by on_read. */
static void set_body(struct handle *h, const struct exchange *x)
{
    CURL *easy = h->easy;
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L); /* forgets the last exchange's way */
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, x->method);
    h->read_at = 0;
    bool takes_body = strcmp(x->method, "PUT") == 0 || strcmp(x->method, "POST") == 0;
    if (!takes_body) {
        if (strcmp(x->method, "HEAD") == 0)
            curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (x->body.n < WIRE_INLINE_MAX) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->body.n);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, x->body.n > 0 ? x->body.p : "");
    } else {
        /* A body of an earlier exchange that is still set keeps libcurl from rewinding this one. */
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL);
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)x->body.n);
    }
}

/* Into the list of those in flight. */
static void link_active(struct wire *w, struct exchange *x)
{
    if (!w->active)
        w->sweep_ms = x->progress_ms; /* the next turn sets it */
    wire_list_add(&w->active, x);
}

/* The words of a failure, curl's and more of it. */
static void set_words(struct exchange *x, const char *words, const char *detail)
{
    snprintf(x->words, sizeof(x->words), "%s", words);
    snprintf(x->detail, sizeof(x->detail), "%s", detail);
}

/* Where the handle connects to: as the last time, while that is good and was not slow. */
static void choose_address(struct wire *w, struct handle *h, const struct exchange *x)
{
    if (x->given_up > 0 && *h->to) {
        h->to[0] = '\0';
        curl_easy_setopt(h->easy, CURLOPT_CONNECT_TO, NULL);
    }
    if (!addresses_renew(w->addresses, h->to))
        return;
    h->to_node = (struct curl_slist){.data = h->to}; /* libcurl only reads it */
    curl_easy_setopt(h->easy, CURLOPT_CONNECT_TO, *h->to ? &h->to_node : NULL);
}

/* Begin an exchange that has its handle. -1 where libcurl will not. */
static int begin(struct wire *w, struct handle *h, struct exchange *x)
{
    h->x = x;
    h->error[0] = '\0';
    if (set_lines(h, x) != 0)
        return -1;
    set_body(h, x);
    choose_address(w, h, x);
    curl_easy_setopt(h->easy, CURLOPT_FRESH_CONNECT, x->given_up > 0 ? 1L : 0L);
    curl_easy_setopt(h->easy, CURLOPT_FORBID_REUSE, 0L);
    if (curl_easy_setopt(h->easy, CURLOPT_URL, x->url) != CURLE_OK ||
        curl_multi_add_handle(w->multi, h->easy) != CURLM_OK)
        return -1;
    x->handle = h;
    return 0;
}

void wire_send(struct wire *w, struct exchange *x)
{
    buf_reset(&x->head);
    buf_reset(&x->answer);
    x->transport = TRANSPORT_LOST;
    x->status = 0;
    x->handle = NULL;
    x->progress = 0;
    x->was_slow = false;
    x->resume_ms = 0;
    x->detours = x->sent = 0;
    x->words[0] = x->detail[0] = '\0';
    x->sent_us = clock_real_us();
    x->answered_us = x->sent_us;
    x->progress_ms = x->begun_ms = clock_mono_ms();
    struct handle *h = handle_take(w);
    if (h && begin(w, h, x) == 0) {
        link_active(w, x);
        return;
    }
    if (h)
        handle_give(w, h);
    set_words(x, "the request cannot begin", h ? "too many headers or not a URL" : "no memory");
    x->after = w->stillborn;
    w->stillborn = x;
}

/* The transport's side of libcurl's result. */
static enum transport transport_of(CURLcode code)
{
    switch ((int)code) {
    case CURLE_OK:
        return TRANSPORT_ANSWERED;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        return TRANSPORT_UNTRUSTED;
    default:
        return TRANSPORT_LOST;
    }
}

/* Say what libcurl says, or that it was the proxy who refused to connect us. */
static void tell_failure(struct exchange *x, CURLcode code, const char *words)
{
    const struct handle *h = x->handle;
    long connect = 0;
    curl_easy_getinfo(h->easy, CURLINFO_HTTP_CONNECTCODE, &connect);
    set_words(x, words ? words : curl_easy_strerror(code), h->error);
    if (connect >= 300)
        snprintf(x->words, sizeof(x->words), "the proxy does not connect us (HTTP %ld)", connect);
}

/* What this tells of the address. True where it goes on at another. words: ended by us. */
static bool takes_detour(struct wire *w, struct exchange *x, CURLcode code, const char *words)
{
    struct handle *h = x->handle;
    long connects = 0;
    if (!*h->to || words)
        return false;
    if (code != CURLE_COULDNT_CONNECT && code != CURLE_OPERATION_TIMEDOUT) {
        curl_easy_getinfo(h->easy, CURLINFO_NUM_CONNECTS, &connects);
        if (code == CURLE_OK && connects > 0)
            addresses_worked(w->addresses, h->to);
        return false;
    }
    addresses_failed(w->addresses, h->to);
    if (x->detours++ >= DETOURS_MAX)
        return false;
    curl_multi_remove_handle(w->multi, h->easy);
    x->begun_ms = x->progress_ms = clock_mono_ms();
    return begin(w, h, x) == 0;
}

/* An exchange is over, one way or the other: take it out and tell its owner. */
static void finish(struct wire *w, struct exchange *x, CURLcode code, const char *words)
{
    struct handle *h = x->handle;
    long status = 0;
    if (takes_detour(w, x, code, words))
        return;
    curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
    x->status = code == CURLE_OK ? (int)status : 0;
    x->transport = transport_of(code);
    x->answered_us = clock_real_us();
    if (code != CURLE_OK)
        tell_failure(x, code, words);
    if (x->quick && (code == CURLE_OK || x->was_slow))
        patience_note(&w->patience, clock_mono_ms() - x->begun_ms);
    curl_multi_remove_handle(w->multi, h->easy);
    wire_list_remove(&w->active, x);
    x->handle = NULL;
    handle_give(w, h);
    x->done(x);
}

/* Every message of libcurl: an exchange that ended. */
static void take_messages(struct wire *w)
{
    int left;
    CURLMsg *m;
    while ((m = curl_multi_info_read(w->multi, &left))) {
        if (m->msg != CURLMSG_DONE)
            continue;
        struct handle *h = NULL;
        CURLcode code = m->data.result; /* m does not outlive the removal */
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&h);
        finish(w, h->x, code, NULL);
    }
}

/* Bytes that an exchange has moved so far, in both directions. */
static int64_t bytes_moved(const struct exchange *x)
{
    const struct handle *h = x->handle;
    curl_off_t up = 0, down = 0;
    curl_easy_getinfo(h->easy, CURLINFO_SIZE_UPLOAD_T, &up);
    curl_easy_getinfo(h->easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
    return (int64_t)up + (int64_t)down + (int64_t)x->head.len;
}

/* It takes so much longer than the others that it is better asked again. */
static bool stands_out(const struct wire *w, const struct exchange *x, int64_t now_ms)
{
    return x->quick && now_ms - x->begun_ms >= patience_bound_ms(&w->patience, x->given_up);
}

/* Libcurl had no memory to go on, does not say with what, nor tries again: all ends, for its owners
 * to do again. */
static void give_up(struct wire *w)
{
    size_t count = 0;
    for (const struct exchange *x = w->active; x; x = x->after)
        count++;
    for (w->stuck = false; count > 0 && w->active; count--)
        finish(w, w->active, CURLE_OUT_OF_MEMORY, "no memory for the network");
}

/* End what has stood still for the time-out, and what stands out. */
static void sweep(struct wire *w, int64_t now_ms)
{
    struct exchange *after;
    bool any_quick = false;
    for (struct exchange *x = w->active; x; x = after) {
        after = x->after;
        int64_t moved = bytes_moved(x);
        any_quick = any_quick || x->quick;
        if (stands_out(w, x, now_ms)) {
            x->was_slow = true;
            finish(w, x, CURLE_OPERATION_TIMEDOUT, "no answer while others have theirs");
            after = w->active;
        } else if (moved != x->progress) {
            x->progress = moved;
            x->progress_ms = now_ms;
        } else if (now_ms - x->progress_ms >= w->timeout_ms) {
            finish(w, x, CURLE_OPERATION_TIMEDOUT, "no progress within the time-out");
            after = w->active; /* its owner may have changed the list: begin again */
        }
    }
    int64_t pause = w->timeout_ms / 4;
    pause = pause < SWEEP_MIN_MS ? SWEEP_MIN_MS : pause > SWEEP_MAX_MS ? SWEEP_MAX_MS : pause;
    pause = any_quick && pause > SWEEP_QUICK ? SWEEP_QUICK : pause;
    w->sweep_ms = now_ms + pause;
}

/* How long epoll may wait. */
static int wait_ms(const struct wire *w, int64_t until_ms)
{
    if (w->stillborn)
        return 0;
    if (w->timer_ms < until_ms)
        until_ms = w->timer_ms;
    if (w->active && w->resume_ms < until_ms)
        until_ms = w->resume_ms;
    if (w->active && w->sweep_ms < until_ms)
        until_ms = w->sweep_ms;
    if (until_ms == INT64_MAX)
        return -1;
    int64_t left = until_ms - clock_mono_ms();
    return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/* Have libcurl do what there is to do. */
static void act(struct wire *w, curl_socket_t socket, int mask)
{
    int running;
    w->stuck = curl_multi_socket_action(w->multi, socket, mask, &running) != CURLM_OK || w->stuck;
}

/* Tell libcurl what happened on its sockets. */
static void pass_events(struct wire *w, const struct epoll_event *events, int n)
{
    for (int i = 0; i < n; i++) {
        if (events[i].data.fd == w->watch_fd || !sockets_is_wanted(&w->sockets, events[i].data.fd))
            continue;
        int mask = 0;
        if (events[i].events & EPOLLIN)
            mask |= CURL_CSELECT_IN;
        if (events[i].events & EPOLLOUT)
            mask |= CURL_CSELECT_OUT;
        if (events[i].events & (EPOLLERR | EPOLLHUP))
            mask |= CURL_CSELECT_ERR;
        act(w, events[i].data.fd, mask);
    }
}

/* Owners of what could not begin learn it here, not inside wire_send. */
static void bury_stillborn(struct wire *w)
{
    struct exchange *list = w->stillborn;
    w->stillborn = NULL;
    while (list) {
        struct exchange *x = list;
        list = x->after;
        x->done(x);
    }
}

/* Wait for what happens on sockets. Where there is something else to do at once, they have their
 * turn often enough without being asked every time. */
static void look(struct wire *w, int wait)
{
    struct epoll_event events[EVENTS_MAX];
    if (wait == 0 && clock_mono_us() - w->looked_us < LOOK_US)
        return;
    int n = epoll_wait(w->sockets.epoll_fd, events, EVENTS_MAX, wait);
    w->looked_us = clock_mono_us();
    if (n > 0)
        pass_events(w, events, n);
}

void wire_turn(struct wire *w, int64_t until_ms)
{
    look(w, wait_ms(w, until_ms));
    int64_t now_ms = clock_mono_ms();
    if (w->resume_ms <= now_ms)
        resume(w, now_ms);
    if (w->timer_ms <= now_ms) {
        w->timer_ms = INT64_MAX;
        act(w, CURL_SOCKET_TIMEOUT, 0);
    }
    take_messages(w);
    if (w->stuck)
        give_up(w);
    bury_stillborn(w);
    if (w->active && w->sweep_ms <= now_ms)
        sweep(w, now_ms);
}

int wire_watch(struct wire *w, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(w->sockets.epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        return -errno;
    w->watch_fd = fd;
    return 0;
}

/* libcurl's multi handle with its options. */
static int set_up_multi(struct wire *w, struct err *e)
{
    w->multi = curl_multi_init();
    if (!w->multi)
        return err_set(e, -ENOMEM, "", "", "libcurl: no memory");
    curl_multi_setopt(w->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(w->multi, CURLMOPT_SOCKETDATA, w);
    curl_multi_setopt(w->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(w->multi, CURLMOPT_TIMERDATA, w);
    curl_multi_setopt(w->multi, CURLMOPT_MAXCONNECTS, (long)w->exchanges + 1);
    return 0;
}

int wire_new(const struct wire_options *opt, struct wire **ret, struct err *e)
{
    pthread_once(&curl_once, set_up_curl);
    if (curl_ready != CURLE_OK)
        return err_set(e, -ENOMEM, "", "", "libcurl: %s", curl_easy_strerror(curl_ready));
    struct wire *w = calloc(1, sizeof(*w));
    if (!w)
        return err_set(e, -ENOMEM, "", "", "no memory for a worker");
    w->watch_fd = -1;
    w->exchanges = opt->exchanges;
    w->timeout_ms = opt->timeout_ms;
    w->connect_ms = opt->connect_ms;
    w->pace = opt->pace;
    w->pace_arg = opt->pace_arg;
    w->resume_ms = INT64_MAX;
    w->addresses = opt->addresses;
    w->timer_ms = INT64_MAX;
    int code = sockets_init(&w->sockets);
    if (code != 0)
        err_set(e, code, "", "", "epoll: %s", err_name(code));
    if (code == 0 && opt->ca_file && !(w->ca_file = strdup(opt->ca_file)))
        code = err_set(e, -ENOMEM, "", "", "no memory for a worker");
    const char *proxy = wire_proxy(opt);
    if (code == 0 && proxy && !(w->proxy = strdup(proxy)))
        code = err_set(e, -ENOMEM, "", "", "no memory for a worker");
    if (code == 0)
        code = set_up_multi(w, e);
    if (code != 0) {
        wire_free(w);
        return code;
    }
    *ret = w;
    return 0;
}

void wire_free(struct wire *w)
{
    if (!w)
        return;
    while (w->active) {
        struct handle *h = w->active->handle;
        curl_multi_remove_handle(w->multi, h->easy);
        w->active = w->active->after;
        handle_give(w, h);
    }
    while (w->pool) {
        struct handle *h = w->pool;
        w->pool = h->next;
        curl_easy_cleanup(h->easy);
        free(h);
    }
    if (w->multi)
        curl_multi_cleanup(w->multi);
    sockets_release(&w->sockets); /* last: libcurl tells of each that it closes */
    free(w->ca_file);
    free(w->proxy);
    free(w);
}
