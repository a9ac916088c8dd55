/*
 * The thread that drains inotify and fanotify. Shell.
 *
 * It does nothing else: the kernel's queue is short, and what overflows it is lost. What it reads
 * it hands on in batches, in memory; if those are not worked off it drops them and says so.
 */
#ifndef LOCKSTEP_WATCHERS_READER_H
#define LOCKSTEP_WATCHERS_READER_H

#include "watchers/fan.h"
#include "watchers/tracker.h"

#define READER_BYTES_MAX (64 * 1024 * 1024) /* of events that wait to be worked off */

/* A batch of events in order. */
struct batch {
    struct batch *next;
    bool barrier; /* all that the kernel held when reader_barrier was called came before this */
    bool lost;    /* events were dropped before this */
    bool mounts;  /* the table of mounts changed */
    size_t len;
    size_t at; /* of batch_next */
    _Alignas(8) char data[];
};

/* batch_next(b, ret): the next event, valid as long as b; false at the end. */
bool batch_next(struct batch *b, struct raw_event *ret);

struct reader;

/* reader_new(notify_fd, fan, give, arg, ret): start the thread. fan (NULL: without) is borrowed.
 * give(arg, batch) is called by it; the batch is the taker's, who gives it back with reader_done. 0
 * or -errno. */
int reader_new(int notify_fd, struct fan *fan, void (*give)(void *arg, struct batch *b), void *arg,
               struct reader **ret) __attribute__((warn_unused_result));

/* reader_free(r): stop. NULL is allowed. Batches that are out must be given back before. */
void reader_free(struct reader *r);
/* reader_stop(r): end the thread; no batch comes after. */
void reader_stop(struct reader *r);

/* reader_done_take(r, b): the batch is worked off. Any thread. */
void reader_done_take(struct reader *r, struct batch *b);

/* reader_barrier(r): want a batch with `barrier`. Any thread. */
void reader_barrier(struct reader *r);

#endif
