/*
 * Figures for monitoring: counted as things happen, handed over when somebody asks (desk.h). Where
 * the configuration wants none, nothing is counted.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_METRICS_H
#define LOCKSTEP_AGENT_SERVICE_METRICS_H

#include "agent/core/metrics.h"
#include "agent/service/agent.h"

/* metrics_begin(a, e): a port, a file, as the configuration says, and an answer to who asks there,
 * from the event loop at hand. 0 or a negative code with e. metrics_end(a): before that loop goes.
 * What was counted goes with it. */
int metrics_begin(struct agent *a, struct err *e) __attribute__((warn_unused_result));
void metrics_end(struct agent *a);

/* metrics_landed(a, it): the item's change is in S3. metrics_failed(a, kind): a transfer failed. */
void metrics_landed(struct agent *a, const struct item *it);
void metrics_failed(struct agent *a, enum trouble_kind kind);

/* metrics_take(a): the figures of this moment (metrics_take.c); NULL without memory. */
struct metrics *metrics_take(struct agent *a);

/* What is counted, for metrics_take. */
struct meters {
    struct desk *desk;
    struct exporter *exporter;
    struct scribe *scribe;
    sd_event_source *source;
    uint64_t failures[TROUBLE_KIND_COUNT];
    struct latency *latency; /* of each mapping */
};

#endif
