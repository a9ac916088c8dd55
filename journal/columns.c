/* A record as a row. Pure. See columns.h. */
#include "journal/columns.h"

#include "base/err.h"
#include "base/json.h"
#include "journal/journal.h"

#include <inttypes.h>
#include <string.h>

static const struct journal_column columns[JOURNAL_COLUMNS] = {
    {"q", "q", true},    {"t", "t", true},   {"o", "o", false},     {"st", "st", false},
    {"w", "w", false},   {"p", "p", false},  {"P", "p64", false},   {"d", "d", false},
    {"D", "d64", false}, {"n", "n", true},   {"src", "src", false}, {"tx", "tx", true},
    {"i", "i", false},   {"s", "s", true},   {"m", "m", false},     {"md", "md", false},
    {"u", "u", true},    {"g", "g", true},   {"b", "b", false},     {"a", "a", false},
    {"bk", "bk", false}, {"e", "e", false},  {"v", "v", false},     {"c", "c", false},
    {"rc", "rc", true},  {"at", "at", true}, {"ms", "ms", true},    {"why", "why", false},
};

const struct journal_column *journal_column(unsigned i)
{
    return &columns[i];
}

void journal_row_init(struct journal_row *row)
{
    *row = (struct journal_row){0};
    buf_init(&row->store, JOURNAL_LINE_MAX);
    buf_init(&row->key, JOURNAL_LINE_MAX);
    buf_init(&row->value, JOURNAL_LINE_MAX);
}

void journal_row_release(struct journal_row *row)
{
    buf_release(&row->store);
    buf_release(&row->key);
    buf_release(&row->value);
}

/* Put a member of the line into its cell. `at` is where the columns that may follow begin: they
 * stand in the line's order. 0, ERR_SYNTAX. The store has room for all texts of the line. */
static int take(struct journal_row *row, struct span key, const struct json_value *value,
                unsigned *at)
{
    struct journal_cell *cell;

    while (*at < JOURNAL_COLUMNS && !span_equal(span_of(columns[*at].key), key))
        ++*at;
    if (*at == JOURNAL_COLUMNS || value->kind != (columns[*at].number ? JSON_INTEGER : JSON_STRING))
        return ERR_SYNTAX;
    cell = &row->cells[(*at)++];
    if (value->kind == JSON_INTEGER) {
        *cell = (struct journal_cell){.kind = JOURNAL_CELL_NUMBER, .number = value->integer};
        return 0;
    }
    *cell = (struct journal_cell){.kind = JOURNAL_CELL_TEXT,
                                  .text = {row->store.data + row->store.len, value->text.n}};
    return buf_append_span(&row->store, value->text);
}

int journal_row_read(struct journal_row *row, struct span line)
{
    struct json_reader reader;
    struct json_value value;
    enum json_step step;
    unsigned at = 0;
    struct span key;
    int rc;

    memset(row->cells, 0, sizeof row->cells);
    buf_reset(&row->store);
    rc = line.n > JOURNAL_LINE_MAX ? ERR_SYNTAX : buf_reserve(&row->store, line.n);
    if (rc)
        return rc;
    json_read_begin(&reader, line, &row->key, &row->value);
    while ((step = json_read_next(&reader, &key, &value)) == JSON_MORE) {
        rc = take(row, key, &value, &at);
        if (rc)
            return rc;
    }
    return step == JSON_END ? 0 : ERR_SYNTAX;
}

int journal_csv_text(struct buf *out, struct span text)
{
    const char *end = text.p + text.n, *quote;
    int rc;

    if (text.n > 0 && !memchr(text.p, '"', text.n) && !memchr(text.p, ',', text.n) &&
        !memchr(text.p, '\r', text.n) && !memchr(text.p, '\n', text.n))
        return buf_append_span(out, text);
    rc = buf_append_byte(out, '"');
    while (rc == 0 && (quote = memchr(text.p, '"', (size_t)(end - text.p)))) {
        rc = buf_append(out, text.p, (size_t)(quote - text.p) + 1);
        if (rc == 0)
            rc = buf_append_byte(out, '"');
        text.p = quote + 1;
    }
    if (rc == 0)
        rc = buf_append(out, text.p, (size_t)(end - text.p));
    return rc ? rc : buf_append_byte(out, '"');
}

int journal_csv_header(struct buf *out)
{
    int rc = 0;

    for (unsigned i = 0; i < JOURNAL_COLUMNS && rc == 0; i++)
        rc = buf_appendf(out, "%s%s", columns[i].name, i + 1 < JOURNAL_COLUMNS ? "," : "\r\n");
    return rc;
}

int journal_csv_row(const struct journal_row *row, struct buf *out)
{
    int rc = 0;

    for (unsigned i = 0; i < JOURNAL_COLUMNS && rc == 0; i++) {
        const struct journal_cell *cell = &row->cells[i];

        if (cell->kind == JOURNAL_CELL_NUMBER)
            rc = buf_appendf(out, "%" PRId64, cell->number);
        else if (cell->kind == JOURNAL_CELL_TEXT)
            rc = journal_csv_text(out, cell->text);
        if (rc == 0)
            rc = buf_append_str(out, i + 1 < JOURNAL_COLUMNS ? "," : "\r\n");
    }
    return rc;
}
