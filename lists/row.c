/* Rows of a list: where they end, what they are, which path they name. Pure. */
#include "lists/internal.h"

#include "base/path.h"
#include "base/replace.h"
#include "lists/marks.h"

#include <errno.h>
#include <string.h>

/* A byte order mark is not part of the first row's index, but stays where it is. */
static const struct span byte_order_mark = {"\xef\xbb\xbf", 3};

struct span row_line(struct span in, size_t at)
{
    const char *begin = in.p + at;
    const char *end = memchr(begin, '\n', in.n - at);

    return (struct span){begin, end ? (size_t)(end - begin) + 1 : in.n - at};
}

/* The row without LF and the CRs before it. */
static struct span without_ending(struct span line)
{
    if (line.n > 0 && line.p[line.n - 1] == '\n')
        line.n--;
    while (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

bool row_path(struct span line, struct span *ret)
{
    struct span text = without_ending(line);
    const char *tab = text.n > 0 ? memrchr(text.p, '\t', text.n) : NULL;

    if (!tab)
        return false;
    *ret = (struct span){tab + 1, (size_t)(text.p + text.n - (tab + 1))};
    return true;
}

/* White space of the C locale, which no setlocale changes. */
static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Nothing but white space. */
static bool all_blank(struct span s)
{
    size_t i = 0;

    while (i < s.n && is_blank(s.p[i]))
        i++;
    return i == s.n;
}

/* How many digits stand at the start. */
static size_t digits(struct span s)
{
    size_t i = 0;

    while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
        i++;
    return i;
}

/* Drop n bytes from the start. */
static struct span skip(struct span s, size_t n)
{
    return (struct span){s.p + n, s.n - n};
}

/* Skip one byte if it is one of these. */
static bool skip_one(struct span *s, char a, char b)
{
    if (s->n == 0 || (s->p[0] != a && s->p[0] != b))
        return false;
    *s = skip(*s, 1);
    return true;
}

/* A decimal number as some reader of lists takes it: "12", "-1", "5.0", "1e+05", blanks around. */
static bool is_number(struct span s)
{
    size_t n;

    while (s.n > 0 && s.p[0] == ' ')
        s = skip(s, 1);
    while (s.n > 0 && s.p[s.n - 1] == ' ')
        s.n--;
    (void)skip_one(&s, '+', '-'); /* a sign may be there or not */
    n = digits(s);
    if (n == 0)
        return false;
    s = skip(s, n);
    if (skip_one(&s, '.', '.'))
        s = skip(s, digits(s));
    if (skip_one(&s, 'e', 'E')) {
        (void)skip_one(&s, '+', '-'); /* a sign may be there or not */
        n = digits(s);
        if (n == 0)
            return false;
        s = skip(s, n);
    }
    return s.n == 0;
}

/* The row's text begins behind a byte order mark, if it is the first. */
static struct span without_mark(struct span text)
{
    bool marked =
        text.n >= byte_order_mark.n && memcmp(text.p, byte_order_mark.p, byte_order_mark.n) == 0;

    return marked ? skip(text, byte_order_mark.n) : text;
}

/* An image row. Each field is written once and in place: a struct that is put together and then
 * copied makes the processor wait for its parts, which takes longer than all else here. */
static void image_row(struct span text, const char *first_tab, const char *last_tab,
                      struct lst_row *ret)
{
    ret->kind = LST_ROW_IMAGE;
    ret->index.p = text.p;
    ret->index.n = (size_t)(first_tab - text.p);
    ret->labels.p = first_tab + 1;
    ret->labels.n = (size_t)(last_tab - ret->labels.p);
    ret->path.p = last_tab + 1;
    ret->path.n = (size_t)(text.p + text.n - ret->path.p);
}

/* The place of the next piece of a text that is looked at in pieces of MARKS_MAX bytes, of which
 * the last one overlaps; n where there is none. */
static size_t next_piece(size_t at, size_t n)
{
    if (n - at <= MARKS_MAX)
        return n;
    return n - at < 2 * MARKS_MAX ? n - MARKS_MAX : at + MARKS_MAX;
}

/* Load the piece of a text at this place. */
static void load_piece(struct marks *m, struct span s, size_t at)
{
    marks_load(m, s.p + at, s.n - at < MARKS_MAX ? s.n - at : MARKS_MAX);
}

/* The text of a row is the usual one, its index in plain digits. False says nothing. */
static bool classify_usual(struct span text, struct lst_row *ret)
{
    const char *first_tab = NULL;
    const char *last_tab = NULL;

    for (size_t at = 0; at < text.n; at = next_piece(at, text.n)) {
        struct marks m;
        uint64_t tabs;

        load_piece(&m, text, at);
        tabs = marks_find(&m, '\t');
        if (marks_find(&m, '\r') || (!tabs && !first_tab))
            return false;
        if (!first_tab) {
            uint64_t index = marks_below(marks_lowest(tabs));

            if (index == 0 || (marks_digits(&m) & index) != index)
                return false;
            first_tab = text.p + marks_lowest(tabs);
        }
        if (tabs)
            last_tab = text.p + at + marks_highest(tabs);
    }
    if (first_tab == last_tab)
        return false;
    image_row(text, first_tab, last_tab, ret);
    return true;
}

/* Any row that is not longer than rows may be. */
static void classify_any(struct span text, struct lst_row *ret)
{
    const char *first_tab = memchr(text.p, '\t', text.n);
    const char *last_tab = first_tab ? memrchr(text.p, '\t', text.n) : NULL;

    if (first_tab == last_tab || memchr(text.p, '\r', text.n) ||
        !is_number((struct span){text.p, (size_t)(first_tab - text.p)}))
        return;
    image_row(text, first_tab, last_tab, ret);
}

void row_classify(struct span line, bool first, struct lst_row *ret)
{
    struct span text = without_ending(line);

    ret->kind = LST_ROW_OTHER;
    ret->line = line;
    ret->index = ret->labels = ret->path = (struct span){0};
    if (first)
        text = without_mark(text);
    if (line.n <= LST_ROW_BYTES_MAX && classify_usual(text, ret))
        return;
    if (all_blank(text))
        ret->kind = LST_ROW_BLANK;
    else if (line.n <= LST_ROW_BYTES_MAX)
        classify_any(text, ret);
}

bool lst_row_next(struct lst_cursor *c, struct lst_row *ret)
{
    struct span line;
    bool first = c->at == 0;

    if (c->at >= c->in.n)
        return false;
    line = row_line(c->in, c->at);
    c->at += line.n;
    c->line_number++;
    row_classify(line, first, ret);
    return true;
}

void lst_row_begin(struct span in, uint64_t at, struct lst_row *ret)
{
    row_classify(row_line(in, (size_t)at), at == 0, ret);
}

size_t path_lead(struct span path)
{
    size_t at = 0;

    while (at + 1 < path.n && path.p[at] == '.' && path.p[at + 1] == '/') {
        at += 2;
        while (at < path.n && path.p[at] == '/')
            at++;
    }
    return at;
}

/* A component that stands for another directory than its name says. */
static bool is_dots(const char *p, size_t n)
{
    return (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.');
}

/* It begins with a name, and no '/' stands before another one, a '.' or the end. No NUL. */
bool path_is_normal(struct span path)
{
    if (path.n == 0 || path.n > PATH_BYTES_MAX || path.p[0] == '.' || path.p[0] == '/' ||
        path.p[path.n - 1] == '/')
        return false;
    for (size_t at = 0; at < path.n; at = next_piece(at, path.n)) {
        struct marks m;
        uint64_t slashes;
        uint64_t begins; /* of names, but of the first */

        load_piece(&m, path, at);
        slashes = marks_find(&m, '/');
        begins = slashes << 1 | (at > 0 && path.p[at - 1] == '/');
        if ((begins & (slashes | marks_find(&m, '.'))) | marks_find(&m, '\0'))
            return false;
    }
    return true;
}

int lst_path_normal(struct span path, char *out, size_t size)
{
    struct span rest;
    size_t n = 0;

    if (path.n < size && path_is_normal(path)) {
        memcpy(out, path.p, path.n);
        out[path.n] = '\0';
        return 0;
    }

    rest = skip(path, path_lead(path));
    if (rest.n == 0 || rest.p[0] == '/' || rest.p[rest.n - 1] == '/' || memchr(rest.p, 0, rest.n))
        return ERR_SYNTAX;
    while (rest.n > 0) {
        const char *slash = memchr(rest.p, '/', rest.n);
        size_t part = slash ? (size_t)(slash - rest.p) : rest.n;

        if (is_dots(rest.p, part))
            return ERR_SYNTAX;
        if (n + (n > 0) + part >= size || n + (n > 0) + part > PATH_BYTES_MAX)
            return -ENAMETOOLONG;
        if (n > 0)
            out[n++] = '/';
        memcpy(out + n, rest.p, part);
        n += part;
        rest = skip(rest, part);
        while (rest.n > 0 && rest.p[0] == '/')
            rest = skip(rest, 1);
    }
    out[n] = '\0';
    return 0;
}

bool lst_is_list(const char *path)
{
    static const char ending[] = ".lst";
    size_t n = strlen(path);
    size_t ending_n = sizeof(ending) - 1;

    return n >= ending_n && memcmp(path + n - ending_n, ending, ending_n) == 0 &&
           !replace_is_temp(path_name(path));
}
