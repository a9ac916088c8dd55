/*
 * Options of a command line, told by a table: one entry an option, with the place of what it says.
 */
#ifndef LOCKSTEP_AGENT_COMMANDS_OPTIONS_H
#define LOCKSTEP_AGENT_COMMANDS_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#define OPTIONS_MAX 24 /* of one command */

struct command_option {
    const char *name; /* of --name; or NULL */
    char letter;      /* of -x; or 0 */
    /* One of these is there: */
    bool *flag;                                  /* set; it takes no value, the others do */
    const char **text;                           /* its value */
    uint64_t *number;                            /* its value, a number from `least` to `most` */
    const char *(*take)(void *arg, char *value); /* NULL, or what is wrong; value may be changed */
    void *arg;
    uint64_t least, most;
    const char *wrong; /* number: what is said of another value */
};

/* command_options(argc, argv, table): take the options, of which the table has OPTIONS_MAX at most
 * and ends with a zeroed one; --help and -h are known. The words behind them begin at optind. NULL,
 * or what is wrong; "" asks for help: both as command_usage wants them. */
const char *command_options(int argc, char **argv, const struct command_option *table);

#endif
