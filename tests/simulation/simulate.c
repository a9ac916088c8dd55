/* Shell. Sequences of deeds on the whole agent, crashes between any two steps, and failures made
 * short. */
#include "agent/service/agent.h"
#include "base/log.h"
#include "tests/simulation/sim.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RUN_DEEDS       32
#define RUN_STEPS       1000 /* it has come to rest by then, or looks only at what is held */
#define NO_CRASH        UINT32_MAX
#define CRASH_STEPS     60 /* in which to crash a run whose length is not known */
#define STRICT_REMOVALS 1
#define LOOSE_REMOVALS  64
#define SHARE           256    /* of runs of two deeds, where nothing else is said */
#define REST_MS         600000 /* what is due later is nothing that anybody waits for */
#define JUMP_MS         1000   /* at once, while something waits */
#define STRICT          1      /* what a repeated run's third number is made of */
#define LATE            2

struct run {
    unsigned count;
    unsigned deed[RUN_DEEDS];
    unsigned gap;   /* steps after each deed */
    unsigned crash; /* the step before which the agent is killed */
    bool strict;    /* the guard lets one removal pass an hour; else more than there are */
    bool late;      /* commits take so long that there is one a second */
    uint64_t seed;  /* of the schedule; 0: always the first */
};

static char base[SIM_PATH_SIZE];
static struct conf *confs[2]; /* by struct run's `strict` */
static struct agent agent;
static uint64_t steps_done, runs_done;
static unsigned at_step;
static bool verbose;

static void must(bool done, const char *what)
{
    if (!done) {
        printf("simulate: %s: %s\n", what, strerror(errno));
        exit(2);
    }
}

/* The generator of the schedule: splitmix64 of its number. */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* --- files --- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static void remove_all(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS); /* it may not be there */
}

static const char *copy_to;
static size_t copy_skip;

static int copy_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    char to[2 * SIM_PATH_SIZE], part[65536];
    ssize_t n;
    int in, out;

    (void)st, (void)ftw;
    snprintf(to, sizeof to, "%s%s", copy_to, path + copy_skip);
    if (type == FTW_D)
        return mkdir(to, 0700);
    in = open(path, O_RDONLY | O_CLOEXEC);
    out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    must(in >= 0 && out >= 0, to);
    while ((n = read(in, part, sizeof part)) > 0)
        must(write(out, part, (size_t)n) == n, to);
    close(in);
    close(out);
    return 0;
}

static void copy_all(const char *from, const char *to)
{
    copy_to = to;
    copy_skip = strlen(from);
    must(nftw(from, copy_one, 16, FTW_PHYS) == 0, from);
}

static void path_in(char out[SIM_PATH_SIZE + 32], const char *name)
{
    snprintf(out, SIM_PATH_SIZE + 32, "%s/%s", base, name);
}

/* --- the agent --- */

static void agent_start(const struct run *r)
{
    struct err e = {0};
    int rc;

    turns_begin(r->late);
    agent = (struct agent){.conf = confs[r->strict]};
    rc = agent_begin(&agent, &e);
    if (rc) {
        printf("simulate: the agent does not begin: %s %s\n", e.where, e.what);
        exit(2);
    }
    turns_next();
    letters_wait();
}

/* What it knows is lost, what it handed to the kernel stays. */
static void agent_kill(void)
{
    char state[SIM_PATH_SIZE + 32], kept[SIM_PATH_SIZE + 32];

    path_in(state, "state");
    path_in(kept, "kept");
    copy_all(state, kept);
    letters_drop();
    intents_crash();
    agent.fatal = -ECANCELED;
    agent_end(&agent);
    remove_all(state);
    must(rename(kept, state) == 0, kept);
}

static bool is_held(void)
{
    return agent.mappings[0].held > 0;
}

/* --- steps --- */

/* One of the things that are waiting happens. False: nothing is. */
static bool happen(uint64_t choice)
{
    size_t letters = letters_count() > 0, syncs = sync_waits(), hints = hints_count();
    size_t all = letters + syncs + hints + bucket_count(), at = all ? choice % all : 0;

    if (!all)
        return false;
    if (at < hints)
        hints_tell(at);
    else if (at < hints + letters)
        letters_tell();
    else if (at < hints + letters + syncs)
        sync_tell();
    else
        bucket_go(at - hints - letters - syncs);
    return true;
}

