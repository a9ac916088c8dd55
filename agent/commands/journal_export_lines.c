/* Shell. The journal as JSON Lines: the records' lines as they are. */
#include "agent/commands/journal_export.h"

static int put(struct journal_export *x, struct span line, struct err *e)
{
    int rc = output_write(&x->out, line.p, line.n, e);

    return rc ? rc : output_write(&x->out, "\n", 1, e);
}

const struct export_format export_jsonl = {.name = "jsonl", .put = put};
