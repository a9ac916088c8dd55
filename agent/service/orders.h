/*
 * What operators ask for over the socket: each writes the answer, exit status first. 0 or a
 * negative code of the buffer.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_ORDERS_H
#define LOCKSTEP_AGENT_SERVICE_ORDERS_H

#include "agent/core/request.h"
#include "agent/service/agent.h"

#include <sys/socket.h>

/* {"cmd":"release"}: held removals go. {"cmd":"discard"}: they do not, and their objects stay. With
 * a path only what lies at and beneath it. {"cmd":"rescan"}: a mapping (all without a name), or
 * what lies at and beneath a path, is looked at again. {"cmd":"pause"}, {"cmd":"resume"}: no
 * transfer begins; they do again. */
int orders_release(struct agent *a, const struct request *r, const struct ucred *peer,
                   struct buf *out) __attribute__((warn_unused_result));
int orders_discard(struct agent *a, const struct request *r, const struct ucred *peer,
                   struct buf *out) __attribute__((warn_unused_result));
int orders_rescan(struct agent *a, const struct request *r, const struct ucred *peer,
                  struct buf *out) __attribute__((warn_unused_result));
int orders_pause(struct agent *a, const struct request *r, const struct ucred *peer,
                 struct buf *out) __attribute__((warn_unused_result));
int orders_resume(struct agent *a, const struct request *r, const struct ucred *peer,
                  struct buf *out) __attribute__((warn_unused_result));

/* What status tells of a pause. */
void orders_json(struct json_writer *w, const struct agent *a);
int orders_text(struct buf *out, const struct agent *a) __attribute__((warn_unused_result));

#endif
