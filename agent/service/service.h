/*
 * The service: one run of the agent, from the configuration to its end.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_SERVICE_H
#define LOCKSTEP_AGENT_SERVICE_SERVICE_H

#include "base/buf.h"
#include "base/err.h"
#include "conf/conf.h"
#include "uploaders/uploaders.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Exit statuses of every command. */
#define EXIT_IN_STEP     0
#define EXIT_DIFFERENCES 1
#define EXIT_USAGE       2
#define EXIT_HELD        3
#define EXIT_UNREACHED   4

struct agent_options {
    bool once;            /* reconcile what is on disk now, then end */
    bool dry_run;         /* with once: say what would be done, do nothing */
    bool json;            /* dry_run: as JSON lines */
    FILE *out;            /* dry_run: where to */
    struct conf *reloads; /* the configuration, where it may be taken over anew; NULL: it may not */
};

/* What was done since the start (dry_run: would be). */
struct agent_totals {
    uint64_t adds, edits, metas, renames, removes;
    uint64_t puts, copies, deletes, bytes;
    uint64_t lists_rewritten, rows_changed;
    struct s3_requests requests; /* dry_run: what it would take */
    uint64_t failures;
};

/* service_run(conf, options, ret_totals, e): run until a signal or, with once, until all is done.
 * Returns an exit status; with EXIT_USAGE or EXIT_UNREACHED e says why. ret_totals may be NULL. */
int service_run(const struct conf *conf, const struct agent_options *options,
                struct agent_totals *ret_totals, struct err *e);

/* service_status_offline(conf, json, out, e): what the state directory tells while no agent runs.
 * Returns an exit status. */
int service_status_offline(const struct conf *conf, bool json, struct buf *out, struct err *e);

/* What an operator says of held removals. */
struct service_said {
    const char *mapping; /* NULL: of all */
    const char *path;    /* at and beneath this one, below the mapping; NULL: of all */
    bool discard;        /* they never happen: the objects stay; else they go */
};

/* service_said_offline(conf, said, ret_count, e): the same while no agent runs: released removals
 * go at its next start, discarded ones are done with. 0 or a negative code; -EBUSY while an agent
 * runs; -ENOENT: no such mapping. */
int service_said_offline(const struct conf *conf, const struct service_said *said,
                         uint64_t *ret_count, struct err *e) __attribute__((warn_unused_result));

/* service_each_held(conf, said, fn, arg, e): the paths (below their mapping) of what is held, in
 * the order of keys within a mapping, as far as it was committed; beside a running agent too. 0,
 * what fn gave, or a negative code. */
int service_each_held(const struct conf *conf, const struct service_said *said,
                      int (*fn)(void *arg, const struct conf_mapping *m, const char *path),
                      void *arg, struct err *e) __attribute__((warn_unused_result));

/* service_uploaders_options(conf, ret): the S3 side's options as the configuration has them;
 * strings are borrowed from conf. */
void service_uploaders_options(const struct conf *conf, struct uploaders_options *ret);

#define CONTROL_WAIT_S 30 /* an answer may take this long, but for "wait" */

/* control_call(conf, request, out, ret_status): ask the running agent. `request` is one line of
 * JSON; the reply's text is appended to out. 0, -ECONNREFUSED or -ENOENT where no agent runs. */
int control_call(const struct conf *conf, const char *request, struct buf *out, int *ret_status)
    __attribute__((warn_unused_result));
/* The same for an answer that may take wait_s seconds; 0: any time. -EPROTO where the agent ended
 * before it answered. */
int control_call_for(const struct conf *conf, const char *request, int64_t wait_s, struct buf *out,
                     int *ret_status) __attribute__((warn_unused_result));

#endif
