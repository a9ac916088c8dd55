/*
 * One question by HTTP to a source of keys. Shell.
 */
#include "uploaders/credentials_fetch.h"

#include "base/clock.h"
#include "uploaders/credentials_answer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TOKEN_MAX (64 * 1024) /* bytes of a token's file */

/* An exchange, and whether it is over. */
struct flagged {
    struct exchange x; /* first: the wire hands this back */
    bool over;
};

/* exchange.done. */
static void on_done(struct exchange *x)
{
    ((struct flagged *)x)->over = true;
}

bool web_pause(const struct fetcher *f, int64_t ms)
{
    struct pollfd p = {.fd = f->stop_fd, .events = POLLIN};
    int64_t until_ms = clock_mono_ms() + ms;
    for (;;) {
        int64_t left_ms = until_ms - clock_mono_ms();
        int n = poll(&p, 1, left_ms > 0 ? (int)left_ms : 0); /* poll passes over a negative fd */
        if (n > 0)
            return false;
        if (n == 0 && until_ms <= clock_mono_ms())
            return true;
    }
}

int web_line(struct buf *lines, const char *name, const char *value)
{
    int rc = buf_append_str(lines, name);
    rc = rc ?: buf_append_str(lines, *value ? ": " : ":");
    return rc ?: buf_append(lines, value, strlen(value) + 1);
}

void web_release(struct exchange *x)
{
    buf_release(&x->head);
    buf_wipe(&x->answer);
}

/* Let the exchange run until it is over, its time is up, or somebody says stop. */
static int run(const struct fetcher *f, struct wire *w, struct flagged *ask, int64_t timeout_ms)
{
    int64_t until_ms = clock_mono_ms() + timeout_ms;
    wire_send(w, &ask->x);
    while (!ask->over) {
        wire_turn(w, until_ms);
        if (!ask->over && clock_mono_ms() >= until_ms)
            return -ETIMEDOUT;
        if (!ask->over && f->stop_fd >= 0 && !web_pause(f, 0))
            return -ECANCELED;
    }
    return 0;
}

/* One attempt. 0 where an answer came. */
static int attempt(const struct fetcher *f, const struct web_request *q, struct flagged *ask,
                   struct err *e)
{
    struct wire *w = NULL;
    /* run() holds the time-out; the wire's own must not race it. */
    struct wire_options wo = {.ca_file = q->ca_file,
                              .proxy = f->proxy,
                              .exchanges = 1,
                              .timeout_ms = 2 * q->timeout_ms,
                              .connect_ms = 2 * q->timeout_ms,
                              .direct = q->direct};
    int rc = wire_new(&wo, &w, e);
    if (rc)
        return rc;
    ask->over = false;
    rc = f->stop_fd >= 0 ? wire_watch(w, f->stop_fd) : 0;
    rc = rc ?: run(f, w, ask, q->timeout_ms);
    wire_free(w);
    if (rc)
        return err_set(e, rc, "", "", "%.200s: %s", q->url,
                       rc == -ETIMEDOUT ? "no answer in time" : err_name(rc));
    if (ask->x.transport == TRANSPORT_ANSWERED)
        return 0;
    return err_set(e, -EIO, "", "", "%.200s: %s%s%.160s", q->url, ask->x.words,
                   ask->x.detail[0] ? ": " : "", ask->x.detail);
}

/* The server failed, or has too much to do. */
static bool is_worth_another(const struct exchange *x)
{
    return x->status >= 500 || x->status == 429;
}

int web_ask(const struct fetcher *f, const struct web_request *q, struct exchange *x, struct err *e)
{
    struct flagged ask = {.x = *x};
    ask.x.method = q->method;
    ask.x.url = q->url;
    ask.x.lines = q->lines.p;
    ask.x.lines_n = q->lines.n;
    ask.x.body = q->body;
    ask.x.answer_max = CREDENTIALS_ANSWER_MAX;
    ask.x.done = on_done;
    int rc = buf_reserve(&ask.x.answer, CREDENTIALS_ANSWER_MAX); /* its growth leaves no copies */
    if (rc)
        return err_set(e, rc, "", "", "out of memory");
    for (unsigned i = 1;; i++) {
        rc = attempt(f, q, &ask, e);
        bool again = rc == 0 ? is_worth_another(&ask.x) : rc != -ECANCELED && rc != -ENOMEM;
        if (!again || i >= q->attempts)
            break;
        if (!web_pause(f, q->pause_ms)) {
            rc = err_set(e, -ECANCELED, "", "", "%.200s: %s", q->url, err_name(-ECANCELED));
            break;
        }
    }
    *x = ask.x;
    return rc;
}

/* All of a file, up to the buffer's ceiling. */
static int read_all(int fd, struct buf *out)
{
    int rc = buf_reserve(out, TOKEN_MAX);
    while (rc == 0) {
        ssize_t n = read(fd, out->data + out->len, TOKEN_MAX - out->len);
        if (n == 0)
            break;
        if (n < 0 && errno != EINTR)
            rc = -errno;
        out->len += n > 0 ? (size_t)n : 0;
        if (out->len == TOKEN_MAX)
            rc = ERR_LIMIT;
    }
    if (out->data)
        out->data[out->len] = '\0';
    return rc;
}

int web_read_token(const char *path, struct buf *ret, struct err *e)
{
    buf_init(ret, TOKEN_MAX);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    int rc = fd < 0 ? -errno : read_all(fd, ret);
    if (fd >= 0)
        close(fd); /* nothing was written: its result says nothing */
    if (rc)
        return err_set(e, rc, "", "", "token file %.200s: %s", path, err_name(rc));
    while (ret->len > 0 && strchr(" \t\r\n", ret->data[ret->len - 1]))
        ret->data[--ret->len] = '\0';
    size_t blanks = strspn(ret->data, " \t\r\n");
    memmove(ret->data, ret->data + blanks, ret->len + 1 - blanks);
    ret->len -= blanks;
    if (ret->len == 0)
        return err_set(e, ERR_SYNTAX, "", "", "token file %.200s: it is empty", path);
    return 0;
}
