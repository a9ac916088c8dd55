/* Pure. Waiting until all that was on disk at a moment is in S3. */
#include "agent/core/wait.h"

enum wait_stage wait_next(enum wait_stage stage, const struct wait_facts *facts)
{
    switch (stage) {
    case WAIT_MARKING:
        return facts->marked ? WAIT_SEEING : stage;
    case WAIT_SEEING:
        return facts->whole ? WAIT_OPEN : stage;
    case WAIT_OPEN:
        return facts->in_step ? WAIT_DONE : facts->open ? stage : WAIT_LISTS;
    case WAIT_LISTS:
        return facts->in_step ? WAIT_DONE : facts->lists ? stage : WAIT_LAST;
    case WAIT_LAST:
        return facts->in_step || !facts->open ? WAIT_DONE : stage;
    case WAIT_DONE:
        break;
    }
    return WAIT_DONE;
}
