/* Shell. lockstep reload: have the running agent take over a changed configuration. */
#include "agent/commands/commands.h"

static const char usage[] = "usage: lockstep reload [-c FILE]\n"
                            "Have the running agent read its configuration again, as SIGHUP does. "
                            "Taken over are log_level,\n"
                            "limits, timetable, and of mappings max_removals, max_removal_percent "
                            "and settle_ms; credentials\n"
                            "are read again. With any other change, or a fault, all of it is "
                            "refused and the old one stays.\n";

int command_reload(int argc, char **argv)
{
    struct command_options opt;
    int status = command_begin(argc, argv, usage, STANDS_APART, 0, &opt);

    if (status >= 0)
        return status;
    status = command_order(opt.conf, &(struct command_order){.cmd = "reload", .timeout_s = -1});
    conf_free(opt.conf);
    return status;
}
