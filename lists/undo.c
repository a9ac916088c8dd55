/* A rewrite taken back. Pure. */
#include "lists/internal.h"

#include "base/path.h"

#include <string.h>

/* One line of an undo text. */
struct undo_line {
    uint64_t number;    /* of the row in the old list, from 1 */
    struct span marker; /* "-", or the path in the new list; "=": the new row follows, and then
                           the line of the old one */
    struct span row;    /* the old row with its line ending; the new one */
};

/* The text up to the next TAB, which is skipped; false without one. */
static bool field(struct span *text, struct span *ret)
{
    const char *tab = text->n > 0 ? memchr(text->p, '\t', text->n) : NULL;

    if (!tab)
        return false;
    *ret = (struct span){text->p, (size_t)(tab - text->p)};
    text->n -= ret->n + 1;
    text->p = tab + 1;
    return true;
}

/* A line number; 0 for anything else. */
static uint64_t number_of(struct span s)
{
    uint64_t n = 0;

    if (s.n > 19) /* digits that always fit 64 bits */
        return 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return 0;
        n = n * 10 + (uint64_t)(s.p[i] - '0');
    }
    return n;
}

/* Take an undo line apart. 0 or ERR_SYNTAX. */
static int parse(struct span line, struct undo_line *ret)
{
    struct undo_line u;
    struct span number;

    if (!field(&line, &number) || !field(&line, &u.marker))
        return ERR_SYNTAX;
    u.number = number_of(number);
    u.row = line;
    if (u.number == 0 || u.marker.n == 0)
        return ERR_SYNTAX;
    *ret = u;
    return 0;
}

/* The next line of the text; false at its end, and (*rc) where it is none. */
static bool next_line(struct span undo, size_t *at, struct undo_line *ret, int *rc)
{
    struct span text;

    if (*rc || *at >= undo.n)
        return false;
    text = row_line(undo, *at);
    *at += text.n;
    *rc = parse(text, ret);
    return *rc == 0;
}

/* The path in the new list, which a marker tells. */
static struct span marker_path(struct span marker)
{
    if (span_equal(marker, SPAN("./-")) || span_equal(marker, SPAN("./=")))
        return (struct span){marker.p + 2, 1};
    return marker;
}

/* Pass over the row that the rewrite made. 0, or ERR_CHANGED if it is another. */
static int skip_new_row(struct lst_cursor *now, struct span path)
{
    struct lst_row row;
    struct span found;

    if (!lst_row_next(now, &row) || !row_path(row.line, &found))
        return ERR_CHANGED;
    return span_equal(found, path) || span_equal(found, marker_path(path)) ? 0 : ERR_CHANGED;
}

/* Append the rows that come before line `number` of the old list; *line is the next one's. */
static int copy_rows(struct lst_cursor *now, uint64_t number, uint64_t *line, struct buf *out)
{
    size_t from = now->at;
    struct lst_row row;

    if (number < *line)
        return ERR_SYNTAX; /* the numbers go up */
    for (; *line < number; (*line)++) {
        if (!lst_row_next(now, &row))
            return ERR_CHANGED;
    }
    return now->at > from ? buf_append(out, now->in.p + from, now->at - from) : 0;
}

/* The whole way; leaves out half-written on failure. */
static int undo_rows(struct span now, struct span undo, struct buf *out)
{
    struct lst_cursor cursor = {.in = now};
    struct undo_line u;
    uint64_t line = 1;
    size_t at = 0;
    int rc = 0;

    while (next_line(undo, &at, &u, &rc)) {
        if (span_equal(u.marker, SPAN("=")))
            continue; /* the line of the old row tells where */
        rc = copy_rows(&cursor, u.number, &line, out);
        if (rc == 0 && !span_equal(u.marker, SPAN("-")))
            rc = skip_new_row(&cursor, u.marker);
        if (rc == 0)
            rc = buf_append_span(out, u.row);
        line++;
    }
    if (rc == 0 && cursor.at < now.n)
        rc = buf_append(out, now.p + cursor.at, now.n - cursor.at);
    return rc;
}

int lst_undo(struct span now, struct span undo, struct buf *out)
{
    size_t before = out->len;
    int rc = undo_rows(now, undo, out);

    if (rc < 0 && out->len > before) {
        out->len = before;
        out->data[before] = '\0';
    }
    return rc;
}

int lst_undo_each(struct span undo, lst_undo_fn *fn, void *arg)
{
    char from[PATH_BYTES_MAX + 1], to[PATH_BYTES_MAX + 1];
    struct undo_line u;
    size_t at = 0;
    int rc = 0;

    while (next_line(undo, &at, &u, &rc)) {
        bool dropped = span_equal(u.marker, SPAN("-"));
        struct span path;

        if (span_equal(u.marker, SPAN("=")))
            continue;
        if (!row_path(u.row, &path))
            return ERR_SYNTAX;
        if (!dropped && (span_equal(path, u.marker) || span_equal(path, marker_path(u.marker))))
            continue; /* the row has another index or label, or a path that nobody would look for */
        rc = lst_path_normal(path, from, sizeof from);
        if (rc == 0 && !dropped)
            rc = lst_path_normal(u.marker, to, sizeof to);
        if (rc == 0)
            rc = fn(arg, from, dropped ? NULL : to);
    }
    return rc;
}

/* Append a row, which ends in LF whatever it ended in. */
static int put_row(struct buf *out, struct span row)
{
    int rc = buf_append_span(out, row);

    return rc || (row.n > 0 && row.p[row.n - 1] == '\n') ? rc : buf_append_byte(out, '\n');
}

/* The row that the rewrite made of an old one by another path. */
static int put_moved(struct buf *out, const struct undo_line *u)
{
    struct span path, to = u->marker;
    int rc;

    if (!row_path(u->row, &path))
        return ERR_SYNTAX;
    if (!path_lead(path))
        to = marker_path(to);
    rc = buf_append(out, u->row.p, (size_t)(path.p - u->row.p));
    if (rc == 0)
        rc = buf_append_span(out, to);
    return rc ? rc : buf_append_byte(out, '\n');
}

/* Both sides of one line after the other; `made`: the new row stood before. */
static int undo_side(const struct undo_line *u, bool made, struct buf *before, struct buf *after)
{
    int rc;

    if (span_equal(u->marker, SPAN("=")))
        return put_row(after, u->row);
    rc = put_row(before, u->row);
    return rc || made || span_equal(u->marker, SPAN("-")) ? rc : put_moved(after, u);
}

int lst_undo_sides(struct span undo, struct buf *before, struct buf *after)
{
    uint64_t made = 0; /* the row of which the new one was told already */
    struct undo_line u;
    size_t at = 0;
    int rc = 0;

    while (next_line(undo, &at, &u, &rc)) {
        rc = undo_side(&u, made == u.number, before, after);
        made = u.number;
    }
    return rc;
}