/* One step. False: the agent is at rest. */
static bool step(const struct run *r)
{
    uint64_t choice = r->seed ? mix(r->seed + at_step) : 0;
    bool crash = at_step++ == r->crash, busy;

    steps_done++;
    if (crash) {
        log_debug("simulation: crash");
        tree_crashed();
        agent_kill();
        agent_start(r);
        return true;
    }
    busy = r->seed && choice % 8 == 0 ? false : happen(choice / 8);
    if (!busy) {
        int64_t due = turns_due_ms();
        bool waits = letters_count() || sync_waits() || hints_count() || bucket_count();

        if (due > REST_MS && !waits)
            return false;
        turns_pass(waits && due > JUMP_MS ? JUMP_MS : due);
    } else {
        turns_pass(1);
    }
    turns_next();
    letters_wait();
    tree_rewritten();
    if (verbose)
        trace_agent(&agent);
    if (agent.fatal || turns_ended())
        tree_break("1: the agent ended");
    return true;
}

/* A list that names what is held waits, and is looked at again now and then. */
static void come_to_rest(const struct run *r)
{
    uint64_t records = journal_records();

    for (unsigned left = 2 * RUN_STEPS; left && !tree_wrong() && step(r); left--) {
        if (at_step == r->crash + 1)
            left = 2 * RUN_STEPS; /* a run that begins has things to write */
        if (left == RUN_STEPS)
            records = journal_records();
        if (left == 1 && journal_records() > records)
            tree_break("8: the journal grows while nothing happens");
        if (left == 1 && !is_held())
            tree_break("1: it does not come to rest");
    }
}

/* The steps between two deeds. True: the agent came to rest. */
static bool go_on(const struct run *r)
{
    unsigned left = r->gap;

    while (left && !tree_wrong() && step(r))
        left--;
    return left && !tree_wrong() && !is_held();
}

/* Wait for the kernel's clock of ctimes, which goes in steps of some milliseconds. */
static void wait_tick(void)
{
    const struct timespec rest = {.tv_nsec = 200000};
    struct timespec began, now;

    must(clock_gettime(CLOCK_REALTIME_COARSE, &began) == 0, "clock");
    do {
        (void)nanosleep(&rest, NULL);
        must(clock_gettime(CLOCK_REALTIME_COARSE, &now) == 0, "clock");
    } while (now.tv_sec == began.tv_sec && now.tv_nsec == began.tv_nsec);
}

/* The rule that a run breaks, or NULL; ret_steps: its length. apart: no two deeds are in one step
 * of that clock. */
static const char *run_once(const struct run *r, bool apart, unsigned *ret_steps)
{
    static const struct run calm = {.crash = NO_CRASH};

    runs_done++;
    remove_all(base);
    must(mkdir(base, 0700) == 0, base);
    turns_reset();
    bucket_begin();
    intents_begin();
    tree_begin(base, r->strict ? STRICT_REMOVALS : LOOSE_REMOVALS);
    agent_start(r);
    at_step = 0;
    come_to_rest(&calm);
    at_step = 0;
    for (unsigned i = 0; i < r->count; i++) {
        log_debug("simulation: deed %u", r->deed[i]);
        if (apart)
            wait_tick();
        (void)tree_deed(r->deed[i]); /* some are not possible now */
        if (go_on(r))
            tree_rested();
    }
    come_to_rest(r);
    if (!tree_wrong())
        tree_judge_rest(is_held());
    *ret_steps = at_step;
    letters_drop();
    agent_end(&agent);
    return tree_wrong();
}

/* The same, made again where it broke a rule: what depends on which ctimes are equal is not the
 * schedule's, and no file gets to S3 within a step of that clock. */
static const char *run_told(const struct run *r, unsigned *ret_steps)
{
    const char *wrong = run_once(r, false, ret_steps);

    return wrong ? run_once(r, true, ret_steps) : NULL;
}

