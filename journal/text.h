/*
 * Lines of canonical JSON, written and read. Pure. Private to journal/.
 *
 * Every line of a journal has one spelling only: keys in a fixed order, no white space, numbers
 * without leading zeroes, the escapes of json_string(). So a line is read by holding it against
 * what would have been written, key by key; whatever remains at the end was never ours.
 */
#ifndef LOCKSTEP_JOURNAL_TEXT_H
#define LOCKSTEP_JOURNAL_TEXT_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* A line being appended to `out`, whose length counts the line only once it has ended. After the
 * first failure the later calls do nothing. */
struct journal_line {
    struct buf *out;
    size_t mark; /* where the line begins */
    char *at;    /* where it goes on */
    char *end;   /* of the room that there is */
    int error;
};

/* journal_line_begin(l, out): start a line at the end of out. */
void journal_line_begin(struct journal_line *l, struct buf *out);

/* journal_line_grow(l, n): the place for n more bytes where there is no room, or NULL once
 * something failed. journal_line_room(l, n): the place for them; the caller moves l->at on. */
char *journal_line_grow(struct journal_line *l, size_t n);
static inline char *journal_line_room(struct journal_line *l, size_t n)
{
    return (size_t)(l->end - l->at) >= n ? l->at : journal_line_grow(l, n);
}

/* journal_line_*(l, ...): append literal text (in the header, so that the compiler knows its
 * length); text and then a number in decimal; text and then a quoted string (UTF-8), in hexadecimal
 * digits, in base64. */
static inline void journal_line_text(struct journal_line *l, struct span text)
{
    char *at = journal_line_room(l, text.n);

    if (!at)
        return;
    memcpy(at, text.p, text.n);
    l->at = at + text.n;
}
void journal_line_uint(struct journal_line *l, struct span text, uint64_t value);
void journal_line_int(struct journal_line *l, struct span text, int64_t value);
void journal_line_string(struct journal_line *l, struct span text, struct span value);
void journal_line_hex(struct journal_line *l, struct span text, const void *p, size_t n);
void journal_line_base64(struct journal_line *l, struct span text, const void *p, size_t n);

/* journal_line_end(l): close with "}" and LF. 0, -ENOMEM, or ERR_LIMIT for a line of more than
 * JOURNAL_LINE_MAX bytes or past out's ceiling; on error out is as it was before the line. */
int journal_line_end(struct journal_line *l) __attribute__((warn_unused_result));

/* A line being read. `bad` is set by the first thing that does not fit; later calls then return
 * zeroes and move no further. */
struct journal_scan {
    const char *p;
    const char *end;
    bool bad;
};

void journal_scan_begin(struct journal_scan *s, struct span line);

/* journal_scan_try(s, text): true and past it if it stands here; in the header, so that the
 * compiler knows the text. journal_scan_text(s, text): it must. */
static inline bool journal_scan_try(struct journal_scan *s, struct span text)
{
    if ((size_t)(s->end - s->p) < text.n || memcmp(s->p, text.p, text.n) != 0)
        return false;
    s->p += text.n;
    return true;
}
void journal_scan_text(struct journal_scan *s, struct span text);

/* journal_scan_uint(s, max): a decimal of at most `max`. journal_scan_int: with a sign. */
uint64_t journal_scan_uint(struct journal_scan *s, uint64_t max);
int64_t journal_scan_int(struct journal_scan *s);

/* journal_scan_digits(s, base): digits of base 8 or 16 without leading zeroes, up to 64 bits. */
uint64_t journal_scan_digits(struct journal_scan *s, unsigned base);

/* journal_scan_plain(s): what stands between quotes, which holds neither escapes nor control
 * bytes (hexadecimal, base64). Both quotes are consumed. */
struct span journal_scan_plain(struct journal_scan *s);

/* journal_scan_hex(s, out, n): a quoted string of exactly n bytes in lower-case hexadecimal. */
void journal_scan_hex(struct journal_scan *s, uint8_t *out, size_t n);

/* journal_scan_string(s, store): a quoted string, unescaped and terminated at the end of `store`,
 * which has room (the caller reserved as many bytes as the line has). Never with a NUL inside,
 * always UTF-8. NULL when bad. */
const char *journal_scan_string(struct journal_scan *s, struct buf *store);

/* journal_scan_base64(s, store): likewise for base64; any bytes but NUL. */
const char *journal_scan_base64(struct journal_scan *s, struct buf *store);

/* journal_scan_end(s): 0 if nothing was bad and "}" closes the line, else ERR_SYNTAX. */
int journal_scan_end(struct journal_scan *s) __attribute__((warn_unused_result));

#endif
