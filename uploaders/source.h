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

#include "base/digest.h"
#include "uploaders/uploaders.h"

#include <stddef.h>

/* source_open(t, ret_fd): VERDICT_DONE with an open file that is as expected; VERDICT_ABSENT,
 * VERDICT_CHANGED, VERDICT_UNREADABLE. */
enum verdict source_open(struct transfer *t, int *ret_fd);

/* What is taken of bytes while they are read. */
struct source_sums {
    bool hashes; /* the SHA-256 too */
    uint64_t crc;
    char payload_hash[SHA256_HEX]; /* "" without it */
};

/* source_read(fd, at, p, n, sums): n bytes from `at` on, and what they add up to (sums->hashes is
 * set before; the rest is written even where it fails). The code is for source_judge. Any thread.
 */
int source_read(int fd, uint64_t at, char *p, size_t n, struct source_sums *sums)
    __attribute__((warn_unused_result));

/* What source_read_both reads: n bytes from `at` on into p. */
struct source_piece {
    uint64_t at;
    char *p;
    size_t n;
    struct source_sums *sums;
};

/* source_read_both(fd, pieces): one piece and then the next, as source_read would; their SHA-256
 * are computed side by side, which takes little more time than one of them. */
int source_read_both(int fd, const struct source_piece pieces[2])
    __attribute__((warn_unused_result));

/* source_hash(sums, body), source_hash_both(a, x, b, y): the SHA-256 of bodies that were read
 * without, of two of them side by side. */
void source_hash(struct source_sums *sums, struct span body);
void source_hash_both(struct source_sums *a, struct span x, struct source_sums *b, struct span y);

/* source_judge(t, code): what it means that source_read gave this code: VERDICT_DONE, _CHANGED (it
 * ended early), _UNREADABLE. */
enum verdict source_judge(struct transfer *t, int code);

/* source_end(t, fd): everything was read: stat is as before (a network file system's server is
 * asked), so there is no byte more. */
enum verdict source_end(struct transfer *t, int fd);

/* source_close(fd): -1 is allowed. */
void source_close(int fd);

/* source_load(t, p, sums): all of these for a whole file into p (t->expected.size bytes); of a
 * symbolic link its target. VERDICT_REFUSED where that is too long. */
enum verdict source_load(struct transfer *t, char *p, struct source_sums *sums);

#endif
