/*
 * lockstep verify --against-journal. Shell.
 */
#ifndef LOCKSTEP_AGENT_COMMANDS_VERIFY_JOURNAL_H
#define LOCKSTEP_AGENT_COMMANDS_VERIFY_JOURNAL_H

#include "agent/commands/journal_sources.h"

/* verify_journal(conf, sources, deep, json): hold the bucket against the journals, which are of one
 * tree, and print. Returns the exit status, everything having been said. */
int verify_journal(const struct conf *conf, const struct sources_options *sources, bool deep,
                   bool json);

#endif
