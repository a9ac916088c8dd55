/*
 * A record's line without decoding it: what it speaks of, as it is spelled. Pure. Private to
 * journal/.
 */
#ifndef LOCKSTEP_JOURNAL_GLANCE_H
#define LOCKSTEP_JOURNAL_GLANCE_H

#include "base/buf.h"

#include <stdbool.h>

struct journal_glance {
    struct span op;
    struct span path;  /* between its quotes, escaped; p NULL: none under this key */
    struct span path2; /* likewise */
    bool coded;        /* a path of it is in base64 */
};

/* journal_line_glance(line, ret): of a line that decode takes, what it says; of any other line
 * perhaps something, or false (ret unchanged). */
bool journal_line_glance(struct span line, struct journal_glance *ret);

/* journal_spelling_is_within(spelled, dir): as path_is_within, of a path and a directory that are
 * both spelled as in a line. */
bool journal_spelling_is_within(struct span spelled, struct span dir);

#endif
