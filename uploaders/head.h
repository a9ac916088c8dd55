/*
 * What an answer to HEAD says of an object besides size and ETag. Shell (reads headers of the
 * wire).
 */
#ifndef LOCKSTEP_UPLOADERS_HEAD_H
#define LOCKSTEP_UPLOADERS_HEAD_H

#include "uploaders/caller.h"

/* head_read(call, ret): all of it is written; what makes no sense counts as not told. */
void head_read(const struct call *call, struct s3_head *ret);

#endif
