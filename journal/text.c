/* Lines of canonical JSON, written. Pure. */
#include "journal/text.h"

#include "base/digest.h"
#include "base/err.h"
#include "base/json.h"
#include "journal/journal.h"

#include <string.h>

/* Room for n more bytes at the end of the line, or NULL once something failed. */
static char *line_room(struct journal_line *l, size_t n)
{
    if (l->error)
        return NULL;
    l->error = buf_reserve(l->out, n);
    return l->error ? NULL : l->out->data + l->out->len;
}

/* Count what was put into the room. */
static void line_grow(struct journal_line *l, size_t n)
{
    l->out->len += n;
    l->out->data[l->out->len] = '\0';
}

void journal_line_begin(struct journal_line *l, struct buf *out)
{
    l->out = out;
    l->mark = out->len;
    l->error = 0;
}

void journal_line_text(struct journal_line *l, struct span text)
{
    char *at = line_room(l, text.n);

    if (!at)
        return;
    memcpy(at, text.p, text.n);
    line_grow(l, text.n);
}

#define DECIMAL_MAX 20 /* digits of 2^64 - 1 */

/* The numbers from 00 to 99: half the divisions. */
static const char pairs[] = "0001020304050607080910111213141516171819"
                            "2021222324252627282930313233343536373839"
                            "4041424344454647484950515253545556575859"
                            "6061626364656667686970717273747576777879"
                            "8081828384858687888990919293949596979899";

void journal_line_uint(struct journal_line *l, struct span text, uint64_t value)
{
    char digits[DECIMAL_MAX];
    size_t n = 0;
    char *at = line_room(l, text.n + DECIMAL_MAX);

    if (!at)
        return;
    memcpy(at, text.p, text.n);
    for (; value > 99; value /= 100, n += 2)
        memcpy(digits + DECIMAL_MAX - n - 2, pairs + value % 100 * 2, 2);
    if (value > 9) {
        n += 2;
        memcpy(digits + DECIMAL_MAX - n, pairs + value * 2, 2);
    } else {
        digits[DECIMAL_MAX - ++n] = (char)('0' + value);
    }
    memcpy(at + text.n, digits + DECIMAL_MAX - n, n);
    line_grow(l, text.n + n);
}

void journal_line_int(struct journal_line *l, struct span text, int64_t value)
{
    if (value >= 0) {
        journal_line_uint(l, text, (uint64_t)value);
        return;
    }
    journal_line_text(l, text);
    journal_line_uint(l, SPAN("-"), -(uint64_t)value);
}

void journal_line_string(struct journal_line *l, struct span text, const char *value)
{
    journal_line_text(l, text);
    if (!l->error)
        l->error = json_string(l->out, value, strlen(value));
}

void journal_line_hex(struct journal_line *l, struct span text, const void *p, size_t n)
{
    char *at;

    journal_line_text(l, text);
    at = line_room(l, 2 * n + 3);
    if (!at)
        return;
    at[0] = '"';
    hex_encode(p, n, at + 1);
    at[2 * n + 1] = '"';
    line_grow(l, 2 * n + 2);
}

void journal_line_base64(struct journal_line *l, struct span text, const void *p, size_t n)
{
    size_t digits = base64_size(n);
    char *at;

    journal_line_text(l, text);
    at = line_room(l, digits + 3);
    if (!at)
        return;
    at[0] = '"';
    base64_encode(p, n, at + 1);
    at[digits + 1] = '"';
    line_grow(l, digits + 2);
}

int journal_line_end(struct journal_line *l)
{
    journal_line_text(l, SPAN("}\n"));
    if (!l->error && l->out->len - l->mark - 1 > JOURNAL_LINE_MAX)
        l->error = ERR_LIMIT;
    if (l->error && l->out->data) {
        l->out->len = l->mark;
        l->out->data[l->mark] = '\0';
    }
    return l->error;
}
