/* Lines of canonical JSON, written. Pure. */
#include "journal/text.h"

#include "base/digest.h"
#include "base/err.h"
#include "base/json.h"
#include "base/utf8.h"
#include "journal/journal.h"

#include <string.h>

#define ROOM 512 /* bytes to have at once: most lines need no more */

/* What stands in the buffer is the line so far. */
static void line_store(struct journal_line *l)
{
    if (l->at)
        l->out->len = (size_t)(l->at - l->out->data);
}

/* The room behind what stands in the buffer, or none where something failed. */
static void line_load(struct journal_line *l)
{
    const struct buf *b = l->out;
    size_t most = b->cap < b->max ? b->cap : b->max;

    if (l->error || !b->data) {
        l->at = l->end = NULL;
        return;
    }
    l->at = b->data + b->len;
    l->end = b->len < most ? b->data + most : l->at;
}

char *journal_line_grow(struct journal_line *l, size_t n)
{
    if (l->error)
        return NULL;
    line_store(l);
    l->error = buf_reserve(l->out, n < ROOM ? ROOM : n);
    if (l->error && n < ROOM)
        l->error = buf_reserve(l->out, n);
    line_load(l);
    return l->at;
}

void journal_line_begin(struct journal_line *l, struct buf *out)
{
    *l = (struct journal_line){.out = out, .mark = out->len};
    line_load(l);
}

#define DECIMAL_MAX 20 /* digits of 2^64 - 1 */

/* The numbers from 00 to 99: half the divisions. */
static const char pairs[] = "0001020304050607080910111213141516171819"
                            "2021222324252627282930313233343536373839"
                            "4041424344454647484950515253545556575859"
                            "6061626364656667686970717273747576777879"
                            "8081828384858687888990919293949596979899";

/* How many digits it has. */
static size_t decimal_length(uint64_t value)
{
    size_t n = 1;

    for (; value > 9999; value /= 10000)
        n += 4;
    return n + (value > 9) + (value > 99) + (value > 999);
}

void journal_line_uint(struct journal_line *l, struct span text, uint64_t value)
{
    char *at = journal_line_room(l, text.n + DECIMAL_MAX);

    if (!at)
        return;
    memcpy(at, text.p, text.n);
    at += text.n + decimal_length(value);
    l->at = at;
    for (; value > 99; value /= 100)
        memcpy(at -= 2, pairs + value % 100 * 2, 2);
    if (value > 9)
        memcpy(at - 2, pairs + value * 2, 2);
    else
        at[-1] = (char)('0' + value);
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

/* A string that needs escapes, or a look at whether it does. */
static void line_escaped(struct journal_line *l, struct span value)
{
    line_store(l);
    if (!l->error)
        l->error = json_string(l->out, value.p, value.n);
    line_load(l);
}

void journal_line_string(struct journal_line *l, struct span text, struct span value)
{
    char *at;

    journal_line_text(l, text);
    if (utf8_plain(value.p, value.n) < value.n || value.n > JOURNAL_LINE_MAX) {
        line_escaped(l, value);
        return;
    }
    at = journal_line_room(l, value.n + 2);
    if (!at)
        return;
    *at++ = '"';
    memcpy(at, value.p, value.n);
    at[value.n] = '"';
    l->at = at + value.n + 1;
}

void journal_line_hex(struct journal_line *l, struct span text, const void *p, size_t n)
{
    char *at;

    journal_line_text(l, text);
    at = journal_line_room(l, 2 * n + 3);
    if (!at)
        return;
    at[0] = '"';
    hex_encode(p, n, at + 1);
    at[2 * n + 1] = '"';
    l->at = at + 2 * n + 2;
}

void journal_line_base64(struct journal_line *l, struct span text, const void *p, size_t n)
{
    size_t digits = base64_size(n);
    char *at;

    journal_line_text(l, text);
    at = journal_line_room(l, digits + 3);
    if (!at)
        return;
    at[0] = '"';
    base64_encode(p, n, at + 1);
    at[digits + 1] = '"';
    l->at = at + digits + 2;
}

int journal_line_end(struct journal_line *l)
{
    journal_line_text(l, SPAN("}\n"));
    line_store(l);
    if (!l->error && l->out->len - l->mark - 1 > JOURNAL_LINE_MAX)
        l->error = ERR_LIMIT;
    if (l->error)
        l->out->len = l->mark;
    if (l->out->data)
        l->out->data[l->out->len] = '\0';
    return l->error;
}
