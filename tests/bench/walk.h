/*
 * The floor of a restart.
 */
#ifndef LOCKSTEP_TESTS_BENCH_WALK_H
#define LOCKSTEP_TESTS_BENCH_WALK_H

/* walk_bare(path, threads): list and stat all beneath, by threads. Prints seconds and files; the
 * exit status. */
int walk_bare(const char *path, int threads);

#endif
