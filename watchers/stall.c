/*
 * Does a file system answer? Shell. See stall.h.
 */
#include "watchers/stall.h"

#include "base/clock.h"

bool stall_ask(struct stall *s)
{
    if (atomic_load(&s->stuck)) {
        return false;
    }
    if (atomic_fetch_add(&s->asked, 1) == 0) {
        atomic_store(&s->answered_ms, clock_mono_ms());
    }
    return true;
}

bool stall_answered(struct stall *s)
{
    atomic_store(&s->answered_ms, clock_mono_ms());
    atomic_fetch_sub(&s->asked, 1);
    return atomic_load(&s->stuck);
}

bool stall_step(struct stall *s, int64_t now_ms)
{
    const bool stuck =
        atomic_load(&s->asked) > 0 && now_ms - atomic_load(&s->answered_ms) >= STALL_MS;

    return atomic_exchange(&s->stuck, stuck) != stuck;
}

int64_t stall_deadline(struct stall *s)
{
    return atomic_load(&s->asked) == 0 || atomic_load(&s->stuck)
               ? INT64_MAX
               : atomic_load(&s->answered_ms) + STALL_MS;
}
