/*
 * The reader of an answer, and the Error document. Pure.
 */
#include "uploaders/answer.h"

#include "base/clock.h"
#include "base/err.h"
#include "uploaders/xml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ITEMS_FIRST 64 /* room to begin with */

struct state {
    const struct answer_reader *reader; /* NULL: only an Error will do */
    bool is_error;
    struct s3_error error;
};

/* "Error/Code" -> "Code"; "Error" -> "". */
static const char *below_root(const char *path)
{
    const char *slash = strchr(path, '/');
    return slash ? slash + 1 : "";
}

/* The root decides what the document is. */
static int open_root(struct state *s, const char *root)
{
    const struct answer_reader *r = s->reader;
    s->is_error = strcmp(root, "Error") == 0;
    if (s->is_error || (r && strcmp(root, r->root) == 0) ||
        (r && r->other_root && strcmp(root, r->other_root) == 0))
        return 0;
    return ERR_SYNTAX;
}

static int on_open(void *arg, const char *path)
{
    struct state *s = arg;
    if (!strchr(path, '/'))
        return open_root(s, path);
    if (s->is_error || !s->reader->open)
        return 0;
    return s->reader->open(s->reader->arg, below_root(path));
}

/* A copy that fits, cut off where it must be: these are words for people. */
static void copy_cut(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text);
}

/* An element of an Error. */
static void close_error(struct s3_error *e, const char *path, const char *text)
{
    int64_t us;
    if (strcmp(path, "Code") == 0)
        copy_cut(e->code, sizeof(e->code), text);
    else if (strcmp(path, "Message") == 0)
        copy_cut(e->message, sizeof(e->message), text);
    else if (strcmp(path, "Region") == 0)
        copy_cut(e->region, sizeof(e->region), text);
    else if (strcmp(path, "Endpoint") == 0)
        copy_cut(e->endpoint, sizeof(e->endpoint), text);
    else if (strcmp(path, "ServerTime") == 0 && clock_parse(text, 0, &us) == 0)
        e->server_time_us = us;
}

static int on_close(void *arg, const char *path, const char *text)
{
    struct state *s = arg;
    if (!s->is_error)
        return s->reader->close(s->reader->arg, below_root(path), text);
    close_error(&s->error, below_root(path), text);
    return 0;
}

/* Walk the body with the state. */
static int walk(struct span body, struct state *s)
{
    struct xml_visitor v = {.arg = s, .open = on_open, .close = on_close};
    return body.n > ANSWERS_BODY_MAX ? ERR_LIMIT : xml_walk(body, &v);
}

int answer_read(struct span body, const struct answer_reader *r, struct s3_error *ret_error)
{
    struct state s = {.reader = r};
    int rc = walk(body, &s);
    if (rc || !s.is_error)
        return rc;
    *ret_error = s.error;
    return ERR_REFUSED;
}

int answers_error(struct span body, struct s3_error *ret)
{
    struct state s = {0};
    int rc = walk(body, &s);
    if (!rc)
        *ret = s.error;
    return rc;
}

int answer_number(const char *text, uint64_t max, uint64_t *ret)
{
    uint64_t n = 0;
    const char *p = text;
    for (; *p >= '0' && *p <= '9'; p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        if (n > (max - digit) / 10)
            return ERR_SYNTAX;
        n = n * 10 + digit;
    }
    if (p == text || *p)
        return ERR_SYNTAX;
    *ret = n;
    return 0;
}

int answer_text(const char *text, char *out, size_t size)
{
    size_t n = strlen(text);
    if (n >= size)
        return ERR_LIMIT;
    memcpy(out, text, n + 1);
    return 0;
}

int answer_etag(const char *text, char out[S3_ETAG_MAX])
{
    size_t n = strlen(text);
    if (n >= 2 && text[0] == '"' && text[n - 1] == '"') {
        text++;
        n -= 2;
    }
    if (n >= S3_ETAG_MAX)
        return ERR_LIMIT;
    memcpy(out, text, n);
    out[n] = '\0';
    return 0;
}

int answer_bool(const char *text, bool *ret)
{
    *ret = strcmp(text, "true") == 0;
    return *ret || strcmp(text, "false") == 0 ? 0 : ERR_SYNTAX;
}

int answer_grow(void **items, size_t count, size_t *cap, size_t size)
{
    if (count == ANSWERS_ITEMS_MAX)
        return ERR_LIMIT;
    if (count == *cap) {
        size_t n = *cap ? *cap * 2 : ITEMS_FIRST;
        void *more = realloc(*items, n * size);
        if (!more)
            return -ENOMEM;
        *items = more;
        *cap = n;
    }
    memset((char *)*items + count * size, 0, size);
    return 0;
}

int answer_keep(struct buf *kept, const char *text, size_t *ret)
{
    size_t at = kept->len;
    int rc = buf_append(kept, text, strlen(text) + 1);
    if (!rc)
        *ret = at;
    return rc;
}

/* The value of a hex digit, or -1. */
static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int answer_decode_url(char *s)
{
    char *out = s;
    for (; *s; s++) {
        char c = *s == '+' ? ' ' : *s;
        if (c == '%') {
            int high = hex_value(s[1]);
            int low = high < 0 ? -1 : hex_value(s[2]);
            c = (char)(high * 16 + low);
            if (low < 0 || !c)
                return ERR_SYNTAX;
            s += 2;
        }
        *out++ = c;
    }
    *out = '\0';
    return 0;
}
