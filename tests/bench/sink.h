/*
 * An HTTP server that reads bodies, keeps nothing and answers 200: the floor that clients are
 * measured against. Shell. One thread, epoll, keep-alive; a request with a body needs
 * Content-Length.
 *
 * It answers a PUT as S3 does, with an ETag and the checksum that the request says its body has; it
 * does not compute that. Uploads in parts can be begun and completed, too. It believes whatever it
 * is told: whether a client does right is for s3d to say.
 */
#ifndef LOCKSTEP_TESTS_BENCH_SINK_H
#define LOCKSTEP_TESTS_BENCH_SINK_H

#include <stdint.h>

/* A GET of this path is answered with how many other requests came so far, in decimal. */
#define SINK_NUMBER_PATH "/-/requests"

/* sink_listen(ret_port): a listening socket on 127.0.0.1, any free port; ends the process where
 * that fails. */
int sink_listen(uint16_t *ret_port);

/* sink_serve(listener): for ever. */
_Noreturn void sink_serve(int listener);

#endif
