/*
 * Shell. The control socket: one line of JSON in, the exit status on a line of its own and the text
 * of the answer out, then the connection is closed. core/request.h says what may be asked.
 */
#include "agent/core/request.h"
#include "agent/service/agent.h"
#include "agent/service/aside.h"
#include "agent/service/orders.h"
#include "agent/service/reload.h"
#include "agent/service/repair.h"
#include "agent/service/wait.h"

#include "base/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define CONTROL_REPLY_MAX   (16 << 20)
#define CONTROL_CLIENTS_MAX 64 /* more than may wait, so that status is always answered */

struct client {
    struct control *control;
    sd_event_source *source;
    sd_event_source *timeout;
    struct waiter *waiter; /* it is answered later */
    int fd;
    struct buf in;
    struct buf out;
    size_t sent;
};

struct control {
    struct agent *agent;
    sd_event_source *source;
    int fd;
    char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
    struct client *clients[CONTROL_CLIENTS_MAX];
};

/* The address of a path. */
static int control_address(const char *path, struct sockaddr_un *ret)
{
    if (strlen(path) >= sizeof ret->sun_path)
        return -ENAMETOOLONG;
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret->sun_path, path, strlen(path) + 1);
    return 0;
}

static void client_free(struct client *c)
{
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
        if (c->control->clients[i] == c)
            c->control->clients[i] = NULL;
    sd_event_source_unref(c->source);
    sd_event_source_unref(c->timeout);
    if (c->waiter)
        wait_cancel(c->control->agent, c->waiter);
    close(c->fd);
    buf_release(&c->in);
    buf_release(&c->out);
    free(c);
}

/* Orders that are carried out at once. */
static const struct {
    const char *cmd;
    int (*carry_out)(struct agent *a, const struct request *r, const struct ucred *peer,
                     struct buf *out);
} orders[] = {
    {"release", orders_release}, {"discard", orders_discard}, {"rescan", orders_rescan},
    {"pause", orders_pause},     {"resume", orders_resume},
};

/* {"cmd":"status"}; where "what" says so, the text ends with the last changes. */
static int answer_status(struct agent *a, const struct request *r, struct buf *out)
{
    struct buf text;
    int rc = 0, status;

    buf_init(&text, CONTROL_REPLY_MAX - 16);
    status = a->aside ? aside_status(a, r->json, &text) : report_status(a, r->json, &text);
    if (!a->aside && !r->json && strcmp(r->what, "changes") == 0)
        rc = recent_text(&text, &a->recent, a->now_ms);
    if (rc == 0)
        rc = buf_appendf(out, "%d\n", status);
    if (rc == 0 && text.len)
        rc = buf_append(out, text.data, text.len);
    buf_release(&text);
    return rc;
}

/* Do what the request says and fill in the answer. */
static int answer(struct agent *a, const struct request *r, const struct ucred *peer,
                  struct buf *out)
{
    int rc;

    if (strcmp(r->cmd, "status") == 0)
        return answer_status(a, r, out);
    if (a->aside)
        return buf_appendf(out, "%d\n%s\n", EXIT_UNREACHED, a->aside->refusal);
    if (strcmp(r->cmd, "repair") == 0)
        return repair_request(a, r, out);
    if (strcmp(r->cmd, "why") == 0)
        return repair_why(a, r, out);
    if (strcmp(r->cmd, "open") == 0) {
        rc = buf_appendf(out, "%d\n", EXIT_IN_STEP);
        return rc ? rc : wait_open(a, r, out);
    }
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
        if (strcmp(r->cmd, orders[i].cmd) == 0)
            return orders[i].carry_out(a, r, peer, out);
    return buf_appendf(out, "%d\nunknown command; lockstep(8) and docs/control.md name them\n",
                       EXIT_USAGE);
}

/* Send what is ready; the connection ends when all is sent. */
static void client_send(struct client *c)
{
    while (c->sent < c->out.len) {
        ssize_t n =
            send(c->fd, c->out.data + c->sent, c->out.len - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            if (sd_event_source_set_io_events(c->source, EPOLLOUT) < 0)
                client_free(c);
            return;
        }
        if (n < 0)
            break;
        c->sent += (size_t)n;
    }
    client_free(c);
}

