/*
 * What of the journal goes to S3, out of this host's reach: each closed segment, and each newest
 * signed checkpoint, under names that are written once.
 *
 *   anchors_begin -> { anchors_step | anchors_outcomes } ... -> anchors_finish -> anchors_end
 *
 * One segment and one checkpoint are on their way at once. What fails is tried again for ever, by
 * itself: images do not wait for it. What S3 has is remembered in the index; where that was lost,
 * or an answer was, S3 is asked whether it has the object already.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_ANCHORS_H
#define LOCKSTEP_AGENT_SERVICE_ANCHORS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "journal/journal.h"

#include <stdbool.h>
#include <stdint.h>

struct agent;
struct anchors;

/* anchors_begin(a, e): where the configuration has a prefix and the journal is signed. 0 or a
 * negative code with e. anchors_end(a): after the uploaders have ended. */
int anchors_begin(struct agent *a, struct err *e) __attribute__((warn_unused_result));
void anchors_end(struct agent *a);

/* anchors_fd(a): readable when outcomes have come; -1: nothing goes to S3. */
int anchors_fd(const struct agent *a);

/* anchors_outcomes(a): take those in. anchors_step(a): hand over what is new or due. */
void anchors_outcomes(struct agent *a);
void anchors_step(struct agent *a);

/* anchors_deadline(a): when anchors_step is wanted; monotonic milliseconds. */
int64_t anchors_deadline(const struct agent *a);

/* anchors_finish(a): sign what is not signed yet, and wait a while for what is on its way. */
void anchors_finish(struct agent *a);

/* How bringing it there goes, for monitoring. False where nothing goes to S3. */
struct anchors_standing {
    unsigned failures;              /* in a row, of segments or checkpoints, whichever has more */
    char segment[JOURNAL_NAME_MAX]; /* the last one that is there; "": none */
};
bool anchors_figures(const struct agent *a, struct anchors_standing *ret);
/* anchors_has(a, file): is S3 known to have the segment of this file's name, and all before it? */
bool anchors_has(const struct agent *a, const char *file);

/* How the journal is signed, if it is, and what S3 has of it, for status. */
void anchors_json(struct json_writer *w, const struct agent *a);
int anchors_text(struct buf *out, const struct agent *a);

#endif
