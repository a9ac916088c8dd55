/* JSON that we write. Pure. */
#include "base/json.h"

#include "base/err.h"
#include "base/utf8.h"

#include <errno.h>
#include <string.h>

#define REPLACEMENT  "\xef\xbf\xbd" /* U+FFFD */
#define INT64_DIGITS 20             /* characters of the longest, with its sign */

/* Append a character that cannot stand as it is: '"', '\\', a control byte, or no UTF-8 at all. */
static int put_special(struct buf *out, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    static const char letters[32] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    const char code[6] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
    char pair[2] = {'\\', (char)c};

    if (c >= 0x80)
        return buf_append_str(out, REPLACEMENT);
    if (c < 0x20 && !letters[c])
        return buf_append(out, code, sizeof(code));
    if (c < 0x20)
        pair[1] = letters[c];
    return buf_append(out, pair, sizeof(pair));
}

/* Bytes at p that may stand as they are. */
static size_t verbatim(const char *p, size_t n)
{
    size_t i = 0;

    while (i < n) {
        size_t k = utf8_plain(p + i, n - i);

        if (k == 0 && (unsigned char)p[i] >= 0x7f)
            k = utf8_length(p + i, n - i);
        if (k == 0)
            break;
        i += k;
    }
    return i;
}

/* Append text, escaped where it must be. */
static int put_escaped(struct buf *out, const char *p, size_t n)
{
    int rc = 0;

    while (n > 0 && rc == 0) {
        size_t k = verbatim(p, n);

        if (k > 0) {
            rc = buf_append(out, p, k);
        } else {
            rc = put_special(out, (unsigned char)*p);
            k = 1;
        }
        p += k;
        n -= k;
    }
    return rc;
}

/* Append a quoted string with one byte before and one after the quotes (0: none). Nearly always all
 * of it stands for itself, and is then copied at one go. On error nothing was appended. */
static int put_quoted(struct buf *out, char before, const char *p, size_t n, char after)
{
    size_t start = out->len;
    size_t k = verbatim(p, n);
    char tail[2] = {'"', after};
    char *to;
    int rc;

    rc = n < SIZE_MAX - 4 ? buf_reserve(out, n + 2 + (before != 0) + (after != 0)) : ERR_LIMIT;
    if (rc < 0)
        return rc;
    to = out->data + start;
    if (before != 0)
        *to++ = before;
    *to++ = '"';
    if (k > 0)
        memcpy(to, p, k);
    out->len = (size_t)(to - out->data) + k;
    if (k < n)
        rc = put_escaped(out, p + k, n - k);
    if (rc == 0)
        rc = buf_append(out, tail, after != 0 ? 2 : 1);
    if (rc < 0) {
        out->len = start;
        out->data[start] = '\0';
    }
    return rc;
}

int json_string(struct buf *out, const char *p, size_t n)
{
    return put_quoted(out, 0, p, n, 0);
}

void json_begin(struct json_writer *w, struct buf *out)
{
    *w = (struct json_writer){.out = out};
}

/* Append unless something failed before. */
static void put(struct json_writer *w, const char *p, size_t n)
{
    if (w->error == 0)
        w->error = buf_append(w->out, p, n);
}

/* What comes before any value: the comma, and inside objects the key. */
static void put_key(struct json_writer *w, const char *key)
{
    if (w->error == 0 && w->depth == 0 && w->comma[0])
        w->error = -EINVAL; /* a second value at the top */
    if (key && w->error == 0)
        w->error = put_quoted(w->out, w->comma[w->depth] ? ',' : 0, key, strlen(key), ':');
    else if (w->comma[w->depth])
        put(w, ",", 1);
    w->comma[w->depth] = true;
}

/* Begin an object or an array. */
static void open_level(struct json_writer *w, const char *key, const char *bracket)
{
    put_key(w, key);
    put(w, bracket, 1);
    if (w->depth + 1 >= JSON_DEPTH_MAX) {
        if (w->error == 0)
            w->error = ERR_LIMIT;
        return;
    }
    w->comma[++w->depth] = false;
}

/* End an object or an array. */
static void close_level(struct json_writer *w, const char *bracket)
{
    if (w->depth == 0) {
        if (w->error == 0)
            w->error = -EINVAL;
        return;
    }
    w->depth--;
    put(w, bracket, 1);
}

void json_object(struct json_writer *w, const char *key)
{
    open_level(w, key, "{");
}

void json_object_end(struct json_writer *w)
{
    close_level(w, "}");
}

void json_array(struct json_writer *w, const char *key)
{
    open_level(w, key, "[");
}

void json_array_end(struct json_writer *w)
{
    close_level(w, "]");
}

void json_put_string(struct json_writer *w, const char *key, const char *value)
{
    if (value) {
        json_put_span(w, key, span_of(value));
    } else {
        put_key(w, key);
        put(w, "null", 4);
    }
}

void json_put_span(struct json_writer *w, const char *key, struct span value)
{
    put_key(w, key);
    if (w->error == 0)
        w->error = json_string(w->out, value.p, value.n);
}

void json_put_int(struct json_writer *w, const char *key, int64_t value)
{
    char text[INT64_DIGITS];
    char *p = text + sizeof(text);
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do {
        *--p = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        *--p = '-';
    put_key(w, key);
    put(w, p, (size_t)(text + sizeof(text) - p));
}

void json_put_bool(struct json_writer *w, const char *key, bool value)
{
    put_key(w, key);
    put(w, value ? "true" : "false", value ? 4 : 5);
}

int json_end(struct json_writer *w)
{
    if (w->error == 0 && (w->depth != 0 || !w->comma[0]))
        w->error = -EINVAL;
    return w->error;
}
