/*
 * Which of the uploads that S3 lists are strays: begun by us, without an answer that told their
 * ids. Pure.
 *
 * A Create may take effect although its answer is lost; then S3 has an upload of that key, begun in
 * the time of that Create. It is known by no more than that, so both are held against each other
 * closely: S3 tells when it was begun to a second or less, and a second is all that is not known
 * of how far its clock is from ours where an answer's Date tells it. What may have been begun after
 * the time is not taken: it may be the next upload of this very key.
 */
#ifndef LOCKSTEP_UPLOADERS_STRAY_H
#define LOCKSTEP_UPLOADERS_STRAY_H

#include "uploaders/answers.h"

#define STRAY_SLACK_US INT64_C(2000000) /* a second each for Initiated and Date */

/* stray_is(u, key, since_us, until_us, offset_us): is the upload a stray of this key, from this
 * time by our clock, which S3's is ahead of by offset_us? Not where it is not told when it began,
 * or where its parts have other checksums than ours. */
bool stray_is(const struct s3_upload *u, const char *key, int64_t since_us, int64_t until_us,
              int64_t offset_us);

#endif
