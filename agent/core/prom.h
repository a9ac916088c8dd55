/*
 * Prometheus's text format, version 0.0.4. Pure.
 *
 *   prom_begin -> { prom_family -> prom_count | prom_value | prom_histogram ... } ... -> p.rc
 *
 * All samples of a family follow it. Values of labels are escaped, and what is not UTF-8 in them
 * becomes U+FFFD. The first failure stays in rc, and nothing is written after it.
 */
#ifndef LOCKSTEP_AGENT_CORE_PROM_H
#define LOCKSTEP_AGENT_CORE_PROM_H

#include "agent/core/latency.h"
#include "base/buf.h"

struct prom {
    struct buf *out;
    const char *name; /* of the family */
    int rc;           /* 0, -ENOMEM, ERR_LIMIT */
};

struct prom_label {
    const char *name;
    const char *value;
};

enum prom_type { PROM_GAUGE, PROM_COUNTER, PROM_HISTOGRAM };

void prom_begin(struct prom *p, struct buf *out);

/* prom_family(p, name, type, help): its two lines; name is borrowed until the next one. A counter's
 * ends in "_total". */
void prom_family(struct prom *p, const char *name, enum prom_type type, const char *help);

/* One sample of the family. */
void prom_count(struct prom *p, const struct prom_label *labels, size_t n, uint64_t value);
void prom_value(struct prom *p, const struct prom_label *labels, size_t n, double value);
/* A whole histogram, in seconds. */
void prom_histogram(struct prom *p, const struct prom_label *labels, size_t n,
                    const struct latency *l);

#endif
