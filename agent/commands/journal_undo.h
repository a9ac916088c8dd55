/*
 * The undo texts of rewrites, held against the journal's records, which name each by its hash.
 * Shell.
 */
#ifndef LOCKSTEP_AGENT_COMMANDS_JOURNAL_UNDO_H
#define LOCKSTEP_AGENT_COMMANDS_JOURNAL_UNDO_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct journal_undo_sum {
    uint64_t named; /* by records */
    uint64_t missing;
    uint64_t altered;
    bool here; /* there is a directory of them beside the journal */
};

/* journal_undo_verify(dir, ret, e): every text that a record of the journal names is there and what
 * its name says; prints each that is not, with the record, if there is any. 0, or a negative code
 * where the journal cannot be read. */
int journal_undo_verify(const char *dir, struct journal_undo_sum *ret, struct err *e)
    __attribute__((warn_unused_result));

#endif
