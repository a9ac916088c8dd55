/*
 * Flat JSON objects that we read back (RFC 8259). Pure.
 *
 *   FIRST   '{' then a member -> NEXT, or '}' -> CLOSED
 *   NEXT    ',' then a member -> NEXT, or '}' -> CLOSED
 *   CLOSED  nothing but white space -> JSON_END
 *   FAILED  JSON_BAD for ever
 */
#include "base/json.h"
#include "base/utf8.h"

#include <string.h>

enum reader_state { FIRST, NEXT, CLOSED, FAILED };

void json_read_begin(struct json_reader *r, struct span in, struct buf *scratch_key,
                     struct buf *scratch_value)
{
    *r = (struct json_reader){
        .in = in, .scratch_key = scratch_key, .scratch_value = scratch_value, .state = FIRST};
}

/* The byte to be read next, -1 at the end. */
static int peek(const struct json_reader *r)
{
    return r->at < r->in.n ? (unsigned char)r->in.p[r->at] : -1;
}

/* Skip white space; returns the byte after it, -1 at the end. */
static int skip_space(struct json_reader *r)
{
    int c = peek(r);

    while (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        r->at++;
        c = peek(r);
    }
    return c;
}

/* Skip white space and one byte that must be there. */
static bool take(struct json_reader *r, char c)
{
    if (skip_space(r) != (unsigned char)c)
        return false;
    r->at++;
    return true;
}

/* Read four hexadecimal digits. */
static bool take_code(struct json_reader *r, uint32_t *ret)
{
    uint32_t code = 0;

    for (int i = 0; i < 4; i++) {
        int c = peek(r);

        if (c >= '0' && c <= '9')
            c -= '0';
        else if (c >= 'a' && c <= 'f')
            c -= 'a' - 10;
        else if (c >= 'A' && c <= 'F')
            c -= 'A' - 10;
        else
            return false;
        code = code << 4 | (uint32_t)c;
        r->at++;
    }
    *ret = code;
    return true;
}

/* Append a character as UTF-8. */
static bool put_character(struct buf *out, uint32_t c)
{
    char bytes[4];
    size_t n;

    if (c < 0x80) {
        bytes[0] = (char)c;
        n = 1;
    } else if (c < 0x800) {
        bytes[0] = (char)(0xc0 | c >> 6);
        n = 2;
    } else if (c < 0x10000) {
        bytes[0] = (char)(0xe0 | c >> 12);
        n = 3;
    } else {
        bytes[0] = (char)(0xf0 | c >> 18);
        n = 4;
    }
    for (size_t i = 1; i < n; i++)
        bytes[i] = (char)(0x80 | (c >> 6 * (n - 1 - i) & 0x3f));
    return buf_append(out, bytes, n) == 0;
}

/* Decode the digits after "\u", and the second half of a surrogate pair. */
static bool take_unicode(struct json_reader *r, struct buf *out)
{
    uint32_t c;
    uint32_t low;

    if (!take_code(r, &c))
        return false;
    if (c >= 0xdc00 && c <= 0xdfff)
        return false;
    if (c >= 0xd800 && c <= 0xdbff) {
        if (r->in.n - r->at < 2 || memcmp(r->in.p + r->at, "\\u", 2) != 0)
            return false;
        r->at += 2;
        if (!take_code(r, &low) || low < 0xdc00 || low > 0xdfff)
            return false;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    return put_character(out, c);
}

/* Decode what follows a backslash. */
static bool take_escape(struct json_reader *r, struct buf *out)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    int c = peek(r);
    const char *letter;

    if (c <= 0)
        return false;
    r->at++;
    if (c == 'u')
        return take_unicode(r, out);
    letter = strchr(letters, c);
    return letter && buf_append_byte(out, meanings[letter - letters]) == 0;
}

