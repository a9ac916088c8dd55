/* The port for Prometheus. Shell. */
#include "agent/service/exporter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define CLIENTS_MAX     16
#define SILENCE_S       10 /* a client that sends or takes nothing for so long is cut off */
#define REQUEST_MAX     (16 * 1024) /* bytes of a request's head */
#define STACK_BYTES     (256 * 1024)
#define METRICS_WAIT_MS 8000 /* Prometheus itself gives up after ten seconds */
#define HEALTH_WAIT_MS  2000 /* a loop that needs longer for an answer does not get on */
#define METRICS_TYPE    "text/plain; version=0.0.4; charset=utf-8"
#define TEXT_TYPE       "text/plain; charset=utf-8"

struct exporter {
    struct desk *desk;
    struct MHD_Daemon *daemon;
};

/* "127.0.0.1:9780" or "[::1]:9780" as an address. */
static int parse_address(const char *listen, struct sockaddr_storage *ret)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    const char *colon = strrchr(listen, ':');
    bool bracketed = listen[0] == '[';
    char host[INET6_ADDRSTRLEN];
    size_t n;
    uint16_t port;

    if (!colon || colon < listen + 2)
        return -EINVAL;
    n = (size_t)(colon - listen) - (bracketed ? 2 : 0);
    port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    if (n >= sizeof host)
        return -EINVAL;
    memcpy(host, listen + bracketed, n);
    host[n] = '\0';
    v4.sin_port = v6.sin6_port = port;
    *ret = (struct sockaddr_storage){0};
    if (bracketed && inet_pton(AF_INET6, host, &v6.sin6_addr) == 1)
        memcpy(ret, &v6, sizeof v6);
    else if (!bracketed && inet_pton(AF_INET, host, &v4.sin_addr) == 1)
        memcpy(ret, &v4, sizeof v4);
    else
        return -EINVAL;
    return 0;
}

/* Answer, and close the connection: the next scrape is some time off. */
static enum MHD_Result reply(struct MHD_Connection *mhd, unsigned status, const char *type,
                             const struct buf *text)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(
        text->len, text->len ? text->data : NULL, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result rc = MHD_NO;

    if (!r)
        return MHD_NO;
    if (MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_YES &&
        MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES &&
        MHD_add_response_header(r, "Cache-Control", "no-store") == MHD_YES &&
        (status != MHD_HTTP_METHOD_NOT_ALLOWED ||
         MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD") == MHD_YES))
        rc = MHD_queue_response(mhd, status, r);
    MHD_destroy_response(r);
    return rc;
}

/* Answer with a line. */
static enum MHD_Result reply_line(struct MHD_Connection *mhd, unsigned status, const char *line)
{
    struct buf text;
    enum MHD_Result rc;

    buf_init(&text, ERR_TEXT_MAX);
    if (buf_appendf(&text, "%s\n", line))
        return MHD_NO;
    rc = reply(mhd, status, TEXT_TYPE, &text);
    buf_release(&text);
    return rc;
}

/* Why the desk has no answer. */
static enum MHD_Result reply_none(struct MHD_Connection *mhd, int code)
{
    return reply_line(mhd, MHD_HTTP_SERVICE_UNAVAILABLE,
                      code == -ETIMEDOUT   ? "the agent's loop does not answer"
                      : code == -ESHUTDOWN ? "the agent is stopping"
                                           : err_name(code));
}

static enum MHD_Result reply_metrics(struct exporter *x, struct MHD_Connection *mhd)
{
    struct buf text;
    enum MHD_Result result;
    int rc;

    buf_init(&text, DESK_TEXT_MAX);
    rc = desk_read(x->desk, METRICS_WAIT_MS, &text, NULL);
    result = rc < 0 ? reply_none(mhd, rc) : reply(mhd, MHD_HTTP_OK, METRICS_TYPE, &text);
    buf_release(&text);
    return result;
}

static enum MHD_Result reply_health(struct exporter *x, struct MHD_Connection *mhd)
{
    struct buf why;
    enum MHD_Result result;
    int rc;

    buf_init(&why, DESK_TEXT_MAX);
    rc = desk_read(x->desk, HEALTH_WAIT_MS, NULL, &why);
    if (rc < 0)
        result = reply_none(mhd, rc);
    else if (rc > 0)
        result = reply_line(mhd, MHD_HTTP_OK, "ok");
    else
        result = reply(mhd, MHD_HTTP_SERVICE_UNAVAILABLE, TEXT_TYPE, &why);
    buf_release(&why);
    return result;
}

/* The head of a request is there. A body is not waited for. */
/* NOLINTBEGIN(readability-non-const-parameter): as the library wants it */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **context)
/* NOLINTEND(readability-non-const-parameter) */
{
    struct exporter *x = arg;

    (void)version;
    (void)data;
    (void)size;
    (void)context;
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return reply_line(mhd, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET");
    if (strcmp(url, "/metrics") == 0)
        return reply_metrics(x, mhd);
    if (strcmp(url, "/healthz") == 0)
        return reply_health(x, mhd);
    return reply_line(mhd, MHD_HTTP_NOT_FOUND, "only /metrics and /healthz");
}

/* What the library has to complain of is its clients' doing. */
static void on_log(void *arg, const char *fmt, va_list ap)
{
    (void)arg;
    (void)fmt;
    (void)ap;
}

int exporter_new(const char *listen, struct desk *desk, struct exporter **ret, struct err *e)
{
    struct exporter *x = calloc(1, sizeof *x);
    struct sockaddr_storage address;
    int rc = x ? parse_address(listen, &address) : -ENOMEM;

    if (rc) {
        free(x);
        return err_set(e, rc, "metrics.listen", NULL, "%s: %s", listen, err_name(rc));
    }
    x->desk = desk;
    errno = 0;
    x->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL |
            MHD_USE_ERROR_LOG | (address.ss_family == AF_INET6 ? MHD_USE_IPv6 : 0),
        0, NULL, NULL, on_request, x, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
        MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CLIENTS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SILENCE_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_MAX, MHD_OPTION_THREAD_STACK_SIZE,
        (size_t)STACK_BYTES, MHD_OPTION_END);
    if (!x->daemon) {
        rc = errno ? -errno : -EIO;
        free(x);
        return err_set(e, rc, "metrics.listen", "a loopback address and a port that is free",
                       "nothing can listen at %s: %s", listen, err_name(rc));
    }
    *ret = x;
    return 0;
}

void exporter_free(struct exporter *x)
{
    if (!x)
        return;
    MHD_stop_daemon(x->daemon);
    free(x);
}
