/* Connections of one thread, over libcurl's multi interface and epoll. Shell. */
#include "uploaders/connections.h"

#include "base/clock.h"

#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MAX  64
#define IDLE_MAX_MS 4000 /* S3 closes an idle connection after about 5 s */
#define LOOK_US     200  /* between two looks at the sockets while there is other work */
#define USER_AGENT  "lockstep/" PACKAGE_VERSION

struct connection {
    struct connections *all;
    struct connection *next; /* in the one list that it is in */
    CURL *easy;
    void *owner; /* NULL: nobody */
    int fd;      /* -1: not open */
    bool tls;
    bool used;
    bool writes;      /* in the epoll set for that, too */
    bool connecting;  /* it is libcurl's */
    int64_t given_ms; /* back, monotonic */
    struct buf origin;
    char to[ADDRESSES_TO_MAX]; /* kept from one connection to the next; "": as libcurl likes */
    struct curl_slist to_node;
    CURLcode result;
    char error[CURL_ERROR_SIZE];
};

struct connections {
    struct connections_options opt;
    char *ca_file;
    char *proxy; /* NULL: by the environment; "": none */
    CURLM *multi;
    int epoll_fd;
    int watch_fd;      /* -1: none */
    int64_t looked_us; /* monotonic, at what happened on the sockets */
    int64_t timer_ms;  /* monotonic, when libcurl wants to be called; INT64_MAX: not */
    bool stuck;
    unsigned count;          /* open, or on the way to it */
    struct connection *idle; /* the latest first */
    struct connection *closed;
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_ready = CURLE_FAILED_INIT;

/* libcurl's global state, once a process. */
static void set_up_curl(void)
{
    curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* What an event is for: a connection of ours, or a descriptor (of libcurl's, or the watched one),
 * which is told from a pointer by being odd. */
static uint64_t mark_of_fd(int fd)
{
    return ((uint64_t)(unsigned)fd << 1) | 1;
}

/* In the epoll set for these events from now on. */
static int enter(struct connections *cs, int fd, uint32_t events, uint64_t mark)
{
    struct epoll_event event = {.events = events, .data.u64 = mark};
    if (epoll_ctl(cs->epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0)
        return 0;
    return epoll_ctl(cs->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

/* CURLMOPT_SOCKETFUNCTION: what libcurl waits for on a socket while it connects. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
    struct connections *cs = arg;
    (void)easy;
    (void)known;
    if (what == CURL_POLL_REMOVE) {
        (void)epoll_ctl(cs->epoll_fd, EPOLL_CTL_DEL, fd, NULL); /* closed already: it is out */
        return 0;
    }
    uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
    return enter(cs, fd, events, mark_of_fd(fd)) == 0 ? 0 : -1;
}

/* CURLMOPT_TIMERFUNCTION: when libcurl wants to be called next. */
static int on_timer(CURLM *multi, long timeout_ms, void *arg)
{
    struct connections *cs = arg;
    (void)multi;
    cs->timer_ms = timeout_ms < 0 ? INT64_MAX : clock_mono_ms() + timeout_ms;
    return 0;
}

/* The options that every connection shares, set once. */
static void set_constants(struct connections *cs, struct connection *c)
{
    CURL *easy = c->easy;
    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    /* Otherwise giving up on a name waits for the resolver's thread, and the whole loop with it. */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)cs->opt.connect_ms);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (cs->ca_file) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, cs->ca_file);
        curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, cs->ca_file);
    }
    curl_easy_setopt(easy, CURLOPT_USERAGENT, USER_AGENT); /* the proxy hears it */
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, c->error);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, c);
}

/* A handle without a connection; NULL without memory. */
static struct connection *connection_new(struct connections *cs)
{
    struct connection *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    c->all = cs;
    c->fd = -1;
    buf_init(&c->origin, SIZE_MAX / 2);
    c->easy = curl_easy_init();
    if (!c->easy) {
        free(c);
        return NULL;
    }
    set_constants(cs, c);
    return c;
}

/* It is no connection any more, and its handle can become another. */
static void close_it(struct connection *c)
{
    struct connections *cs = c->all;
    if (c->connecting || c->fd >= 0) {
        curl_multi_remove_handle(cs->multi, c->easy); /* closes it */
        cs->count--;
    }
    c->connecting = false;
    c->fd = -1;
    c->owner = NULL;
    c->next = cs->closed;
    cs->closed = c;
}

/* Out of the list of those that nobody uses. */
static void leave_idle(struct connection *c)
{
    struct connection **at = &c->all->idle;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
}

