/* Shell. Sequences of deeds, schedules and crashes against the simulated agent: all short ones, and
 * where seconds are given long ones by chance. */
#include "base/mix.h"
#include "tests/simulation/actor.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RUN_DEEDS 24
#define RUN_STEPS 400 /* so many after the last deed are a hang */
#define NO_CRASH  UINT32_MAX

struct run {
    unsigned count;
    unsigned deed[RUN_DEEDS];
    unsigned gap;   /* steps after each deed */
    unsigned crash; /* the step before which the agent loses its memory */
    uint64_t seed;  /* of the schedule; 0: always the first */
};

static uint64_t steps_done, runs_done;

/* One step, or the crash in its place. */
static bool step(struct actor *a, const struct run *r, unsigned *at)
{
    bool crash = *at == r->crash;

    steps_done++;
    if (crash) {
        a->world->crashed = true;
        actor_restart(a);
    }
    return actor_step(a, r->seed ? mix(r->seed + ++*at) : (++*at, 1)) || crash;
}

/* The rule that a run breaks, or NULL; ret_steps: its length. */
static const char *run_once(const struct run *r, unsigned *ret_steps)
{
    struct world w;
    struct actor a;
    unsigned at = 0, touched, left;

    runs_done++;
    world_begin(&w);
    actor_begin(&a, &w);
    for (unsigned i = 0; i < r->count; i++) {
        if (world_deed(&w, r->deed[i], &touched))
            a.dirty |= touched;
        for (unsigned g = 0; g < r->gap && !w.wrong && step(&a, r, &at); g++)
            ;
    }
    for (left = RUN_STEPS; left && !w.wrong && step(&a, r, &at); left--)
        ;
    if (!left && !w.wrong)
        w.wrong = "1: it does not come to rest";
    if (!w.wrong)
        world_quiet(&w, a.held);
    actor_end(&a);
    *ret_steps = at;
    return w.wrong;
}

/* Leave out what is not needed for the failure. */
static void shrink(struct run *r)
{
    unsigned ignored;

    for (unsigned i = 0; i < r->count;) {
        struct run less = *r;

        memmove(less.deed + i, less.deed + i + 1, (r->count - i - 1) * sizeof *less.deed);
        less.count--;
        if (run_once(&less, &ignored))
            *r = less;
        else
            i++;
    }
}

static int tell(struct run r)
{
    unsigned ignored;

    shrink(&r);
    printf("broken: %s\nrepeat: simulate --repeat %" PRIu64 ":%u:%u", run_once(&r, &ignored),
           r.seed, r.gap, r.crash);
    for (unsigned i = 0; i < r.count; i++)
        printf(":%u", r.deed[i]);
    printf("\n");
    return 1;
}

/* The deeds without a crash, then with one before each step. */
static int run_crashes(struct run *r)
{
    unsigned steps, ignored;

    r->crash = NO_CRASH;
    if (run_once(r, &steps))
        return tell(*r);
    for (r->crash = 0; r->crash < steps; r->crash++)
        if (run_once(r, &ignored))
            return tell(*r);
    return 0;
}

/* All sequences of 1 to `most` deeds, with each gap. */
static int run_all(unsigned most, uint64_t *ret_count)
{
    static const unsigned gaps[] = {0, 1, 2, 3, 5, RUN_STEPS};

    for (unsigned n = 1, all = WORLD_DEEDS; n <= most; n++, all *= WORLD_DEEDS)
        for (unsigned code = 0; code < all; code++) {
            struct run r = {.count = n};

            ++*ret_count;
            for (unsigned i = 0, c = code; i < n; i++, c /= WORLD_DEEDS)
                r.deed[i] = c % WORLD_DEEDS;
            for (unsigned g = 0; g < sizeof gaps / sizeof *gaps; g++) {
                r.gap = gaps[g];
                if (run_crashes(&r))
                    return 1;
            }
        }
    return 0;
}

/* Long sequences by chance, for so many seconds. */
static int run_chance(uint64_t seed, double seconds)
{
    clock_t end = clock() + (clock_t)(seconds * CLOCKS_PER_SEC);

    for (; clock() < end; seed++) {
        struct run r = {.count = 4 + mix(seed) % (RUN_DEEDS - 3), .seed = mix(seed) | 1};
        unsigned ignored;

        r.gap = mix(seed + 1) % 8;
        r.crash = mix(seed + 2) % 128;
        for (unsigned i = 0; i < r.count; i++)
            r.deed[i] = mix(mix(seed) + i) % (WORLD_DEEDS - (seed % 4 != 0));
        if (run_once(&r, &ignored))
            return tell(r);
    }
    return 0;
}

/* "seed:gap:crash:deed:deed...", as tell() prints it. */
static int repeat(const char *text)
{
    struct run r = {0};
    char *at;
    unsigned ignored;
    const char *wrong;

    r.seed = strtoull(text, &at, 10);
    r.gap = *at ? (unsigned)strtoul(at + 1, &at, 10) : 0;
    r.crash = *at ? (unsigned)strtoul(at + 1, &at, 10) : NO_CRASH;
    while (*at == ':' && r.count < RUN_DEEDS)
        r.deed[r.count++] = (unsigned)strtoul(at + 1, &at, 10) % WORLD_DEEDS;
    wrong = run_once(&r, &ignored);
    printf("%s\n", wrong ? wrong : "nothing is broken");
    return wrong != NULL;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"seed", required_argument, NULL, 's'},
                                            {"seconds", required_argument, NULL, 't'},
                                            {"repeat", required_argument, NULL, 'r'},
                                            {"deeds", required_argument, NULL, 'd'},
                                            {0}};
    uint64_t seed = (uint64_t)time(NULL), sequences = 0;
    unsigned deeds = 2;
    double seconds = 0;
    int c, rc;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 'r')
            return repeat(optarg);
        if (c == 'd')
            deeds = (unsigned)strtoul(optarg, NULL, 10) % 4;
        else if (c == 's')
            seed = strtoull(optarg, NULL, 10);
        else if (c == 't')
            seconds = strtod(optarg, NULL);
        else
            return 2;
    }
    rc = run_all(deeds, &sequences);
    printf("sequences of 1 to %u deeds: %" PRIu64 "\n", deeds, sequences);
    if (rc == 0 && seconds > 0) {
        printf("seed %" PRIu64 "\n", seed);
        rc = run_chance(seed, seconds);
    }
    printf("%" PRIu64 " runs, %" PRIu64 " steps, %.1f s\n", runs_done, steps_done,
           (double)clock() / CLOCKS_PER_SEC);
    return rc;
}
