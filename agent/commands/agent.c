/* Shell. lockstep agent: the service itself. */
#include "agent/commands/commands.h"

#include <getopt.h>

static const char usage[] =
    "usage: lockstep agent [--once] [-c FILE]\n"
    "Watch the configured trees and keep S3, journal and lists in step with them.\n"
    "  --once    reconcile what is on disk now, then end\n"
    "  -c FILE   the configuration (default " CONF_DEFAULT_FILE ")\n";

int command_agent(int argc, char **argv)
{
    static const struct option options[] = {{"once", no_argument, NULL, 'o'},
                                            {"config", required_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct agent_options opt = {0};
    const char *file = CONF_DEFAULT_FILE;
    struct conf *conf = NULL;
    struct err e = {0};
    int c, status;

    while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (c == 'o')
            opt.once = true;
        else if (c == 'c')
            file = optarg;
        else
            return command_usage(usage, c == 'h' ? NULL : "unknown option");
    }
    if (optind < argc)
        return command_usage(usage, "too many arguments");
    if (command_load(file, &conf))
        return EXIT_USAGE;
    status = service_run(conf, &opt, NULL, &e);
    conf_free(conf);
    return e.code ? command_fault(status, &e) : status;
}
