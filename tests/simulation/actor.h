/*
 * A small agent around the real plan, rows, order and guard: what the shells do between them, one
 * step at a time, on a simulated world.
 */
#ifndef LOCKSTEP_TESTS_SIMULATION_ACTOR_H
#define LOCKSTEP_TESTS_SIMULATION_ACTOR_H

#include "agent/core/guard.h"
#include "agent/core/order.h"
#include "agent/core/plan.h"
#include "agent/core/rows.h"
#include "tests/simulation/world.h"

enum actor_state { ACTOR_IDLE, ACTOR_READY, ACTOR_INTENT, ACTOR_SENT, ACTOR_GONE, ACTOR_LEAVING };

struct actor {
    struct world *world;

    /* Durable: the index, and of the journal the files that open intents are about. */
    struct file_stat intended[WORLD_PATHS];
    bool has[WORLD_PATHS];
    struct known known[WORLD_PATHS];
    int listed[WORLD_PATHS];    /* the path by which lists name the image */
    unsigned heir[WORLD_PATHS]; /* of an entry that is MOVED: where its image is */
    unsigned held;
    struct guard_recent hour;

    /* In memory. */
    struct rows *rows;
    struct order order;
    struct item list;
    enum actor_state state[WORLD_PATHS];
    struct file_stat seen[WORLD_PATHS];
    int from[WORLD_PATHS]; /* the path under which the index has the image that is here; or -1 */
    uint64_t barrier[WORLD_PATHS];
    unsigned dirty; /* bits of paths, and of the list, to look at */
};

/* actor_begin(a, w): in step with the world. actor_restart(a): after a crash. actor_end(a). */
void actor_begin(struct actor *a, struct world *w);
void actor_restart(struct actor *a);
void actor_end(struct actor *a);

/* actor_step(a, choice): one of the things that can be done now; false if there is none. */
bool actor_step(struct actor *a, uint64_t choice);

#endif
