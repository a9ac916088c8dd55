/* Prometheus's text format. Pure. */
#include "agent/core/prom.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const type_names[] = {"gauge", "counter", "histogram"};

/* Add text. */
static void put(struct prom *p, const char *text)
{
    if (p->rc == 0)
        p->rc = buf_append_str(p->out, text);
}

/* A label's value with its quotes. */
static void put_value(struct prom *p, const char *text)
{
    size_t n = strlen(text);

    put(p, "\"");
    while (n > 0 && p->rc == 0) {
        size_t k = utf8_length(text, n);

        if (k == 0)
            put(p, "\xef\xbf\xbd");
        else if (*text == '"' || *text == '\\')
            p->rc = buf_appendf(p->out, "\\%c", *text);
        else if (*text == '\n')
            put(p, "\\n");
        else
            p->rc = buf_append(p->out, text, k);
        k = k ? k : 1;
        text += k;
        n -= k;
    }
    put(p, "\"");
}

/* Name and labels of a sample; `le` (may be NULL) is one more label. */
static void put_head(struct prom *p, const char *suffix, const struct prom_label *labels, size_t n,
                     const char *le)
{
    put(p, p->name);
    put(p, suffix);
    for (size_t i = 0; i < n; i++) {
        put(p, i == 0 ? "{" : ",");
        put(p, labels[i].name);
        put(p, "=");
        put_value(p, labels[i].value);
    }
    if (le) {
        put(p, n == 0 ? "{le=" : ",le=");
        put_value(p, le);
    }
    put(p, n > 0 || le ? "} " : " ");
}

void prom_begin(struct prom *p, struct buf *out)
{
    *p = (struct prom){.out = out};
}

void prom_family(struct prom *p, const char *name, enum prom_type type, const char *help)
{
    p->name = name;
    if (p->rc == 0)
        p->rc =
            buf_appendf(p->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type_names[type]);
}

/* A whole number as a sample's end. */
static void put_count(struct prom *p, uint64_t value)
{
    if (p->rc == 0)
        p->rc = buf_appendf(p->out, "%" PRIu64 "\n", value);
}

void prom_count(struct prom *p, const struct prom_label *labels, size_t n, uint64_t value)
{
    put_head(p, "", labels, n, NULL);
    put_count(p, value);
}

void prom_value(struct prom *p, const struct prom_label *labels, size_t n, double value)
{
    put_head(p, "", labels, n, NULL);
    if (p->rc == 0)
        p->rc = buf_appendf(p->out, "%.15g\n", value);
}

void prom_histogram(struct prom *p, const struct prom_label *labels, size_t n,
                    const struct latency *l)
{
    uint64_t below = 0;

    for (size_t i = 0; i <= LATENCY_CLASSES; i++) {
        char le[32] = "+Inf";

        if (i < LATENCY_CLASSES)
            (void)snprintf(le, sizeof le, "%g", (double)latency_bound_ms(i) / 1000); /* fits */
        below += l->classes[i];
        put_head(p, "_bucket", labels, n, le);
        put_count(p, below);
    }
    put_head(p, "_sum", labels, n, NULL);
    if (p->rc == 0)
        p->rc = buf_appendf(p->out, "%.15g\n", (double)l->sum_ms / 1000);
    put_head(p, "_count", labels, n, NULL);
    put_count(p, l->count);
}
