/* Shell. The journal as CSV: a row a record, a header line, RFC 4180. */
#include "agent/commands/journal_export.h"

/* Write what was rendered. */
static int write_line(struct journal_export *x, int rc, struct err *e)
{
    return rc ? err_set(e, rc, "", "", "out of memory")
              : output_write(&x->out, x->line.data, x->line.len, e);
}

static int begin(struct journal_export *x, struct err *e)
{
    buf_reset(&x->line);
    return write_line(x, journal_csv_header(&x->line), e);
}

static int put(struct journal_export *x, struct span line, struct err *e)
{
    int rc = export_row(x, line, e);

    if (rc)
        return rc;
    buf_reset(&x->line);
    return write_line(x, journal_csv_row(&x->row, &x->line), e);
}

const struct export_format export_csv = {.name = "csv", .begin = begin, .put = put};
