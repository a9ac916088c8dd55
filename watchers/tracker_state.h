/*
 * What the files of the tracker share. Pure; included by tracker*.c only.
 */
#ifndef LOCKSTEP_WATCHERS_TRACKER_STATE_H
#define LOCKSTEP_WATCHERS_TRACKER_STATE_H

#include "base/path.h"
#include "watchers/cookies.h"
#include "watchers/tracker.h"

/* Nodes in a line, linked through queue_next; each is pinned. */
struct node_queue {
    struct node *first;
    struct node *last;
    size_t count;
};

/* An event of a watch that no node has: it may belong to a check that is in flight. */
struct parked {
    struct parked *next;
    uint64_t until; /* the youngest check in flight when it came */
    int wd;
    uint32_t mask;
    uint32_t cookie;
    char name[];
};

/* A scan that was asked for. */
struct scan_request {
    struct scan_request *next;
    char path[];
};

struct tracker_root {
    const struct filter *filter;
    struct scan_request *requests; /* not begun yet */
    struct scan_request *running;  /* NULL while the whole root is scanned */
    bool begun;                    /* a scan is running */
    bool whole_wanted;             /* a scan of the whole root that the rules themselves want */
    bool again;    /* events were lost during the scan: once more before it counts */
    int scan_code; /* the first error of the scan */
    bool lost;
    int64_t lost_wait_ms; /* between looks at a lost root */
    int64_t lost_at_ms;   /* the next one */
    int guard_wd;         /* the watch on the directory above; -1: none */
    bool wants_identity;  /* a look at the identity is wanted */
    bool asked_identity;  /* and on its way */
    struct tracker_root_counts counts;
};

struct tracker {
    struct model *model;
    struct cookies *cookies;
    unsigned root_count;
    bool watching;        /* false: scan only, no node ever has a watch */
    bool short_of_memory; /* a hint could not be made */
    struct tracker_root *roots;
    struct node_queue urgent; /* checks that events ask for */
    struct node_queue slow;   /* checks of scans */
    struct node_queue dirty;  /* places that wait for a barrier to be asked for */
    struct node_queue asked;  /* places that wait for the barrier on its way */
    bool barrier_asked;
    int64_t dirty_wait_ms; /* until the next round */
    int64_t dirty_at_ms;   /* when the next round may begin */
    uint32_t stamp;
    uint64_t serial;
    uint64_t flights[FLIGHTS_MAX]; /* serials of the checks in flight */
    size_t flight_count;
    struct parked *parked_first;
    struct parked *parked_last;
    size_t parked_count;
    struct hint_list hints;
    struct wd_list released;
    char path[PATH_BYTES_MAX + 1]; /* scratch */
    char path2[PATH_BYTES_MAX + 1];
};

/* tracker_check(t, n, flags): want a check of n's place (flags: NODE_RECURSE, NODE_SCAN). */
void tracker_check(struct tracker *t, struct node *n, unsigned flags);

/* tracker_dirty(t, n): n, which is idle, is to be checked after a barrier. */
void tracker_dirty(struct tracker *t, struct node *n);

/* tracker_scan_whole(t, root): want a scan of the whole root; once more if one is running. */
void tracker_scan_whole(struct tracker *t, unsigned root);

/* tracker_entry_new(t, cookie, parent, name, n, now_ms): half a rename; n (or NULL) is the
 * directory, in limbo. NULL without memory. */
struct cookie_entry *tracker_entry_new(struct tracker *t, uint32_t cookie, struct node *parent,
                                       const char *name, struct node *n, int64_t now_ms);

/* tracker_limbo(t, n, now_ms): take n out of its place; it waits without a cookie for a check or an
 * event to find it, or for its time to be up. */
void tracker_limbo(struct tracker *t, struct node *n, int64_t now_ms);

/* tracker_entry_node(e): the entry's directory if it is in limbo still, else NULL. */
struct node *tracker_entry_node(const struct cookie_entry *e);
/* tracker_entry_end(t, e): out of the table, unpinned, freed. */
void tracker_entry_end(struct tracker *t, struct cookie_entry *e);

/* tracker_say(t, kind, root, path, is_directory, code): a hint. tracker_say_moved: HINT_MOVED. */
void tracker_say(struct tracker *t, enum hint_kind kind, unsigned root, const char *path,
                 bool is_directory, int code);
void tracker_say_moved(struct tracker *t, unsigned root, const char *path, unsigned root2,
                       const char *path2, bool is_directory);

/* tracker_scans_step(t, now_ms): end the scans of which no check is left, want the next. */
void tracker_scans_step(struct tracker *t, int64_t now_ms);

/* tracker_event_replay(t, wd, now_ms): the parked events of a watch that has a node now.
 * tracker_event_forget(t): those that no check in flight can claim any more. */
void tracker_event_replay(struct tracker *t, int wd, int64_t now_ms);
void tracker_event_forget(struct tracker *t);

#endif
