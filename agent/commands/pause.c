/* Shell. lockstep pause, lockstep resume: transfers stop, and go on. */
#include "agent/commands/commands.h"

/* One of the two. */
static int give(int argc, char **argv, const char *usage, const char *cmd)
{
    struct command_options opt;
    int status = command_begin(argc, argv, usage, STANDS_APART, 0, &opt);

    if (status >= 0)
        return status;
    status = command_order(opt.conf, &(struct command_order){.cmd = cmd, .timeout_s = -1},
                           CONTROL_WAIT_S);
    conf_free(opt.conf);
    return status;
}

int command_pause(int argc, char **argv)
{
    return give(
        argc, argv,
        "usage: lockstep pause [-c FILE]\n"
        "Begin no more transfers: nothing is sent to S3, and nothing is deleted there, until\n"
        "lockstep resume or a restart of the agent. What is under way is let end. Changes are\n"
        "followed meanwhile, and lists are rewritten on disk.\n",
        "pause");
}

int command_resume(int argc, char **argv)
{
    return give(argc, argv,
                "usage: lockstep resume [-c FILE]\n"
                "Let transfers go on that lockstep pause has stopped.\n",
                "resume");
}
