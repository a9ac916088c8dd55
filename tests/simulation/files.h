/*
 * The files of the simulated world, on a real tree in memory. What cannot be done there ends the
 * program.
 */
#ifndef LOCKSTEP_TESTS_SIMULATION_FILES_H
#define LOCKSTEP_TESTS_SIMULATION_FILES_H

#include "tests/simulation/sim.h"

#define FILES_LIST "l.lst"

/* files_begin(where): makes the folders of a tree, in that one. files_place: where a file of the
 * tree is. */
void files_begin(const char *where);
void files_place(char out[2 * SIM_PATH_SIZE], const char *root, const char *path);

/* files_write: its text; flags as of open(2). files_read: "" where there is none.
 * files_read_list: that of the list. */
void files_write(const char *path, const char *text, int flags);
void files_read(const char *path, char out[SIM_CONTENT_SIZE]);
void files_read_list(char out[SIM_CONTENT_SIZE]);

/* files_must(done): errno says why not. */
void files_must(bool done);

#endif
