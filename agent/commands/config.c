/* Shell. lockstep config check: what is in force, or every fault. */
#include "agent/commands/commands.h"

#include <string.h>

static const char usage[] =
    "usage: lockstep config check [-c FILE]\n"
    "Read the configuration and print what is in force, defaults included, or every fault.\n";

int command_config(int argc, char **argv)
{
    struct command_options opt;
    int status = command_begin(argc, argv, usage, 0, 1, &opt);

    if (status >= 0)
        return status;
    status = EXIT_IN_STEP;
    if (opt.argument && strcmp(opt.argument, "check") == 0)
        conf_print(opt.conf, stdout);
    else
        status = command_usage(usage, "config knows one command: check");
    conf_free(opt.conf);
    return status;
}
