/*
 * What operators do with held removals: look at them, release them, discard them. Shell.
 */
#ifndef LOCKSTEP_AGENT_COMMANDS_HELD_H
#define LOCKSTEP_AGENT_COMMANDS_HELD_H

#include <stdbool.h>

/* The two commands, which differ in what becomes of the removals. */
struct held_command {
    const char *cmd; /* "release", "discard" */
    const char *usage;
    bool discard;
    const char *offline; /* what was done without an agent, behind the count */
};

/* held_command(argc, argv, c): the exit status. */
int held_command(int argc, char **argv, const struct held_command *c);

#endif
