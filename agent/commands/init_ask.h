/*
 * Questions on a terminal, one line each. Shell.
 */
#ifndef LOCKSTEP_AGENT_COMMANDS_INIT_ASK_H
#define LOCKSTEP_AGENT_COMMANDS_INIT_ASK_H

#include <stdbool.h>

/* ask_possible(): there is somebody to ask. */
bool ask_possible(void);

/* ask_line(question, fallback): the answer without space around it (malloc); where it is empty a
 * copy of `fallback`, which is shown ("": none). NULL: the input ended, or no memory. */
char *ask_line(const char *question, const char *fallback);

/* ask_yes(question, fallback): yes or no; what is neither is asked again. The end of the input is
 * no. */
bool ask_yes(const char *question, bool fallback);

#endif
