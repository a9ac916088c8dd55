/* Shell. lockstep plan: what would be done, and what it would cost. */
#include "agent/commands/commands.h"

#include <getopt.h>
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
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"config", required_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct agent_options opt = {.once = true, .dry_run = true, .out = stdout};
    const char *file = CONF_DEFAULT_FILE;
    struct agent_totals totals = {0};
    struct conf *conf = NULL;
    struct err e = {0};
    int c, status;

    while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (c == 'j')
            opt.json = true;
        else if (c == 'c')
            file = optarg;
        else
            return command_usage(usage, c == 'h' ? NULL : "unknown option");
    }
    if (optind < argc)
        return command_usage(usage, "too many arguments");
    if (command_load(file, &conf))
        return EXIT_USAGE;
    status = service_run(conf, &opt, &totals, &e);
    conf_free(conf);
    if (e.code)
        return command_fault(status, &e);
    if (!opt.json)
        plan_sum(&totals, stdout);
    return status;
}
