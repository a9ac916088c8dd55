/*
 * Text and memory of the test server. Pure.
 *
 * A test server has no use for running on without memory: what cannot be allocated ends the
 * process with a message. That keeps the code of the operations free of paths that no test walks.
 */
#ifndef LOCKSTEP_S3D_TEXT_H
#define LOCKSTEP_S3D_TEXT_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No text or body that is kept in memory grows past this many bytes. */
#define TEXT_MAX ((size_t)64 << 20)

/* mem_new(n): n zeroed bytes. mem_grow(p, n): realloc. mem_dup(s), mem_dupn(p, n): a C string. All
 * are the caller's to free(). */
void *mem_new(size_t n);
void *mem_grow(void *p, size_t n);
char *mem_dup(const char *s);
char *mem_dupn(const char *p, size_t n);

/* text_*(b, ...): append to a buffer that was begun with text_begin. */
void text_begin(struct buf *b);
void text_add(struct buf *b, const char *s);
void text_bytes(struct buf *b, const void *p, size_t n);
void text_format(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* text_uri(b, s, keep_slash): percent-encoded as SigV4 asks for (unreserved bytes stay, and '/' if
 * told). text_xml(b, s): escaped for element content; control bytes as character references. */
void text_uri(struct buf *b, const char *s, bool keep_slash);
void text_xml(struct buf *b, const char *s);

/* text_tag(b, name, value): <name>value</name>, the value escaped. text_tag_int: of a number. */
void text_tag(struct buf *b, const char *name, const char *value);
void text_tag_int(struct buf *b, const char *name, uint64_t value);

/* text_decode(p, n, plus_is_space): percent-decoded into a new C string; NULL where an escape is
 * malformed or yields NUL. */
char *text_decode(const char *p, size_t n, bool plus_is_space);

/* text_number(s, ret): a decimal number without sign or blanks, at most 19 digits. */
bool text_number(const char *s, uint64_t *ret);

/* text_has_prefix(s, prefix): as the name says. */
bool text_has_prefix(const char *s, const char *prefix);

/* Names and values in the order in which they came. */
struct pair {
    char *name;
    char *value;
};

struct pairs {
    struct pair *at;
    size_t n;
    size_t cap;
};

/* pairs_add(p, name, value): both are copied. pairs_get(p, name): the first value or NULL. */
void pairs_add(struct pairs *p, const char *name, const char *value);
const char *pairs_get(const struct pairs *p, const char *name);
/* pairs_set(p, name, value): replace the first value of that name, or add. */
void pairs_set(struct pairs *p, const char *name, const char *value);
void pairs_release(struct pairs *p);

#endif
