/*
 * Keys from their source, as planned: files, a program, or HTTP on this host and at STS. Shell.
 *
 * It blocks, for seconds where a source does not answer; every wait has an end, and a descriptor
 * that becomes readable cuts it short. Bodies that held keys are wiped; what libcurl, OpenSSL and
 * expat keep of them in buffers of their own is not ours to reach.
 */
#ifndef LOCKSTEP_UPLOADERS_CREDENTIALS_FETCH_H
#define LOCKSTEP_UPLOADERS_CREDENTIALS_FETCH_H

#include "uploaders/credentials_plan.h"
#include "uploaders/wire.h"

struct fetcher {
    const char *ca_file; /* for an STS of the operator's own; NULL: the system's */
    const char *proxy;   /* as of struct wire_options */
    int stop_fd;         /* readable: give up; -1: none */
    int64_t offset_us;   /* what the clock of STS is ahead of ours; learnt */
};

struct fetched {
    struct credentials keys; /* expires_us by our clock */
    bool extended;           /* they have expired, but the instance's metadata have no others */
};

/* credentials_fetch(plan, f, ret, e): 0; -ENOKEY where nothing is set up and no instance metadata
 * are there; -ECANCELED; another negative code; e names the source and what is wrong with it. */
int credentials_fetch(const struct credentials_plan *plan, struct fetcher *f, struct fetched *ret,
                      struct err *e) __attribute__((warn_unused_result));

/* What follows is for the pieces of it. */

/* One request. Strings are borrowed. */
struct web_request {
    const char *method;
    const char *url;
    struct span lines; /* as of struct exchange */
    struct span body;
    const char *ca_file;
    int64_t timeout_ms; /* of one attempt, from connecting to the answer's end */
    unsigned attempts;
    int64_t pause_ms; /* between two */
    bool direct;      /* past proxies */
};

/* web_ask(f, q, x, e): ask until an answer comes that is not a failure of the server (5xx, 429), or
 * the attempts are used up. 0 with the answer in x, whatever its status; -ECANCELED, -EIO or
 * -ENOMEM with e. x: wire_exchange_init; web_release it. */
int web_ask(const struct fetcher *f, const struct web_request *q, struct exchange *x, struct err *e)
    __attribute__((warn_unused_result));
void web_release(struct exchange *x);

/* web_pause(f, ms): false where it was cut short. */
bool web_pause(const struct fetcher *f, int64_t ms);

/* web_line(lines, name, value): one more header line. 0 or as buf_append. */
int web_line(struct buf *lines, const char *name, const char *value)
    __attribute__((warn_unused_result));

/* web_read_token(path, ret, e): the text of a token's file, without white space at its ends; ret
 * wiped by the caller. */
int web_read_token(const char *path, struct buf *ret, struct err *e)
    __attribute__((warn_unused_result));

/* Each source. 0 with *ret, or a negative code with e. */
int fetch_container(const struct credentials_plan *plan, const struct fetcher *f,
                    struct credentials *ret, struct err *e) __attribute__((warn_unused_result));
int fetch_instance(const struct credentials_plan *plan, const struct fetcher *f,
                   struct credentials *ret, struct err *e) __attribute__((warn_unused_result));
int fetch_process(const struct credentials_plan *plan, const struct fetcher *f,
                  struct credentials *ret, struct err *e) __attribute__((warn_unused_result));

/* sts_web_identity, sts_assume: a role by a token, or by keys. */
int sts_web_identity(const struct credentials_plan *plan, struct fetcher *f,
                     struct credentials *ret, struct err *e) __attribute__((warn_unused_result));
int sts_assume(const struct credentials_plan *plan, const struct role *role,
               const struct credentials *with, struct fetcher *f, struct credentials *ret,
               struct err *e) __attribute__((warn_unused_result));

#endif
