/*
 * Where renamed directories went since all was in step last: rows may name what lay in one by a
 * name that it had only for a while, and that nobody looked at. Pure.
 *
 * A directory that was left more than once tells nothing: a row may be about either content.
 */
#ifndef LOCKSTEP_AGENT_CORE_WAYS_H
#define LOCKSTEP_AGENT_CORE_WAYS_H

#include <stdbool.h>
#include <stddef.h>

#define WAYS_MAX       2000 /* renames; the oldest is forgotten */
#define WAYS_STEPS_MAX 64   /* of one path: more may be a ring */

struct ways;

/* ways_new(): NULL without memory. ways_free(NULL) is allowed. */
struct ways *ways_new(void);
void ways_free(struct ways *w);

/* ways_note(w, from, to): the directory of the key `from` is now at `to`; both end in '/'. 0 or
 * -ENOMEM. */
int ways_note(struct ways *w, const char *from, const char *to) __attribute__((warn_unused_result));

/* ways_clear(w): all is in step. */
void ways_clear(struct ways *w);

/* ways_on(w, key, out, size): where what was at the key went with a directory above it. False: that
 * is not known, or does not fit. */
bool ways_on(const struct ways *w, const char *key, char *out, size_t size);

#endif
