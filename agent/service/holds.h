/*
 * The removals that the guard holds: kept in the index, with the reason, until the files are back
 * or an operator releases them (they go) or discards them (they never happen: the objects stay,
 * marked as kept, until the files come back; rows stay as they are). Shell.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_HOLDS_H
#define LOCKSTEP_AGENT_SERVICE_HOLDS_H

#include "agent/service/agent.h"

#include <sys/socket.h>

/* Why removals of a mapping are held, and since when. */
struct hold_note {
    int64_t since_us; /* 0: not known */
    char why[ERR_TEXT_MAX];
};

/* holds_note(ix, m, ret): as the index has it. 0; -ENOENT: it has none; or as the index fails. */
int holds_note(struct index *ix, const struct conf_mapping *m, struct hold_note *ret)
    __attribute__((warn_unused_result));

/* holds_load(a, m): what the index knows of them, at the start. 0 or a negative code. */
int holds_load(struct agent *a, struct mapping *m) __attribute__((warn_unused_result));

/* holds_take(a, m, it): the item's removal is held; the item is done with. holds_tell(a, m, count):
 * so many just were, for m->hold_why: log, journal, index. */
void holds_take(struct agent *a, struct mapping *m, struct item *it);
void holds_tell(struct agent *a, struct mapping *m, uint64_t count);

/* holds_passed(a, m, count): the guard let so many removals pass: counted for an hour, over
 * restarts. */
void holds_passed(struct agent *a, struct mapping *m, uint64_t count);

/* holds_release(a, m, part, who): let go what is held at the key `part` and beneath it; NULL: all,
 * and the root and the marker that are there now are the right ones from here on. holds_discard:
 * the objects stay instead, and the root is as right or wrong as before. How many. */
uint64_t holds_release(struct agent *a, struct mapping *m, const char *part,
                       const struct ucred *who);
uint64_t holds_discard(struct agent *a, struct mapping *m, const char *part,
                       const struct ucred *who);

/* holds_resume_released(a): what was released while no agent ran goes. */
void holds_resume_released(struct agent *a);

/* holds_json(w, m), holds_text(out, m): what is held and what would hold, for status. */
void holds_json(struct json_writer *w, const struct mapping *m);
int holds_text(struct buf *out, const struct mapping *m) __attribute__((warn_unused_result));

/* holds_lines(out, name, count, note): the lines about held removals, and what to do. */
int holds_lines(struct buf *out, const char *name, uint64_t count, const struct hold_note *note)
    __attribute__((warn_unused_result));

/* holds_covers(part, key): is the key the part, or beneath it? part NULL: yes. */
bool holds_covers(const char *part, const char *key);

#endif
