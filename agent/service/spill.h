/*
 * Sorting more than memory holds: entries are collected, and handed out in the order of their
 * bytes. Shell.
 *
 *   spill_new -> spill_add ... -> spill_sort -> { spill_next ... -> spill_rewind } -> spill_free
 *
 * What does not fit goes, sorted, into a temporary file without a name, in $TMPDIR or /var/tmp.
 * Memory is what `memory_bytes` says, and a pointer an entry more while it sorts.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_SPILL_H
#define LOCKSTEP_AGENT_SERVICE_SPILL_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

#define SPILL_ENTRY_MAX 8192 /* bytes of one entry */

struct spill;

/* spill_new(memory_bytes, ret): at least 4 * SPILL_ENTRY_MAX. 0 or -ENOMEM. */
int spill_new(size_t memory_bytes, struct spill **ret) __attribute__((warn_unused_result));
void spill_free(struct spill *s);

/* spill_add(s, entry, e): one more; it is copied. 0, -ENOMEM, ERR_LIMIT, -errno of the file. */
int spill_add(struct spill *s, struct span entry, struct err *e)
    __attribute__((warn_unused_result));

/* spill_sort(s, e): that was all. 0, -ENOMEM, -errno. */
int spill_sort(struct spill *s, struct err *e) __attribute__((warn_unused_result));

/* spill_next(s, ret, e): 1 and the next entry, valid until the next call; 0 at the end; or -errno,
 * ERR_CORRUPT where the file is not what was written. */
int spill_next(struct spill *s, struct span *ret, struct err *e)
    __attribute__((warn_unused_result));

/* spill_rewind(s, e): the next entry is the first one again. 0 or as spill_next. */
int spill_rewind(struct spill *s, struct err *e) __attribute__((warn_unused_result));

/* spill_spilled(s): bytes in the file. */
uint64_t spill_spilled(const struct spill *s);

#endif
