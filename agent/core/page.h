/*
 * A text on a terminal of so many columns and rows. Pure.
 */
#ifndef LOCKSTEP_AGENT_CORE_PAGE_H
#define LOCKSTEP_AGENT_CORE_PAGE_H

#include "base/buf.h"

#include <stdbool.h>

/*
 * page_render(text, columns, rows, coloured, out): append what draws the text (UTF-8 without
 * control bytes but LF) over the last page: from the upper left corner, each line cut to the
 * columns, "..." at its end, and the last row says how many lines did not fit. No line is written
 * past its end, so nothing scrolls. coloured: lines as tint.h has them. 0, -ENOMEM or ERR_LIMIT.
 */
int page_render(struct span text, unsigned columns, unsigned rows, bool coloured, struct buf *out)
    __attribute__((warn_unused_result));

#endif
