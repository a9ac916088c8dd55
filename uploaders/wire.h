/*
 * HTTP exchanges of one thread. Shell.
 *
 *   wire_send -> wire_turn, wire_turn ... -> x->done(x)
 *
 * Connections are kept from one exchange to the next (connections.h); where a kept one turns out to
 * be dead before any answer came, the request is sent again on a new one. Nothing here knows of S3,
 * signs, or otherwise tries again. Not thread-safe: each worker has a wire of its own.
 */
#ifndef LOCKSTEP_UPLOADERS_WIRE_H
#define LOCKSTEP_UPLOADERS_WIRE_H

#include "base/buf.h"
#include "base/err.h"
#include "uploaders/addresses.h"
#include "uploaders/retry.h"

#include <stdbool.h>
#include <stdint.h>

#define WIRE_LINES_MAX  80          /* header lines of a request */
#define WIRE_HEAD_MAX   (64 * 1024) /* bytes of an answer's headers */
#define WIRE_INLINE_MAX (64 * 1024) /* smaller bodies go in one piece with the headers */

struct wire_options {
    const char *ca_file; /* NULL: the system's */
    const char *proxy;   /* its URL; NULL: the one that the environment names; "none" */
    unsigned exchanges;  /* at once; the caller keeps to it */
    int64_t timeout_ms;  /* without a byte sent or received */
    int64_t connect_ms;  /* for name, connection and TLS */
    bool direct;         /* past every proxy */
    /* pace(arg, n): may the next *n bytes of a body of WIRE_INLINE_MAX or more go (it may say
     * fewer)? 0, or after how many microseconds it is to be asked again. NULL: they may. */
    int64_t (*pace)(void *arg, size_t *n);
    void *pace_arg;
    struct addresses
        *addresses; /* of the host that most requests go to; borrowed, NULL: libcurl's */
};

/* One request and its answer. Zeroed, then wire_exchange_init. */
struct exchange {
    /* The request: borrowed until done. */
    const char *method;
    const char *url;
    const char *lines; /* "name: value" NUL "name: value" NUL ... */
    size_t lines_n;    /* bytes, with the last NUL */
    struct span body;
    /* A body that is made while it is sent: its length, and where `body`, a piece of it, begins in
     * it. 0: `body` is all of it. `starved` says that the piece from `at` on is needed (wire_more,
     * but not from within); where `at` is 0, from the beginning, perhaps not for the first time.
     * What was the piece is not needed any more. */
    size_t made_n;
    size_t made_at;
    void (*starved)(struct exchange *x, size_t at);
    bool quick;        /* given up early where it stands out (patience.h) */
    unsigned given_up; /* that many times before; then it gets a new connection */
    size_t answer_max; /* bytes of the answer's body that are taken */
    void (*done)(struct exchange *x);

    /* The answer. */
    enum transport transport;
    bool was_slow;   /* lost, since it was given up as slow */
    int status;      /* 0 where none came */
    struct buf head; /* name NUL value NUL ...; names in lower case */
    struct buf answer;
    char words[64];   /* where the transport failed: how */
    char detail[256]; /* more of it; may be empty */
    unsigned sent;    /* how often it began to go: twice where a connection that was kept turned
                         out to be dead */
    int64_t sent_us;  /* real time, of the handing over and of the answer's end */
    int64_t answered_us;

    /* The wire's. */
    struct exchange *before;
    struct exchange *after;
    void *talk;
    int64_t progress; /* bytes moved, and when that was last seen to change */
    int64_t progress_ms;
    int64_t begun_ms;
    int64_t resume_ms; /* its body is held back until then; 0: it is not */
    unsigned detours;  /* other addresses that were tried, since one could not be connected to */
};

void wire_exchange_init(struct exchange *x);
void wire_exchange_release(struct exchange *x);

/* wire_head(x, name): the value of an answer's header, NULL where it was not there. */
const char *wire_head(const struct exchange *x, const char *name);

/* wire_head_next(x, &at, &name, &value): walk the headers, at = 0 to begin; false at the end. */
bool wire_head_next(const struct exchange *x, size_t *at, const char **ret_name,
                    const char **ret_value);

struct wire;

/* wire_new(opt, ret, e): 0, or a negative code with e. wire_free: what is in flight is cut off, no
 * done is called. */
int wire_new(const struct wire_options *opt, struct wire **ret, struct err *e)
    __attribute__((warn_unused_result));
void wire_free(struct wire *w);

/* wire_watch(w, fd): wire_turn also wakes when fd is readable. One descriptor. 0 or -errno. */
int wire_watch(struct wire *w, int fd) __attribute__((warn_unused_result));

/* wire_send(w, x): begin. x is the wire's until x->done, which is called from wire_turn (also where
 * the request could not even begin), wire_more and wire_break only. */
void wire_send(struct wire *w, struct exchange *x);

/* wire_more(x, at, piece): what x was starved of, borrowed until it is starved again or done; it
 * may be done in here. wire_break(x): there will be no more: it is done in here, as lost. Both do
 * nothing where no request of x is under way. Not from within wire_turn. */
void wire_more(struct exchange *x, size_t at, struct span piece);
void wire_break(struct exchange *x);

/* wire_turn(w, until_ms): wait for something to happen, until `until_ms` (monotonic; INT64_MAX: as
 * long as it takes) at the latest, handle it, and return. */
void wire_turn(struct wire *w, int64_t until_ms);

/* wire_proxy(proxy): of what is configured (a URL, "none", NULL) the proxy's URL; "": none; NULL:
 * libcurl looks at the environment, for each request anew. Where that names none there is no need
 * to. */
const char *wire_proxy(const char *proxy);

/* wire_plain_proxy(proxy, authority): what wire_proxy said, for a request without TLS to that
 * "host[:port]": a URL, or "". */
const char *wire_plain_proxy(const char *proxy, struct span authority);

#endif
