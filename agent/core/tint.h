/*
 * Which colour a line of `lockstep status` has on a terminal. Pure.
 */
#ifndef LOCKSTEP_AGENT_CORE_TINT_H
#define LOCKSTEP_AGENT_CORE_TINT_H

#include "base/buf.h"

#define TINT_END "\033[0m"

/* tint_of(line): what turns its colour on, before TINT_END turns it off; "": it has none. Green is
 * well, yellow goes on by itself, red is for a person. */
const char *tint_of(struct span line);

/* tint_text(text, out): append all of it, each line in its colour. 0, -ENOMEM or ERR_LIMIT. */
int tint_text(struct span text, struct buf *out) __attribute__((warn_unused_result));

#endif
