/* Pure. How far the work has come, and how fast it goes. See progress.h. */
#include "agent/core/progress.h"

#include <inttypes.h>
#include <string.h>

#define BAR       "########################"
#define BAR_REST  "........................"
#define BAR_N     (sizeof BAR - 1)
#define OPEN      " changes open, " /* agent/service/report.c has the line */
#define NEW_SHARE 0.3               /* of the latest rate in the smoothed one */
#define MS        1000.0

/* The number before these words at the beginning of a line; 0: there is none. */
static uint64_t open_of(struct span status)
{
    for (size_t at = 0; at < status.n;) {
        const char *end = memchr(status.p + at, '\n', status.n - at);
        size_t stop = end ? (size_t)(end - status.p) : status.n;
        uint64_t n = 0;

        for (; at < stop && status.p[at] >= '0' && status.p[at] <= '9' && n < UINT64_MAX / 100;
             at++)
            n = n * 10 + (uint64_t)(status.p[at] - '0');
        if (n && stop - at >= sizeof OPEN - 1 && memcmp(status.p + at, OPEN, sizeof OPEN - 1) == 0)
            return n;
        at = stop + 1;
    }
    return 0;
}

void progress_note(struct progress *p, struct span status, int64_t now_ms)
{
    uint64_t open = open_of(status);
    double rate = 0;

    if (open == 0) {
        *p = (struct progress){0};
        return;
    }
    if (p->open > open && now_ms > p->at_ms)
        rate = (double)(p->open - open) * MS / (double)(now_ms - p->at_ms);
    if (p->open)
        p->rate = p->rate > 0 ? (1 - NEW_SHARE) * p->rate + NEW_SHARE * rate : rate;
    if (open > p->most)
        p->most = open;
    p->open = open;
    p->at_ms = now_ms;
}

/* "23 s", "4 min", "7 h". */
static int put_time(double seconds, struct buf *out)
{
    static const double minute = 60, hour = 3600, most = 1e6;

    if (seconds < 2 * minute)
        return buf_appendf(out, ", %.0f s to go", seconds);
    if (seconds < 2 * hour)
        return buf_appendf(out, ", %.0f min to go", seconds / minute);
    return seconds < most * hour ? buf_appendf(out, ", %.0f h to go", seconds / hour) : 0;
}

int progress_line(const struct progress *p, struct buf *out)
{
    uint64_t done = p->most - p->open;
    int full, rc;

    if (p->open == 0)
        return 0;
    full = (int)((double)done / (double)p->most * (double)BAR_N);
    rc = buf_appendf(out, "[%.*s%.*s] %3u %%: %" PRIu64 " of %" PRIu64 " changes", full, BAR,
                     (int)BAR_N - full, BAR_REST, (unsigned)((double)done / (double)p->most * 100),
                     done, p->most);
    if (rc == 0 && p->rate >= 0.05)
        rc = buf_appendf(out, p->rate < 10 ? ", %.1f/s" : ", %.0f/s", p->rate);
    if (rc == 0 && p->rate >= 0.05)
        rc = put_time((double)p->open / p->rate, out);
    return rc ? rc : buf_append_byte(out, '\n');
}
