/*
 * Who waits until all that is on disk is in S3.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_WAIT_H
#define LOCKSTEP_AGENT_SERVICE_WAIT_H

#include "agent/core/request.h"
#include "agent/service/agent.h"

#define WAITERS_MAX 32

struct waiter;

/* Called once, by a turn of the loop, with the exit status and a text that ends in a newline; the
 * waiter is freed after it. */
typedef void wait_done_fn(void *arg, int status, const char *text);

/*
 * wait_begin(a, r, done, arg, ret): wait as the request says:
 *   no `what`, no `key`   until all that is on disk now is in S3
 *   what "seen"           until all that is on disk now is known to the agent
 *   key                   until what is open of this key now is in S3
 * for at most timeout_s (-1: for ever). 0, -ENOMEM, or -EBUSY where too many wait.
 */
int wait_begin(struct agent *a, const struct request *r, wait_done_fn *done, void *arg,
               struct waiter **ret) __attribute__((warn_unused_result));

/* wait_cancel(a, w): nobody waits any more; done is not called. */
void wait_cancel(struct agent *a, struct waiter *w);

/* wait_marked(a, number): HINT_MARK. */
void wait_marked(struct agent *a, uint64_t number);

/* wait_turn(a): see who need not wait any more. wait_deadline(a): when to look again; INT64_MAX:
 * when something happens. */
void wait_turn(struct agent *a);
int64_t wait_deadline(const struct agent *a);

/* wait_end_all(a, text): the agent is to end; all are told why, with a text that ends in a newline.
 */
void wait_end_all(struct agent *a, const char *text);

/* wait_open(a, r, out): "open": the keys of the named mapping that are not in S3, each with a NUL
 * behind it. 0 or a negative code. */
int wait_open(struct agent *a, const struct request *r, struct buf *out)
    __attribute__((warn_unused_result));

#endif