/* One that leads there, was not left alone for too long, and whose address is still good. */
static struct connection *take_idle(struct connections *cs, const struct http_target *to)
{
    int64_t old_ms = clock_mono_ms() - IDLE_MAX_MS;
    for (struct connection *c = cs->idle, *next; c; c = next) {
        next = c->next;
        if (!span_equal((struct span){c->origin.data, c->origin.len}, to->origin))
            continue;
        leave_idle(c);
        if (c->given_ms > old_ms && !addresses_renew(cs->opt.addresses, c->to))
            return c;
        close_it(c);
    }
    return NULL;
}

/* Where it connects to: as the last time, while that is good. */
static void choose_address(struct connection *c, bool elsewhere)
{
    if (elsewhere)
        c->to[0] = '\0';
    addresses_renew(c->all->opt.addresses, c->to);
    c->to_node = (struct curl_slist){.data = c->to}; /* libcurl only reads it */
    curl_easy_setopt(c->easy, CURLOPT_CONNECT_TO, *c->to ? &c->to_node : NULL);
}

/* Make room for one more: who was idle for longest goes. */
static void keep_to_most(struct connections *cs)
{
    struct connection *last = cs->idle;
    if (cs->count < cs->opt.most || !last)
        return;
    while (last->next)
        last = last->next;
    leave_idle(last);
    close_it(last);
}

/* Have libcurl connect a handle. */
static int begin(struct connection *c, const struct connection_wish *wish)
{
    struct connections *cs = c->all;
    buf_reset(&c->origin);
    c->error[0] = '\0';
    c->used = c->writes = false;
    c->tls = wish->to.tls;
    int rc = buf_append_span(&c->origin, wish->to.origin);
    if (rc != 0)
        return rc;
    choose_address(c, wish->elsewhere);
    if (curl_easy_setopt(c->easy, CURLOPT_PROXY, wish->proxy ? wish->proxy : cs->proxy) ||
        curl_easy_setopt(c->easy, CURLOPT_NOPROXY, wish->proxy ? "" : NULL) ||
        curl_easy_setopt(c->easy, CURLOPT_URL, c->origin.data) != CURLE_OK ||
        curl_multi_add_handle(cs->multi, c->easy) != CURLM_OK)
        return -ENOMEM;
    c->connecting = true;
    cs->count++;
    return 0;
}

struct connection *connections_take(struct connections *cs, const struct connection_wish *wish)
{
    struct connection *c = wish->fresh ? NULL : take_idle(cs, &wish->to);
    if (!c) {
        keep_to_most(cs);
        c = cs->closed ? cs->closed : connection_new(cs);
        if (!c)
            return NULL;
        if (c == cs->closed)
            cs->closed = c->next;
        if (begin(c, wish) != 0) {
            close_it(c);
            return NULL;
        }
    }
    c->owner = wish->owner;
    return c;
}

void connections_give(struct connections *cs, struct connection *c, bool keep)
{
    if (!keep || c->fd < 0 || connection_wait(c, false) != 0) {
        close_it(c);
        return;
    }
    c->owner = NULL;
    c->used = true;
    c->given_ms = clock_mono_ms();
    c->next = cs->idle;
    cs->idle = c;
}

bool connection_is_open(const struct connection *c)
{
    return c->fd >= 0;
}

bool connection_is_used(const struct connection *c)
{
    return c->used;
}

int connection_wait(struct connection *c, bool writes)
{
    if (writes == c->writes)
        return 0;
    int rc = enter(c->all, c->fd, EPOLLIN | (writes ? EPOLLOUT : 0), (uint64_t)(uintptr_t)c);
    c->writes = rc == 0 ? writes : c->writes;
    return rc;
}

/* libcurl's failure of a send or a receive. */
static ssize_t error_of(CURLcode code)
{
    return code == CURLE_AGAIN ? -EAGAIN : -EPIPE;
}

/* The same of the socket's. */
static ssize_t error_of_socket(void)
{
    return errno == EINTR ? -EAGAIN : -errno;
}

/* Receive by libcurl. */
static ssize_t receive_by_curl(struct connection *c, char *p, size_t size)
{
    size_t n = 0;
    CURLcode code = curl_easy_recv(c->easy, p, size, &n);
    return code == CURLE_OK ? (ssize_t)n : error_of(code);
}

