/* Shell. lockstep config check: what is in force, or every fault. */
#include "agent/commands/commands.h"

#include "agent/service/policies.h"

#include <string.h>

static const char usage[] =
    "usage: lockstep config check [-c FILE]\n"
    "Read the configuration and print what is in force, defaults included, or every fault.\n";

/* What is in force, if what the file names is right as well. */
static int check(const struct conf *conf)
{
    struct err e = {0};

    if (policies_check(conf, &e))
        return command_fault(EXIT_USAGE, &e);
    conf_print(conf, stdout);
    return EXIT_IN_STEP;
}

int command_config(int argc, char **argv)
{
    struct command_options opt;
    int status = command_begin(argc, argv, usage, 0, 1, &opt);

    if (status >= 0)
        return status;
    if (opt.argument && strcmp(opt.argument, "check") == 0)
        status = check(opt.conf);
    else
        status = command_usage(usage, "config knows one command: check");
    conf_free(opt.conf);
    return status;
}
