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
    int rc;

    buf_reset(&x->line);
    rc = x->sources->told ? buf_append_str(&x->line, "host,j,") : 0;
    return write_line(x, rc ? rc : journal_csv_header(&x->line), e);
}

static int put(struct journal_export *x, struct span line, struct err *e)
{
    const struct journal_identity *id = &x->sources->list[x->which].id;
    int rc = export_row(x, line, e);

    if (rc)
        return rc;
    buf_reset(&x->line);
    if (x->sources->told)
        rc = journal_csv_text(&x->line, span_of(id->host));
    if (x->sources->told && rc == 0)
        rc = buf_appendf(&x->line, ",%s,", id->uuid);
    return write_line(x, rc ? rc : journal_csv_row(&x->row, &x->line), e);
}

const struct export_format export_csv = {.name = "csv", .begin = begin, .put = put};
