/*
 * The records that the journal's bench is made of, by their numbers. Pure.
 *
 * The i-th image is bench_path(i), put with the ETag that its number gives. Three records speak of
 * each; nine in a row, three quarters of the way to the end, are others: the image in the middle
 * becomes BENCH_SHOWN, one more is refused at first, and two images' numbers are passed over.
 * tests/system/harness/made_journal.py has the same in Python.
 */
#ifndef LOCKSTEP_TESTS_BENCH_JOURNAL_RECORDS_H
#define LOCKSTEP_TESTS_BENCH_JOURNAL_RECORDS_H

#include "journal/journal.h"

#define BENCH_PATH_SIZE 96
#define BENCH_ETAG_SIZE 33
#define BENCH_BASE_US   INT64_C(1767323045123456)
#define BENCH_SHOWN     "train/renamed.jpg" /* what the image in the middle is called in the end */

/* What a record's strings are in. */
struct bench_texts {
    char path[BENCH_PATH_SIZE];
    char etag[BENCH_ETAG_SIZE];
};

/* bench_path(i, path): the path of the i-th image; returns it. */
char *bench_path(uint64_t i, char path[BENCH_PATH_SIZE]);

/* bench_record(rec, t, i, n, seq): the i-th of n records, which gets the number seq. Its strings
 * are in t. */
void bench_record(struct journal_record *rec, struct bench_texts *t, uint64_t i, uint64_t n,
                  uint64_t seq);

/* bench_tell_file(rec, i, n): let the i-th of n records, an upload, also say what stat said of the
 * file, as the agent's own do. */
void bench_tell_file(struct journal_record *rec, uint64_t i, uint64_t n);

#endif
