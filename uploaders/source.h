/*
 * The file behind a PUT: opened below its root, compared with what was observed, read once. Shell.
 *
 *   source_open -> source_read ... -> source_end -> source_close
 *
 * Only if source_end says VERDICT_DONE are the bytes those of the file as observed. Each tells the
 * transfer's code and message where it fails.
 */
#ifndef LOCKSTEP_UPLOADERS_SOURCE_H
#define LOCKSTEP_UPLOADERS_SOURCE_H

#include "uploaders/uploaders.h"

#include <stddef.h>

/* source_open(t, ret_fd): VERDICT_DONE with an open file that is as expected; VERDICT_ABSENT,
 * VERDICT_CHANGED, VERDICT_UNREADABLE. */
enum verdict source_open(struct transfer *t, int *ret_fd);

/* source_read(t, fd, p, n): the next n bytes. VERDICT_DONE, _CHANGED (it ended early),
 * _UNREADABLE. */
enum verdict source_read(struct transfer *t, int fd, char *p, size_t n);

/* source_judge(t, code): what a read that was done elsewhere and gave this code means: the same. */
enum verdict source_judge(struct transfer *t, int code);

/* source_end(t, fd): everything was read: stat is as before (a network file system's server is
 * asked), so there is no byte more. */
enum verdict source_end(struct transfer *t, int fd);

/* source_close(fd): -1 is allowed. */
void source_close(int fd);

/* source_load(t, p): all of these for a whole file into p (t->expected.size bytes); of a symbolic
 * link its target. VERDICT_REFUSED where that is too long. */
enum verdict source_load(struct transfer *t, char *p);

#endif
