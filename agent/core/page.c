/* Pure. A text on a terminal of so many columns and rows. */
#include "agent/core/page.h"

#include "agent/core/tint.h"

#include <string.h>

#define HOME      "\033[H"
#define REST_LINE "\033[K"
#define REST_PAGE "\033[J"
#define CUT       "..."
#define CUT_N     3u

/* Does a character begin here? */
static int begins(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

/* The bytes of the first so many characters of a line. */
static size_t prefix(struct span line, unsigned characters)
{
    size_t at = 0;

    for (unsigned n = 0; at < line.n; at++)
        if (begins(line.p[at]) && n++ == characters)
            break;
    return at;
}

/* One line, cut. */
static int put_line(struct span line, unsigned columns, bool coloured, struct buf *out)
{
    const char *on = coloured ? tint_of(line) : "";
    size_t fits = prefix(line, columns);
    int rc = buf_append_str(out, on);

    if (rc == 0 && fits == line.n)
        rc = buf_append_span(out, line);
    else if (rc == 0)
        rc = buf_append_span(out, (struct span){line.p, prefix(line, columns - CUT_N)});
    if (rc == 0 && fits < line.n)
        rc = buf_append_str(out, CUT);
    if (rc == 0 && *on)
        rc = buf_append_str(out, TINT_END);
    return rc ? rc : buf_append_str(out, REST_LINE);
}

static size_t count_lines(struct span text)
{
    size_t n = text.n && text.p[text.n - 1] != '\n';

    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    return n;
}

int page_render(struct span text, unsigned columns, unsigned rows, bool coloured, struct buf *out)
{
    size_t lines = count_lines(text), shown;
    int rc = buf_append_str(out, HOME);

    columns = columns <= CUT_N ? CUT_N + 1 : columns;
    rows = rows < 2 ? 2 : rows;
    shown = lines <= rows ? lines : rows - 1;
    for (size_t i = 0, at = 0; i < shown && rc == 0; i++) {
        const char *end = memchr(text.p + at, '\n', text.n - at);
        size_t n = end ? (size_t)(end - text.p) - at : text.n - at;

        rc = i ? buf_append_str(out, "\r\n") : 0;
        if (rc == 0)
            rc = put_line((struct span){text.p + at, n}, columns, coloured, out);
        at += n + 1;
    }
    if (rc == 0 && shown < lines)
        rc = buf_appendf(out, "\r\n%.*s" REST_LINE, (int)columns, "(more lines: a higher window)");
    return rc ? rc : buf_append_str(out, REST_PAGE);
}
