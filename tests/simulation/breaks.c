/* Pure. Parts of the agent that are wrong on purpose; the linker puts one in the place of the real.
 */
#include "agent/core/guard.h"
#include "agent/core/order.h"
#include "agent/core/plan.h"
#include "journal/journal.h"

enum guard_verdict __wrap_guard_ask(const struct guard_limits *limits,
                                    const struct guard_question *q);
bool __wrap_order_blocks(const struct item *list, uint64_t barrier);
bool __wrap_plan_is_other(const struct file_stat *st, const struct known *known);
uint64_t __wrap_journal_durable_seq(const struct journal *j);

/* The limit is ignored. */
enum guard_verdict __wrap_guard_ask(const struct guard_limits *limits,
                                    const struct guard_question *q)
{
    (void)limits;
    (void)q;
    return GUARD_PASS;
}

/* Objects do not wait for the lists. */
bool __wrap_order_blocks(const struct item *list, uint64_t barrier)
{
    (void)list;
    (void)barrier;
    return false;
}

/* No file is another image than the one that was at its path. */
bool __wrap_plan_is_other(const struct file_stat *st, const struct known *known)
{
    (void)st;
    (void)known;
    return false;
}

/* Calls do not wait for their intents. */
uint64_t __wrap_journal_durable_seq(const struct journal *j)
{
    (void)j;
    return UINT64_MAX;
}
