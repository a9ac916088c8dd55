/*
 * Mending what a verification found: the index learns what S3 has or may not have, and the agent
 * does the rest as with any other change (journal, order, guard). Shell.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_REPAIR_H
#define LOCKSTEP_AGENT_SERVICE_REPAIR_H

#include "agent/core/differ.h"
#include "agent/core/request.h"
#include "agent/service/index.h"
#include "base/buf.h"
#include "conf/conf.h"

struct repair {
    const char *key;
    enum differ_repair what;
    const char *etag;      /* PUT, META: the index's, when it was looked at; EXTRA: S3's */
    uint64_t size;         /* EXTRA */
    struct s3_posix posix; /* META: what the object has; zeroes: nothing */
};

/* repair_index(ix, r, ret_new): write into the index what follows from it (ret_new: an entry that
 * was not there). Nothing, where the index has something else than was looked at. 0 or a code. */
int repair_index(struct index *ix, const struct repair *r, bool *ret_new)
    __attribute__((warn_unused_result));

/* repair_send(conf, r): have the running agent do it; waits while it has no room. 0, or a code
 * where no agent answers. */
int repair_send(const struct conf *conf, const struct repair *r)
    __attribute__((warn_unused_result));

/* repair_ask(conf, key, out, size): what the running agent has to say of a key; "" where that is
 * nothing. */
void repair_ask(const struct conf *conf, const char *key, char *out, size_t size);

struct agent;
/* repair_request(a, r, out), repair_why(a, r, out): the agent's side: answers to "repair", "why".
 */
int repair_request(struct agent *a, const struct request *r, struct buf *out);
int repair_why(struct agent *a, const struct request *r, struct buf *out);

#endif
