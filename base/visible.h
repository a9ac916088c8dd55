/*
 * Text from outside (file names, what a server says) for a terminal or a log: nothing in it can
 * move the cursor or forge a line. Pure.
 */
#ifndef LOCKSTEP_BASE_VISIBLE_H
#define LOCKSTEP_BASE_VISIBLE_H

#include "base/buf.h"

#include <stddef.h>

/* visible_length(p, n): how many bytes at p may be shown as they are: a run of plain ones, or a
 * whole character that is not a control character (C0, DEL, C1). 0: the first must be escaped. */
size_t visible_length(const char *p, size_t n);

/* visible_append(out, text): append the text with every other byte as \xhh. 0, -ENOMEM, ERR_LIMIT
 * (then out ends somewhere in the text). */
int visible_append(struct buf *out, const char *text) __attribute__((warn_unused_result));

#endif
