/* Pure. One attempt now and then, where everything fails. */
#include "agent/core/gate.h"

#include <string.h>

int64_t gate_deadline(const struct gate *g, bool tried)
{
    if (g->probing)
        return INT64_MAX;
    return g->probed_ms + (tried ? g->rest_ms : GATE_FIRST_MS);
}

bool gate_lets(struct gate *g, bool tried, int64_t now_ms)
{
    if (!g->closed)
        return true;
    if (now_ms < gate_deadline(g, tried))
        return false;
    g->probing = true;
    g->probed_ms = now_ms;
    return true;
}

bool gate_failed(struct gate *g, bool counts, int64_t now_ms)
{
    if (g->closed) {
        /* What was on its way when it closed says no more than was known. */
        if (g->probing)
            g->rest_ms = g->rest_ms * 2 < GATE_LAST_MS ? g->rest_ms * 2 : GATE_LAST_MS;
        g->probing = false;
        return false;
    }
    g->streak += counts;
    if (g->streak < GATE_STREAK)
        return false;
    g->closed = true;
    g->probing = false;
    g->probed_ms = now_ms;
    g->rest_ms = GATE_FIRST_MS;
    return true;
}

bool gate_passed(struct gate *g)
{
    bool was = g->closed;

    memset(g, 0, sizeof *g);
    return was;
}

void gate_other(struct gate *g)
{
    g->probing = false;
}
