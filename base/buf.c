/* Growable bytes with a ceiling. Pure. */
#include "base/buf.h"

#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST 64 /* bytes of the first allocation, where the ceiling allows */

void buf_init(struct buf *b, size_t max)
{
    b->data = NULL;
    b->len = 0;
    b->cap = 0;
    b->max = max < SIZE_MAX ? max : SIZE_MAX - 1; /* the NUL needs its byte too */
}

void buf_release(struct buf *b)
{
    free(b->data);
    b->data = NULL;
    b->len = 0;
    b->cap = 0;
}

void buf_wipe(struct buf *b)
{
    if (b->data)
        explicit_bzero(b->data, b->cap + 1);
    buf_release(b);
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    if (b->data)
        b->data[0] = '\0';
}

/* Enlarge the memory to hold `need` bytes, which is more than cap and at most max. */
static int grow(struct buf *b, size_t need)
{
    size_t cap = b->cap > b->max / 2 ? b->max : b->cap * 2;
    char *data;

    if (cap < need)
        cap = need;
    if (cap < BUF_FIRST)
        cap = b->max < BUF_FIRST ? b->max : BUF_FIRST;
    data = realloc(b->data, cap + 1);
    if (!data)
        return -ENOMEM;
    data[b->len] = '\0';
    b->data = data;
    b->cap = cap;
    return 0;
}

/* There is memory for n more bytes already, and they may be there: an owner may lower max later. */
static inline bool has_room(const struct buf *b, size_t n)
{
    return b->data && n <= b->cap - b->len && n <= b->max - b->len;
}

int buf_reserve(struct buf *b, size_t n)
{
    if (n > b->max - b->len)
        return ERR_LIMIT;
    return has_room(b, n) ? 0 : grow(b, b->len + n);
}

int buf_append(struct buf *b, const void *bytes, size_t n)
{
    int rc = has_room(b, n) ? 0 : buf_reserve(b, n);

    if (rc < 0)
        return rc;
    if (n > 0)
        memcpy(b->data + b->len, bytes, n);
    b->len += n;
    b->data[b->len] = '\0';
    return 0;
}

int buf_append_str(struct buf *b, const char *s)
{
    return buf_append(b, s, strlen(s));
}

int buf_append_span(struct buf *b, struct span s)
{
    return buf_append(b, s.p, s.n);
}

int buf_append_byte(struct buf *b, char c)
{
    if (!has_room(b, 1))
        return buf_append(b, &c, 1);
    b->data[b->len++] = c;
    b->data[b->len] = '\0';
    return 0;
}

int buf_appendf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    int n;
    int rc;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        return -errno;
    rc = buf_reserve(b, (size_t)n);
    if (rc < 0)
        return rc;
    va_start(ap, fmt);
    (void)vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap); /* the same text as measured */
    va_end(ap);
    b->len += (size_t)n;
    return 0;
}

char *buf_take(struct buf *b)
{
    char *data = b->data;

    b->data = NULL;
    b->len = 0;
    b->cap = 0;
    return data;
}

struct span span_of(const char *s)
{
    return (struct span){s, strlen(s)};
}

int span_equal(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
