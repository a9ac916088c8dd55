/*
 * The tracker's thread: rounds of taking what came, following the rules, giving out work and hints.
 * Shell; included by rounds.c and watchers.c only.
 */
#ifndef LOCKSTEP_WATCHERS_ROUNDS_H
#define LOCKSTEP_WATCHERS_ROUNDS_H

#include "watchers/marks.h"
#include "watchers/outbox.h"
#include "watchers/pool.h"
#include "watchers/reader.h"
#include "watchers/roots.h"
#include "watchers/tracker.h"

#include <pthread.h>

/* What the tracker thread is told, other than events. */
enum notice_kind { NOTICE_LOOKS, NOTICE_IDENTITY, NOTICE_RESCAN, NOTICE_GLANCE, NOTICE_MARK };

struct notice {
    struct notice *next;
    enum notice_kind kind;
    unsigned root;
};

#define LOOKS_MAX 16 /* checks that one thread does one after the other, and tells of at once */

/* NOTICE_LOOKS: what came of checks, all of one root. */
struct looks_notice {
    struct notice notice;
    size_t count;
    struct check_result looks[LOOKS_MAX];
};

/* NOTICE_IDENTITY: whether a root is what it was. */
struct identity_notice {
    struct notice notice;
    int code;
    int guard_wd;
};

/* NOTICE_RESCAN: a scan is wanted. */
struct rescan_notice {
    struct notice notice;
    char path[];
};

/* NOTICE_MARK: a mark is wanted. */
struct mark_notice {
    struct notice notice;
    struct mark *mark;
};

struct watchers {
    unsigned root_count;
    struct root *roots;
    bool scan_only;
    unsigned threads; /* of the pool */
    struct outbox *outbox;
    struct pool *pool;
    bool gathers;
    struct jobs gathered; /* looks that wait for watchers_look; the taker's */
    struct fan *fan;      /* NULL: cannot be had, or nobody wants it */
    struct reader *reader;
    struct tracker *tracker; /* the tracker thread's */
    pthread_t thread;
    bool running;
    bool notify_open;
    atomic_bool stop;
    atomic_uint_fast64_t rounds; /* that the tracker thread has made */
    atomic_bool dozes;           /* the tracker thread sleeps for long, or is about to */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    bool woken;
    struct batch *batches;
    struct batch **batches_end;
    struct notice *notices;
    struct notice **notices_end;
    struct watch_stats *stats; /* one a root */
    uint64_t events;
    bool busy; /* the tracker has work that was not handed out yet */

    size_t looks_out; /* checks in the pool; the tracker thread's */
    uint64_t events_read;
    struct marks marks;    /* the tracker thread's */
    uint64_t *whole_ended; /* one a root: scratch of the marks */
    bool barrier_out;      /* the reader was asked for one */
};

/* rounds_run(w): the thread, until w->stop; pthread_create's. */
void *rounds_run(void *w);

/* rounds_wake(w): something outside the inbox is to be seen to. Any thread. */
void rounds_wake(void *w);

/* rounds_ask(w, root): as stall_ask, and have the tracker thread look for the answer. Any thread.
 */
bool rounds_ask(struct watchers *w, unsigned root) __attribute__((warn_unused_result));

/* rounds_tell_take(w, n), rounds_give_take(w, b): put a notice or a batch into the inbox. Any
 * thread. */
void rounds_tell_take(struct watchers *w, struct notice *n);
void rounds_give_take(void *w, struct batch *b);

/* rounds_conclude(w, n, now_ms): the tracker hears what came of the checks. The tracker thread, or
 * after it. */
void rounds_conclude(struct watchers *w, struct looks_notice *n, int64_t now_ms);

#endif
