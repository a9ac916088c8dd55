/* Shell. lockstep release, lockstep discard: what becomes of removals that the guard holds. */
#include "agent/commands/commands.h"
#include "agent/commands/held.h"

static const struct held_command releasing = {
    .cmd = "release",
    .offline = "go at the agent's next start",
    .usage =
        "usage: lockstep release [-c FILE] [--list [--json]] [--path PATH] [[--mapping] MAPPING]\n"
        "Let the held removals of a mapping (of all, without a name) go: the guard held them "
        "because\n"
        "they looked like an accident. Without a running agent they go at its next start.\n"
        "  --path PATH  only those at and beneath this path: absolute, or below the mapping's "
        "tree\n"
        "  --list       only name what is held\n",
};

static const struct held_command discarding = {
    .cmd = "discard",
    .discard = true,
    .offline = "are discarded: the objects stay",
    .usage =
        "usage: lockstep discard [-c FILE] [--list [--json]] [--path PATH] [[--mapping] MAPPING]\n"
        "Held removals that shall never happen: the objects stay in S3, marked as kept, and rows "
        "stay\n"
        "in the lists; they are no difference any more until the files come back.\n"
        "  --path PATH  only those at and beneath this path: absolute, or below the mapping's "
        "tree\n"
        "  --list       only name what is held\n",
};

int command_release(int argc, char **argv)
{
    return held_command(argc, argv, &releasing);
}

int command_discard(int argc, char **argv)
{
    return held_command(argc, argv, &discarding);
}
