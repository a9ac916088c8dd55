/*
 * The agent's figures as one value, and their text for Prometheus. Pure.
 *
 * Who owns the state fills in a struct metrics and gives it away; whoever got it may take all the
 * time that a slow reader needs. Labels have few values: names of mappings, of states, operations,
 * results and causes; never a path or a message.
 */
#ifndef LOCKSTEP_AGENT_CORE_METRICS_H
#define LOCKSTEP_AGENT_CORE_METRICS_H

#include "agent/core/latency.h"
#include "agent/core/pending.h"
#include "agent/core/trouble.h"
#include "base/buf.h"
#include "conf/conf.h"
#include "uploaders/uploaders.h"

#include <stdbool.h>
#include <stdint.h>

#define METRICS_NOT_KNOWN (-1) /* of an age or a time: there is no sample then */

struct metrics_mapping {
    char name[CONF_NAME_MAX + 1];
    char file_system[32];
    bool is_lists;
    uint64_t in_step; /* flags are 0 or 1 */
    uint64_t scanning;
    uint64_t reachable;  /* its root is there and answers */
    uint64_t incomplete; /* events were lost and are not made up for, or a scan could not see all */
    uint64_t blocked;    /* nothing gets through to S3 */
    uint64_t files;      /* in S3, as known */
    uint64_t bytes;
    uint64_t held;    /* removals */
    uint64_t kept;    /* objects without their files */
    uint64_t drifted; /* others' objects that were not deleted; a count since the start */
    uint64_t directories, watches, unwatched, limited, to_go;
    uint64_t events, overflows, scans; /* since the start */
    int64_t oldest_ms;                 /* age of the oldest change that is not in S3; 0: none */
    int64_t blind_ms;
    int64_t rescan_ms;   /* 0: only when asked */
    int64_t scan_age_ms; /* since the last whole scan that saw everything; METRICS_NOT_KNOWN */
    uint64_t states[ITEM_STATE_COUNT];
    struct latency latency; /* from the first sign of a change to its object in S3 */
};

/* What a cause holds up now. */
struct metrics_trouble {
    const char *cause;
    const char *operation;
    const char *mapping; /* its name; "" where all are concerned */
    uint64_t open;
};

/* This process, as the kernel tells. */
struct metrics_process {
    uint64_t resident_bytes, virtual_bytes;
    uint64_t own_bytes; /* of the resident ones, those that are of no file */
    uint64_t open_fds, max_fds;
    uint64_t threads;
    int64_t cpu_ms, started_ms; /* started: since 1970 */
};

/* What lies on the disk. */
struct metrics_disk {
    uint64_t journal_bytes, journal_segments;
    uint64_t segments_behind; /* closed ones that S3 does not have */
    uint64_t index_bytes;
    uint64_t free_bytes;
};

struct metrics {
    int64_t taken_us;
    int64_t started_us; /* the agent; the process may be older */
    uint64_t in_step, paused;
    bool standing_by;    /* another agent acts */
    bool no_room;        /* the disk is full: nothing is begun */
    bool journal_failed; /* for good: only a new start helps */
    bool watchers_stuck; /* their thread does not move */

    uint64_t changes[CHANGE_REMOVE + 1]; /* done, by kind; none of CHANGE_NONE */
    uint64_t lists_rewritten, rows_changed, lists_waiting;
    uint64_t in_flight, at_once, at_once_max;
    uint64_t failures[TROUBLE_KIND_COUNT];
    struct uploaders_counts s3;
    uint64_t keys_failures;
    int64_t keys_expire_us; /* METRICS_NOT_KNOWN: nothing says that they do */

    uint64_t journal_records, journal_failovers;
    uint64_t unsigned_lines;
    uint64_t signing_failed;
    uint64_t anchor_failures;  /* in a row */
    int64_t checkpoint_age_ms; /* METRICS_NOT_KNOWN: none in this run, or nothing is signed */
    bool anchored;             /* segments go to S3: */
    char anchored_segment[64]; /* up to this file; "": none yet */

    struct metrics_mapping *mappings;
    size_t mapping_count;
    struct metrics_trouble troubles[TROUBLES_MAX];
    size_t trouble_count;

    /* Not the owner's, who asks no disk. */
    struct metrics_process process;
    struct metrics_disk disk;
};

/* metrics_new(mappings): zeroed, with room for so many; NULL without memory. metrics_free: NULL is
 * allowed. */
struct metrics *metrics_new(size_t mappings);
void metrics_free(struct metrics *m);

/* metrics_healthy(m, why): does the agent get on, and is it safe? Else why not, a line for each
 * reason. 1, 0, or a negative code. */
int metrics_healthy(const struct metrics *m, struct buf *why) __attribute__((warn_unused_result));

/* metrics_render(m, version, out): the text. 0, -ENOMEM or ERR_LIMIT (out ends somewhere then). */
int metrics_render(const struct metrics *m, const char *version, struct buf *out)
    __attribute__((warn_unused_result));

#endif
