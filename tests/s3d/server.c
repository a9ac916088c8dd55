/* HTTP: connections on the loopback interface, by libmicrohttpd. Shell. */
#include "tests/s3d/server.h"

#include "tests/s3d/timers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTION_MEMORY    (160 * 1024) /* request line, headers and a piece of the body */
#define CONNECTION_INCREMENT (64 * 1024)
#define REPLY_PIECE          (64 * 1024)

struct server {
    struct MHD_Daemon *daemon;
    struct timers *timers;
    struct service *service;
    uint16_t port;
};

/* One request, as libmicrohttpd's callbacks hand it around. */
struct connection {
    struct server *server;
    struct MHD_Connection *mhd;
    struct exchange *exchange;
    bool begun;
    bool answered;
    bool waited; /* of a drip: the pause before this byte is over */
};

/* The request line is there: the only place where the address is still as it was sent. */
static void *on_uri(void *context, const char *uri, struct MHD_Connection *mhd)
{
    struct server *s = context;
    struct connection *c = mem_new(sizeof(*c));
    c->server = s;
    c->mhd = mhd;
    c->exchange = exchange_new(s->service, uri);
    return c;
}

/* The request is over, however it ended. */
static void on_completed(void *context, struct MHD_Connection *mhd, void **request,
                         enum MHD_RequestTerminationCode why)
{
    struct connection *c = *request;
    (void)context;
    (void)mhd;
    (void)why;
    if (!c)
        return;
    exchange_free(c->exchange);
    free(c);
    *request = NULL;
}

/* Nothing to unescape in place: we work on the address as it was sent. */
static size_t leave_escaped(void *context, struct MHD_Connection *mhd, char *text)
{
    (void)context;
    (void)mhd;
    return strlen(text);
}

/* One header. */
static enum MHD_Result on_header(void *context, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
    struct connection *c = context;
    (void)kind;
    exchange_header(c->exchange, name, value ? value : "");
    return MHD_YES;
}

/* A timer is due. */
static void resume(void *argument)
{
    MHD_resume_connection(argument);
}

/* Sleep without a thread: the connection is woken by a timer. */
static void pause_connection(struct connection *c)
{
    MHD_suspend_connection(c->mhd);
    timers_add(c->server->timers, c->exchange->fault.ms, c->mhd);
}

/* Reset the connection: a connect to nowhere sends RST at once. */
static void reset_connection(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    if (info)
        (void)connect(info->connect_fd, &nowhere,
                      sizeof(nowhere)); /* closed after it in any case */
}

/* Bytes of the reply from wherever they lie. */
static ssize_t read_reply(const struct reply *r, uint64_t at, char *out, size_t n)
{
    if (n > r->size - at)
        n = (size_t)(r->size - at);
    if (r->fd >= 0)
        return pread(r->fd, out, n, (off_t)(r->offset + at));
    memcpy(out, r->body.data + at, n);
    return (ssize_t)n;
}

/* The body of a reply that a fault distorts. */
static ssize_t on_distorted(void *context, uint64_t at, char *out, size_t n)
{
    struct connection *c = context;
    const struct reply *r = &c->exchange->reply;
    bool truncate = c->exchange->fault.action == FAULT_TRUNCATE;
    if (at >= r->size)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (truncate && at >= r->size / 2)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (truncate)
        return read_reply(r, at, out, n < r->size / 2 - at ? n : (size_t)(r->size / 2 - at));
    if (!c->waited) {
        c->waited = true;
        pause_connection(c);
        return 0;
    }
    c->waited = false;
    return read_reply(r, at, out, 1);
}

/* The body of a HEAD, which is announced and never sent. */
static ssize_t on_bodyless(void *context, uint64_t at, char *out, size_t n)
{
    (void)context;
    (void)at;
    (void)out;
    (void)n;
    return MHD_CONTENT_READER_END_WITH_ERROR;
}

