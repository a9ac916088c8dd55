/*
 * The images that a list names, for who asks what happened to them. Shell.
 */
#ifndef LOCKSTEP_AGENT_COMMANDS_JOURNAL_NAMED_H
#define LOCKSTEP_AGENT_COMMANDS_JOURNAL_NAMED_H

#include "base/err.h"
#include "journal/journal.h"

#include <stdbool.h>

struct journal_named;

/* journal_named_read(file, ret, e): the images of a .lst file; rows that name nothing inside a
 * repository are passed over. In memory is each path once. 0; -ENOENT and ERR_SYNTAX where it is no
 * list, or names none; -ENOMEM, -errno. */
int journal_named_read(const char *file, struct journal_named **ret, struct err *e)
    __attribute__((warn_unused_result));
void journal_named_free(struct journal_named *n);

/* journal_named_has(n, r): the record speaks of one of them, or of the rename of a directory that
 * one lies in. */
bool journal_named_has(const struct journal_named *n, const struct journal_record *r);

#endif
