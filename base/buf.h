/*
 * Growable bytes with a ceiling given at birth. Pure.
 *
 * A buffer is always NUL-terminated one byte past len, so text in it can be read as a C string.
 */
#ifndef LOCKSTEP_BASE_BUF_H
#define LOCKSTEP_BASE_BUF_H

#include <stddef.h>

struct buf {
    char *data; /* NULL until the first append */
    size_t len;
    size_t cap;
    size_t max; /* ceiling of len in bytes */
};

/* A borrowed run of bytes; not terminated. */
struct span {
    const char *p;
    size_t n;
};

#define SPAN(literal) ((struct span){(literal), sizeof(literal) - 1})

/* buf_init(b, max): empty, no allocation. */
void buf_init(struct buf *b, size_t max);

/* buf_release(b): free the bytes; b is empty again and may be used again. */
void buf_release(struct buf *b);

/* buf_wipe(b): overwrite with zeroes, then release. For key material; reserve room for
 * all of it first, since a buffer that grows may leave a copy behind in freed memory. */
void buf_wipe(struct buf *b);

/* buf_reset(b): len = 0, memory kept. */
void buf_reset(struct buf *b);

/* buf_reserve(b, n): room for n more bytes. 0, -ENOMEM, or ERR_LIMIT past the ceiling. */
int buf_reserve(struct buf *b, size_t n) __attribute__((warn_unused_result));

/* buf_append*(b, ...): add bytes, a C string, a span, one byte, formatted text. Same errors; on
 * error b is unchanged. */
int buf_append(struct buf *b, const void *bytes, size_t n) __attribute__((warn_unused_result));
int buf_append_str(struct buf *b, const char *s) __attribute__((warn_unused_result));
int buf_append_span(struct buf *b, struct span s) __attribute__((warn_unused_result));
int buf_append_byte(struct buf *b, char c) __attribute__((warn_unused_result));
int buf_appendf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), warn_unused_result));

/* buf_take(b): the bytes, now the caller's to free() (NULL if nothing was ever appended). */
char *buf_take(struct buf *b);

/* span_of(s): a span over a C string. span_equal: same bytes. */
struct span span_of(const char *s);
int span_equal(struct span a, struct span b);

#endif
