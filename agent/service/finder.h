/*
 * The indexes beside the journal's closed segments, by which people find: made at the start where
 * they are missing, and whenever a segment is closed. Shell.
 *
 *   finder_begin -> finder_step ... -> finder_end
 *
 * A thread of its own reads the segments; the loop never waits for it but at the end, for one
 * segment. An index that could not be made is said, and is missing: the segment is read instead.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_FINDER_H
#define LOCKSTEP_AGENT_SERVICE_FINDER_H

struct journal;
struct finder;

/* finder_new(dir, ret): begin, for the journal in this directory. 0, -ENOMEM, -errno. */
int finder_new(const char *dir, struct finder **ret) __attribute__((warn_unused_result));

/* finder_step(f, j): if the journal has closed a segment since, see to it. NULL is allowed. */
void finder_step(struct finder *f, const struct journal *j);

/* finder_free(f): NULL is allowed. */
void finder_free(struct finder *f);

#endif