/* Leave out what is not needed for the failure. */
static void shrink(struct run *r)
{
    unsigned ignored;

    for (unsigned i = 0; i < r->count;) {
        struct run less = *r;

        memmove(less.deed + i, less.deed + i + 1, (r->count - i - 1) * sizeof *less.deed);
        less.count--;
        if (run_told(&less, &ignored))
            *r = less;
        else
            i++;
    }
}

/* Made short, and told. */
static void tell(struct run r)
{
    unsigned ignored;
    const char *wrong;

    shrink(&r);
    wrong = run_told(&r, &ignored);
    printf("broken: %s\nrepeat: simulate --repeat %" PRIu64 ":%u:%u:%d",
           wrong ? wrong : "not once more", r.seed, r.gap, r.crash,
           (r.strict ? STRICT : 0) + (r.late ? LATE : 0));
    for (unsigned i = 0; i < r.count; i++)
        printf(":%u", r.deed[i]);
    printf("\n");
    fflush(stdout);
}

static bool keep_going; /* after a failure */
static unsigned share;  /* of runs of several deeds every so manieth is made, of one many more */
static unsigned failures;

/* Is the run among those that are made? */
static bool is_wanted(const struct run *r)
{
    uint64_t number = r->crash + 1;

    for (unsigned i = 0; i < r->count; i++)
        number = mix(number) + r->deed[i];
    number += r->late ? UINT64_C(1) << 32 : 0;
    return mix(number + r->gap * 2 + r->strict) % (r->count == 1 ? (share + 63) / 64 : share) == 0;
}

/* A run that is wanted; ret_steps: its length, if it was made. False: no more are to be made. */
static bool try(const struct run *r, unsigned *ret_steps)
{
    if (!is_wanted(r) || !run_told(r, ret_steps))
        return true;
    failures++;
    tell(*r);
    return keep_going;
}

/* The deeds without a crash, then with one before each step. False: no more are to be made. */
static bool try_crashes(struct run *r)
{
    unsigned steps = CRASH_STEPS;

    r->crash = NO_CRASH;
    if (!try(r, &steps))
        return false;
    for (r->crash = 0; r->crash < steps; r->crash++)
        if (!try(r, &(unsigned){0}))
            return false;
    return true;
}

/* All sequences of so many deeds, with each gap and each guard, and late. False: as above. */
static bool try_all(unsigned count, uint64_t *ret_sequences)
{
    static const unsigned gaps[] = {0, 1, 2, 3, 5, 9, RUN_STEPS};
    unsigned all = 1;

    for (unsigned i = 0; i < count; i++)
        all *= TREE_DEEDS;
    for (unsigned code = 0; code < all; code++) {
        struct run r = {.count = count};

        ++*ret_sequences;
        for (unsigned i = 0, c = code; i < count; i++, c /= TREE_DEEDS)
            r.deed[i] = c % TREE_DEEDS;
        for (unsigned g = 0; g < 3 * sizeof gaps / sizeof *gaps; g++) {
            r.gap = gaps[g / 3];
            r.strict = g % 3 == 1;
            r.late = g % 3 == 2;
            if (!try_crashes(&r))
                return false;
        }
    }
    return true;
}

/* Long sequences by chance, for so many seconds. False: as above. */
static bool try_chance(uint64_t seed, double seconds)
{
    time_t end = time(NULL) + (time_t)seconds;

    for (; time(NULL) < end; seed++) {
        struct run r = {.count = 2 + mix(seed) % (RUN_DEEDS - 1), .seed = mix(seed) | 1};
        unsigned ignored;

        r.gap = mix(seed + 1) % 16;
        r.strict = mix(seed + 3) % 2;
        r.crash = mix(seed + 2) % 512;
        for (unsigned i = 0; i < r.count; i++)
            r.deed[i] = mix(mix(seed) + i) % TREE_DEEDS;
        if (run_told(&r, &ignored)) {
            failures++;
            tell(r);
            if (!keep_going)
                return false;
        }
    }
    return true;
}

