/*
 * Threads that read files for the workers, so that a file system that is slow to answer holds up
 * neither the network nor other files. Shell.
 *
 *   worker --readers_hand(task)--> a reader: task->read(task) --> the worker's inbox:
 * task->have(task)
 *
 * They begin when there is something to read and nobody to do it, up to READERS_MAX. Between
 * readers_hand and task->have the task is the reader's: nobody else may free it, end it, or touch
 * what task->read uses.
 */
#ifndef LOCKSTEP_UPLOADERS_READERS_H
#define LOCKSTEP_UPLOADERS_READERS_H

#include "uploaders/worker.h"

#define READERS_MAX 32

struct readers;

/* readers_new(): NULL without memory or descriptors. readers_stop(r): what is being read is read to
 * its end, what waits is left to its worker's worker_free; nothing is read any more. readers_free:
 * stops; after the workers are gone. NULL is allowed. */
struct readers *readers_new(void);
void readers_stop(struct readers *r);
void readers_free(struct readers *r);

/* readers_hand(r, task): have it read. Any thread. False where there is no thread to do it: then
 * the task is still the caller's. */
bool readers_hand(struct readers *r, struct task *task);

/* readers_large(r): large bodies, of whichever worker, that are being read or wait for that. */
unsigned readers_large(struct readers *r);

/* readers_waits(): how often the calling thread gave its processor away to wait for something. */
int64_t readers_waits(void);

#endif
