/*
 * An HTTP server that reads bodies and answers 200: the floor that clients are measured against.
 * Shell. One thread, epoll, keep-alive; a request with a body needs Content-Length.
 */
#ifndef LOCKSTEP_TESTS_BENCH_SINK_H
#define LOCKSTEP_TESTS_BENCH_SINK_H

#include <stdint.h>

/* sink_listen(ret_port): a listening socket on 127.0.0.1, any free port; ends the process where
 * that fails. */
int sink_listen(uint16_t *ret_port);

/* sink_serve(listener): for ever. */
_Noreturn void sink_serve(int listener);

#endif
