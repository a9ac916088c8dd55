/*
 * lockstep journal index: the indexes beside closed segments, by which "journal show PATH" finds;
 * journal compress: closed segments made small. Shell.
 */
#ifndef LOCKSTEP_AGENT_COMMANDS_JOURNAL_INDEX_H
#define LOCKSTEP_AGENT_COMMANDS_JOURNAL_INDEX_H

/* journal_index_command(argc, argv): argv[0] is "index" or "compress". The exit status. */
int journal_index_command(int argc, char **argv);

#endif
