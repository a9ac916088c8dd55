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

/* Directories to look at one after the other; each is pinned until its turn. */
struct pass {
    struct node **nodes;
    size_t count;
    size_t cap;
    size_t next;
    size_t flights; /* of a slow pass: checks on their way */
    bool runs;
    bool slice; /* of a slow pass: a slice of the rotation */
};

/* How soon the next pass may follow one that was just through. */
struct pace {
    int64_t began_ms;
    int64_t ended_ms;
    int64_t wait_ms; /* 0: none was needed yet */
    int64_t not_before_ms;
};

/* What is done where events were lost, or may have been for all we know. */
struct mending {
    bool lossy;       /* events were lost, and it is not whole again */
    int64_t from_ms;  /* when the generation began */
    int code;         /* the first error of a look that counts in it */
    int64_t slice_ms; /* when the last slice began */
    bool fast_wanted;
    bool slow_wanted;
    struct pass fast;
    struct pass slow;
    struct pace fast_pace;
    struct pace slow_pace;
};

/* Where there are more directories than watches. */
struct budget {
    bool said;        /* HINT_WATCH_LIMIT */
    size_t batch;     /* directories that may ask for a watch in a round */
    size_t yielding;  /* watches that are being given up */
    size_t freed;     /* given up since the last round */
    size_t refused;   /* watches that were asked for since then, and not got */
    size_t placed;    /* and got */
    uint64_t watches; /* of ours at the last round */
    int64_t wait_ms;
    int64_t round_at_ms;
};

/* A budget of looks. */
struct meter {
    uint32_t per_s; /* 0: without limit */
    int64_t left;   /* thousandths of a look; below 0 it is overdrawn */
    int64_t at_ms;
};

struct tracker_root {
    const struct filter *filter;
    struct node_queue slow; /* checks of scans */
    struct node_queue held; /* urgent checks that wait for a stuck root */
    bool stuck;
    struct mending mend;
    struct meter meter;
    struct scan_request *requests; /* not begun yet */
    struct scan_request *running;  /* NULL while the whole root is scanned */
    bool scan_only;                /* no node ever has a watch */
    bool begun;                    /* a scan is running */
    bool whole_wanted;             /* a scan of the whole root that the rules themselves want */
    bool again;       /* events were lost during the scan: once more before it counts */
    int scan_code;    /* the first error of the scan */
    int64_t begun_ms; /* when the scan did */
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
    struct budget budget;
    struct node_queue urgent; /* checks that events ask for */
    struct node_queue dirty;  /* places that wait for a barrier to be asked for */
    struct node_queue asked;  /* places that wait for the barrier on its way */
    bool barrier_asked;
    int64_t dirty_wait_ms; /* until the next round */
    int64_t dirty_at_ms;   /* when the next round may begin */
    uint32_t stamp;
    uint64_t serial;
    uint64_t said;                 /* hints so far, but listings */
    uint64_t flights[FLIGHTS_MAX]; /* serials of the checks in flight */
    size_t flight_count;
    size_t slow_flights; /* of them, those of slow passes */
    unsigned turn;       /* the root whose scan is served next */
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

/* tracker_meter_charge(t, root, looks): scans have looked at so many files and directories. */
void tracker_meter_charge(struct tracker *t, unsigned root, size_t looks);

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

/* tracker_names_in_doubt(root): a name that is missing in one place may be in another that is not
 * listed yet. */
bool tracker_names_in_doubt(const struct tracker_root *root);

/* tracker_mend_step(t, root, now_ms): end the passes that are through, want or begin the next.
 * tracker_mend_begin: the root is what it should be: begin a fast pass if one is wanted and due.
 * tracker_mend_forget: the root is lost.
 * tracker_mend_next: the next directory that the passes want to see, pinned; NULL if none.
 * tracker_mend_deadline: when to call tracker_mend_step, if nothing comes. */
void tracker_mend_step(struct tracker *t, unsigned root, int64_t now_ms);
void tracker_mend_begin(struct tracker *t, unsigned root, int64_t now_ms);
void tracker_mend_forget(struct tracker *t, unsigned root);
struct node *tracker_mend_next(struct tracker *t, unsigned root, bool *ret_slow);
int64_t tracker_mend_deadline(const struct tracker *t, unsigned root);

/* tracker_budget_refused(t, n, code, now_ms): the system had no watch for n. tracker_budget_placed:
 * a limited directory got one. tracker_budget_yielded: n, which yields its watch, has lost it.
 * tracker_budget_step: see whether there is room again, if it is time; tracker_budget_deadline:
 * when it will be. */
void tracker_budget_refused(struct tracker *t, const struct node *n, int code, int64_t now_ms);
void tracker_budget_placed(struct tracker *t, int64_t now_ms);
void tracker_budget_yielded(struct tracker *t, struct node *n, int64_t now_ms);
void tracker_budget_step(struct tracker *t, int64_t now_ms);
int64_t tracker_budget_deadline(const struct tracker *t);

/* tracker_event_replay(t, wd, now_ms): the parked events of a watch that has a node now.
 * tracker_event_forget(t): those that no check in flight can claim any more. */
void tracker_event_replay(struct tracker *t, int wd, int64_t now_ms);
void tracker_event_forget(struct tracker *t);

#endif
