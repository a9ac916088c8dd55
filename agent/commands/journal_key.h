/*
 * The keys that sign journals, for the commands.
 */
#ifndef LOCKSTEP_AGENT_COMMANDS_JOURNAL_KEY_H
#define LOCKSTEP_AGENT_COMMANDS_JOURNAL_KEY_H

/* journal_key_command(argc, argv): lockstep journal key ...; argv[0] is "key". Returns the exit
 * status, everything having been said. */
int journal_key_command(int argc, char **argv);

#endif
