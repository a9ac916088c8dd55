/*
 * lockstep lst: the tools for people who work with .lst files. One file a command; each gets what
 * stands behind "lst" (argv[0] is its name) and returns an exit status.
 */
#ifndef LOCKSTEP_AGENT_COMMANDS_LST_H
#define LOCKSTEP_AGENT_COMMANDS_LST_H

#include "agent/commands/options.h"
#include "base/err.h"
#include "lists/check.h"
#include "lists/edit.h"
#include "lists/file.h"

#include <stdbool.h>
#include <stdint.h>

int lst_command_append(int argc, char **argv);
int lst_command_check(int argc, char **argv);
int lst_command_diff(int argc, char **argv);
int lst_command_edit(int argc, char **argv);
int lst_command_make(int argc, char **argv);
int lst_command_merge(int argc, char **argv);
int lst_command_merge_classes(int argc, char **argv);
int lst_command_relabel(int argc, char **argv);
int lst_command_split(int argc, char **argv);
int lst_command_stat(int argc, char **argv);
int lst_command_subset(int argc, char **argv);
int lst_command_undo(int argc, char **argv);

/* What may be given of each. */
#define LST_CLASSES_MAX  256
#define LST_PATTERNS_MAX 64
#define LST_CLASS_MOST   1048575

/* lst_number(text, least, most, ret): a decimal number between them; false where it is none. */
bool lst_number(const char *text, uint64_t least, uint64_t most, uint64_t *ret);

/* Rows that are chosen by class and by pattern. */
struct lst_choice {
    struct lst_selection select;
    uint64_t classes[LST_CLASSES_MAX];
    const char *patterns[LST_PATTERNS_MAX];
};

/* lst_option_class(c), lst_option_match(c): --class and --match, which add to the choice. */
struct command_option lst_option_class(struct lst_choice *c);
struct command_option lst_option_match(struct lst_choice *c);

/* Lists as a command has them: the files, and what the library takes of them. */
struct lst_inputs {
    struct lst_file *files;
    struct lst_list *lists;
    size_t n;
};

/* lst_inputs_read(names, n, ret): read them all. EXIT_IN_STEP, or the status with all said.
 * lst_inputs_release(in): frees. */
int lst_inputs_read(char **names, size_t n, struct lst_inputs *ret);
void lst_inputs_release(struct lst_inputs *in);

/* lst_failed(e): say it; the exit status: EXIT_USAGE for what is not there or no list,
 * EXIT_UNREACHED for what cannot be read or written. */
int lst_failed(const struct err *e);

/* lst_root_open(root, conf_file, list, ret_fd): the repository of a list: `root`, or where that is
 * NULL the one that the mapping is bound to which has the list. conf_file NULL: the default one, if
 * it is there. EXIT_IN_STEP, or the status with all said. */
int lst_root_open(const char *root, const char *conf_file, const char *list, int *ret_fd);

/* How findings are shown. */
enum lst_format { LST_TEXT, LST_JSON, LST_SARIF };

/* lst_show(format, f, in, images): print sorted findings and their sum. The exit status. */
int lst_show(enum lst_format format, const struct lst_findings *f, const struct lst_inputs *in,
             uint64_t images);

#endif
