/*
 * A storm on a tree, for the system tests and `./dev bench storms`: processes that make, write,
 * rename, link and remove at random, from a seed. Shell.
 *
 *   storm [options] IN OUT SEED
 *
 * IN is the tree that is watched, OUT a directory outside on the same file system.
 *
 *   -w writers (1 to 16; default 2) -n deeds of each writer (1000) -d depth of paths (4)
 *   -s seconds over which each spreads its deeds (0: as fast as it can)
 *   -x NAME,...   deeds that are left out
 *
 * One writer's deeds follow from the seed alone; with several only their order among each other is
 * the machine's. In the end one line of JSON tells of each kind of deed how often it changed the
 * disk and how often it was tried. Exit status: 0 done, 1 a writer failed, 2 wrong use.
 */
#include "tests/system/storm.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WRITERS_MAX 16
#define KINDS_MAX   64
#define BURST       64 /* deeds without a look at the clock, at most */
#define NS_PER_S    1000000000.0

/* How often each kind was tried and changed something. In memory that the writers share. */
struct tally {
    unsigned long tried[WRITERS_MAX][KINDS_MAX];
    unsigned long done[WRITERS_MAX][KINDS_MAX];
};

struct storm {
    uint64_t seed;
    unsigned writers;
    unsigned deeds;
    unsigned depth;
    double seconds;
    bool left_out[KINDS_MAX];
    struct tally *tally;
    char in_path[PATH_MAX];
    char out_path[PATH_MAX];
    int in, out;
};

/* Stop with the words. */
static void die(const char *what)
{
    fprintf(stderr, "storm: %s\n", what);
    exit(2);
}

/* The kind of deed that a draw hits. */
static size_t choose(struct writer *w, const struct storm *s)
{
    unsigned sum = 0;
    uint64_t at;

    for (size_t i = 0; i < storm_deed_count; i++) {
        sum += s->left_out[i] ? 0 : storm_deeds[i].weight;
    }
    at = storm_draw(w, sum);
    for (size_t i = 0;; i++) {
        const unsigned weight = s->left_out[i] ? 0 : storm_deeds[i].weight;

        if (at < weight) {
            return i;
        }
        at -= weight;
    }
}

/* Seconds since some moment. */
static double now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / NS_PER_S;
}

/* Wait until this moment. */
static void wait_until(double moment)
{
    const double left = moment - now();
    struct timespec t = {.tv_sec = (time_t)left};

    if (left > 0) {
        t.tv_nsec = (long)((left - (double)t.tv_sec) * NS_PER_S);
        (void)nanosleep(&t, NULL);
    }
}

/* One writer, in a process of its own: deeds in bursts, spread over the time given. */
static void write_all(const struct storm *s, unsigned number)
{
    struct writer w = {.random = (s->seed + 1) * UINT64_C(1000003) + number * UINT64_C(7919),
                       .number = number,
                       .in = s->in,
                       .out = s->out,
                       .in_path = s->in_path,
                       .out_path = s->out_path,
                       .depth = s->depth};
    const double begun = now();

    for (unsigned burst = 0; w.deeds < s->deeds; w.deeds++) {
        const size_t kind = choose(&w, s);

        s->tally->tried[number][kind]++;
        s->tally->done[number][kind] += storm_deeds[kind].act(&w);
        if (burst-- == 0) {
            burst = (unsigned)storm_draw(&w, BURST);
            wait_until(begun + s->seconds * w.deeds / s->deeds);
        }
    }
}

/* Start the writers and wait for them; the number that failed. */
static unsigned run(const struct storm *s)
{
    unsigned failed = 0;

    for (unsigned i = 0; i < s->writers; i++) {
        const pid_t pid = fork();

        if (pid < 0) {
            die("it cannot fork");
        }
        if (pid == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            write_all(s, i);
            _exit(0);
        }
    }
    for (unsigned i = 0; i < s->writers; i++) {
        int status = 1;

        failed += wait(&status) < 0 || status != 0;
    }
    return failed;
}

/* The line of what was done. */
static void print_tally(const struct storm *s)
{
    printf("{\"seed\": %llu", (unsigned long long)s->seed);
    for (size_t k = 0; k < storm_deed_count; k++) {
        unsigned long tried = 0;
        unsigned long done = 0;

        for (unsigned i = 0; i < s->writers; i++) {
            tried += s->tally->tried[i][k];
            done += s->tally->done[i][k];
        }
        printf(", \"%s\": [%lu, %lu]", storm_deeds[k].name, done, tried);
    }
    printf("}\n");
}

/* Leave out the deeds of a list with commas. */
static void leave_out(struct storm *s, char *names)
{
    char *rest = NULL;

    for (char *name = strtok_r(names, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
        size_t i = 0;

        while (i < storm_deed_count && strcmp(storm_deeds[i].name, name) != 0) {
            i++;
        }
        if (i == storm_deed_count) {
            die("no deed has the name that -x gives");
        }
        s->left_out[i] = true;
    }
}

/* A number of the command line. */
static uint64_t number(const char *text, uint64_t most)
{
    char *end;
    const uint64_t value = strtoull(text, &end, 10);

    if (end == text || *end || value > most) {
        die("a number is wrong");
    }
    return value;
}

static void parse(int argc, char **argv, struct storm *s)
{
    int c;

    while ((c = getopt(argc, argv, "w:n:d:s:x:")) != -1) {
        switch (c) {
        case 'w':
            s->writers = (unsigned)number(optarg, WRITERS_MAX);
            break;
        case 'n':
            s->deeds = (unsigned)number(optarg, 100000000);
            break;
        case 'd':
            s->depth = (unsigned)number(optarg, 16);
            break;
        case 's':
            s->seconds = strtod(optarg, NULL);
            break;
        case 'x':
            leave_out(s, optarg);
            break;
        default:
            die("usage: storm [-w writers] [-n deeds] [-d depth] [-s seconds] [-x deeds] "
                "IN OUT SEED");
        }
    }
    if (argc - optind != 3) {
        die("IN, OUT and SEED are wanted");
    }
    s->seed = number(argv[optind + 2], UINT32_MAX);
    if (!realpath(argv[optind], s->in_path) || !realpath(argv[optind + 1], s->out_path)) {
        die("a directory is not there");
    }
}

int main(int argc, char **argv)
{
    struct storm s = {.writers = 2, .deeds = 1000, .depth = 4};
    unsigned failed;

    parse(argc, argv, &s);
    s.in = open(s.in_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    s.out = open(s.out_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    s.tally =
        mmap(NULL, sizeof *s.tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s.in < 0 || s.out < 0 || s.tally == MAP_FAILED || storm_deed_count > KINDS_MAX) {
        die("it cannot begin");
    }
    failed = run(&s);
    print_tally(&s);
    return failed ? 1 : 0;
}
