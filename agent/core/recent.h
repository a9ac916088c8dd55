/*
 * The last changes, for `lockstep status`: what became of which path, and how long ago. Pure.
 *
 * Fed with every record of the journal; those that end something for a path are kept, the youngest
 * RECENT_MAX of them. Names are cut where they are longer than a key may be.
 */
#ifndef LOCKSTEP_AGENT_CORE_RECENT_H
#define LOCKSTEP_AGENT_CORE_RECENT_H

#include "base/buf.h"
#include "base/json.h"
#include "conf/conf.h"
#include "journal/journal.h"

#include <stdint.h>

#define RECENT_MAX       10
#define RECENT_PATH_SIZE 1025
#define RECENT_WHY_SIZE  256

struct recent_change {
    int64_t at_ms;
    enum journal_op op;
    enum journal_state state;
    char mapping[CONF_NAME_MAX + 1];
    char path[RECENT_PATH_SIZE];
    char to[RECENT_PATH_SIZE]; /* renames: the new path; copies: of which path; else "" */
    char why[RECENT_WHY_SIZE]; /* "": no word about it */
};

/* Zeroed at first. */
struct recent {
    struct recent_change changes[RECENT_MAX];
    uint64_t count; /* of all that were ever kept; the next one's place follows from it */
};

/* recent_note(r, rec, now_ms): keep it, if it ends something for a path. */
void recent_note(struct recent *r, const struct journal_record *rec, int64_t now_ms);

/* recent_json(w, r, now_ms): the member "last_changes", an array, the youngest first. */
void recent_json(struct json_writer *w, const struct recent *r, int64_t now_ms);

/* recent_text(out, r, now_ms): append "last changes:" and a line for each, the youngest first;
 * nothing where there was none. 0, -ENOMEM or ERR_LIMIT. */
int recent_text(struct buf *out, const struct recent *r, int64_t now_ms)
    __attribute__((warn_unused_result));

/* recent_fit(text, rows): how many bytes of a text that ends with what recent_text wrote are shown
 * on so many rows: the oldest changes are left out first; the rest of the text is not cut. */
size_t recent_fit(struct span text, unsigned rows);

#endif
