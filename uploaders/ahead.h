/*
 * Is a file better read by a reader's thread than by the worker itself? Pure.
 *
 * From the page cache a small file is read in less time than it takes to hand it to another thread
 * and back; from a network file system each question takes a millisecond or more, in which the
 * worker could do other things. So the worker times what it reads itself: where every fifth read
 * is slow, or more, the readers do it, and every AHEAD_PROBE-th is still read here to see whether
 * that holds.
 *
 * A busy machine makes reads slow too, but no reader helps against that: only a thread that gave
 * its processor away by itself waited for the file. Asking the system for that costs a little, so
 * it is asked for the next AHEAD_WATCH reads once one was slow.
 */
#ifndef LOCKSTEP_UPLOADERS_AHEAD_H
#define LOCKSTEP_UPLOADERS_AHEAD_H

#include <stdbool.h>
#include <stdint.h>

#define AHEAD_LARGE       2           /* large bodies that are always worth their memory */
#define AHEAD_LARGE_BYTES (16u << 20) /* and so many bytes of smaller ones */

#define AHEAD_SLOW_US      400 /* a read that takes longer, and longer than its bytes explain */
#define AHEAD_BYTES_PER_US 500
#define AHEAD_PROBE        64
#define AHEAD_WATCH        8

/* Zeroed to begin. */
struct ahead {
    unsigned score;
    unsigned since; /* reads since the last one here */
    unsigned watch; /* reads that are still to be looked at closely */
};

/* ahead_hands_on(a): is the next file read by the readers? */
bool ahead_hands_on(struct ahead *a);

/* ahead_watches(a): count how often the thread waits in the next read. */
bool ahead_watches(const struct ahead *a);

/* ahead_timed(a, bytes, took_us, waits): the worker read so many bytes in that time, and waited so
 * often; -1: not counted. */
void ahead_timed(struct ahead *a, uint64_t bytes, int64_t took_us, int64_t waits);

/* ahead_timed_large(a, bytes, took_us, waits): the same of what is large: a wait now and then is
 * for a page of memory or a lock. */
void ahead_timed_large(struct ahead *a, uint64_t bytes, int64_t took_us, int64_t waits);

/* ahead_is_slow(a): the readers are in use. */
bool ahead_is_slow(const struct ahead *a);

/* The large bodies of a worker that are in memory. */
struct ahead_bodies {
    unsigned count;
    unsigned reading; /* of them */
    uint64_t bytes;
    unsigned all; /* being read, of all workers */
    unsigned processors;
    unsigned worth; /* so many at once keep the network busy */
};

/* ahead_is_enough(a, b, n): would one more, of n bytes, only lie in memory? It is worth its memory
 * while the network takes up what is read. Where files are waited for (a), what is being read is
 * besides that. Where they are at hand, reading and hashing keep a processor busy each, and more at
 * once than there are of those is none the faster. */
bool ahead_is_enough(const struct ahead *a, const struct ahead_bodies *b, uint64_t n);

#endif
