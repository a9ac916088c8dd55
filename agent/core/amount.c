/* Pure. Sizes and times as people take them in at a glance. */
#include "agent/core/amount.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#define MINUTE_S INT64_C(60)
#define HOUR_S   INT64_C(3600)
#define DAY_S    INT64_C(86400)

const char *amount_bytes(uint64_t bytes, char out[AMOUNT_SIZE])
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;
    uint64_t tenths = 0;

    for (; bytes >= 1024; unit++) {
        tenths = bytes % 1024 * 10 / 1024;
        bytes /= 1024;
    }
    if (unit == 0 || bytes >= 100)
        (void)snprintf(out, AMOUNT_SIZE, "%" PRIu64 " %s", bytes, units[unit]);
    else
        (void)snprintf(out, AMOUNT_SIZE, "%" PRIu64 ".%" PRIu64 " %s", bytes, tenths, units[unit]);
    return out;
}

const char *amount_time(int64_t seconds, char out[AMOUNT_SIZE])
{
    if (seconds < 2 * MINUTE_S)
        (void)snprintf(out, AMOUNT_SIZE, "%" PRId64 " s", seconds);
    else if (seconds < 2 * HOUR_S)
        (void)snprintf(out, AMOUNT_SIZE, "%" PRId64 " min", seconds / MINUTE_S);
    else if (seconds < 2 * DAY_S)
        (void)snprintf(out, AMOUNT_SIZE, "%" PRId64 " h", seconds / HOUR_S);
    else
        (void)snprintf(out, AMOUNT_SIZE, "%" PRId64 " d", seconds / DAY_S);
    return out;
}
