/* Shell. lockstep: one program, many commands. */
#include "agent/commands/commands.h"

#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"init", command_init, "propose a first configuration, try the bucket, write it"},
    {"agent", command_agent, "watch the trees and keep S3, journal and lists in step"},
    {"plan", command_plan, "say what would be done, and what it would cost"},
    {"status", command_status, "in step or not, what is open, what failed and why"},
    {"wait", command_wait, "until all that is on disk now is in S3"},
    {"rescan", command_rescan, "have a tree, or a part of it, looked at again"},
    {"pause", command_pause, "begin no more transfers"},
    {"resume", command_resume, "let transfers go on"},
    {"reload", command_reload, "have the agent take over a changed configuration"},
    {"release", command_release, "let removals go that the guard holds"},
    {"discard", command_discard, "keep the objects of removals that the guard holds"},
    {"verify", command_verify, "compare disk, index and S3"},
    {"adopt", command_adopt, "take over an S3 copy that is there already"},
    {"journal", command_journal, "show, verify, prove, export and report the change journal"},
    {"lst", command_lst, "check and compare .lst files, and work on them"},
    {"pack", command_pack, "make RecordIO files of lists and images for training, and check them"},
    {"manifest", command_manifest, "name the objects of a list as training jobs take them"},
    {"channels", command_channels, "tell a training job where lists and images are"},
    {"config", command_config, "check the configuration"},
};

#define COMMAND_COUNT (sizeof commands / sizeof *commands)

/* Keys live in this memory: no core, no debugger of the same user. The leak sanitizer is such a
 * debugger. */
static void guard_memory(void)
{
#ifndef __SANITIZE_ADDRESS__
    (void)prctl(PR_SET_DUMPABLE, 0); /* fails only for wrong arguments */
#endif
}

/* The overview. */
static int overview(FILE *out, int status)
{
    fputs("usage: lockstep COMMAND [OPTIONS]; lockstep COMMAND --help tells more\n", out);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].help);
    fputs("exit status: 0 in step, 1 differences, 2 wrong use, 3 held by the guard, 4 cannot reach "
          "what it needs\n",
          out);
    return status;
}

int main(int argc, char **argv)
{
    guard_memory();
    log_init(LOG_LEVEL_INFO);
    if (argc < 2)
        return overview(stderr, EXIT_USAGE);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return overview(stdout, EXIT_IN_STEP);
    if (strcmp(argv[1], "--version") == 0) {
        printf("lockstep %s\n", PACKAGE_VERSION);
        return EXIT_IN_STEP;
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "lockstep: no command is named \"%s\"\n", argv[1]);
    return overview(stderr, EXIT_USAGE);
}