/* What was waited for is there, or its time is up. */
static void on_waited(void *arg, int status, const char *text)
{
    struct client *c = arg;

    c->waiter = NULL;
    if (buf_appendf(&c->out, "%d\n%s", status, text))
        client_free(c);
    else
        client_send(c);
}

/* {"cmd":"wait"}: it may take long, so the client is not cut off for being silent. */
static int client_wait(struct client *c, const struct request *r)
{
    struct agent *a = c->control->agent;
    int rc = wait_begin(a, r, on_waited, c, &c->waiter);

    if (rc == -EBUSY)
        return buf_appendf(&c->out, "%d\n%d others wait already\n", EXIT_UNREACHED, WAITERS_MAX);
    if (rc == 0)
        (void)sd_event_source_set_enabled(c->timeout, SD_EVENT_OFF); /* else it is cut off */
    return rc;
}

/* {"cmd":"reload"}: a changed configuration is taken over, or refused whole. Where the agent begins
 * anew for it the client is answered after that, by another descriptor than the control's. */
static int client_reload(struct client *c, const struct ucred *peer)
{
    struct agent *a = c->control->agent;
    struct buf text;
    int rc = 0, status;

    buf_init(&text, CONTROL_REPLY_MAX - 16);
    status = reload(a, c->fd, &text);
    log_info("uid %u (pid %d) asks for a reload: %s", (unsigned)peer->uid, (int)peer->pid,
             status == RELOAD_LATER ? "to begin anew with"
             : status               ? "refused"
                                    : "taken over");
    if (status != RELOAD_LATER) {
        rc = buf_appendf(&c->out, "%d\n", status);
        if (rc == 0 && text.len)
            rc = buf_append(&c->out, text.data, text.len);
    }
    buf_release(&text);
    return rc;
}

/* A whole line is here: answer it. */
static void client_answer(struct client *c, size_t line_n)
{
    struct agent *a = c->control->agent;
    struct request r;
    struct ucred peer = {.uid = (uid_t)-1};
    socklen_t size = sizeof peer;
    int rc;

    agent_now(a);
    if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
        peer = (struct ucred){.uid = (uid_t)-1};
    if (!request_parse((struct span){c->in.data, line_n}, &r))
        rc = buf_appendf(&c->out, "%d\nnot a request: one line of flat JSON with \"cmd\"\n",
                         EXIT_USAGE);
    else if (strcmp(r.cmd, "wait") == 0 && !a->aside)
        rc = client_wait(c, &r);
    else if (strcmp(r.cmd, "reload") == 0 && !a->aside)
        rc = client_reload(c, &peer);
    else
        rc = answer(a, &r, &peer, &c->out);
    if (rc)
        client_free(c);
    else if (!c->waiter)
        client_send(c);
}

static int on_client(sd_event_source *s, int fd, uint32_t events, void *arg)
{
    struct client *c = arg;
    char piece[4096];
    const char *end;
    ssize_t n;

    (void)s;
    if (c->out.len) {
        client_send(c);
        return 0;
    }
    n = recv(fd, piece, sizeof piece, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0 || (events & EPOLLERR) || buf_append(&c->in, piece, (size_t)n)) {
        client_free(c);
        return 0;
    }
    end = c->waiter ? NULL : memchr(c->in.data, '\n', c->in.len);
    if (end)
        client_answer(c, (size_t)(end - c->in.data));
    return 0;
}

/* A client that neither asks nor listens may not keep its place. */
static int on_silent(sd_event_source *s, uint64_t usec, void *arg)
{
    (void)s;
    (void)usec;
    client_free(arg);
    return 0;
}

