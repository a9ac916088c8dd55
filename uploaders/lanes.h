/*
 * Two lanes to S3, so that what is small does not wait behind what is large. Pure.
 *
 * Large is a body of LANE_LARGE_BYTES or more and what copies as much; everything else is small.
 * Of what is shared (requests at once, memory for bodies) large ones have three quarters at most,
 * so that a small one finds room at once; and where large ones wait, small ones leave them a
 * quarter.
 */
#ifndef LOCKSTEP_UPLOADERS_LANES_H
#define LOCKSTEP_UPLOADERS_LANES_H

#include <stdbool.h>
#include <stdint.h>

#define LANE_LARGE_BYTES (1u << 20)

enum lane { LANE_SMALL, LANE_LARGE, LANE_COUNT };

/* What is in use and what waits, in whatever is shared out. */
struct lanes {
    uint64_t used[LANE_COUNT];
    uint64_t waiting[LANE_COUNT]; /* that stand in line: any number but 0 counts */
    enum lane last;               /* that was let in */
};

/* lanes_of(bytes): the lane of a body. */
enum lane lanes_of(uint64_t bytes);

/* lanes_open(l, lane, n, total): may n more of the lane go, of `total` altogether? What is larger
 * than its part goes when nothing else of its lane does. */
bool lanes_open(const struct lanes *l, enum lane lane, uint64_t n, uint64_t total);

/* lanes_enter(l, lane, n), lanes_leave(l, lane, n): n are in use, are free again. */
void lanes_enter(struct lanes *l, enum lane lane, uint64_t n);
void lanes_leave(struct lanes *l, enum lane lane, uint64_t n);

#endif
