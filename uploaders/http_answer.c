/* An HTTP answer as it comes in. Pure. See http.h. */
#include "uploaders/http.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const char no_memory[] = "no memory for the answer";

void http_begin(struct http_answer *a, bool to_head, struct buf *head, struct buf *body,
                size_t body_max)
{
    struct buf line = a->line;
    buf_reset(&line);
    line.max = HTTP_LINE_MAX;
    *a = (struct http_answer){.line = line,
                              .to_head = to_head,
                              .keeps = true,
                              .head = head,
                              .body = body,
                              .body_max = body_max};
}

void http_release(struct http_answer *a)
{
    buf_release(&a->line);
}

static enum http_said broken(struct http_answer *a, const char *fault)
{
    a->fault = fault;
    a->stage = HTTP_OVER;
    a->keeps = false;
    return HTTP_BROKEN;
}

static enum http_said ended(struct http_answer *a)
{
    a->stage = HTTP_OVER;
    return HTTP_ENDED;
}

/* "HTTP/1.1 200 OK". */
static enum http_said read_status(struct http_answer *a, struct span line)
{
    const char *p = line.p;
    if (line.n < 12 || memcmp(p, "HTTP/1.", 7) != 0 || !isdigit((unsigned char)p[7]) ||
        p[8] != ' ' || (line.n > 12 && p[12] != ' '))
        return broken(a, "the answer is not HTTP/1");
    for (int i = 9; i < 12; i++)
        if (!isdigit((unsigned char)p[i]))
            return broken(a, "the answer is not HTTP/1");
    a->status = (p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0');
    a->keeps = p[7] != '0';
    a->left = 0;
    a->length_known = a->chunked = false;
    buf_reset(a->head);
    a->stage = HTTP_HEADERS;
    return a->status >= 100 ? HTTP_GOES_ON : broken(a, "the answer is not HTTP/1");
}

/* Is the word one of a list with commas? */
static bool has_word(struct span list, const char *word)
{
    size_t n = strlen(word);
    while (list.n > 0) {
        const char *comma = memchr(list.p, ',', list.n);
        struct span one = {list.p, comma ? (size_t)(comma - list.p) : list.n};
        list.p += one.n + (comma ? 1 : 0);
        list.n -= one.n + (comma ? 1 : 0);
        while (one.n > 0 && isspace((unsigned char)one.p[0]))
            one = (struct span){one.p + 1, one.n - 1};
        while (one.n > 0 && isspace((unsigned char)one.p[one.n - 1]))
            one.n--;
        if (one.n == n && strncasecmp(one.p, word, n) == 0)
            return true;
    }
    return false;
}

/* Content-Length. */
static enum http_said read_length(struct http_answer *a, struct span value)
{
    uint64_t length = 0;
    if (value.n == 0 || value.n > 18)
        return broken(a, "the answer's length is no number");
    for (size_t i = 0; i < value.n; i++) {
        if (!isdigit((unsigned char)value.p[i]))
            return broken(a, "the answer's length is no number");
        length = length * 10 + (uint64_t)(value.p[i] - '0');
    }
    if (a->length_known && length != a->left)
        return broken(a, "the answer has two lengths");
    a->length_known = true;
    a->left = length;
    return HTTP_GOES_ON;
}

static bool is_name(struct span name, const char *text)
{
    return name.n == strlen(text) && memcmp(name.p, text, name.n) == 0;
}

/* What a header says of the answer's own form. */
static enum http_said read_framing(struct http_answer *a, struct span name, struct span value)
{
    switch (name.p[0]) {
    case 'c':
        if (is_name(name, "content-length"))
            return read_length(a, value);
        if (is_name(name, "connection")) {
            a->keeps = (a->keeps || has_word(value, "keep-alive")) && !has_word(value, "close");
        }
        break;
    case 't':
        if (is_name(name, "transfer-encoding")) {
            bool chunks = has_word(value, "chunked") && !memchr(value.p, ',', value.n);
            if (!chunks && !has_word(value, "identity"))
                return broken(a, "the answer's transfer coding is not known");
            a->chunked = a->chunked || chunks;
        }
        break;
    default:
        break;
    }
    return HTTP_GOES_ON;
}

/* Keep a header, its name in lower case, its value without white space around it. What has no
 * colon, or goes on with the line before, is none. */
static enum http_said read_header(struct http_answer *a, struct span line)
{
    struct buf *head = a->head;
    const char *colon = memchr(line.p, ':', line.n);
    if (memchr(line.p, '\0', line.n))
        return broken(a, "the answer has a NUL in its headers");
    if (!colon || colon == line.p || line.p[0] == ' ' || line.p[0] == '\t')
        return HTTP_GOES_ON;
    struct span name = {line.p, (size_t)(colon - line.p)};
    struct span value = {colon + 1, line.n - name.n - 1};
    while (value.n > 0 && isspace((unsigned char)value.p[0]))
        value = (struct span){value.p + 1, value.n - 1};
    while (value.n > 0 && isspace((unsigned char)value.p[value.n - 1]))
        value.n--;
    size_t name_at = head->len, size = name.n + value.n + 2;
    if (size > head->max || head->len > head->max - size)
        return broken(a, "the answer has too many headers");
    if (buf_reserve(head, size) != 0 || buf_append_span(head, name) != 0 ||
        buf_append_byte(head, '\0') != 0 || buf_append_span(head, value) != 0 ||
        buf_append_byte(head, '\0') != 0)
        return broken(a, no_memory);
    char *kept = head->data + name_at;
    for (size_t i = 0; i < name.n; i++)
        kept[i] = (char)tolower((unsigned char)kept[i]);
    return read_framing(a, (struct span){kept, name.n}, (struct span){kept + name.n + 1, value.n});
}

/* The headers are over: what follows them? */
static enum http_said begin_body(struct http_answer *a)
{
    if (a->status < 200) {
        a->stage = HTTP_STATUS;
        a->status = 0;
        return ++a->interim > HTTP_INTERIM_MAX ? broken(a, "the answer does not begin")
                                               : HTTP_GOES_ON;
    }
    /* Some servers (Swift) send the end of a body that is not there behind an answer to HEAD that
     * speaks of chunks; it would be taken for the next answer's beginning. */
    if (a->to_head && a->chunked)
        a->keeps = false;
    if (a->to_head || a->status == 204 || a->status == 304)
        return ended(a);
    if (a->chunked) {
        a->left = 0;
        a->stage = HTTP_CHUNK_SIZE;
        return HTTP_GOES_ON;
    }
    if (a->length_known) {
        a->stage = HTTP_BODY;
        return a->left == 0 ? ended(a) : HTTP_GOES_ON;
    }
    a->keeps = false;
    a->stage = HTTP_STREAM;
    return HTTP_GOES_ON;
}

/* "1a2b;name=value". */
static enum http_said read_chunk_size(struct http_answer *a, struct span line)
{
    size_t n = 0;
    uint64_t size = 0;
    for (; n < line.n && isxdigit((unsigned char)line.p[n]); n++) {
        int c = tolower((unsigned char)line.p[n]);
        size = size * 16 + (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
        if (n == 15)
            return broken(a, "the answer's chunks have no size");
    }
    if (n == 0 || (n < line.n && !memchr("; \t", line.p[n], 3)))
        return broken(a, "the answer's chunks have no size");
    a->left = size;
    a->stage = size > 0 ? HTTP_CHUNK : HTTP_TRAILERS;
    return HTTP_GOES_ON;
}

/* A line without its end. */
static enum http_said read_line(struct http_answer *a, struct span line)
{
    switch (a->stage) {
    case HTTP_STATUS:
        return read_status(a, line);
    case HTTP_HEADERS:
        return line.n > 0 ? read_header(a, line) : begin_body(a);
    case HTTP_CHUNK_SIZE:
        return read_chunk_size(a, line);
    case HTTP_CHUNK_END:
        a->stage = HTTP_CHUNK_SIZE;
        return line.n == 0 ? HTTP_GOES_ON : broken(a, "the answer's chunks have no end");
    case HTTP_TRAILERS:
        a->trailers += line.n;
        if (a->trailers > HTTP_LINE_MAX)
            return broken(a, "the answer has too many headers");
        return line.n > 0 ? HTTP_GOES_ON : ended(a);
    case HTTP_BODY:
    case HTTP_STREAM:
    case HTTP_CHUNK:
    case HTTP_OVER:
        break;
    }
    return broken(a, "the answer is not HTTP/1");
}

/* Bytes of the body, up to its ceiling. */
static enum http_said take_body(struct http_answer *a, const char *p, size_t n, size_t *ret_used)
{
    if (a->stage != HTTP_STREAM && n > a->left)
        n = (size_t)a->left;
    *ret_used = n;
    if (n > a->body_max || a->body->len > a->body_max - n)
        return broken(a, "the answer is larger than any should be");
    if (buf_append(a->body, p, n) != 0)
        return broken(a, no_memory);
    if (a->stage == HTTP_STREAM)
        return HTTP_GOES_ON;
    a->left -= n;
    if (a->left > 0)
        return HTTP_GOES_ON;
    if (a->stage == HTTP_BODY)
        return ended(a);
    a->stage = HTTP_CHUNK_END;
    return HTTP_GOES_ON;
}

/* The next line, where all of it has come. */
static enum http_said take_line(struct http_answer *a, const char *p, size_t n, size_t *ret_used)
{
    const char *end = memchr(p, '\n', n);
    size_t came = end ? (size_t)(end - p) : n;
    struct span line = {p, came};
    *ret_used = came + (end ? 1 : 0);
    if (came > HTTP_LINE_MAX - a->line.len)
        return broken(a, "the answer has too many headers");
    if (!end || a->line.len > 0) {
        if (buf_append(&a->line, p, came) != 0)
            return broken(a, no_memory);
        line = (struct span){a->line.data, a->line.len};
    }
    if (!end)
        return HTTP_GOES_ON;
    if (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    enum http_said said = read_line(a, line);
    buf_reset(&a->line);
    return said;
}

enum http_said http_read(struct http_answer *a, const char *p, size_t n, size_t *ret_used)
{
    enum http_said said = a->stage == HTTP_OVER ? HTTP_ENDED : HTTP_GOES_ON;
    *ret_used = 0;
    while (said == HTTP_GOES_ON && *ret_used < n) {
        size_t used, left = n - *ret_used;
        bool bytes = a->stage == HTTP_BODY || a->stage == HTTP_STREAM || a->stage == HTTP_CHUNK;
        said = bytes ? take_body(a, p + *ret_used, left, &used)
                     : take_line(a, p + *ret_used, left, &used);
        *ret_used += used;
        a->begun = true;
    }
    return said;
}

enum http_said http_close(struct http_answer *a)
{
    if (a->stage == HTTP_STREAM)
        return ended(a);
    return broken(a, a->begun ? "the connection ended within the answer"
                              : "the connection ended without an answer");
}