static int on_connect(sd_event_source *s, int fd, uint32_t events, void *arg)
{
    struct control *ctl = arg;
    int client_fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct client *c;
    size_t slot = 0;

    (void)s;
    (void)events;
    if (client_fd < 0)
        return 0;
    while (slot < CONTROL_CLIENTS_MAX && ctl->clients[slot])
        slot++;
    c = slot < CONTROL_CLIENTS_MAX ? calloc(1, sizeof *c) : NULL;
    if (!c) {
        close(client_fd);
        return 0;
    }
    c->control = ctl;
    c->fd = client_fd;
    buf_init(&c->in, REQUEST_BYTES_MAX);
    buf_init(&c->out, CONTROL_REPLY_MAX);
    ctl->clients[slot] = c;
    if (sd_event_add_io(ctl->agent->event, &c->source, client_fd, EPOLLIN, on_client, c) < 0 ||
        sd_event_add_time_relative(ctl->agent->event, &c->timeout, CLOCK_MONOTONIC,
                                   CONTROL_WAIT_S * UINT64_C(1000000), 0, on_silent, c) < 0)
        client_free(c);
    return 0;
}

/* Somebody listens at the socket. */
static bool is_answered(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool answered =
        fd >= 0 &&
        (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EAGAIN);

    if (fd >= 0)
        close(fd);
    return answered;
}

int control_new(struct agent *a, const char *path, struct control **ret, struct err *e)
{
    struct control *ctl = calloc(1, sizeof *ctl);
    struct sockaddr_un address;
    int rc = ctl ? control_address(path, &address) : -ENOMEM;

    if (rc) {
        free(ctl);
        return err_set(e, rc, path, "a shorter path, at most 107 bytes",
                       "the control socket cannot be made: %s", err_name(rc));
    }
    if (is_answered(&address)) {
        free(ctl);
        return err_set(e, -EADDRINUSE, path, "a `socket` of its own for each agent",
                       "the control socket cannot be made: another agent answers there");
    }
    ctl->agent = a;
    memcpy(ctl->path, path, strlen(path) + 1);
    (void)unlink(path); /* left by an agent that died */
    ctl->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (ctl->fd < 0 || bind(ctl->fd, (struct sockaddr *)&address, sizeof address) ||
        chmod(path, 0660) || listen(ctl->fd, CONTROL_CLIENTS_MAX))
        rc = -errno;
    else
        rc = sd_event_add_io(a->event, &ctl->source, ctl->fd, EPOLLIN, on_connect, ctl);
    if (rc < 0) {
        control_free(ctl);
        return err_set(e, rc, path, NULL, "the control socket cannot be made: %s", err_name(rc));
    }
    *ret = ctl;
    return 0;
}

void control_free(struct control *ctl)
{
    if (!ctl)
        return;
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
        if (ctl->clients[i])
            client_free(ctl->clients[i]);
    sd_event_source_unref(ctl->source);
    if (ctl->fd >= 0) {
        close(ctl->fd);
        (void)unlink(ctl->path); /* a leftover does no harm */
    }
    free(ctl);
}

/* Read the whole answer. */
static int call_read(int fd, struct buf *out)
{
    char piece[65536];
    ssize_t n;

    while ((n = read(fd, piece, sizeof piece)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        int rc = buf_append(out, piece, (size_t)n);

        if (rc)
            return rc;
    }
    return 0;
}

/* Take the first line off the answer: the exit status. */
static int call_status(struct buf *out, int *ret_status)
{
    char *end = out->len ? memchr(out->data, '\n', out->len) : NULL;

    if (!end || end != out->data + 1 || out->data[0] < '0' || out->data[0] > '9')
        return -EPROTO; /* all exit statuses have one digit */
    *ret_status = out->data[0] - '0';
    out->len -= (size_t)(end + 1 - out->data);
    memmove(out->data, end + 1, out->len + 1);
    return 0;
}

int control_call(const struct conf *conf, const char *request, struct buf *out, int *ret_status)
{
    return control_call_for(conf, request, CONTROL_WAIT_S, out, ret_status);
}

int control_call_for(const struct conf *conf, const char *request, int64_t wait_s, struct buf *out,
                     int *ret_status)
{
    struct sockaddr_un address;
    struct timeval wait = {.tv_sec = wait_s};
    int fd, rc = control_address(conf->socket, &address);

    if (rc)
        return rc;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait); /* without it: no time-out */
    if (connect(fd, (struct sockaddr *)&address, sizeof address) ||
        send(fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request))
        rc = -errno;
    if (rc == 0)
        rc = call_read(fd, out);
    if (rc == 0)
        rc = call_status(out, ret_status);
    close(fd);
    return rc;
}