/* The pieces one after the other, by libcurl. */
static ssize_t send_by_curl(struct connection *c, const struct iovec *pieces, int n)
{
    size_t sum = 0;
    for (int i = 0; i < n; i++) {
        size_t sent = 0;
        CURLcode code = curl_easy_send(c->easy, pieces[i].iov_base, pieces[i].iov_len, &sent);
        if (code != CURLE_OK && sum == 0)
            return error_of(code);
        sum += code == CURLE_OK ? sent : 0;
        if (code != CURLE_OK || sent < pieces[i].iov_len)
            break;
    }
    return (ssize_t)sum;
}

ssize_t connection_send(struct connection *c, const struct iovec *pieces, int n)
{
    struct iovec copy[CONNECTION_PIECES];
    struct msghdr message = {.msg_iov = copy};
    if (c->tls)
        return send_by_curl(c, pieces, n);
    for (int i = 0; i < n && i < CONNECTION_PIECES; i++)
        copy[message.msg_iovlen++] = pieces[i];
    ssize_t sent = sendmsg(c->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent >= 0 ? sent : error_of_socket();
}

ssize_t connection_receive(struct connection *c, char *p, size_t size, bool *ret_more)
{
    ssize_t got = c->tls ? receive_by_curl(c, p, size) : recv(c->fd, p, size, MSG_DONTWAIT);
    if (got < 0 && !c->tls)
        got = error_of_socket();
    *ret_more = got > 0 && (c->tls || (size_t)got == size);
    return got;
}

const char *connection_trouble(const struct connection *c, int code)
{
    return c->tls && c->error[0] ? c->error : err_name(code);
}

void connection_words(const struct connection *c, char *words, size_t words_n, char *detail,
                      size_t detail_n)
{
    long refused = 0;
    curl_easy_getinfo(c->easy, CURLINFO_HTTP_CONNECTCODE, &refused);
    if (refused >= 300)
        snprintf(words, words_n, "the proxy does not connect us (HTTP %ld)", refused);
    else
        snprintf(words, words_n, "%s", curl_easy_strerror(c->result));
    snprintf(detail, detail_n, "%s", c->error);
}

/* An open connection is ours: its socket in the epoll set, its handle tied to it, so that libcurl
 * does not look whether it is dead. */
static int adopt(struct connection *c)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    char none;
    size_t n;
    if (curl_easy_getinfo(c->easy, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK || fd < 0)
        return -EIO;
    if (!c->tls)
        (void)curl_easy_recv(c->easy, &none, 0, &n); /* over TLS the first send does it */
    int rc = enter(c->all, fd, EPOLLIN, (uint64_t)(uintptr_t)c);
    if (rc == 0)
        c->fd = fd;
    return rc;
}

/* What a result of libcurl means for who wanted the connection; its address is told. */
static enum connecting judge(struct connection *c, CURLcode code)
{
    switch ((int)code) {
    case CURLE_OK:
        if (*c->to)
            addresses_worked(c->all->opt.addresses, c->to);
        return CONNECTING_OPEN;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        return CONNECTING_UNTRUSTED;
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
        if (*c->to)
            addresses_failed(c->all->opt.addresses, c->to);
        return *c->to ? CONNECTING_UNREACHABLE : CONNECTING_FAILED;
    default:
        return CONNECTING_FAILED;
    }
}

/* libcurl is through with a connection. */
static void conclude(struct connection *c, CURLcode code)
{
    struct connections *cs = c->all;
    enum connecting how = judge(c, code);
    c->result = code;
    if (how == CONNECTING_OPEN && adopt(c) != 0) {
        c->result = CURLE_FAILED_INIT;
        how = CONNECTING_FAILED;
    }
    c->connecting = how != CONNECTING_OPEN;
    cs->opt.opened(cs->opt.arg, c->owner, how);
}

/* Every message of libcurl: a connection that is open, or will not be. */
static void take_messages(struct connections *cs)
{
    int left;
    CURLMsg *m;
    while ((m = curl_multi_info_read(cs->multi, &left))) {
        if (m->msg != CURLMSG_DONE)
            continue;
        struct connection *c = NULL;
        CURLcode code = m->data.result; /* m does not outlive the removal */
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&c);
        conclude(c, code);
    }
}

/* Have libcurl do what there is to do. */
static void act(struct connections *cs, curl_socket_t socket, int mask)
{
    int running;
    cs->stuck =
        curl_multi_socket_action(cs->multi, socket, mask, &running) != CURLM_OK || cs->stuck;
}

