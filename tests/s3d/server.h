/*
 * HTTP: connections on the loopback interface, by libmicrohttpd. Shell.
 */
#ifndef LOCKSTEP_S3D_SERVER_H
#define LOCKSTEP_S3D_SERVER_H

#include "tests/s3d/exchange.h"

struct server;

struct server_options {
    uint32_t address; /* of the loopback network, in host order */
    uint16_t port;    /* 0: any free one */
    unsigned threads;
    const char *cert; /* TLS: certificates and key, PEM texts; NULL: plain HTTP */
    const char *key;
    unsigned idle_s; /* close a connection that is idle for so long; 0: never */
};

/* server_start(o, s, ret): serve until server_stop. s is borrowed. 0 or -errno. */
int server_start(const struct server_options *o, struct service *s, struct server **ret)
    __attribute__((warn_unused_result));

/* server_port(s): the port that it listens on. */
uint16_t server_port(const struct server *s);

/* server_stop(s): waits for the requests in hand; those that wait for a fault go on at once. */
void server_stop(struct server *s);

#endif
