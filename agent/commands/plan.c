/* Shell. lockstep plan: what would be done, and what it would cost. */
#include "agent/commands/commands.h"

#include "agent/commands/screen.h"
#include "agent/core/cost.h"

#include <inttypes.h>

static const char usage[] =
    "usage: lockstep plan [--json] [-c FILE]\n"
    "Compare the trees with the index and say what an agent would do, in how many requests to S3 "
    "and,\n"
    "where the configuration has prices, for how much. Nothing is changed.\n"
    "Exit status: 0 nothing to do, 1 changes found.\n";

/* The sum at the end: changes, requests, bytes, cost. */
static void plan_sum(const struct agent_totals *t, const struct conf_prices *prices)
{
    const struct s3_requests *r = &t->requests;
    char requests[COST_TEXT_SIZE], storage[COST_TEXT_SIZE];

    printf("%" PRIu64 " adds, %" PRIu64 " edits, %" PRIu64 " metadata changes, %" PRIu64
           " renames, %" PRIu64 " removals; %" PRIu64 " lists to rewrite (%" PRIu64 " rows)\n",
           t->adds, t->edits, t->metas, t->renames, t->removes, t->lists_rewritten,
           t->rows_changed);
    printf("requests: %" PRIu64 " PUT (%" PRIu64 " bytes), %" PRIu64 " COPY, %" PRIu64
           " POST of uploads in parts, %" PRIu64 " HEAD, %" PRIu64 " objects deleted in %" PRIu64
           " requests\n",
           r->put, t->bytes, r->copy, r->post, r->head, t->deletes, r->deletes);
    if (prices->currency)
        printf("cost: %s %s for requests, and %s %s a month for what is added, as the "
               "configuration has prices\n",
               cost_text(cost_requests(prices, r), requests), prices->currency,
               cost_text(cost_storage(prices, t->bytes), storage), prices->currency);
}

/* The sum as one object. */
static void plan_json(const struct agent_totals *t, const struct conf_prices *prices)
{
    const struct s3_requests *r = &t->requests;
    char requests[COST_TEXT_SIZE], storage[COST_TEXT_SIZE];
    struct screen_member money[] = {
        {"currency", prices->currency},
        {"cost_requests", cost_text(cost_requests(prices, r), requests)},
        {"cost_storage_month", cost_text(cost_storage(prices, t->bytes), storage)},
        {NULL, NULL}};
    struct screen_number numbers[] = {{"adds", t->adds},
                                      {"edits", t->edits},
                                      {"metas", t->metas},
                                      {"renames", t->renames},
                                      {"removes", t->removes},
                                      {"lists_rewritten", t->lists_rewritten},
                                      {"rows_changed", t->rows_changed},
                                      {"bytes", t->bytes},
                                      {"put", r->put},
                                      {"copy", r->copy},
                                      {"post", r->post},
                                      {"head", r->head},
                                      {"objects_deleted", t->deletes},
                                      {"delete", r->deletes},
                                      {NULL, 0}};

    screen_json(prices->currency ? money : NULL, numbers);
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
    if (!e.code && opt.json)
        plan_json(&totals, &opt.conf->prices);
    else if (!e.code)
        plan_sum(&totals, &opt.conf->prices);
    conf_free(opt.conf);
    return e.code ? command_fault(status, &e) : status;
}
