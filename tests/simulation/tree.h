/* What people did, and what the rules have to know of it. tree.c fills it in, rules.c reads it. */
#ifndef LOCKSTEP_TESTS_SIMULATION_TREE_H
#define LOCKSTEP_TESTS_SIMULATION_TREE_H

#include "tests/simulation/sim.h"

#include <sys/stat.h>

struct tree {
    struct {
        unsigned image; /* the number of the file, in the order they were made; 0: none */
        unsigned content;
    } disk[SIM_PATHS];
    unsigned images, contents, rows;
    unsigned row_image[SIM_ROWS];   /* of which image the row was written; 0: nobody can tell */
    unsigned row_first[SIM_ROWS];   /* the same, whatever it inherited since */
    bool row_saved[SIM_ROWS];       /* it came back with an old list, after its image had left */
    bool row_loose[SIM_ROWS];       /* it may go though its image is there; see inherit() */
    uint64_t row_due[SIM_ROWS];     /* images whose rows by that name were due to go elsewhere */
    uint64_t since_rows[SIM_PATHS]; /* images that were there since rows followed last */
    unsigned was_at[SIM_IMAGES];    /* places, by bits */
    bool removed[SIM_IMAGES];       /* by itself, not by another that came over it */
    bool late[SIM_IMAGES];          /* it came to a place from which one was removed */
    int died_at[SIM_IMAGES];        /* the path of an image that is gone; -1: it is there */
    bool needs_row[SIM_IMAGES];     /* of its loose rows one is to be left */
    int heir_at[SIM_IMAGES];        /* it overwrote one there that rows named: one is to be left */
    int row_early[SIM_ROWS];        /* where it was written before S3 had its image there; -1 */
    int row_unheard[SIM_ROWS];      /* the same, or before the agent heard that it did; -1 */
    unsigned row_before[SIM_ROWS];  /* another that S3 had there, as far as was heard; 0: none */
    uint64_t row_others[SIM_ROWS];  /* others that had been there, and were never in S3 so */
    bool overwrote[SIM_IMAGES];     /* it came over another one, on disk or in S3 */
    unsigned stored_at[SIM_IMAGES]; /* places under which S3 has had it */
    unsigned
        unheard_at[SIM_IMAGES];  /* places where it came to S3, and a crash before word of that */
    bool landed[SIM_IMAGES];     /* it came to S3 at a second path: its first may go */
    uint64_t heirs[SIM_IMAGES];  /* images that have its rows since, by bits */
    unsigned removals;           /* of images that are nowhere else */
    unsigned max_removals;       /* as the agent is configured */
    unsigned remains[SIM_PATHS]; /* S3 got it there, and no crash left word of that */
    unsigned begun_with[SIM_PATHS]; /* what was there, as was told, when the list went off */
    bool crashed;
    bool slipped[SIM_IMAGES]; /* S3 got another one at its place before events told that it left */
    bool unkeyed[SIM_IMAGES]; /* the same, and a crash before S3 had it elsewhere */
    char old_list[SIM_CONTENT_SIZE];
    struct stat list_stat;
    const char *wrong;
};
extern struct tree tree;

/* tree_file_text: what is in the file at the path, or would be. tree_image_in_bucket: the number of
 * the image that S3 has under the path's key; 0: none. tree_place_of: where an image is on disk;
 * -1: nowhere. */
void tree_file_text(unsigned p, char out[SIM_CONTENT_SIZE]);
unsigned tree_image_in_bucket(unsigned p);
int tree_place_of(unsigned image);

#endif
