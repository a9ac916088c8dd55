/*
 * Is a journal whole, and whose is it: for the commands.
 */
#ifndef LOCKSTEP_AGENT_COMMANDS_JOURNAL_VERIFY_H
#define LOCKSTEP_AGENT_COMMANDS_JOURNAL_VERIFY_H

#include "agent/commands/journal_sources.h"
#include "base/buf.h"
#include "base/err.h"
#include "conf/conf.h"
#include "journal/journal.h"
#include "journal/key.h"

/* What the auditor gave on the command line. */
#define JOURNAL_TRUST_MAX 64

struct journal_given {
    const char *keys[JOURNAL_TRUST_MAX]; /* public keys, or files with them */
    size_t key_count;
    const char *anchors[JOURNAL_TRUST_MAX]; /* files, or places in S3 */
    size_t anchor_count;
};

/* journal_given_add(list, count, text): one more; false where there are too many. */
bool journal_given_add(const char *list[JOURNAL_TRUST_MAX], size_t *count, const char *text);

/* journal_given_key(text, ret, e): a public key as it was printed, or the file that holds it. 0 or
 * a negative code. */
int journal_given_key(const char *text, struct journal_key *ret, struct err *e)
    __attribute__((warn_unused_result));

/* journal_given_file(path, max, out, e): all of a file, at most `max` bytes; "-" is the standard
 * input. 0 or a negative code. */
int journal_given_file(const char *path, size_t max, struct buf *out, struct err *e)
    __attribute__((warn_unused_result));

/* journal_print_fault(where, f): print a fault, as journal_verify's callback; where: a string that
 * says where the journal lies, before the file's name ("in S3: "), or NULL. */
void journal_print_fault(void *where, const struct journal_fault *f);

/* journal_given_in_s3(given): an anchor lies there, so that a configuration is needed. */
bool journal_given_in_s3(const struct journal_given *given);

/* journal_verify_command(s, given, conf): check each and print. conf may be NULL where nothing lies
 * in S3. Returns the exit status, everything having been said; of several journals the worst. */
int journal_verify_command(const struct journal_sources *s, const struct journal_given *given,
                           const struct conf *conf);

#endif
