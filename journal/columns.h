/*
 * A record as a row: the columns that tables have, whatever keeps them. Pure.
 *
 * The columns are the keys of the line, in its order, and a value is what JSON says it is. Only the
 * two keys in capitals have names of their own, p64 and d64, since SQL does not tell P from p.
 */
#ifndef LOCKSTEP_JOURNAL_COLUMNS_H
#define LOCKSTEP_JOURNAL_COLUMNS_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define JOURNAL_COLUMNS 28

struct journal_column {
    const char *key;  /* in the line */
    const char *name; /* of the column */
    bool number;      /* else text */
};

/* journal_column(i): the column of this number, below JOURNAL_COLUMNS. */
const struct journal_column *journal_column(unsigned i);

enum journal_cell_kind { JOURNAL_CELL_ABSENT, JOURNAL_CELL_NUMBER, JOURNAL_CELL_TEXT };

struct journal_cell {
    enum journal_cell_kind kind;
    int64_t number;
    struct span text; /* of a text, without escapes; within the row's store */
};

/* One row, used again for the next. */
struct journal_row {
    struct journal_cell cells[JOURNAL_COLUMNS];
    struct buf store, key, value;
};

void journal_row_init(struct journal_row *row);
void journal_row_release(struct journal_row *row);

/* journal_row_read(row, line): the cells of a record's line, valid until the next call. 0; -ENOMEM;
 * ERR_SYNTAX: no line of a record, or a number in it is beyond 64 bits with a sign. */
int journal_row_read(struct journal_row *row, struct span line) __attribute__((warn_unused_result));

/* journal_csv_header(out), journal_csv_row(row, out): append a line of RFC 4180 with its CR LF.
 * What is absent is an empty field, an empty text is "". 0, -ENOMEM, ERR_LIMIT. */
int journal_csv_header(struct buf *out) __attribute__((warn_unused_result));
int journal_csv_row(const struct journal_row *row, struct buf *out)
    __attribute__((warn_unused_result));

/* journal_csv_text(out, text): append one field, quoted where it has to be. An empty one always is,
 * since an empty field is an absent value. Returns the same. */
int journal_csv_text(struct buf *out, struct span text) __attribute__((warn_unused_result));

#endif
