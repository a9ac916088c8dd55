/*
 * Well-formed UTF-8 (Unicode 15, table 3-7). Pure.
 */
#ifndef LOCKSTEP_BASE_UTF8_H
#define LOCKSTEP_BASE_UTF8_H

#include <stddef.h>

/* utf8_length(p, n): bytes (1-4) of the well-formed character at p, of which n bytes are readable;
 * 0 where there is none (n is 0, cut short, overlong, a surrogate, beyond U+10FFFF). */
size_t utf8_length(const void *p, size_t n);

/* utf8_plain(p, n): how many bytes at p are printable ASCII other than '"' and '\\'. */
size_t utf8_plain(const void *p, size_t n);

#endif
