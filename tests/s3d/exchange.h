/*
 * One request from its first line to its reply, whatever carries it. Shell.
 *
 *   exchange_new -> exchange_header... -> exchange_begin -> exchange_add... -> exchange_finish
 *                                              |                                  |   ^
 *                                              v                                  v   | (waited)
 *                                         DROP, ANSWER                 DROP, ANSWER, WAIT
 *
 * A request that is refused by its headers is still read to its end before it is answered (a client
 * that is still sending would not see the answer), unless it asked first by "Expect: 100-continue".
 */
#ifndef LOCKSTEP_S3D_EXCHANGE_H
#define LOCKSTEP_S3D_EXCHANGE_H

#include "tests/s3d/access_log.h"
#include "tests/s3d/auth.h"
#include "tests/s3d/fault.h"
#include "tests/s3d/ops.h"

#include <stdatomic.h>

/* What all requests share. */
struct service {
    struct auth_options auth;
    struct limits limits;
    const char *domain; /* of virtual-host addresses, or NULL */
    int64_t clock_offset_s;
    struct store *store;
    struct uploads *uploads;
    struct faults *faults;
    struct access_log *log;
    atomic_ullong requests;
};

enum step {
    STEP_BODY,   /* read the body */
    STEP_ANSWER, /* send x->reply */
    STEP_DROP,   /* reset the connection */
    STEP_WAIT    /* call exchange_finish again in x->fault.ms */
};

enum phase { PHASE_HEADERS, PHASE_BODY, PHASE_APPLY, PHASE_ANSWER };

struct exchange {
    struct service *service;
    char *uri;
    struct request request;
    struct auth auth;
    struct body body;
    struct reply reply;
    struct fault_hit fault;
    enum phase phase;
    enum code refusal; /* known before the body came */
    bool control;      /* one of /-/... */
    struct buf control_body;
    uint64_t bytes_in;
    int64_t started_us;
};

struct exchange *exchange_new(struct service *s, const char *uri);
void exchange_free(struct exchange *x);

void exchange_header(struct exchange *x, const char *name, const char *value);
enum step exchange_begin(struct exchange *x, const char *method);
void exchange_add(struct exchange *x, const char *p, size_t n);
enum step exchange_finish(struct exchange *x);

/* service_now(s): seconds since 1970 by the server's clock, which may be set wrong on purpose. */
int64_t service_now(const struct service *s);

#endif
