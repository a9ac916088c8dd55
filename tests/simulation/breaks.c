/* Pure. Parts of the agent that are wrong on purpose; the linker puts one in the place of the real.
 */
#include "tests/simulation/actor.h"

enum guard_verdict __wrap_guard_ask(const struct guard_limits *limits,
                                    const struct guard_question *q);
bool __wrap_order_blocks(const struct item *list, uint64_t barrier);
bool __wrap_plan_is_same(const struct file_stat *st, const struct known *known);

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

/* Any file is any image. */
bool __wrap_plan_is_same(const struct file_stat *st, const struct known *known)
{
    (void)known;
    return st->kind == FILE_REGULAR;
}
