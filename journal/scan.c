/* Lines of canonical JSON, read. Pure. */
#include "base/digest.h"
#include "base/err.h"
#include "base/path.h"
#include "journal/text.h"

#include <string.h>

void journal_scan_begin(struct journal_scan *s, struct span line)
{
    s->p = line.p;
    s->end = line.p + line.n;
    s->bad = false;
}

/* Bytes not read yet. */
static size_t scan_left(const struct journal_scan *s)
{
    return (size_t)(s->end - s->p);
}

/* Nothing more can be read; returns NULL for callers that hand out strings. */
static const char *scan_fail(struct journal_scan *s)
{
    s->bad = true;
    s->p = s->end;
    return NULL;
}

void journal_scan_text(struct journal_scan *s, struct span text)
{
    if (!journal_scan_try(s, text))
        (void)scan_fail(s);
}

/* The value of one digit in base 8, 10 or 16; `base` where it is none. */
static unsigned digit_value(char c, unsigned base)
{
    unsigned value = base;

    if (c >= '0' && c <= '9')
        value = (unsigned)(c - '0');
    else if (c >= 'a' && c <= 'f')
        value = (unsigned)(c - 'a') + 10;
    return value < base ? value : base;
}

/* Digits without leading zeroes, at most max. */
static uint64_t scan_number(struct journal_scan *s, unsigned base, uint64_t max)
{
    const char *from = s->p;
    const uint64_t room = max / base; /* one division: every start reads a whole segment */
    uint64_t value = 0;

    for (; s->p < s->end; s->p++) {
        unsigned digit = digit_value(*s->p, base);

        if (digit == base)
            break;
        if (digit > max || value > room || value * base > max - digit)
            break;
        value = value * base + digit;
    }
    if (s->p == from || (s->p > from + 1 && *from == '0') ||
        (s->p < s->end && digit_value(*s->p, base) != base)) {
        (void)scan_fail(s);
        return 0;
    }
    return value;
}

#define SAFE_DIGITS 19 /* so many decimal digits always fit in 64 bits */

uint64_t journal_scan_uint(struct journal_scan *s, uint64_t max)
{
    const size_t left = scan_left(s);
    uint64_t value = 0;
    size_t n = 0;

    for (unsigned digit; n < left && n <= SAFE_DIGITS; n++) {
        digit = (unsigned)(unsigned char)s->p[n] - '0';
        if (digit > 9)
            break;
        value = value * 10 + digit;
    }
    if (n == 0 || n > SAFE_DIGITS || value > max || (n > 1 && *s->p == '0'))
        return scan_number(s, 10, max); /* with care; mostly to fail */
    s->p += n;
    return value;
}

int64_t journal_scan_int(struct journal_scan *s)
{
    uint64_t value;

    if (!journal_scan_try(s, SPAN("-")))
        return (int64_t)journal_scan_uint(s, INT64_MAX);
    value = scan_number(s, 10, (uint64_t)INT64_MAX + 1);
    if (value == 0) {
        (void)scan_fail(s);
        return 0;
    }
    return (int64_t)(0 - value);
}

uint64_t journal_scan_digits(struct journal_scan *s, unsigned base)
{
    return scan_number(s, base, UINT64_MAX);
}

struct span journal_scan_plain(struct journal_scan *s)
{
    struct span in = {NULL, 0};

    journal_scan_text(s, SPAN("\""));
    in.p = s->p;
    while (s->p < s->end && *s->p != '"' && *s->p != '\\' && (unsigned char)*s->p >= 0x20)
        s->p++;
    in.n = (size_t)(s->p - in.p);
    journal_scan_text(s, SPAN("\""));
    return in;
}

void journal_scan_hex(struct journal_scan *s, uint8_t *out, size_t n)
{
    struct span text = journal_scan_plain(s);

    for (size_t i = 0; i < text.n; i++)
        if (digit_value(text.p[i], 16) == 16)
            s->bad = true;
    if (s->bad || text.n != 2 * n || hex_decode(text.p, text.n, out)) {
        memset(out, 0, n);
        (void)scan_fail(s);
    }
}

/* The letters after a backslash that json_string writes, and the bytes that they stand for. */
static const char escape_letters[] = "\"\\bfnrt";
static const char escape_bytes[] = "\"\\\b\f\n\r\t";

/* One escape, past its backslash: the byte, or NUL where json_string would not have written it. */
static char scan_escape(struct journal_scan *s)
{
    const char *known;
    unsigned high, low, value;

    if (s->p == s->end || *s->p == '\0')
        return '\0';
    known = strchr(escape_letters, *s->p);
    if (known) {
        s->p++;
        return escape_bytes[known - escape_letters];
    }
    if (!journal_scan_try(s, SPAN("u00")) || scan_left(s) < 2)
        return '\0';
    high = digit_value(s->p[0], 16);
    low = digit_value(s->p[1], 16);
    value = high * 16 + low;
    s->p += 2;
    if (high > 1 || low > 15 || strchr(escape_bytes, (int)value))
        return '\0';
    return (char)value;
}

const char *journal_scan_string(struct journal_scan *s, struct buf *store)
{
    char *from = store->data + store->len;
    char *to = from;

    journal_scan_text(s, SPAN("\""));
    while (s->p < s->end && *s->p != '"') {
        char c = *s->p++;

        if ((unsigned char)c < 0x20)
            return scan_fail(s);
        if (c == '\\' && (c = scan_escape(s)) == '\0')
            return scan_fail(s);
        *to++ = c;
    }
    journal_scan_text(s, SPAN("\""));
    if (s->bad)
        return NULL;
    *to++ = '\0';
    if (!path_is_utf8(from))
        return scan_fail(s);
    store->len += (size_t)(to - from);
    return from;
}

const char *journal_scan_base64(struct journal_scan *s, struct buf *store)
{
    struct span text = journal_scan_plain(s);
    char *at = store->data + store->len;
    size_t n = 0;

    if (s->bad || base64_decode(text.p, text.n, (uint8_t *)at, &n) || memchr(at, '\0', n))
        return scan_fail(s);
    at[n] = '\0';
    store->len += n + 1;
    return at;
}

int journal_scan_end(struct journal_scan *s)
{
    journal_scan_text(s, SPAN("}"));
    return s->bad || s->p != s->end ? ERR_SYNTAX : 0;
}
