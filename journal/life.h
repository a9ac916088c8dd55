/*
 * The life of a path under all its names. Pure.
 *
 * Whoever asks for an image by one name wants to know what happened to it under the others: before
 * it was renamed to this one, and after it was renamed away. So the renames and removals of the
 * journal are gathered first, in order, and from the path asked for they are followed backwards and
 * forwards. What another file did under one of the names at another time is not part of it; under
 * the path asked for everything is.
 */
#ifndef LOCKSTEP_JOURNAL_LIFE_H
#define LOCKSTEP_JOURNAL_LIFE_H

#include "journal/journal.h"

struct life;

/* life_new(path): of a path below a mapping's root; a directory stands for all beneath it. NULL
 * without memory. */
struct life *life_new(const char *path);
void life_free(struct life *l);

/* life_gather(l, r): take note of a record, in any order, more than once if need be; all but
 * intents of renames and removals are passed over. About the bytes of both paths are kept of each.
 * 0 or -ENOMEM. */
int life_gather(struct life *l, const struct journal_record *r) __attribute__((warn_unused_result));

/* life_trace(l): follow the names through what was gathered; again where more was. 0 or -ENOMEM. */
int life_trace(struct life *l) __attribute__((warn_unused_result));

/* life_name(l, i): the i-th of the names, some perhaps twice; the first is the path that was asked
 * for. NULL behind the last. What the trace says is right once all renames and removals of the
 * names, and of directories above them, were gathered. */
const char *life_name(const struct life *l, size_t i);

/* life_has(l, r): does the record belong to it? */
bool life_has(const struct life *l, const struct journal_record *r);

#endif
