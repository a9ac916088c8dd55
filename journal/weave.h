/*
 * Several journals as one stream, in the order of time. Shell.
 *
 *   journal_weave_new -> journal_weave_read ... -> journal_weave_free
 *
 * The next record is the one with the smallest time among those that are next in their journals; of
 * equal times the one whose host's name is smaller, then the journal's identity. A journal's own
 * order is kept: behind a clock that was set back its records follow each other at once. Memory:
 * one window of each reader.
 */
#ifndef LOCKSTEP_JOURNAL_WEAVE_H
#define LOCKSTEP_JOURNAL_WEAVE_H

#include "journal/journal.h"

/* One of them. All is borrowed for as long as the weave is used. */
struct journal_strand {
    struct journal_reader *reader;
    const char *host;
    const char *uuid;
    uint64_t last; /* no record behind this number; UINT64_MAX: all */
};

struct journal_weave;

/* journal_weave_new(strands, count, ret): the strands are copied. 0 or -ENOMEM. */
int journal_weave_new(const struct journal_strand *strands, size_t count,
                      struct journal_weave **ret) __attribute__((warn_unused_result));
void journal_weave_free(struct journal_weave *w);

/* journal_weave_read(w, ret, ret_line, ret_strand, e): as journal_read (ret and ret_line may be
 * NULL), and the strand's number, of a record and of an error. END once all have ended; a later
 * call looks at all of them again. */
enum journal_read journal_weave_read(struct journal_weave *w, struct journal_record *ret,
                                     struct span *ret_line, size_t *ret_strand, struct err *e);

#endif
