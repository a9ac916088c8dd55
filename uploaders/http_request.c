/* The head of an HTTP request. Pure. See http.h. */
#include "uploaders/http.h"

#include "base/err.h"

#include <string.h>
#include <strings.h>

static const char plain[] = "http://", secure[] = "https://";

int http_target(const char *url, struct http_target *ret)
{
    struct http_target t = {.tls = strncmp(url, secure, sizeof(secure) - 1) == 0};
    if (!t.tls && strncmp(url, plain, sizeof(plain) - 1) != 0)
        return ERR_SYNTAX;
    const char *host = url + (t.tls ? sizeof(secure) : sizeof(plain)) - 1;
    size_t host_n = strcspn(host, "/?#"), all_n = strlen(host);
    if (host_n == 0 || memchr(host, '@', host_n))
        return ERR_SYNTAX;
    for (size_t i = 0; i < all_n; i++)
        if (host[i] == '#' || (unsigned char)host[i] <= ' ' || host[i] == 0x7f)
            return ERR_SYNTAX;
    t.origin = (struct span){url, (size_t)(host - url) + host_n};
    t.authority = (struct span){host, host_n};
    t.path = (struct span){host + host_n, all_n - host_n};
    *ret = t;
    return 0;
}

/* A name, a colon, and nothing that ends a line. */
static bool is_line(const char *line, size_t n)
{
    if (n == 0 || line[0] == ':' || !memchr(line, ':', n))
        return false;
    for (size_t i = 0; i < n; i++)
        if (((unsigned char)line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f)
            return false;
    return true;
}

static bool is_named(const char *line, const char *name)
{
    size_t n = strlen(name);
    return strncasecmp(line, name, n) == 0 && line[n] == ':';
}

/* "PUT /path HTTP/1.1": the whole URL for a proxy; a slash where there is no path. */
static int write_first(const struct http_request *q, struct buf *out)
{
    bool rootless = q->to.path.n == 0 || q->to.path.p[0] != '/';
    int rc = buf_append_str(out, q->method);
    rc = rc ?: buf_append_byte(out, ' ');
    if (rc == 0 && q->by_proxy)
        rc = buf_append_span(out, q->to.origin);
    if (rc == 0 && rootless)
        rc = buf_append_byte(out, '/');
    rc = rc ?: buf_append_span(out, q->to.path);
    return rc ?: buf_append_span(out, SPAN(" HTTP/1.1\r\n"));
}

/* One line of ours. */
static int write_line(struct buf *out, const char *name, struct span value)
{
    int rc = buf_append_str(out, name);
    rc = rc ?: buf_append_span(out, value);
    return rc ?: buf_append_span(out, SPAN("\r\n"));
}

/* The request's own lines. */
static int write_lines(const struct http_request *q, struct buf *out, bool *ret_host)
{
    int rc = 0;
    for (size_t at = 0, n; at < q->lines_n && rc == 0; at += n + 1) {
        const char *line = q->lines + at;
        n = strlen(line);
        if (!is_line(line, n))
            return ERR_SYNTAX;
        *ret_host = *ret_host || is_named(line, "host");
        rc = buf_append(out, line, n);
        rc = rc ?: buf_append_span(out, SPAN("\r\n"));
    }
    return rc;
}

int http_write(const struct http_request *q, struct buf *out)
{
    size_t was = out->len;
    bool host = false;
    int rc = write_first(q, out);
    rc = rc ?: write_lines(q, out, &host);
    if (rc == 0 && !host)
        rc = write_line(out, "host: ", q->to.authority);
    rc = rc ?: write_line(out, "user-agent: ", span_of(q->agent));
    if (rc == 0 && q->by_proxy && q->authorization)
        rc = write_line(out, "proxy-authorization: ", span_of(q->authorization));
    if (rc == 0 && q->has_body)
        rc = buf_appendf(out, "content-length: %zu\r\n", q->body_n);
    rc = rc ?: buf_append_span(out, SPAN("\r\n"));
    if (rc != 0 && out->data) {
        out->len = was;
        out->data[was] = '\0';
    }
    return rc;
}
