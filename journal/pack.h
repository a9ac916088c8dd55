/*
 * Compressing the closed segments of a journal. Shell.
 *
 * A segment is compressed once it is closed and has its index. The compressed file is written under
 * a temporary name, made durable, read back and compared, and renamed into place; then the plain
 * one goes. Where both are there, someone died in between: the plain one counts, and the other is
 * made again. A segment that is damaged, and so has no index, stays plain.
 */
#ifndef LOCKSTEP_JOURNAL_PACK_H
#define LOCKSTEP_JOURNAL_PACK_H

#include "journal/search.h"

/* journal_pack_all(dir, on_segment, arg, e): compress each closed segment that is not. on_segment
 * is told how each went: code is 0 (made, or it was), -ENODATA for one without an index, or another
 * negative code; false from it ends the work. Any thread; beside a writer. 0 or -errno. */
int journal_pack_all(const char *dir, journal_index_told *on_segment, void *arg, struct err *e)
    __attribute__((warn_unused_result));

#endif
