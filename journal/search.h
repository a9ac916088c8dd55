/*
 * Finding the life of a path in a large journal: by indexes beside its closed segments, where there
 * are any, and by a look at the raw lines of the others. Shell.
 *
 *   life_new -> journal_search_life -> journal_search_open -> journal_read ... -> life_free
 *
 * What is found is what life_has takes of all records, in order. Indexes are derived state: one
 * that is missing, damaged or of another segment is not used, and the segment is read.
 */
#ifndef LOCKSTEP_JOURNAL_SEARCH_H
#define LOCKSTEP_JOURNAL_SEARCH_H

#include "journal/journal.h"
#include "journal/life.h"

/* journal_search_life(dir, l, e): gather into a life all that its names need, and trace it. Damage
 * is passed over. 0, -ENOMEM, -errno. */
int journal_search_life(const char *dir, struct life *l, struct err *e)
    __attribute__((warn_unused_result));

/* journal_search_open(dir, l, ret, e): a reader that passes over most of what life_has(l) does not
 * take; l, which was traced, must live as long. Damage is told of where it is come upon. Closed
 * with journal_search_close. 0, -ENOMEM, -errno. */
struct journal_search;
int journal_search_open(const char *dir, const struct life *l, struct journal_search **ret,
                        struct err *e) __attribute__((warn_unused_result));
struct journal_reader *journal_search_reader(struct journal_search *s);
void journal_search_close(struct journal_search *s);

/* journal_index_all(dir, after, anew, on_segment, arg, e): make the index of each closed segment,
 * behind the one of this name if there is one, that has none that is of it and whole (anew: of
 * each). One is held in memory at a time, up to 100 MB.
 * on_segment is told how each went: code is 0 (made, or it was there), ERR_CORRUPT for a segment
 * that is damaged, or of which the next one does not say how much counts, and so has none,
 * ERR_LIMIT for one that is too large, or -errno; false from it ends the work. Of one that is being
 * closed (the next one is the last, and has no header yet) nothing is told. Any thread; beside a
 * writer. 0 or -errno. */
typedef bool journal_index_told(void *arg, const char *segment, int code, bool made);
int journal_index_all(const char *dir, const char *after, bool anew, journal_index_told *on_segment,
                      void *arg, struct err *e) __attribute__((warn_unused_result));

#endif
