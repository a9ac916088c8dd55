/*
 * A verification, in one go or in parts. Private to journal/.
 *
 * What ties a segment to those before it is written in its header. So where every header fits the
 * end of the segment before, segments can be audited each by itself, at the same time, and what is
 * counted is added up. That is tried first; with the first fault it is given up, and all is audited
 * in order, by one thread, since behind damage what is known depends on what came before.
 */
#ifndef LOCKSTEP_JOURNAL_VERIFY_H
#define LOCKSTEP_JOURNAL_VERIFY_H

#include "journal/evidence.h"
#include "journal/walk.h"

struct verification {
    int dir_fd;
    const struct journal_trust *trust; /* may be NULL */
    struct journal_list list;          /* segments */
    struct journal_audit audit;
    struct evidence evidence;
    struct buf newest;
    char file[JOURNAL_FILE_SIZE]; /* at hand */
};

/* verification_begin(v, dir_fd, trust, on_fault, arg): the segments are listed, and what was kept
 * is read. 0 or a negative code. end: NULL-safe for what began to begin. */
int verification_begin(struct verification *v, int dir_fd, const struct journal_trust *trust,
                       void (*on_fault)(void *arg, const struct journal_fault *f), void *arg)
    __attribute__((warn_unused_result));
void verification_end(struct verification *v);

/* verification_anchors(v, ev): what was kept, as anchors of this evidence. 0 or a negative code. */
int verification_anchors(struct verification *v, struct evidence *ev)
    __attribute__((warn_unused_result));

/* verification_segment(v, i, audit, ev, file): audit the i-th segment. 0 or a negative code; `file`
 * is the name of the file at hand. */
int verification_segment(const struct verification *v, size_t i, struct journal_audit *audit,
                         struct evidence *ev, char file[JOURNAL_FILE_SIZE])
    __attribute__((warn_unused_result));

/* verification_in_parts(v, threads): audit all segments at the same time, where v has begun without
 * a fault. True when all of them are without one: v is as if it had audited them itself, what is
 * harmless was told, and evidence_end is due. False: nothing was told. */
bool verification_in_parts(struct verification *v, unsigned threads);

/* verify_keys_named(dir_fd, name, on_key, arg): call on_key with each key that a segment's raw
 * bytes may name, in order. 0, what on_key returned, -ENOMEM, -errno. */
int verify_keys_named(int dir_fd, struct journal_name name,
                      int (*on_key)(void *arg, const struct journal_key *key), void *arg)
    __attribute__((warn_unused_result));

#endif