/* libmicrohttpd's form of the body. */
static struct MHD_Response *make_response(struct connection *c)
{
    struct reply *r = &c->exchange->reply;
    enum fault_action fault = c->exchange->fault.action;
    if (r->bodyless)
        return MHD_create_response_from_callback(r->size, REPLY_PIECE, on_bodyless, NULL, NULL);
    if ((fault == FAULT_TRUNCATE || fault == FAULT_DRIP) && r->size > 0)
        return MHD_create_response_from_callback(r->size, REPLY_PIECE, on_distorted, c, NULL);
    if (r->fd >= 0 && r->size > 0) {
        int fd = r->fd;
        r->fd = -1; /* the response closes it */
        return MHD_create_response_from_fd_at_offset64(r->size, fd, r->offset);
    }
    return MHD_create_response_from_buffer(r->body.len, r->body.data, MHD_RESPMEM_PERSISTENT);
}

/* Hand the reply over. It stays in the exchange until the request is completed. */
static enum MHD_Result answer(struct connection *c)
{
    struct exchange *x = c->exchange;
    struct MHD_Response *response = make_response(c);
    char date[HTTP_DATE_SIZE];
    if (!response)
        return MHD_NO;
    reply_header(&x->reply, "Date", http_date(service_now(x->service), date));
    reply_header(&x->reply, "Server", "s3d");
    for (size_t i = 0; i < x->reply.headers.n; i++)
        (void)MHD_add_response_header(response, x->reply.headers.at[i].name,
                                      x->reply.headers.at[i].value); /* NO: not sendable */
    enum MHD_Result result = MHD_queue_response(c->mhd, x->reply.status, response);
    MHD_destroy_response(response);
    c->answered = true;
    return result;
}

/* Do what the exchange asks for. */
static enum MHD_Result obey(struct connection *c, enum step step)
{
    switch (step) {
    case STEP_BODY:
        return MHD_YES;
    case STEP_ANSWER:
        return answer(c);
    case STEP_WAIT:
        pause_connection(c);
        return MHD_YES;
    case STEP_DROP:
        break;
    }
    reset_connection(c->mhd);
    return MHD_NO;
}

/* Called with the headers, with each piece of the body, at its end, and after each pause. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_n, void **request)
{
    struct connection *c = *request;
    (void)context;
    (void)url;
    (void)version;
    if (c->answered)
        return MHD_YES;
    if (!c->begun) {
        c->begun = true;
        (void)MHD_get_connection_values(mhd, MHD_HEADER_KIND, on_header, c); /* their number */
        return obey(c, exchange_begin(c->exchange, method));
    }
    if (*upload_n > 0) {
        exchange_add(c->exchange, upload, *upload_n);
        *upload_n = 0;
        return MHD_YES;
    }
    return obey(c, exchange_finish(c->exchange));
}

int server_start(const struct server_options *o, struct service *s, struct server **ret)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(o->port),
        .sin_addr.s_addr = htonl(o->address),
    };
    struct server *server = mem_new(sizeof(*server));
    server->service = s;
    int code = timers_new(resume, &server->timers);
    if (code) {
        free(server);
        return code;
    }
    /* Options that end the list, or those of TLS before it. */
    struct MHD_OptionItem tls[] = {
        {o->cert ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, (void *)(uintptr_t)o->cert},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)o->key},
        {MHD_OPTION_END, 0, NULL}};
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
            (o->cert ? MHD_USE_TLS : 0),
        o->port, NULL, NULL, on_request, server, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
        MHD_OPTION_THREAD_POOL_SIZE, o->threads, MHD_OPTION_CONNECTION_TIMEOUT, o->idle_s,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)CONNECTION_INCREMENT,
        MHD_OPTION_URI_LOG_CALLBACK, on_uri, server, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
        NULL, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    if (!server->daemon) {
        server_stop(server);
        return -EADDRINUSE;
    }
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    server->port = info ? info->port : o->port;
    *ret = server;
    return 0;
}

uint16_t server_port(const struct server *s)
{
    return s->port;
}

void server_stop(struct server *s)
{
    if (!s)
        return;
    timers_finish(s->timers);
    if (s->daemon)
        MHD_stop_daemon(s->daemon);
    timers_free(s->timers);
    free(s);
}
