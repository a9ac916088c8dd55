/*
 * A worker: one thread that carries many transfers through their calls. Shell.
 *
 * A task is one transfer inside the engine. It begins when there is a slot for its first call, and
 * ends with worker_end. All that a task's functions do happens on the worker's thread.
 *
 * Memory for bodies is counted. A task that asks for more than there is waits in line and is called
 * again (`feed`); one that alone is larger than everything is let through when nothing else is
 * there.
 */
#ifndef LOCKSTEP_UPLOADERS_WORKER_H
#define LOCKSTEP_UPLOADERS_WORKER_H

#include "base/mailbox.h"
#include "uploaders/caller.h"
#include "uploaders/uploaders.h"

#include <stdbool.h>
#include <stdint.h>

struct worker;
struct streams;

struct task {
    struct letter letter;
    struct transfer *transfer;
    struct mailbox *reply;            /* where the transfer goes in the end */
    void (*begin)(struct task *task); /* the first step */
    void (*feed)(struct task *task);  /* memory may be there now */
    void (*drop)(struct task *task);  /* free what the task holds; its calls are gone */
    void (*read)(struct task *task);  /* on a reader's thread, after worker_read */
    void (*have)(struct task *task);  /* it is read */
    int64_t handed_ms;                /* monotonic */

    enum lane lane; /* by the size of its file */

    /* The worker's. */
    struct worker *worker;
    struct task *before; /* among those that have begun */
    struct task *after;
    struct task *next; /* in the line for a slot, or for memory */
    bool hungry;       /* stands in the line for memory */
    bool reading;      /* is with the readers */

    uint64_t read_bytes; /* of the body that it asked memory for last */
    int64_t read_us;     /* what the readers took for it, and how often they waited */
    int64_t read_waits;
};

struct worker_options {
    struct site *site;
    struct flow *flow;
    struct counts *counts;
    struct readers *readers;
    struct spares *spares; /* of large bodies */
    const char *ca_file;
    const char *proxy;
    unsigned calls;              /* at once, at most */
    unsigned reads;              /* of large bodies at once that there are processors for */
    struct addresses *addresses; /* borrowed */
    unsigned attempts;
    int64_t timeout_ms;
    uint64_t memory_bytes;
    uint64_t multipart_bytes;
    uint64_t part_bytes;
    uint64_t seed;
    unsigned number;          /* for the thread's name */
    struct mailbox *outcomes; /* those that end close together are sent there together */
};

/* worker_new(opt, ret, e): start. worker_free: stop, free everything inside. */
int worker_new(const struct worker_options *opt, struct worker **ret, struct err *e)
    __attribute__((warn_unused_result));
void worker_free(struct worker *w);

/* worker_add(w, task, tasks): the task is to be the worker's, and is counted from now on; it waits
 * in the bundle. worker_hand(w, tasks): they are. worker_load(w): tasks counted. Any thread. */
void worker_add(struct worker *w, struct task *task, struct bundle *tasks);
void worker_hand(struct worker *w, struct bundle *tasks);
unsigned worker_load(const struct worker *w);

/* What follows is for tasks, on the worker's thread. */

/* worker_options_of(w): the limits. worker_caller(w): makes the calls. */
const struct worker_options *worker_options_of(const struct worker *w);
struct caller *worker_caller(const struct worker *w);

/* worker_body(task, n, ret): memory for a body of n bytes. BODY_WAIT: the task stands in line now,
 * and `feed` is called later. worker_body_back(task, p, n): back; NULL is allowed.
 * worker_body_cancel(task): out of the line, if it stands there. */
enum body_step { BODY_READY, BODY_WAIT, BODY_NO_MEMORY };
enum body_step worker_body(struct task *task, size_t n, char **ret);

/* worker_body_more(task, n): memory for one more large body, which is to be read together with the
 * one that the task has just asked for; NULL where there is none at once, or where files are waited
 * for, so that the first is better sent before the second is there. */
char *worker_body_more(struct task *task, size_t n);
void worker_body_back(struct task *task, char *p, size_t n);
void worker_body_cancel(struct task *task);

/* worker_stream(task): room for a body that goes by chunks (streams.h), BODY_READY or BODY_WAIT as
 * worker_body. worker_stream_back(task): it is over. worker_streams(w): where it begins; NULL where
 * files are waited for, which readers do better. */
enum body_step worker_stream(struct task *task);
void worker_stream_back(struct task *task);
struct streams *worker_streams(struct worker *w);

/* worker_reads_ahead(w): small files are better read by the readers than by the worker itself.
 * worker_read(task): have task->read called by a reader, then task->have. False where there is no
 * reader. worker_watches(w): the waits of what the worker reads itself are to be
 * counted. worker_timed(w, bytes, took_us, waits): it read so; -1: not counted. */
bool worker_reads_ahead(struct worker *w);
bool worker_read(struct task *task);
bool worker_watches(const struct worker *w);
void worker_timed(struct worker *w, uint64_t bytes, int64_t took_us, int64_t waits);

/* worker_pair(task): what was read is better gone on with two at a time: the task that waits for
 * another, or NULL: then this one waits, until the next asks or task->have is called, which is
 * as soon as none can begin. */
struct task *worker_pair(struct task *task);

/* worker_read_end(task): for the readers. */
void worker_read_end(struct task *task);

/* worker_again(task): call `feed` again after others had their turn; for a task that has much to
 * read and nothing to wait for. */
void worker_again(struct task *task);

/* worker_replace(task, other): the transfer goes on as another task, which begins now; `task` is
 * freed. It may not have calls in flight. */
void worker_replace(struct task *task, struct task *other);

/* worker_end(task, verdict): over; the task is freed by `drop`, the transfer goes to `reply`. */
void worker_end(struct task *task, enum verdict verdict);

#endif
