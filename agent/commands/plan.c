/* Shell. lockstep plan: what would be done, and what it would cost. */
#include "agent/commands/commands.h"

#include <inttypes.h>

static const char usage[] =
    "usage: lockstep plan [--json] [-c FILE]\n"
    "Compare the trees with the index and say what an agent would do. Nothing is changed.\n"
    "Exit status: 0 nothing to do, 1 changes found.\n";

/* The sum at the end: changes, requests, bytes. */
static void plan_sum(const struct agent_totals *t, FILE *out)
{
    fprintf(out,
            "%" PRIu64 " adds, %" PRIu64 " edits, %" PRIu64 " metadata changes, %" PRIu64
            " renames, %" PRIu64 " removals; %" PRIu64 " lists to rewrite (%" PRIu64 " rows)\n",
            t->adds, t->edits, t->metas, t->renames, t->removes, t->lists_rewritten,
            t->rows_changed);
    fprintf(out,
            "requests: %" PRIu64 " PUT (%" PRIu64 " bytes), %" PRIu64 " COPY, %" PRIu64
            " objects deleted in %" PRIu64 " requests\n",
            t->puts + t->lists_rewritten, t->bytes, t->copies, t->deletes,
            (t->deletes + 999) / 1000);
}

int command_plan(int argc, char **argv)
{
    struct agent_options how = {.once = true, .dry_run = true, .out = stdout};
    struct agent_totals totals = {0};
    struct command_options opt;
    struct err e = {0};
    int status = command_begin(argc, argv, usage, TAKES_JSON, 0, &opt);

    if (status >= 0)
        return status;
    how.json = opt.json;
    status = service_run(opt.conf, &how, &totals, &e);
    conf_free(opt.conf);
    if (e.code)
        return command_fault(status, &e);
    if (!opt.json)
        plan_sum(&totals, stdout);
    return status;
}
