/* Two lanes to S3. Pure. */
#include "uploaders/lanes.h"

enum lane lanes_of(uint64_t bytes)
{
    return bytes >= LANE_LARGE_BYTES ? LANE_LARGE : LANE_SMALL;
}

bool lanes_open(const struct lanes *l, enum lane lane, uint64_t n, uint64_t total)
{
    enum lane other = lane == LANE_SMALL ? LANE_LARGE : LANE_SMALL;
    uint64_t used = l->used[LANE_SMALL] + l->used[LANE_LARGE], quarter = total / 4;
    if (used == 0) /* one at a time: in turns, where both lanes wait */
        return total >= 2 || l->waiting[other] == 0 || l->last == other;
    if (total < 2)
        return false;
    if (quarter == 0)
        quarter = 1;
    if (lane == LANE_LARGE) {
        if (l->used[LANE_LARGE] == 0 && n > total - quarter)
            return true;
        return l->used[LANE_LARGE] + n <= total - quarter && used + n <= total;
    }
    uint64_t kept = l->waiting[LANE_LARGE] > 0 && l->used[LANE_LARGE] < quarter
                        ? quarter - l->used[LANE_LARGE]
                        : 0;
    return used + n + kept <= total;
}

void lanes_enter(struct lanes *l, enum lane lane, uint64_t n)
{
    l->used[lane] += n;
    l->last = lane;
}

void lanes_leave(struct lanes *l, enum lane lane, uint64_t n)
{
    l->used[lane] -= n;
}
