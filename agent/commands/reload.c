/* Shell. lockstep reload: have the running agent take over a changed configuration. */
#include "agent/commands/commands.h"

static const char usage[] =
    "usage: lockstep reload [-c FILE]\n"
    "Have the running agent read its configuration again, as SIGHUP does. log_level, limits,\n"
    "timetable, and of mappings max_removals, max_removal_percent, max_removals_hourly and "
    "settle_ms\n"
    "are taken over at once, and credentials are read again. With other changes the agent "
    "finishes\n"
    "what is open of mappings that are not in the configuration any more, and begins anew with it "
    "in\n"
    "the same process; the command waits for that. Other state_dir, journal_dir or socket need a\n"
    "restart: they, and any fault, have all of it refused, and the old configuration stays.\n";

int command_reload(int argc, char **argv)
{
    struct command_options opt;
    int status = command_begin(argc, argv, usage, STANDS_APART, 0, &opt);

    if (status >= 0)
        return status;
    status = command_order(opt.conf, &(struct command_order){.cmd = "reload", .timeout_s = -1}, 0);
    conf_free(opt.conf);
    return status;
}
