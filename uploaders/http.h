/*
 * HTTP/1.1 as bytes (RFC 9110, RFC 9112): the head of a request, and an answer as it comes in.
 * Pure.
 *
 * Only what a client of S3 needs: requests whose length is known, answers with a length, in chunks,
 * or up to the end of the connection. Strict where leniency lets one answer be taken for another:
 * two lengths that differ, a length that is no number, a NUL in a header. Lines may end without a
 * CR. Interim answers (1xx) are passed over; trailers of chunks are read and forgotten.
 */
#ifndef LOCKSTEP_UPLOADERS_HTTP_H
#define LOCKSTEP_UPLOADERS_HTTP_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define HTTP_LINE_MAX    (64 * 1024) /* bytes of one line of an answer */
#define HTTP_INTERIM_MAX 64          /* interim answers before one that counts */

/* Where a URL leads. Borrowed from its text. */
struct http_target {
    bool tls;
    struct span origin;    /* "scheme://host[:port]" */
    struct span authority; /* "host[:port]" */
    struct span path;      /* with the query; "" stands for "/" */
};

/* http_target(url, ret): "http[s]://host[:port][/path][?query]", without a user. 0 or ERR_SYNTAX.
 */
int http_target(const char *url, struct http_target *ret) __attribute__((warn_unused_result));

struct http_request {
    const char *method;
    struct http_target to;
    const char *lines; /* "name: value" NUL "name: value" NUL ... */
    size_t lines_n;    /* bytes, with the last NUL */
    bool has_body;     /* its length is said, 0 included */
    size_t body_n;
    const char *agent;         /* User-Agent */
    bool by_proxy;             /* the proxy reads it: the whole URL is in its first line */
    const char *authorization; /* for that proxy; NULL: none */
};

/* http_write(q, out): append the head. Host is the URL's where the lines say none. 0, ERR_SYNTAX
 * where a line has a control character or no name, or as buf_append; out as it was then. */
int http_write(const struct http_request *q, struct buf *out) __attribute__((warn_unused_result));

enum http_said {
    HTTP_GOES_ON,
    HTTP_ENDED,  /* the answer is whole */
    HTTP_BROKEN, /* it is not HTTP, or more than was allowed: `fault` says what */
};

enum http_stage {
    HTTP_STATUS, /* the next line is the status line */
    HTTP_HEADERS,
    HTTP_BODY,   /* `left` bytes */
    HTTP_STREAM, /* all there is, up to the connection's end */
    HTTP_CHUNK_SIZE,
    HTTP_CHUNK,     /* `left` bytes */
    HTTP_CHUNK_END, /* the line end behind them */
    HTTP_TRAILERS,
    HTTP_OVER,
};

/* An answer that comes in. Zeroed, then http_begin; http_release. */
struct http_answer {
    enum http_stage stage;
    bool to_head;  /* the request was a HEAD: no body, whatever the headers say */
    bool begun;    /* a byte of it came */
    bool keeps;    /* once it is over: its connection may be used again */
    int status;    /* 0 until its line came */
    uint64_t left; /* bytes of the body, or of the chunk */
    bool length_known;
    bool chunked;
    unsigned interim;
    size_t trailers; /* bytes */
    const char *fault;
    struct buf line; /* the beginning of one whose end has not come */
    /* Borrowed. */
    struct buf *head; /* name NUL value NUL ...; names in lower case */
    struct buf *body;
    size_t body_max;
};

/* http_begin(a, to_head, head, body, body_max): the next answer goes into these. */
void http_begin(struct http_answer *a, bool to_head, struct buf *head, struct buf *body,
                size_t body_max);
void http_release(struct http_answer *a);

/* http_read(a, p, n, ret_used): take what came. After HTTP_ENDED what is left (n - *ret_used) is
 * not this answer's. */
enum http_said http_read(struct http_answer *a, const char *p, size_t n, size_t *ret_used);

/* http_close(a): the connection ended. Never HTTP_GOES_ON. */
enum http_said http_close(struct http_answer *a);

#endif
