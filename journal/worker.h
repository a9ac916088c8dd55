/*
 * A thread of the writer's that does one thing whenever it is asked to. Shell. Private to journal/.
 *
 * From journal_worker_ask until its answer was taken, what the work reads and writes is the
 * thread's; it takes no signals.
 */
#ifndef LOCKSTEP_JOURNAL_WORKER_H
#define LOCKSTEP_JOURNAL_WORKER_H

#include <stdbool.h>
#include <stddef.h>

struct journal_worker;

/* journal_worker_new(work, arg, ret): a thread that waits to be asked, and then calls work(arg, n)
 * for all n questions that are there, oldest first. 0, -ENOMEM, -errno. */
int journal_worker_new(void (*work)(void *arg, size_t n), void *arg, struct journal_worker **ret)
    __attribute__((warn_unused_result));

/* journal_worker_fd(w): readable while there is an answer to take. The worker's. */
int journal_worker_fd(const struct journal_worker *w);

#define JOURNAL_WORKER_MOST 4 /* questions at a time: that it works on, and that wait */

/* journal_worker_ask(w): to be called where it has room; questions are dealt with in their order.
 * journal_worker_has_room(w): fewer than JOURNAL_WORKER_MOST answers are still to be taken.
 * journal_worker_is_busy(w): it was asked, and an answer was not taken. journal_worker_take(w,
 * wait): take the oldest answer: true; false where nothing was asked, and without `wait` where it
 * is not through. */
void journal_worker_ask(struct journal_worker *w);
bool journal_worker_has_room(const struct journal_worker *w);
bool journal_worker_is_busy(const struct journal_worker *w);
bool journal_worker_take(struct journal_worker *w, bool wait);

/* journal_worker_free(w): wait for all that it was asked, and end it; NULL is allowed. */
void journal_worker_free(struct journal_worker *w);

#endif
