/*
 * A disk, a bucket and a journal in memory, and the oracle that watches them. It shares no code
 * with the agent. Four paths (two directories, two names), one list. Pure.
 */
#ifndef LOCKSTEP_TESTS_SIMULATION_WORLD_H
#define LOCKSTEP_TESTS_SIMULATION_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#define WORLD_PATHS  4
#define WORLD_ROWS   6
#define WORLD_IMAGES 64 /* so many files are made in one run at most */
#define WORLD_DEEDS  25 /* 12 renames, 4 removals, 4 writes, 4 rows, 1 emptied tree */

struct world_file {
    unsigned image; /* number of the file, in the order they were made; 0: none */
    unsigned content;
    unsigned changed; /* the clock of its last change */
};

struct world_list {
    unsigned count;
    int path[WORLD_ROWS]; /* that the row names; -1: the row was dropped */
};

enum world_intent { WORLD_NO_INTENT, WORLD_PUT, WORLD_DELETE };

struct world {
    unsigned clock, images, contents;
    struct world_file disk[WORLD_PATHS];
    struct world_file bucket[WORLD_PATHS];
    struct world_list list, listed; /* on disk, in S3 */
    unsigned row_image[WORLD_ROWS]; /* of which image the row was written; WORLD_IMAGES: of one that
                                      was not in S3 there: without events nobody can follow it */
    enum world_intent intent[WORLD_PATHS];
    bool landed[WORLD_IMAGES]; /* the image came to S3 at a second path: its first may go */
    unsigned removals;         /* deletions of images that are nowhere else */
    bool crashed;              /* the agent lost its memory: rows are not asked about at rest */
    const char *wrong;         /* the first rule that was broken; NULL: none */
};

/* world_begin(w): two images in step, one list with a row of each. */
void world_begin(struct world *w);

/* world_deed(w, deed, ret_touched): a person's deed; ret_touched has a bit for each path that
 * events would tell of, and bit WORLD_PATHS for the list. False: it is not possible now. */
bool world_deed(struct world *w, unsigned deed, unsigned *ret_touched);

/* What the agent does. Each is held against the rules. */
void world_intend(struct world *w, unsigned path, enum world_intent intent);
void world_put(struct world *w, unsigned path, struct world_file file);
void world_delete(struct world *w, unsigned path);
void world_put_list(struct world *w);
void world_outcome(struct world *w, unsigned path);

/* world_quiet(w, held): nothing is left to do; the bits of `held` are removals that a guard holds.
 */
void world_quiet(struct world *w, unsigned held);

#endif
