/*
 * A directory of a test's own, and files in it.
 */
#ifndef LOCKSTEP_TESTS_SCRATCH_H
#define LOCKSTEP_TESTS_SCRATCH_H

/* scratch_setup, scratch_teardown: cmocka's; make a directory below $TMPDIR or /tmp, and remove it
 * with all that is in it. */
int scratch_setup(void **state);
int scratch_teardown(void **state);

/* scratch_path(): the directory. scratch_fd(): O_RDONLY on it, owned here. */
const char *scratch_path(void);
int scratch_fd(void);

/* scratch_write(name, text), scratch_mkdir(name), scratch_link(target, name): make something in it;
 * a failure fails the test. */
void scratch_write(const char *name, const char *text);
void scratch_mkdir(const char *name);
void scratch_link(const char *target, const char *name);

/* scratch_read(name): the first 4095 bytes of a file as a string, valid until the next call; NULL
 * if it is not there. */
const char *scratch_read(const char *name);

/* scratch_count(): names in the directory itself. */
int scratch_count(void);

#endif