/* Something happened on a socket that libcurl connects. */
static void pass_on(struct connections *cs, int fd, uint32_t events)
{
    int mask = (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
               (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
               (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
    if (fd != cs->watch_fd)
        act(cs, fd, mask);
}

/* Something happened on a connection. Where nobody uses it, its server closed it, or speaks out of
 * turn: it is of no use then. */
static void tell(struct connections *cs, struct connection *c, uint32_t events)
{
    if (c->fd < 0)
        return;
    if (c->owner) {
        cs->opt.ready(cs->opt.arg, c->owner, events & EPOLLOUT);
        return;
    }
    leave_idle(c);
    close_it(c);
}

/* How long epoll may wait. */
static int wait_ms(const struct connections *cs, int64_t until_ms)
{
    if (cs->timer_ms < until_ms)
        until_ms = cs->timer_ms;
    if (until_ms == INT64_MAX)
        return -1;
    int64_t left = until_ms - clock_mono_ms();
    return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/* Wait for what happens on sockets. Where there is something else to do at once, they have their
 * turn often enough without being asked every time. */
static void look(struct connections *cs, int wait)
{
    struct epoll_event events[EVENTS_MAX];
    if (wait == 0 && clock_mono_us() - cs->looked_us < LOOK_US)
        return;
    int n = epoll_wait(cs->epoll_fd, events, EVENTS_MAX, wait);
    cs->looked_us = clock_mono_us();
    for (int i = 0; i < n; i++) {
        uint64_t mark = events[i].data.u64;
        if (mark & 1)
            pass_on(cs, (int)(mark >> 1), events[i].events);
        else
            tell(cs, (struct connection *)(uintptr_t)mark, events[i].events);
    }
}

bool connections_turn(struct connections *cs, int64_t until_ms)
{
    look(cs, wait_ms(cs, until_ms));
    if (cs->timer_ms <= clock_mono_ms()) {
        cs->timer_ms = INT64_MAX;
        act(cs, CURL_SOCKET_TIMEOUT, 0);
    }
    take_messages(cs);
    bool stuck = cs->stuck;
    cs->stuck = false;
    return !stuck;
}

int connections_watch(struct connections *cs, int fd)
{
    int rc = enter(cs, fd, EPOLLIN, mark_of_fd(fd));
    if (rc == 0)
        cs->watch_fd = fd;
    return rc;
}

/* libcurl's multi handle with its options, and the epoll set. */
static int set_up(struct connections *cs, struct err *e)
{
    cs->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (cs->epoll_fd < 0)
        return err_set(e, -errno, "", "", "epoll: %s", err_name(-errno));
    cs->multi = curl_multi_init();
    if (!cs->multi)
        return err_set(e, -ENOMEM, "", "", "libcurl: no memory");
    curl_multi_setopt(cs->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(cs->multi, CURLMOPT_SOCKETDATA, cs);
    curl_multi_setopt(cs->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(cs->multi, CURLMOPT_TIMERDATA, cs);
    curl_multi_setopt(cs->multi, CURLMOPT_MAXCONNECTS, (long)cs->opt.most + 1);
    return 0;
}

int connections_new(const struct connections_options *opt, struct connections **ret, struct err *e)
{
    pthread_once(&curl_once, set_up_curl);
    if (curl_ready != CURLE_OK)
        return err_set(e, -ENOMEM, "", "", "libcurl: %s", curl_easy_strerror(curl_ready));
    struct connections *cs = calloc(1, sizeof(*cs));
    if (!cs)
        return err_set(e, -ENOMEM, "", "", "no memory for a worker");
    *cs = (struct connections){.opt = *opt, .epoll_fd = -1, .watch_fd = -1, .timer_ms = INT64_MAX};
    int rc = 0;
    if ((opt->ca_file && !(cs->ca_file = strdup(opt->ca_file))) ||
        (opt->proxy && !(cs->proxy = strdup(opt->proxy))))
        rc = err_set(e, -ENOMEM, "", "", "no memory for a worker");
    rc = rc ?: set_up(cs, e);
    if (rc != 0) {
        connections_free(cs);
        return rc;
    }
    *ret = cs;
    return 0;
}

void connections_free(struct connections *cs)
{
    if (!cs)
        return;
    while (cs->idle) {
        struct connection *c = cs->idle;
        cs->idle = c->next;
        close_it(c);
    }
    while (cs->closed) {
        struct connection *c = cs->closed;
        cs->closed = c->next;
        curl_easy_cleanup(c->easy);
        buf_release(&c->origin);
        free(c);
    }
    if (cs->multi)
        curl_multi_cleanup(cs->multi);
    if (cs->epoll_fd >= 0)
        (void)close(cs->epoll_fd); /* nothing was written */
    free(cs->ca_file);
    free(cs->proxy);
    free(cs);
}