/* "seed:gap:crash:flags:deed:deed...", as tell() prints it. */
static bool repeat(const char *text)
{
    struct run r = {0};
    char *at;
    unsigned steps, flags;
    const char *wrong;

    r.seed = strtoull(text, &at, 10);
    r.gap = *at ? (unsigned)strtoul(at + 1, &at, 10) : 0;
    r.crash = *at ? (unsigned)strtoul(at + 1, &at, 10) : NO_CRASH;
    flags = *at ? (unsigned)strtoul(at + 1, &at, 10) : 0;
    r.strict = flags & STRICT;
    r.late = flags & LATE;
    while (*at == ':' && r.count < RUN_DEEDS)
        r.deed[r.count++] = (unsigned)strtoul(at + 1, &at, 10) % TREE_DEEDS;
    wrong = verbose ? run_once(&r, true, &steps) : run_told(&r, &steps);
    printf("%s (%u steps)\n", wrong ? wrong : "nothing is broken", steps);
    tree_show();
    return !wrong;
}

static void configure(bool strict)
{
    char text[2048];
    struct conf_faults faults = {0};

    snprintf(text, sizeof text,
             "state_dir = \"%s/state\"; s3: { bucket = \"bucket\"; region = \"us-east-1\"; };\n"
             "repositories = ( { name = \"images\"; path = \"%s/images\"; prefix = \"images/\";\n"
             "  settle_ms = 100; max_removals = %d; max_removal_percent = 0;\n"
             "  max_removals_hourly = 1; } );\n"
             "lists = ( { name = \"lists\"; path = \"%s/lists\"; prefix = \"lists/\";\n"
             "  repository = \"images\"; settle_ms = 100; } );\n",
             base, base, strict ? STRICT_REMOVALS : LOOSE_REMOVALS, base);
    if (conf_parse(text, "simulation", &confs[strict], &faults)) {
        conf_faults_print(&faults, stdout);
        exit(2);
    }
}

struct wanted {
    const char *repeat;
    unsigned deeds;
    uint64_t seed;
    double seconds;
};

/* False: wrong use. */
static bool options_read(int argc, char **argv, struct wanted *w)
{
    static const struct option options[] = {
        {"all", no_argument, NULL, 'a'},          {"deeds", required_argument, NULL, 'd'},
        {"repeat", required_argument, NULL, 'r'}, {"seconds", required_argument, NULL, 't'},
        {"seed", required_argument, NULL, 's'},   {"share", required_argument, NULL, 'n'},
        {"verbose", no_argument, NULL, 'v'},      {0}};
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 'a')
            keep_going = true;
        else if (c == 'd')
            w->deeds = (unsigned)strtoul(optarg, NULL, 10) % 4;
        else if (c == 'r')
            w->repeat = optarg;
        else if (c == 't')
            w->seconds = strtod(optarg, NULL);
        else if (c == 's')
            w->seed = strtoull(optarg, NULL, 10);
        else if (c == 'n')
            share = (unsigned)strtoul(optarg, NULL, 10);
        else if (c == 'v')
            verbose = true;
        else
            return false;
    }
    return share > 0;
}

/* False: something is broken. */
static bool run_all(const struct wanted *w)
{
    bool on = true;

    for (unsigned n = 1; on && n <= w->deeds; n++) {
        uint64_t sequences = 0;

        on = try_all(n, &sequences);
        printf("sequences of %u deeds: %" PRIu64 "\n", n, sequences);
    }
    if (on && w->seconds > 0) {
        printf("seed %" PRIu64 "\n", w->seed);
        (void)try_chance(w->seed, w->seconds); /* counted in failures */
    }
    printf("%" PRIu64 " runs, %" PRIu64 " steps, %.1f s\n", runs_done, steps_done,
           (double)clock() / CLOCKS_PER_SEC);
    return !failures;
}

int main(int argc, char **argv)
{
    struct wanted w = {.deeds = 2, .seed = (uint64_t)time(NULL)};
    bool right;

    share = SHARE;
    if (!options_read(argc, argv, &w))
        return 2;
    if (!verbose && !freopen("/dev/null", "w", stderr)) /* much of it is to be held */
        return 2;
    snprintf(base, sizeof base, "/dev/shm/lockstep-simulation.%ld", (long)getpid());
    log_init(verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
    configure(false);
    configure(true);
    right = w.repeat ? repeat(w.repeat) : run_all(&w);
    remove_all(base);
    conf_free(confs[0]);
    conf_free(confs[1]);
    return !right;
}
