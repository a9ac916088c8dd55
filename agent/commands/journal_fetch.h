/*
 * Checkpoints and segments that lie in S3, for whoever checks a journal.
 */
#ifndef LOCKSTEP_AGENT_COMMANDS_JOURNAL_FETCH_H
#define LOCKSTEP_AGENT_COMMANDS_JOURNAL_FETCH_H

#include "base/buf.h"
#include "base/err.h"
#include "conf/conf.h"

#include <stdbool.h>
#include <stdint.h>

#define JOURNAL_FETCH_NAME_SIZE 1280 /* bytes for "s3://bucket/key" */

/* journal_fetch_is_address(text): it begins as "s3://bucket/prefix" does. */
bool journal_fetch_is_address(const char *text);

/* journal_fetch(conf, address, log, near, out, name, e): the newest checkpoint of this log below
 * "s3://bucket/prefix", by endpoint and credentials of the configuration. `near`: over how many
 * lines it may be; a guess saves requests. `out` (initialised; for JOURNAL_NOTE_MAX bytes) gets the
 * note, `name` what to call it. 0; -ENOENT where there is none; ERR_SYNTAX for an address that is
 * none; ERR_CORRUPT where it is not the checkpoint that its name says; or a negative code. */
int journal_fetch(const struct conf *conf, const char *address, const char *log, uint64_t near,
                  struct buf *out, char name[JOURNAL_FETCH_NAME_SIZE], struct err *e)
    __attribute__((warn_unused_result));

/* journal_fetch_segments(conf, address, log, before, dir_fd, ret_count, e): bring the segments of
 * this log there that begin before a record into a directory, as they lie there. 0 or a negative
 * code. */
int journal_fetch_segments(const struct conf *conf, const char *address, const char *log,
                           uint64_t before, int dir_fd, uint64_t *ret_count, struct err *e)
    __attribute__((warn_unused_result));

#endif
