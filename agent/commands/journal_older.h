/*
 * What retention has removed of a journal and S3 has. Shell.
 */
#ifndef LOCKSTEP_AGENT_COMMANDS_JOURNAL_OLDER_H
#define LOCKSTEP_AGENT_COMMANDS_JOURNAL_OLDER_H

#include "conf/conf.h"
#include "journal/journal.h"

/* journal_older_check(conf, address, log, v): fetch from below "s3://bucket/prefix" the segments of
 * this log that a journal, of which v is the verdict, does not have any more, and verify them: they
 * must be whole and end where the journal begins. Prints what it finds. The exit status. */
int journal_older_check(const struct conf *conf, const char *address, const char *log,
                        const struct journal_verdict *v);

/* journal_older_note(dir, conf): say on stderr that a journal's beginning is not here, where that
 * is so, and where it is (conf may be NULL). */
void journal_older_note(const char *dir, const struct conf *conf);

#endif
