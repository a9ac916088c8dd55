/*
 * What has to be known of the text before libconfig reads it. Pure.
 *
 * libconfig 1.5 wraps integers past 32 bits without a word, ends silently in a comment that is
 * never closed, follows @include, and names the end of the file where a bracket is missing. So the
 * text is read once before: such faults are named with the line where they begin, and wide integers
 * get the "L" that makes libconfig keep them.
 */
#ifndef LOCKSTEP_CONF_LEXICAL_H
#define LOCKSTEP_CONF_LEXICAL_H

#include "base/buf.h"
#include "conf/faults.h"

#define LEXICAL_DEPTH_MAX 16 /* brackets in brackets; the deepest setting of ours lies in four */

/* lexical_prepare(text, out, faults): append text as libconfig may have it to `out`, line for line;
 * faults are added. 0, -ENOMEM or ERR_LIMIT (out's ceiling). */
int lexical_prepare(const char *text, struct buf *out, struct fault_list *faults)
    __attribute__((warn_unused_result));

#endif