/* Skip what stands for itself in a string; false at bytes that may not stand there. */
static bool skip_verbatim(struct json_reader *r)
{
    while (r->at < r->in.n) {
        const char *p = r->in.p + r->at;
        size_t k = utf8_plain(p, r->in.n - r->at);

        if (k == 0) {
            if (*p == '"' || *p == '\\')
                return true;
            if ((unsigned char)*p < 0x20)
                return false;
            k = utf8_length(p, r->in.n - r->at);
            if (k == 0)
                return false;
        }
        r->at += k;
    }
    return false;
}

/* Read a string past its opening quote. Without escapes the result lies in the input itself. */
static bool take_string(struct json_reader *r, struct buf *scratch, struct span *ret)
{
    size_t start = r->at;

    if (!skip_verbatim(r))
        return false;
    if (peek(r) == '"') {
        *ret = (struct span){r->in.p + start, r->at++ - start};
        return true;
    }
    buf_reset(scratch);
    while (buf_append(scratch, r->in.p + start, r->at - start) == 0) {
        if (r->in.p[r->at++] == '"') {
            *ret = (struct span){scratch->data, scratch->len};
            return true;
        }
        if (!take_escape(r, scratch))
            return false;
        start = r->at;
        if (!skip_verbatim(r))
            return false;
    }
    return false;
}

/* Read an integer: no fraction, no exponent, no leading zero, within 64 bits. */
static bool take_integer(struct json_reader *r, int64_t *ret)
{
    bool negative = peek(r) == '-';
    uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    uint64_t value = 0;
    size_t first;

    r->at += negative;
    first = r->at;
    for (int c = peek(r); c >= '0' && c <= '9'; c = peek(r)) {
        uint64_t digit = (uint64_t)(c - '0');

        if (value > (limit - digit) / 10)
            return false;
        value = value * 10 + digit;
        r->at++;
    }
    if (r->at == first || (r->at > first + 1 && r->in.p[first] == '0'))
        return false;
    *ret = (int64_t)(negative ? 0 - value : value);
    return true;
}

/* Read a word that must be there. */
static bool take_word(struct json_reader *r, struct span word)
{
    if (r->in.n - r->at < word.n || memcmp(r->in.p + r->at, word.p, word.n) != 0)
        return false;
    r->at += word.n;
    return true;
}

/* Read any value. */
static bool take_value(struct json_reader *r, struct json_value *ret)
{
    *ret = (struct json_value){.kind = JSON_NULL};
    switch (skip_space(r)) {
    case '"':
        r->at++;
        ret->kind = JSON_STRING;
        return take_string(r, r->scratch_value, &ret->text);
    case 't':
        ret->kind = JSON_BOOL;
        ret->integer = 1;
        return take_word(r, SPAN("true"));
    case 'f':
        ret->kind = JSON_BOOL;
        return take_word(r, SPAN("false"));
    case 'n':
        return take_word(r, SPAN("null"));
    }
    ret->kind = JSON_INTEGER;
    return take_integer(r, &ret->integer);
}

/* Read "key":value. */
static bool take_member(struct json_reader *r, struct span *ret_key, struct json_value *ret_value)
{
    return take(r, '"') && take_string(r, r->scratch_key, ret_key) && take(r, ':') &&
           take_value(r, ret_value);
}

/* Note the failure. */
static enum json_step fail(struct json_reader *r)
{
    r->state = FAILED;
    return JSON_BAD;
}

enum json_step json_read_next(struct json_reader *r, struct span *ret_key,
                              struct json_value *ret_value)
{
    struct span key;
    struct json_value value;

    if (r->state == FIRST && !take(r, '{'))
        return fail(r);
    if (r->state == FIRST || r->state == NEXT) {
        int c = skip_space(r);

        if (c == '}') {
            r->at++;
            r->state = CLOSED;
        } else if (r->state == NEXT && !take(r, ',')) {
            return fail(r);
        }
    }
    if (r->state == CLOSED && skip_space(r) < 0)
        return JSON_END;
    if (r->state == CLOSED || r->state == FAILED || !take_member(r, &key, &value))
        return fail(r);
    r->state = NEXT;
    *ret_key = key;
    *ret_value = value;
    return JSON_MORE;
}
