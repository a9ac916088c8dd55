/*
 * The rules of watching: events and looks at the disk in, hints and orders out. Pure: no file is
 * touched here, time is an argument.
 *
 * Events come late, so the model lags behind the disk; a look at the disk sees ahead of the events.
 * What makes the two meet:
 *
 *  - Every event about a directory's coming to a place is followed by a *check* of that place that
 *    begins after the event was read: open what is there, watch it, then list it.
 *  - A check names the inode of the directory that it expects as parent. Where the path leads
 *    elsewhere the place is *dirty*: it is checked again after a *barrier*, when every event that
 *    was queued at that moment has been read.
 *  - What a check finds is known by its watch descriptor: if it is known in another place, it has
 *    moved, and the place it left is checked.
 *  - A place found empty is given up only if it is empty again after a barrier.
 *  - What left its place waits in limbo until its new place is known, or its time is up.
 *
 * States of a node's check:
 *   IDLE -> QUEUED (wanted) -> FLYING (tracker_next_check) -> IDLE, or QUEUED (wanted again
 *   meanwhile), or DIRTY (no conclusion) -> QUEUED (after a barrier)
 */
#ifndef LOCKSTEP_WATCHERS_TRACKER_H
#define LOCKSTEP_WATCHERS_TRACKER_H

#include "watchers/filter.h"
#include "watchers/hints.h"
#include "watchers/model.h"

#define RENAME_WAIT_MS    500   /* how long half a rename waits for its other half */
#define PARKED_MAX        65536 /* events of unknown watches that wait for checks in flight */
#define FLIGHTS_MAX       256   /* checks in flight */
#define DIRTY_WAIT_MIN_MS 2     /* between rounds of dirty places: doubles while they stay dirty */
#define DIRTY_WAIT_MAX_MS 1000
#define LOST_WAIT_MIN_MS  1000 /* between looks at a root that is lost; doubles */
#define LOST_WAIT_MAX_MS  30000
#define PASS_WAIT_MIN_MS  100 /* between passes after losses; at least as long as one takes */
#define PASS_WAIT_FEW     1000
#define PASS_WAIT_MAX_MS  60000

/* Bits of an event's mask beside inotify's, for events of fanotify (fan_event.h). */
#define EVENT_LOOK  UINT32_C(0x00010000) /* nothing but: the place is to be looked at */
#define EVENT_ALONE UINT32_C(0x00020000) /* the directory above is not told, as inotify would */

/* An event as the kernel gives it. */
struct raw_event {
    int wd;
    uint32_t mask;
    uint32_t cookie;
    const char *name; /* "" where there is none */
};

/* A place to look at. Made by tracker_next_check, given back by tracker_result. */
struct check {
    struct node *node;
    unsigned root;
    uint32_t moves;
    uint64_t serial;
    uint64_t said;       /* hints, before the check was made */
    uint64_t parent_ino; /* 0: do not look (the place is the root) */
    uint64_t ino;        /* a glance will do if this directory is still there */
    uint64_t mark;       /* and its times are these (place_mark); 0: list it whatever they are */
    uint32_t generation; /* of the root, when the check was made */
    bool metered;        /* counts against the root's rate */
    bool slow;           /* of a slow pass */
    char path[];
};

enum check_outcome {
    CHECK_FOUND,     /* a directory; opened, watched, listed */
    CHECK_SAME,      /* the glance did: neither listed nor watched anew; listing is NULL */
    CHECK_ABSENT,    /* the parent is right, and has no directory of that name */
    CHECK_MISPLACED, /* the path's parent is not there, or is another directory */
    CHECK_UNREADABLE /* there, but it cannot be read: code; listing is NULL */
};

struct check_result {
    struct check *check;
    enum check_outcome outcome;
    int code;
    uint64_t ino;
    int wd;         /* -1: none */
    int watch_code; /* 0, or why there is none */
    uint64_t mark;  /* of its times before it was listed; 0: they prove nothing */
    int64_t age_s;  /* since its mtime */
    struct listing *listing;
};

struct tracker_root_counts {
    uint64_t overflows;
    uint64_t scans;
    uint64_t whole_begun; /* whole scans, numbered from 1: the last that began, */
    uint64_t whole_ended; /* and the last that ended with its root in place */
    int64_t last_scan_ms;
    int64_t names_from_ms; /* the last time that all names were looked at: begun, ended */
    int64_t names_ms;
    int64_t seen_from_ms;   /* the last time that everything was looked at, without an error: */
    int64_t seen_ms;        /* begun, ended */
    int64_t sliced_from_ms; /* and everything that has no watch: begun */
    bool scanning;          /* names may be known in one place and not yet in another */
    int64_t incomplete_since_ms; /* events were lost then, and not all was looked at since; 0: no */
};

struct tracker;

/* tracker_new(filters, count, watching, ret): filters (one a root) are borrowed; a scan of each
 * root is wanted. 0 or -ENOMEM. */
