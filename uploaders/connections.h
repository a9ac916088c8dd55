/*
 * Connections of one thread, over libcurl's multi interface and epoll: names, proxies, TCP and TLS
 * are libcurl's, what goes over them is the owner's. Shell.
 *
 *   connections_take -> [opened] -> connection_send, connection_receive, [ready] ... ->
 *   connections_give -> ... taken again, or closed
 *
 * A handle of libcurl's is one connection at a time (CURLOPT_CONNECT_ONLY). Without TLS what is
 * sent and received goes straight to the socket. A connection stays in the epoll set from its
 * beginning to its end. Not thread-safe.
 */
#ifndef LOCKSTEP_UPLOADERS_CONNECTIONS_H
#define LOCKSTEP_UPLOADERS_CONNECTIONS_H

#include "base/buf.h"
#include "base/err.h"
#include "uploaders/addresses.h"
#include "uploaders/http.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#define CONNECTION_PIECES 2 /* of one send */

/* Why there is no connection. */
enum connecting {
    CONNECTING_OPEN,
    CONNECTING_UNTRUSTED,   /* the certificate does not hold */
    CONNECTING_UNREACHABLE, /* that address: there are others */
    CONNECTING_FAILED,      /* otherwise */
};

struct connections;
struct connection;

struct connections_options {
    const char *ca_file;         /* NULL: the system's */
    const char *proxy;           /* as of wire_proxy */
    unsigned most;               /* connections that are kept, in use or not */
    int64_t connect_ms;          /* for name, connection and TLS */
    struct addresses *addresses; /* borrowed; NULL: libcurl's */
    /* opened(arg, owner, how): what connections_take began has come to an end; not where it is open
     * there and then. ready(arg, owner, writes): bytes can be received, or it ended; where
     * `writes`, sent. Both are called in connections_turn only. */
    void (*opened)(void *arg, void *owner, enum connecting how);
    void (*ready)(void *arg, void *owner, bool writes);
    void *arg;
};

/* connections_new(opt, ret, e): 0 or a negative code with e. connections_free: all are closed; NULL
 * is allowed. */
int connections_new(const struct connections_options *opt, struct connections **ret, struct err *e)
    __attribute__((warn_unused_result));
void connections_free(struct connections *cs);

/* connections_watch(cs, fd): connections_turn also wakes when fd is readable. One descriptor. 0 or
 * -errno. */
int connections_watch(struct connections *cs, int fd) __attribute__((warn_unused_result));

/* connections_turn(cs, until_ms): wait until something happens, or until that time (monotonic), and
 * handle it. False where libcurl had no memory to go on: what is not open yet would hang. */
bool connections_turn(struct connections *cs, int64_t until_ms);

/* What is asked of a connection. */
struct connection_wish {
    struct http_target to;
    const char *proxy; /* for requests without TLS: which one ("": none); NULL: libcurl finds it */
    void *owner;
    bool fresh;     /* not one that was kept */
    bool elsewhere; /* to another address, where there is a choice */
};

/* connections_take(cs, wish): one that was given back and is still good (connection_is_open), or a
 * new one, which is not open yet. NULL without memory. */
struct connection *connections_take(struct connections *cs, const struct connection_wish *wish);

/* connections_give(cs, c, keep): done with it. keep: it is open and nothing is on its way. */
void connections_give(struct connections *cs, struct connection *c, bool keep);

bool connection_is_open(const struct connection *c);
bool connection_is_used(const struct connection *c); /* it had another owner before */

/* connection_send(c, pieces, n): bytes that were taken, -EAGAIN, or another -errno. No more than
 * CONNECTION_PIECES. */
ssize_t connection_send(struct connection *c, const struct iovec *pieces, int n);

/* connection_receive(c, p, size): bytes, 0 at its end, -EAGAIN, or another -errno. After as many as
 * were asked for, or any at all over TLS, there may be more at once (*ret_more). */
ssize_t connection_receive(struct connection *c, char *p, size_t size, bool *ret_more);

/* connection_trouble(c, code): what a failed send or receive came from: libcurl's words of TLS, or
 * those of the -errno. Good until the connection is given back. */
const char *connection_trouble(const struct connection *c, int code);

/* connection_wait(c, writes): `ready` is told when bytes can be received, always; and when they can
 * be sent, where `writes`. 0 or -errno. */
int connection_wait(struct connection *c, bool writes) __attribute__((warn_unused_result));

/* connection_words(c, words, words_n, detail, detail_n): why it could not be opened, and more of
 * it, which may be "". */
void connection_words(const struct connection *c, char *words, size_t words_n, char *detail,
                      size_t detail_n);

#endif
