/*
 * The reader of an answer, and the Error document. Pure.
 */
#include "uploaders/answer.h"

#include "base/clock.h"
#include "base/err.h"
#include "uploaders/xml.h"

#include <stdio.h>
#include <string.h>

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
