/*
 * What events told of places since all was in step last: what was at a path left it for another, or
 * was deleted. By that it can be said where an image is that a list has by a name that it had only
 * for a while, and under which nobody looked at it. Pure.
 *
 * A place is left more than once, by one content after the other. So leavings are numbered: a
 * *moment* is the number of the next one. What was at a path at a moment left with the first
 * leaving, from that moment on, of the path itself or of a directory above it.
 *
 * Rows tell no moment, but their lists do: a row was right when an image was at its path at a
 * reading of the list, and one that is new was written after the last reading. That is what
 * ways_named has.
 */
#ifndef LOCKSTEP_AGENT_CORE_WAYS_H
#define LOCKSTEP_AGENT_CORE_WAYS_H

#include "base/tree.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of each the oldest is forgotten. */
#define WAYS_DIRS_MAX  2000              /* directories that left */
#define WAYS_FILES_MAX 20000             /* files that did */
#define WAYS_NAMED_MAX 20000             /* names in lists */
#define WAYS_BYTES_MAX ((size_t)8 << 20) /* of the names of each kind */
#define WAYS_STEPS_MAX 64                /* of one path */

struct ways;

/* ways_new(): NULL without memory. ways_free(NULL) is allowed. */
struct ways *ways_new(void);
void ways_free(struct ways *w);

/* ways_note(w, from, to): what was at the key `from` is at `to` now; NULL: a file was deleted, or
 * nobody knows where a directory went. Directories end in '/'. 0 or -ENOMEM. */
int ways_note(struct ways *w, const char *from, const char *to) __attribute__((warn_unused_result));

/* ways_clear(w): all is in step, or events were lost. Moments go on. */
void ways_clear(struct ways *w);

/* ways_now(w): this moment; never 0.
 * ways_gone_on(w): the moment of the last leaving of which it is known where to; 0: there is none.
 * ways_forgot(w): leavings since it was cleared were forgotten, for want of room. */
uint64_t ways_now(const struct ways *w);
uint64_t ways_gone_on(const struct ways *w);
bool ways_forgot(const struct ways *w);

/* ways_left(w, key, before): the moment of the last leaving of the key before that moment, by
 * itself or with a directory above it; 0: there is none. */
uint64_t ways_left(const struct ways *w, const char *key, uint64_t before);

/* ways_on(w, key, moment, out, size, ret): what was at the key at that moment:
 *   WAYS_STAYED  is there
 *   WAYS_LEFT    left it for `out`, where it was at the moment *ret
 *   WAYS_ENDED   was deleted; what came to the key later was there at the moment *ret
 *   WAYS_LOST    left it, and where to is not known, or does not fit; *ret as before */
enum ways_step { WAYS_STAYED, WAYS_LEFT, WAYS_ENDED, WAYS_LOST };
enum ways_step ways_on(const struct ways *w, const char *key, uint64_t moment, char *out,
                       size_t size, uint64_t *ret);

/* ways_led(w, from, to, before): the moment of the last leaving of `from` before that moment, if
 * what left it then was at `to` before that moment, at once or by way of others; 0: it was not, or
 * that is not known. */
uint64_t ways_led(const struct ways *w, const char *from, const char *to, uint64_t before);

/* ways_named(w, key, moment, file): a list names by this key what was there at that moment or
 * somewhat later: this file, if it was seen there (else born_ns is 0). The latest moment counts. 0
 * or -ENOMEM.
 * ways_named_at(w, key, ret_file): that moment, and the file; 0: it is not known. */
int ways_named(struct ways *w, const char *key, uint64_t moment, struct file_id file)
    __attribute__((warn_unused_result));
uint64_t ways_named_at(const struct ways *w, const char *key, struct file_id *ret_file);

#endif
