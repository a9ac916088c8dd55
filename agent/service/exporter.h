/*
 * The port for Prometheus: /metrics and /healthz over HTTP, on a loopback address. Shell.
 *
 * A thread of its own takes connections, a few at once, each with a thread that waits for nobody
 * but its client and the desk. Who is slow, silent or rude keeps a place for some seconds and
 * nothing else: the loop does not know of connections.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_EXPORTER_H
#define LOCKSTEP_AGENT_SERVICE_EXPORTER_H

#include "agent/service/desk.h"
#include "base/err.h"

struct exporter;

/* exporter_new(listen, desk, ret, e): listen as value_listen has it. The desk is borrowed. 0, or a
 * negative code with e. exporter_free(x): cuts every client off; the desk is closed before that.
 * NULL is allowed. */
int exporter_new(const char *listen, struct desk *desk, struct exporter **ret, struct err *e)
    __attribute__((warn_unused_result));
void exporter_free(struct exporter *x);

#endif
