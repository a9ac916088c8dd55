/* Shell. lockstep lst: which of its commands. */
#include "agent/commands/lst.h"

#include "agent/commands/commands.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"check", lst_command_check, "find before training what fails in training"},
    {"stat", lst_command_stat, "rows, labels and classes of lists, in numbers"},
    {"diff", lst_command_diff, "what became of a list, by what its rows mean"},
    {"edit", lst_command_edit, "edit a list, checked before it takes the place of the old one"},
    {"merge", lst_command_merge, "three lists made one, row by row"},
    {"make", lst_command_make, "make lists of a directory of images"},
    {"relabel", lst_command_relabel, "give rows another label"},
    {"split", lst_command_split, "make several classes of one"},
    {"merge-classes", lst_command_merge_classes, "make one class of several"},
    {"undo", lst_command_undo, "take back what one rewrite did to a list"},
    {"append", lst_command_append, "add the images of other lists"},
    {"subset", lst_command_subset, "write some of the rows"},
};

#define COMMAND_COUNT (sizeof commands / sizeof *commands)

/* The overview. */
static int overview(FILE *out, int status)
{
    fputs("usage: lockstep lst COMMAND [OPTIONS]; lockstep lst COMMAND --help tells more\n", out);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-14s %s\n", commands[i].name, commands[i].help);
    return status;
}

int command_lst(int argc, char **argv)
{
    if (argc < 2)
        return overview(stderr, EXIT_USAGE);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return overview(stdout, EXIT_IN_STEP);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "lockstep: lst has no command \"%s\"\n", argv[1]);
    return overview(stderr, EXIT_USAGE);
}
