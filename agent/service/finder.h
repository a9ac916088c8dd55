/*
 * What is done to the journal's closed segments, at the start and whenever one is closed: they get
 * indexes, by which people find, and then are compressed. Shell.
 *
 *   finder_new -> finder_step ... -> finder_free
 *
 * A thread of its own reads the segments; the loop never waits for it but at the end, for one
 * segment. An index that could not be made is said, and is missing: the segment is read instead,
 * and stays plain.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_FINDER_H
#define LOCKSTEP_AGENT_SERVICE_FINDER_H

#include <stdbool.h>
#include <stdint.h>

struct journal;
struct finder;

/* finder_new(dir, ret): begin, for the journal in this directory. 0, -ENOMEM, -errno. */
int finder_new(const char *dir, struct finder **ret) __attribute__((warn_unused_result));

/* finder_fd(f): readable when finder_step has news to take in. */
int finder_fd(const struct finder *f);

/* finder_step(f, j, busy, now_ms): if the journal has closed a segment since, see to it; while
 * there is other work, not before a minute or some segments later. Take in what the thread has
 * done. NULL is allowed. */
void finder_step(struct finder *f, const struct journal *j, bool busy, int64_t now_ms);

/* finder_is_done(f, file): the closed segment of this file's name was looked at, so that its file
 * is what it will be. NULL is allowed: then all are. */
bool finder_is_done(const struct finder *f, const char *file);

/* finder_free(f): NULL is allowed. */
void finder_free(struct finder *f);

#endif
