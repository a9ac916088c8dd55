/*
 * What a journal says in numbers: by day, by operation, how long S3 took, what failed and why.
 * Pure.
 */
#ifndef LOCKSTEP_JOURNAL_TALLY_H
#define LOCKSTEP_JOURNAL_TALLY_H

#include "journal/journal.h"

/* What was counted: records by what they speak of and where in their life they are. */
struct tally_counts {
    uint64_t records;
    uint64_t of[JOURNAL_OP_COUNT][JOURNAL_STATE_COUNT];
    uint64_t bytes; /* put into S3 */
};

/* A day of UTC. */
struct tally_day {
    int64_t day; /* since 1970 */
    struct tally_counts counts;
};

/* A reason that failures gave. */
struct tally_cause {
    const char *why; /* "" where none was told */
    uint64_t count;
    int64_t last_us; /* when it was given last */
};

/* How long changes took, from the intent, which is durable before anything is done, until S3 had
 * them: milliseconds; at most 1/16 too large, `most_ms` exactly. */
struct tally_times {
    uint64_t count;
    uint64_t half_ms, ninety_ms, ninety_nine_ms, most_ms;
};

struct tally;

/* tally_new(): NULL without memory. */
struct tally *tally_new(void);
void tally_free(struct tally *t);

/* tally_add(t, r): count a record, in the journal's order. Kept are a number a day, a reason, and
 * the time of an intent that has not ended. 0 or -ENOMEM. */
int tally_add(struct tally *t, const struct journal_record *r) __attribute__((warn_unused_result));

/* tally_sum(t, from): add what another one counted, of another journal. 0 or -ENOMEM; then t is
 * good for nothing but to be freed. */
int tally_sum(struct tally *t, const struct tally *from) __attribute__((warn_unused_result));

/* What was counted, valid until the next call with t: all of it; the days in order; the reasons,
 * most frequent first; the times; the intents that did not end. */
const struct tally_counts *tally_all(const struct tally *t);
const struct tally_day *tally_days(struct tally *t, size_t *ret_count);
const struct tally_cause *tally_causes(struct tally *t, size_t *ret_count);
struct tally_times tally_times(const struct tally *t);
struct tally_times tally_times_of(const struct tally *t, enum journal_op op); /* changes alone */
uint64_t tally_open(const struct tally *t);

/* tally_failures(c): the failures of all operations. */
uint64_t tally_failures(const struct tally_counts *c);

/* Those of the times that are less than a power of two, and not less than the one before. */
struct tally_band {
    uint64_t below_ms;
    uint64_t count;
};
#define TALLY_BANDS 61

/* tally_bands(t, out): the bands from the first to the last that has times; returns how many. */
unsigned tally_bands(const struct tally *t, struct tally_band out[TALLY_BANDS]);

#endif
