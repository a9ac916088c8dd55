/*
 * What a reader may pass over, because whoever reads would. Shell. Private to journal/.
 */
#ifndef LOCKSTEP_JOURNAL_SIEVE_H
#define LOCKSTEP_JOURNAL_SIEVE_H

#include "journal/index.h"

struct journal_sieve {
    const struct journal_keys *keys; /* to look for in the indexes of closed segments */
    /* A segment has no index: shall it be read? */
    bool (*whole)(void *arg, struct journal_name name);
    /* May this record be wanted? It is not decoded if not. */
    bool (*line)(void *arg, struct span line);
    void *arg;
};

/* journal_reader_sift(r, sieve): pass over what the sieve does not hold; before the first read. The
 * sieve and all it has are borrowed for as long as r is used. Damage in what is passed over is not
 * told of. */
void journal_reader_sift(struct journal_reader *r, const struct journal_sieve *sieve);

#endif
