/*
 * What is done to closed segments, one after the other. Shell. Private to journal/.
 */
#ifndef LOCKSTEP_JOURNAL_CLOSED_H
#define LOCKSTEP_JOURNAL_CLOSED_H

#include "journal/frame.h"
#include "journal/search.h"

/* Do something to a closed segment, of which `size` bytes count; UINT64_MAX: the next one does not
 * say. 0 or a negative code; *ret_made: something was done. */
typedef int journal_closed_do(void *how, int dir_fd, struct journal_name name, uint64_t size,
                              bool *ret_made);

/* journal_closed_each(dir, after, act, how, on_segment, arg, e): act(how, ...) for each
 * closed segment behind the one of this name, if there is one; on_segment is told what came of it,
 * and ends the work with false. 0 or -errno. */
int journal_closed_each(const char *dir, const char *after, journal_closed_do *act, void *how,
                        journal_index_told *on_segment, void *arg, struct err *e)
    __attribute__((warn_unused_result));

#endif