int tracker_new(struct filter *const *filters, unsigned root_count, bool watching,
                struct tracker **ret) __attribute__((warn_unused_result));
/* tracker_scan_only(t, root): no directory of this root has a watch. Before the first event. */
void tracker_scan_only(struct tracker *t, unsigned root);
/* tracker_free(t): no check may be in flight. NULL is allowed. */
void tracker_free(struct tracker *t);

/* tracker_event(t, ev, now_ms): one event, in the order of the queue. */
void tracker_event(struct tracker *t, const struct raw_event *ev, int64_t now_ms);

/* tracker_overflow(t, now_ms): events or hints were lost: a fast pass glances at every known
 * directory and lists what moved, HINT_SCAN_DONE; a slow pass then lists the rest, what was active
 * last first, HINT_WHOLE. */
void tracker_overflow(struct tracker *t, int64_t now_ms);

/* tracker_glance(t, root): the fast pass alone, though nothing is known to be lost: where may a
 * name be that is gone? HINT_PASS_DONE, or HINT_SCAN_DONE after a loss. Nothing if the root is
 * lost. */
void tracker_glance(struct tracker *t, unsigned root);
/* tracker_patrol(t, root, now_ms): the same passes, though nothing is known to be lost:
 * HINT_PASS_DONE, then HINT_SCAN_DONE. Nothing if there is something of the kind under way. */
void tracker_patrol(struct tracker *t, unsigned root, int64_t now_ms);
/* tracker_slice(t, root, share, now_ms): list one `share`-th of the directories, those that were
 * not listed for the longest, and all that have no watch; HINT_PASS_DONE. */
void tracker_slice(struct tracker *t, unsigned root, unsigned share, int64_t now_ms);

/* tracker_set_rate(t, root, looks_per_s): directories and files that scans look at a second; 0: any
 * number. */
void tracker_set_rate(struct tracker *t, unsigned root, uint32_t looks_per_s);

/* tracker_wants_barrier(t, now_ms): true once for each barrier that is wanted; the answer is
 * tracker_barrier when all events that the kernel held at that moment went through tracker_event.
 */
bool tracker_wants_barrier(struct tracker *t, int64_t now_ms);
void tracker_barrier(struct tracker *t);

/* tracker_next_check(t, now_ms): the next place to look at (the caller's until tracker_result), or
 * NULL. What events ask for comes first. */
struct check *tracker_next_check(struct tracker *t, int64_t now_ms);
/* tracker_result(t, r, now_ms): r->check and r->listing are taken. */
void tracker_result(struct tracker *t, struct check_result *r, int64_t now_ms);

/* tracker_scan(t, root, path): list this directory and all beneath it; HINT_SCAN_DONE follows. The
 * root must be confirmed first, so tracker_wants_identity will ask. 0 or -ENOMEM. */
int tracker_scan(struct tracker *t, unsigned root, const char *path)
    __attribute__((warn_unused_result));

/* tracker_wants_identity(t, root): true once for each look at the root's identity that is wanted;
 * the answer is tracker_identity: code 0 if the path is the directory that was opened. */
bool tracker_wants_identity(struct tracker *t, unsigned root);
/* tracker_suspect_root(t, root): something happened to the mounts: want a look. */
void tracker_suspect_root(struct tracker *t, unsigned root);
/* tracker_unasked(t, root): the root's identity could not be asked for; once it answers again. */
void tracker_unasked(struct tracker *t, unsigned root);
void tracker_identity(struct tracker *t, unsigned root, int code, int64_t now_ms);
/* tracker_set_stuck(t, root, stuck): nothing of a stuck root is looked at. */
void tracker_set_stuck(struct tracker *t, unsigned root, bool stuck);

/* tracker_guard(t, root, wd): the watch on the directory above the root (-1: none). What is removed
 * or renamed there may be the root: our own descriptor on it keeps the kernel from saying so. */
void tracker_guard(struct tracker *t, unsigned root, int wd);
/* tracker_is_quiet(t): no check is wanted or on its way but those of slow passes, no half rename
 * waits for its other half. */
bool tracker_is_quiet(const struct tracker *t);

/* tracker_is_passing(t, root): a patrol, a slice or what follows a loss is under way. */
bool tracker_is_passing(const struct tracker *t, unsigned root);

bool tracker_root_is_lost(const struct tracker *t, unsigned root);

/* tracker_expire(t, now_ms): conclude what time concludes; only when no events are waiting.
 * tracker_deadline_ms(t): when next to call it (or tracker_wants_barrier); INT64_MAX: never. */
void tracker_expire(struct tracker *t, int64_t now_ms);
int64_t tracker_deadline_ms(const struct tracker *t);

/* tracker_hints(t), tracker_released(t): what has come out so far; the caller empties them. */
struct hint_list *tracker_hints(struct tracker *t);
struct wd_list *tracker_released(struct tracker *t);

const struct model_counts *tracker_model_counts(const struct tracker *t, unsigned root);
const struct tracker_root_counts *tracker_root_counts(const struct tracker *t, unsigned root);

#endif
