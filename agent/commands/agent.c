/* Shell. lockstep agent: the service itself. */
#include "agent/commands/commands.h"

static const char usage[] =
    "usage: lockstep agent [--once] [-c FILE]\n"
    "Watch the configured trees and keep S3, journal and lists in step with them.\n"
    "  --once    reconcile what is on disk now, then end\n"
    "  -c FILE   the configuration (default " CONF_DEFAULT_FILE ")\n";

int command_agent(int argc, char **argv)
{
    struct command_options opt;
    struct err e = {0};
    int status = command_begin(argc, argv, usage, TAKES_ONCE, 0, &opt);

    if (status >= 0)
        return status;
    status = service_run(opt.conf, &(struct agent_options){.once = opt.once, .reloads = opt.conf},
                         NULL, &e);
    conf_free(opt.conf);
    return e.code ? command_fault(status, &e) : status;
}
