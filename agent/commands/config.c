/* Shell. lockstep config check: what is in force, or every fault. */
#include "agent/commands/commands.h"

#include <getopt.h>
#include <string.h>

static const char usage[] =
    "usage: lockstep config check [-c FILE]\n"
    "Read the configuration and print what is in force, defaults included, or every fault.\n";

int command_config(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"help", no_argument, NULL, 'h'}, {0}};
    const char *file = CONF_DEFAULT_FILE;
    struct conf *conf = NULL;
    int c;

    while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (c == 'c')
            file = optarg;
        else
            return command_usage(usage, c == 'h' ? NULL : "unknown option");
    }
    if (argc - optind != 1 || strcmp(argv[optind], "check") != 0)
        return command_usage(usage, "config knows one command: check");
    if (command_load(file, &conf))
        return EXIT_USAGE;
    conf_print(conf, stdout);
    conf_free(conf);
    return EXIT_IN_STEP;
}
