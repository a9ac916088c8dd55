/*
 * Calls of the C library, libcrypto and libzstd that fail on command, each in turn, for tests that
 * are linked with $(failing_calls_WRAP).
 *
 * each_call_fails runs a deed again and again: the first call fails, the second, and so on until
 * the deed makes fewer calls. They say EIO (memory: ENOMEM); in further rounds, of every fifth
 * call, EINTR or ENOSPC, and in one all that follow fail, too. Whatever the deed then answers, it
 * has to leave no descriptor open (and, as the sanitized builds see, no memory), and what is on
 * disk has to pass the deed's check.
 *
 * What fails is what the code under test calls, not what the C library calls itself. A close that
 * fails has closed. fsync, fdatasync, fallocate and nanosleep do nothing where they do not fail.
 */
#ifndef LOCKSTEP_TESTS_FAILING_CALLS_H
#define LOCKSTEP_TESTS_FAILING_CALLS_H

#include <stdbool.h>

struct deed {
    void (*prepare)(void); /* before each run, with no call failing; may be NULL */
    int (*act)(void);      /* 0, or the code that the call under test gave */
    void (*check)(int rc); /* after it, with no call failing; may be NULL */
    unsigned least;        /* it makes more calls than these */
};

void each_call_fails(const struct deed *deed);

/* Where a deed is done: what the file system has not, and who else is at work. */
struct failing_world {
    bool no_exchange;
    bool no_leases;
    void (*before_rename)(void); /* before each renameat2, with no call failing; may be NULL */
};
extern struct failing_world failing_world;

#endif
