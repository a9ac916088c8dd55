/*
 * A storm: what one writer is, and the deeds that it chooses from. For storm.c and storm_deeds.c.
 *
 * Names say what may happen to a file, so that the disk at quiet can be judged:
 *   d0 d1 ...       directories, or symbolic links in their place
 *   f0 f1 ...       files to which anything is done, but never linked
 *   h0 h1 ...       files that are linked; made at once and never written to again, since a write
 *                   through another link raises no event
 *   s0 s1 ...       symbolic links
 *   k<id>[_n].jpg   images that lists name: only ever renamed, each time to a name never used
 * before
 */
#ifndef LOCKSTEP_TESTS_SYSTEM_STORM_H
#define LOCKSTEP_TESTS_SYSTEM_STORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORM_PATH_SIZE 256
#define STORM_NAMES     5 /* of a kind, to choose from, so that they collide */

struct writer {
    uint64_t random; /* state of the generator */
    unsigned number;
    unsigned deeds;      /* done so far: makes contents and names unique */
    int in;              /* the watched tree */
    int out;             /* a place outside, on the same file system */
    const char *in_path; /* of `in` */
    const char *out_path;
    uint64_t depth; /* of paths, at most */
};

/* One kind of deed. `act` does it once and says whether the disk was changed. Failing is part of
 * the storm: others rename and remove what it wants. */
struct deed {
    const char *name;
    unsigned weight;
    bool (*act)(struct writer *w);
};

extern const struct deed storm_deeds[]; /* ends with a NULL name */
extern const size_t storm_deed_count;

/* storm_draw(w, below): the next number of the writer's generator, 0 .. below - 1. */
uint64_t storm_draw(struct writer *w, uint64_t below);

#endif
