/*
 * What the index has of each mapping, in sums, so that nobody walks it to know. Shell.
 *
 * The sums follow every entry that is put or removed, and each commit takes them along, with its
 * own number. At the next start they are believed where the index is still as that commit left it,
 * and the mapping has the prefix that it had; else the entries are counted, as they are once after
 * the index was written by something that keeps no sums: a command while no agent ran, or an older
 * version. Millions of entries take seconds to be counted.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_TALLY_H
#define LOCKSTEP_AGENT_SERVICE_TALLY_H

#include "base/err.h"

#include <stdint.h>

struct agent;

struct tally {
    uint64_t objects; /* entries */
    uint64_t kept;    /* of these, objects that stay without their files */
    uint64_t bytes;   /* of the others */
};

/* tally_begin(a, e): the sums of all mappings, which exist, from here on as long as a->index is
 * open. Called before anything is written to it. 0 or a negative code. */
int tally_begin(struct agent *a, struct err *e) __attribute__((warn_unused_result));

#endif
