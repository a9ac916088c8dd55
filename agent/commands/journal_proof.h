/*
 * Proofs that a record is in a journal, for the commands.
 */
#ifndef LOCKSTEP_AGENT_COMMANDS_JOURNAL_PROOF_H
#define LOCKSTEP_AGENT_COMMANDS_JOURNAL_PROOF_H

/* journal_prove_command(argc, argv): lockstep journal prove ...; argv[0] is "prove".
 * journal_verify_proof_command(argc, argv): lockstep journal verify-proof ... Both return the exit
 * status, everything having been said. */
int journal_prove_command(int argc, char **argv);
int journal_verify_proof_command(int argc, char **argv);

#endif
