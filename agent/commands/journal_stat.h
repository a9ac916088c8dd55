/*
 * The numbers of a journal, for people and for programs. Shell.
 */
#ifndef LOCKSTEP_AGENT_COMMANDS_JOURNAL_STAT_H
#define LOCKSTEP_AGENT_COMMANDS_JOURNAL_STAT_H

#include "journal/tally.h"

/* journal_stat_text(t), journal_stat_json(t): print what was counted. 0 or -ENOMEM. */
int journal_stat_text(struct tally *t) __attribute__((warn_unused_result));
int journal_stat_json(struct tally *t) __attribute__((warn_unused_result));

#endif
