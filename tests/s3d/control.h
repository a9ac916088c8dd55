/*
 * The control endpoints: /-/fault arms, lists and clears faults, /-/keys hands out keys. Shell.
 */
#ifndef LOCKSTEP_S3D_CONTROL_H
#define LOCKSTEP_S3D_CONTROL_H

#include "tests/s3d/fault.h"
#include "tests/s3d/keyring.h"
#include "tests/s3d/reply.h"
#include "tests/s3d/request.h"

/* control_answer(f, k, r, body, reply): /-/keys: see keyring.h. /-/fault: POST arms (parameters in
 * the query or as a JSON object), GET lists, DELETE clears (id in the query: that one). */
void control_answer(struct faults *f, struct keyring *k, const struct request *r,
                    const struct buf *body, struct reply *reply);

#endif
