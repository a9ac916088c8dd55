/*
 * The numbers of a journal, for people and for programs. Shell.
 */
#ifndef LOCKSTEP_AGENT_COMMANDS_JOURNAL_STAT_H
#define LOCKSTEP_AGENT_COMMANDS_JOURNAL_STAT_H

#include "agent/commands/journal_show.h"

/* journal_stat(s, w, json): print what there is of what is wanted, of each host and of all. Returns
 * the exit status, everything having been said. */
int journal_stat(const struct journal_sources *s, const struct journal_wanted *w, bool json);

#endif
