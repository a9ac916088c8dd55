/* Shell. The journal as JSON Lines: the records' lines as they are, of several journals with the
 * host in front. */
#include "agent/commands/journal_export.h"

static int put(struct journal_export *x, struct span line, struct err *e)
{
    int rc;

    buf_reset(&x->line);
    rc = journal_source_json(x->sources, x->which, &x->line);
    rc = rc ? err_set(e, rc, "", "", "out of memory")
            : output_write(&x->out, x->line.data, x->line.len, e);
    if (rc == 0)
        rc = output_write(&x->out, line.p + 1, line.n - 1, e);
    return rc ? rc : output_write(&x->out, "\n", 1, e);
}

const struct export_format export_jsonl = {.name = "jsonl", .put = put};
