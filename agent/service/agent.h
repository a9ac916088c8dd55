/*
 * The agent's own state and its parts; for agent/service/ alone. One thread, the loop, owns all of
 * it.
 *
 *   intake   hints -> items                        (what may have changed?)
 *   listed   listings against the index -> items
 *   decide   observed items -> changes             (what is to be done?)
 *   rename   which new path is which old image
 *   removals gone paths -> guard -> lists -> deletions
 *   gone     what could still explain that a path is gone; seek: looks where it may have gone
 *   holds    what the guard holds, until an operator speaks
 *   marker   the file that says that a tree is what it was
 *   follow   rows follow their images, whatever S3 has by then
 *   relist   lists that renames and removals made stale are rewritten; stale: those that resist
 *   deletions objects go, to the trash if wanted, or are kept
 *   holds    removals that lists hold back; absent: rows that lists keep without images
 *   publish  lists go after their images, old objects after the lists
 *   manifests  of lists, behind them
 *   apply    changes -> intents -> transfers -> outcomes -> index
 *   orphans  uploads in parts that nothing came of
 *   doubts   uploads in parts that may have been begun without our hearing of it
 *   recover  journal and index after a stop or a crash
 *   sight    what the watchers do not see, and since when
 *   limits   how fast the transfers may go; troubles: faults by cause, what waits for their end
 *   report   status; glance: its first lines
 *   control  the socket; orders: what operators ask for there
 *   pulse    what systemd is told
 *   reload   a changed configuration is taken over; takeover: by beginning anew
 *   wait     who waits there until all is in S3
 *   repair   what a verification found; adopt: an S3 copy that is there already
 *   anchors  what of the journal goes to S3
 *   retention  how long those stay here
 *   finder   indexes and compression of its closed segments
 *   events   the lines of the log that people and programs look for
 *   metrics  figures for monitoring; desk: asked and answered by letter; exporter: over HTTP;
 *            scribe: in a file; vitals: what kernel and disk tell
 */
#ifndef LOCKSTEP_AGENT_SERVICE_AGENT_H
#define LOCKSTEP_AGENT_SERVICE_AGENT_H

#include "agent/core/gate.h"
#include "agent/core/guard.h"
#include "agent/core/order.h"
#include "agent/core/pending.h"
#include "agent/core/recent.h"
#include "agent/core/rows.h"
#include "agent/core/trouble.h"
#include "agent/service/attributes.h"
#include "agent/service/departed.h"
#include "agent/service/index.h"
#include "agent/service/pulse.h"
#include "agent/service/service.h"
#include "agent/service/takeover.h"
#include "agent/service/tally.h"
#include "agent/service/work.h"
#include "base/json.h"
#include "base/map.h"
#include "base/path.h"
#include "conf/conf.h"
#include "journal/journal.h"
#include "uploaders/uploaders.h"
#include "watchers/watchers.h"

#include <errno.h>
#include <systemd/sd-event.h>

#define AGENT_PENDING_MAX   50000 /* items at once before listings and sweeps wait */
#define AGENT_MOVING_MAX    4096  /* the same while images are being renamed, */
#define AGENT_RENAMING_MAX  16384 /* and so many whose old objects are still there */
#define AGENT_RELIST_PIECE  8192  /* of these, lists are rewritten when so many have landed */
#define AGENT_RELIST_LAST   1024  /* or of a directory's last, at once when none is to come */
#define AGENT_FLYING_MAX    1024  /* transfers handed over at once */
#define AGENT_LARGE_MAX     64    /* of these, large ones: small ones are not to wait behind them */
#define AGENT_LARGE_BYTES   (1 << 20)
#define AGENT_KEY_SIZE      (PATH_BYTES_MAX + S3_KEY_MAX + 1)
#define AGENT_PLAN_WAIT_MS  20    /* observed items wait this long for others of the same moment */
#define AGENT_PASS_QUIET_MS 150   /* removals and renames gather until nothing came for this long */
#define AGENT_PASS_MAX_MS   10000 /* or at most for this long */
#define AGENT_COMMIT_MS     1000 /* index and journal are made durable together at least this often */
#define AGENT_COMMIT_COUNT  4096
#define AGENT_COMMIT_SHARE  50    /* where names change, sooner, for one fiftieth of the time */
#define AGENT_RECHECK_MS    2000  /* a list that waits for images is held against the index again */
#define AGENT_ONCE_TRIES    3     /* --once: failures of an item before it is given up */
#define AGENT_DIR_MEMORY_MS 60000 /* directory renames and removals are remembered for so long */

/* What is known of a mapping's marker (marker.h). */
struct marker {
    bool asked;        /* a look is on its way, */
    int64_t asked_ms;  /* since then */
    int64_t looked_ms; /* an answer came to one that began then; 0: none yet */
    bool there;        /* a file is in its place: */
    struct file_stat st;
    bool changed;  /* which is not the one that was enrolled */
    bool enrolled; /* one was */
};

struct mapping {
    const struct conf_mapping *conf;
    unsigned id;
    size_t prefix_len;
    int root_fd; /* the watchers' */
    struct watch_filter filter;
    struct tally tally; /* of the index */
    uint64_t indexed;   /* objects known to be in S3 */
    uint64_t held;      /* removals held */
    uint64_t named;     /* of these, because lists name the images */
    uint64_t absent;    /* lists: rows that name images that are gone, as their policy wants */
    bool scanning;
    int64_t blind_ms;       /* when events were lost last; 0 never */
    int scan_code;          /* 0, or what kept the last scan from seeing all */
    size_t unseen;          /* items at which the last look failed */
    int64_t incomplete_us;  /* real time when events were lost that are not made up for; 0: none */
    bool lost;              /* the root cannot be reached */
    bool confirming;        /* a look at all names was asked for: where may gone files be now? */
    bool others_write;      /* other hosts may write there, of which no event tells */
    bool unheard;           /* they may, or nothing is watched: no event tells of all changes */
    bool stuck;             /* its file system does not answer */
    bool changed;           /* another root than at enrolment */
    uint64_t barrier_least; /* no item of the barrier queue has a lower one */
    uint64_t kept;          /* objects that stay without their files */
    uint64_t drifted;       /* since the start: others' objects that were not deleted */
    char drift_key[S3_KEY_MAX + 1];     /* the last of them */
    bool manifests;                     /* its lists have some in S3, or are to have some */
    uint8_t manifests_of[SHA256_BYTES]; /* what these depend on besides their lists */
    uint64_t unmanifested;              /* that cannot be made */
    char manifest_why[ERR_TEXT_MAX];    /* the last of these in this run */
    char hold_why[ERR_TEXT_MAX];
    int64_t hold_us; /* real time since which some are held; 0: none */
    bool hold_told;  /* that was said in this run */
    struct guard_recent recent;
    struct guard_recent hourly; /* by real time; kept in the index */
    struct marker marker;
    struct root_identity identity;
    struct rows *rows;            /* of images that change their names */
    unsigned adrift;              /* notes of it that the index has */
    bool rows_any;                /* the index has it that there are any */
    uint64_t rows_kept;           /* its rows_changes at the last commit */
    struct gate gate;             /* closed while nothing gets through */
    struct item_queue shelves[2]; /* ready items held back then: new ones, and those that failed */
};

/* A range of keys whose files may be gone, or that were released: worked off bit by bit. */
struct sweep {
    struct sweep *next;
    unsigned mapping;
    char *prefix; /* of keys */
    char *after;  /* last key done, or NULL */
    size_t count; /* keys done */
    int64_t since_ms;
};

/* A directory that was renamed: one intent for all beneath it. */
struct dir_rename {
    char *from; /* keys, ending in '/' */
    char *to;
    uint64_t tx;
    uint64_t open; /* items that belong to it and are not through */
    uint64_t objects;
};

/* A directory, or a path alone, that left its place lately; where for, if an event said so. */
struct dir_gone {
    char *to; /* key ending in '/', or NULL */
    int64_t at_ms;
};

/* What is too old in the trash is removed, a page at a time. */
struct expiry {
    int64_t due_ms;             /* 0: as soon as all is scanned */
    bool running;               /* a transfer is in flight */
    uint64_t tx;                /* of the intent */
    char after[S3_KEY_MAX + 1]; /* the listing goes on behind this key; "": from the beginning */
};

struct agent {
    const struct conf *conf;
    struct agent_options options;
    struct mapping *mappings;
    size_t mapping_count;
    int *root_fds;

    sd_event *event;
    sd_event_source *timer;
    struct watchers *watchers;
    struct uploaders *uploaders;
    struct attributes *attributes; /* of objects; transfers borrow from it */
    struct work *work;
    struct journal *journal;
    struct index *index;
    struct control *control;
    struct owner *owner; /* of the trees; NULL: nothing is changed */
    char undo_dir[PATH_BYTES_MAX + 1];

    struct pending *pending;
    size_t crowd; /* names listed, images landed, items at once, since memory was given back last */
    struct item_queue observed; /* to be planned */
    struct item_queue parked;   /* observed; wait for a look at the path that they came from */
    int64_t parked_ms;          /* when these were last considered */
    struct item_queue ready;    /* images: planned, wait for a slot */
    struct item_queue ready_lists;
    struct item_queue ready_large; /* images that take long */
    struct item_queue relist;      /* gone or claimed: their rows must leave the lists */
    struct item_queue passing;     /* the same, while the pass is running */
    struct item_queue barrier;
    struct item_queue leaving; /* through it, and where wanted in the trash: to be deleted */
    size_t trashing;           /* on their way to the trash */
    struct map *sighted;       /* mapping, inode -> item that was seen to have it last */
    struct map *dirs_gone;     /* key ending in '/' -> struct dir_gone */
    struct map *dirs_to;       /* key ending in '/' -> where it came from (string) */
    struct ways *ways;         /* since all was in step last */
    struct map *renames;       /* "from\nto" -> struct dir_rename */
    struct sweep *sweeps;
    struct listed_rest *rest; /* of a listing: waits for room; NULL: there is none */
    size_t renaming;    /* paths whose image was found elsewhere, until their object is gone */
    int64_t renamed_ms; /* when one of them last went on, or a directory left; 0: never */
    struct order order;
    size_t flying, flying_large;
    uint64_t hashing;
    bool pass_running;
    int64_t pass_began_us, pass_again_us; /* the oldest that did not end; before a crash; or 0 */
    struct stale_list *stale_lists;
    uint64_t lst_tx;      /* of the rewrite that is under way; 0: none */
    uint64_t lst_unheard; /* of the first rewrite of which the index has not heard; 0: none */
    uint64_t intent_seq, seq_from; /* the last intent's; what recover_seq_from said last; or 0 */
    struct transfer *unsynced[AGENT_FLYING_MAX]; /* flying; go once the journal is durable */
    size_t unsynced_count;
    uint64_t unsynced_seq;               /* so far */
    int64_t pass_first_ms, pass_last_ms; /* when the first and last item came to `relist`; 0 none */
    size_t followed;     /* images whose rows a pass has moved before they came to S3 */
    int64_t followed_ms; /* when the last of them came there, if lists were not told; else 0 */
    int64_t landed_ms;   /* when an image last landed in S3 */

    uint64_t uncommitted;
    int64_t commit_due_ms; /* 0: nothing to commit */
    int64_t commit_us;     /* until then another commit would cost too much */
    bool idle;             /* and said so in the journal */
    int64_t idle_us;       /* since when it is so, or not; real time */
    int64_t in_step_us;    /* when all was in S3 last; 0: not since the start */
    bool stopping;
    int fatal;                 /* a negative code: the loop ends with it */
    const struct aside *aside; /* what it waits for, not being at work; NULL: it is */
    int64_t aside_ms;          /* since then */
    uint64_t failovers;        /* of the journal: segments given up that were told */
    struct err rival;          /* another agent acts on a tree of ours: -EBUSY, which and who */
    bool unfit;                /* the configuration asks for what this machine cannot do */
    bool recovered;            /* the index has what the journal tells: it may be said so */
    int64_t real_us, now_ms;   /* of this turn of the loop */
    int64_t started_ms;
    int64_t orphans_ms;        /* when uploads in parts are looked through next */
    bool orphans_skipped;      /* some were still on their way when they were looked through last */
    bool orphans_full;         /* and there may be more than could be aborted at once */
    unsigned aborting;         /* of those that were found then, in flight */
    unsigned orphans_failures; /* in a row, to abort some */
    int64_t doubts_ms;         /* when uploads that were begun unheard are looked for next */
    bool doubts_skipped;       /* some keys were still at work then */
    unsigned doubting;         /* of those that are looked for, in flight */
    bool doubts_failed;        /* one of these could not be asked for */
    unsigned doubts_failures;  /* so many times in a row */
    int64_t doubts_rest_ms;    /* none is asked for before that */
    const struct conf_limits *limits; /* in force; NULL: none was looked up yet */
    const char *limits_hours;         /* of the timetable; NULL: no row of it holds */
    int64_t limits_ms;                /* when they are looked up next */
    struct expiry expiry;             /* of the trash */
    int manifests_fd;                 /* where their files are made; -1: none are */
    struct finder *finder;            /* NULL: nothing is journalled */
    struct anchors *anchors;          /* NULL: nothing of the journal goes to S3 */
    int64_t retention_due_ms;         /* when the journal's oldest segment is looked at next */
    int64_t expire_ms;                /* when what is remembered for a while is gone through next */
    struct departed_sweep departed;   /* the same, of what departed.h remembers */
    int signing;           /* why the last checkpoint of the journal could not be made; 0 */
    int64_t complained_ms; /* failures are summed up at most this often */
    uint64_t complaints;
    struct troubles troubles;
    struct agent_totals totals;
    struct recent recent;   /* the last changes that the journal was told of */
    struct waiter *waiters; /* clients that are answered when all is in S3 */
    uint64_t marks;         /* that were made in the watchers' queue for them */
    int64_t paused_us;      /* transfers are paused since then; 0: they are not */
    uid_t paused_uid;       /* who asked for it */
    struct pulse pulse;
    struct takeover takeover; /* of a changed configuration */
    struct meters *meters;    /* NULL: nobody wants figures */
};

/* agent.c */
int64_t agent_now(struct agent *a); /* read the clocks for this turn; returns now_ms */
void agent_fail(struct agent *a, int code,
                const char *what); /* end the loop: nothing is safe now */
struct mapping *agent_mapping(struct agent *a, const struct item *it);
/* key of a path of a mapping; false where it is too long for any buffer of ours */
bool agent_key(const struct agent *a, unsigned mapping, const char *path, char out[AGENT_KEY_SIZE]);
/* the same for a directory: ends in '/' ("" or the prefix for the root) */
bool agent_dir_key(const struct agent *a, unsigned mapping, const char *path,
                   char out[AGENT_KEY_SIZE]);
/* the index has an image under this key, in its place (plan_is_placed) */
bool agent_image(struct agent *a, const char *key, struct index_entry *ret);
bool agent_is_list(const struct agent *a, const struct item *it);
/* append a record; a failing journal ends the agent */
uint64_t agent_journal(struct agent *a, struct journal_record *rec);
void agent_dirty(struct agent *a); /* the index was written */
int agent_commit(struct agent *a);
void agent_sync(struct agent *a); /* what was appended is durable when this returns */
/* begin to make durable what was appended; the fd of journal_sync_apart wakes the loop */
void agent_sync_begin(struct agent *a);
struct journal_record agent_record(const struct agent *a, const struct item *it, enum journal_op op,
                                   enum journal_state state);

/* agent_begin_apart(a, why, e): journal, index, trees and S3, recovered, for a command that changes
 * the state while no agent runs (-EBUSY where one does): no watches, no loop, no socket. a->conf is
 * set, the rest zeroed. agent_end(a) in any case; who began apart closes the root_fds (0: not
 * opened) itself. */
int agent_begin_apart(struct agent *a, const char *why, struct err *e)
    __attribute__((warn_unused_result));
/* agent_begin(a, e): everything up to the first turn of the loop. As agent_begin_apart. */
int agent_begin(struct agent *a, struct err *e) __attribute__((warn_unused_result));
void agent_end(struct agent *a);
/* the loop and all threads end, what is in flight is dropped; journal, index and state stay */
void agent_end_work(struct agent *a);

/* loop.c */
int loop_sources(struct agent *a);
int loop_stop(struct agent *a); /* end it when the transfers under way have; negative codes */

/* intake.c */
struct item *intake_touch(struct agent *a, unsigned mapping, const char *path,
                          enum journal_source source, int64_t settle_ms);
void intake_touch_key(struct agent *a, unsigned mapping, const char *key,
                      enum journal_source source, int64_t settle_ms);
/* nothing seems to be there any more, as a listing or the end of a directory tells */
void intake_missed(struct agent *a, unsigned mapping, const char *key, enum journal_source source);
/* more may be taken in: not too much is on its way by itself */
bool intake_has_room(const struct agent *a);
/* there is for what listings find, too: large directories that were renamed go in pieces */
bool intake_wants_listings(const struct agent *a);
bool intake_wants_many(const struct agent *a); /* so much that a turn is worth it */
/* when there is in any case: images that do not get on keep nobody waiting; INT64_MAX: now */
int64_t intake_deadline(const struct agent *a);
/* something is on its way, or waits for room, that may tell where a path went */
bool intake_busy(const struct agent *a);
bool intake_holds_back(const struct agent *a); /* of that, listings, for want of room */
void intake_hints(struct agent *a);
void intake_due(struct agent *a);
void intake_observe(struct agent *a, struct item *it);
void intake_resettle(struct agent *a, struct item *it);
/* a file of a listing (its key) that differs from the index */
void intake_found(struct agent *a, struct mapping *m, const char *key,
                  const struct listing_entry *entry);

/* sweep.c */
void sweep_add(struct agent *a, unsigned mapping, const char *key_prefix);
/* Look again at all names that were refused. */
void sweep_refused(struct agent *a, unsigned mapping);
bool sweep_pending(const struct agent *a, unsigned mapping);
/* is the directory with this key being swept? Is one that the item's path lies in? */
bool sweep_is_at(const struct agent *a, const char *key_dir);
bool sweep_covers(const struct agent *a, const struct item *it);
void sweep_step(struct agent *a);
void sweep_free_all(struct agent *a);
/* Since the item was observed, may its file have gone without a hint for its very path? */
bool sweep_missed(const struct agent *a, const struct item *it);

/* decide.c */
void decide_observed(struct agent *a);
void decide_hashed(struct agent *a, struct job *job);
void decide_ready(struct agent *a, struct item *it, enum change_kind change);
void decide_failed(struct agent *a, struct item *it, const char *why);
void decide_done(struct agent *a, struct item *it);

/* rename.c */
enum rename_answer { RENAME_NONE, RENAME_WAIT, RENAME_WANT_HASH, RENAME_TAKEN };
enum rename_answer rename_consider(struct agent *a, struct item *it, const struct known *known);
/* What S3 has under the item's key (`known`) may be the image of a path that is still to be
 * decided: it must stay in the index until then. */
bool rename_must_wait(struct agent *a, const struct item *it, const struct known *known);
void rename_resume(struct agent *a, struct item *it, const struct known *known);
void rename_landed(struct agent *a, struct item *it);
void rename_abandon(struct agent *a, struct item *it, const char *why);
void rename_through(struct agent *a, struct item *source);

/* rename_dirs.c */
/* the directory left its place; key_to: for where, as an event said, or NULL */
void rename_directory_gone(struct agent *a, const char *key_dir, const char *key_to);
/* the item's path was left again before it was looked at: keep what an event said of it */
void rename_remember(struct agent *a, const struct item *it);
/* where an event said that this path was before, by the renamed directory that it lies in */
bool rename_told_by_directory(const struct agent *a, const char *key, char out[AGENT_KEY_SIZE]);
/* a path, and step by step where events say that it was before, by itself or with a directory */
struct trail {
    char key[AGENT_KEY_SIZE];
    int steps;
    uint64_t moment; /* when what is followed came to `key` or, backwards, left it (core/ways); 0:
                        not known */
};
void trail_begin(struct trail *t, const char *key);
/* backwards from a path from which what is followed went `on`, to a path where it was later */
void trail_begin_behind(const struct agent *a, struct trail *t, const char *key, const char *on);
bool trail_back(const struct agent *a, struct trail *t);
/* the other way: where they say that it went */
bool trail_on(const struct agent *a, struct trail *t);
/* the open group of the directory's rename that took the image from `from` (a key) to the item's
 * path, made and journalled if there is none; NULL: it was renamed by itself */
struct dir_rename *rename_group_of(struct agent *a, const struct item *it, const char *from);
/* one item less: the last closes the group, unless a sweep, which tells of its end, finds more */
void rename_group_leave(struct agent *a, const struct mapping *m, struct dir_rename *g);
void rename_group_swept(struct agent *a, const struct mapping *m, const char *from);
uint64_t rename_open_tx(const struct agent *a);
void rename_expire(struct agent *a);
void rename_free_all(struct agent *a);

/* rename_told.c */
/* the file at `to` was at `from` (paths) */
void rename_told(struct agent *a, unsigned mapping, const char *from, const char *to);
/* what was at the path went: what comes there next came from nowhere */
void rename_told_gone(struct agent *a, unsigned mapping, const char *path);
/* events were lost: what they told is not to be relied on */
void rename_told_nothing(struct agent *a);
/* what was told of where the item's file came from is of no more use */
void rename_told_forget(struct item *it);
/* what is at the item's path is not known: it is to be looked at, or planned */
bool rename_is_open(const struct item *it);
/* an event told where the item's file went, and it was not looked at there yet */
bool rename_is_under_way(const struct agent *a, const struct item *it);
/* where the image went that the index has under the item's key, as events said; NULL: they did not,
 * or it went on from there */
const struct item *rename_heir(const struct agent *a, const struct item *it);
void sighted_note(struct agent *a, struct item *it);
void sighted_forget(struct agent *a, struct item *it);
struct item *sighted_find(const struct agent *a, unsigned mapping, uint64_t ino);
/* the same, though it may be gone from there since */
struct item *sighted_last(const struct agent *a, unsigned mapping, uint64_t ino);
/* the item was seen for the first time: where its file was seen before is looked at again */
void sighted_doubt(struct agent *a, const struct item *it);
/* was `other` seen to be the item's only file before, or at the same moment? Then it went. */
bool sighted_is_stale(const struct item *it, const struct item *other);

/* follow.c. `image`: the path under which the index has an image (`known`). */
/* the item's file is that image, which is here now */
void follow_rename(struct agent *a, struct item *it, const char *image, const struct known *known);
/* the item's file is an image that the index does not know, found elsewhere before: did it? */
bool follow_went_on(struct agent *a, struct item *it);
/* the item's file was seen elsewhere before, or the index has it there, as its birth tells: did it?
 */
bool follow_born(struct agent *a, struct item *it);
/* this is at the item's path, which is busy with what was there before */
void follow_glimpsed(struct agent *a, struct item *it, const struct file_stat *st);
/* rows say that some image is at the item's path */
bool follow_has_at(const struct agent *a, const struct item *it);
/* a list waits for this image: where rows say that it is, it is looked at if nothing is open */
void follow_doubt(struct agent *a, const struct mapping *images, const char *name);
/* the image that the index has under the item's key is certainly at another path */
bool follow_is_elsewhere(const struct agent *a, const struct item *it, const struct known *known);
/* the item's file is certainly an image, and not the one that was at the source */
bool follow_is_other(struct agent *a, const struct item *it, const struct item *source);
/* the item's file is what was at `path`, and never came to S3 under that name */
void follow_unlanded(struct agent *a, struct item *it, const char *path);
/* the item's file is what the index has under its key: its rows must say so */
void follow_home(struct agent *a, struct item *it, const struct known *known);
/* what the index has under the item's key is in S3 under another one, and nothing is here: lists
 * may still name it so */
void follow_moved(struct agent *a, const struct item *it, const struct known *known);
/* an image came to the item's path and went on before anybody looked: lists may name it so */
void follow_passed(struct agent *a, const struct item *it);
/* the image of the renamed `source` is not where it was found, at the item's path */
void follow_lost(struct agent *a, const struct item *source, const struct item *it);
/* the item's file is gone, and that is no accident */
void follow_gone(struct agent *a, const struct item *it);
/* the names that lists may have for what follow_gone would let go; as rows_each_going */
int follow_each_going(struct agent *a, const struct item *it, rows_name_fn *fn, void *arg)
    __attribute__((warn_unused_result));
/* S3 has the item's file; the index does not say so yet. It is to say where rows are: `fresh`,
 * which then points to at_key. */
void follow_landed(struct agent *a, struct item *it, struct known *fresh,
                   char at_key[AGENT_KEY_SIZE]);

/* follow_settled.c */
/* lists were rewritten: the index learns where rows are, unless some list still has to follow */
void follow_settled(struct agent *a);
/* all is in step: rows of images that nobody found go to where the index has those, or end */
void follow_close(struct agent *a);
/* S3 has an image under this path, and for all that is known it is there: rows may name it so */
bool follow_is_home(struct agent *a, const struct mapping *m, const char *path);
bool follow_pending(const struct agent *a);

/* removals.c */
void removals_guard(struct agent *a, struct mapping *m);
void removals_gone_due(struct agent *a, struct item *it);
/* a scan of the mapping ended: what waited for it goes on */
void removals_scanned(struct agent *a, struct mapping *m);
/* every path that was to be looked at was seen: what waited for that goes on */
void removals_all_seen(struct agent *a, struct mapping *m);
/* is something gone that is still to be decided, and not for want of a scan that sees all? */
bool removals_under_way(const struct agent *a);
/* will more images of the mapping leave the lists as soon as they were looked at? */
bool removals_to_come(struct agent *a, const struct mapping *m);
void removals_queue(struct agent *a, struct item *it);
/* The gone path was touched: it is looked at again, unless a pass over the lists is at it. */
void removals_recall(struct agent *a, struct item *it);
void removals_to_barrier(struct agent *a, struct item *it);
void removals_unlisted(struct agent *a, struct item *it);
/* nothing is deleted; the path is there again */
void removals_aborted(struct agent *a, struct item *it, const char *why);
void removals_called_off(struct agent *a, struct item *it);

/* holds.c; holds.h has what operators do with them */
/* the path is there again: its removal is held no more; true: it was */
bool removals_hold_back(struct agent *a, struct mapping *m, const char *key);
void removals_enrol(struct agent *a, struct mapping *m);

/* deletions.c */
/* what the lists have let go: kept, moved to the trash, deleted */
void deletions_step(struct agent *a);
void deletions_outcome(struct agent *a, struct transfer *t);
/* S3 has an object of the key, as far as is known, that is not only kept there */
bool deletions_has_object(struct agent *a, const char *key);
/* the ETag that an object must have to go; malloc; NULL: any. False without memory */
bool deletions_condition(const struct known *known, char **ret);
/* an entry's flags when its deletion may have happened or not */
unsigned deletions_doubt(unsigned flags);
/* the removal failed, and is tried again; somebody else's object (its ETag) is there and stays */
void deletions_failed(struct agent *a, struct item *it, enum verdict verdict, const char *why);
void deletions_drifted(struct agent *a, struct item *it, const struct transfer *t,
                       const char *seen);
/* deletes = "keep": the entry of an object that stays without its file; its file is back */
int deletions_keep_entry(struct agent *a, const char *key) __attribute__((warn_unused_result));
void deletions_kept_is_back(struct agent *a, struct mapping *m, const char *key);
/* the same in an index that no agent has open; ret_was: an object is kept that was not before */
int deletions_keep_key(struct index *ix, const char *key, bool *ret_was)
    __attribute__((warn_unused_result));

/* trash.c */
struct trash_batch;
bool trash_wanted(struct agent *a, const struct item *it);
/* one more on its way to the trash, into *batch (NULL: a new one); false: no more for now */
bool trash_begin(struct agent *a, struct item *it, struct trash_batch **batch);
void trash_submit(struct agent *a, struct trash_batch *batch);
void trash_outcome(struct agent *a, const struct transfer *t);

/* trash_expire.c */
void trash_expire(struct agent *a);
void trash_expire_outcome(struct agent *a, struct transfer *t);
int64_t trash_expire_deadline(const struct agent *a);

/* manifests.c */
/* the item is through: if it is of a list whose manifests are not, it goes on with them (true) */
bool manifests_step(struct agent *a, struct item *it);
/* there would be something to do */
bool manifests_due(struct agent *a, const struct item *it);
/* S3 may have manifests of the item's list */
bool manifests_any(struct agent *a, const struct item *it);
void manifests_made(struct agent *a, struct job *job);
/* of an item that is at a manifest (it->manifest): its intent, its transfer (NULL without memory),
 * its outcome */
void manifests_intent(struct agent *a, struct item *it);
struct transfer *manifests_transfer(struct agent *a, struct item *it);
void manifests_outcome(struct agent *a, struct item *it, const struct transfer *t);
/* manifests_begin.c */
/* lists whose manifests are not as they should be become items */
int manifests_begin(struct agent *a) __attribute__((warn_unused_result));
/* a verification found that the manifest with this key is not as it was put; false: it is none */
bool manifests_mend(struct agent *a, const struct mapping *m, const char *key);
/* recovery: an outcome of a manifest, an intent without one (`leaving`: of its deletion). False:
 * the path is none of theirs */
bool manifests_recover(struct agent *a, const struct mapping *m, const struct journal_record *rec,
                       int *ret_rc);
bool manifests_interrupted(struct agent *a, const struct mapping *m, const char *path, bool leaving,
                           int *ret_rc);

/* relist.c */
void relist_pass(struct agent *a);
void relist_passed(struct agent *a, struct job *job);
void relist_ask(struct agent *a, struct job *job);
void relist_ended(struct agent *a, struct job *job);
void relist_noted(struct agent *a, struct job *job);
/* one more list for a pass */
int relist_add(struct agent *a, struct job *job, unsigned mapping, const char *path)
    __attribute__((warn_unused_result));
/* the key by which may be noted what a list names: `key`, or NULL where changes may not show */
const char *relist_note_key(const struct agent *a, unsigned mapping, const char *key);
/* the list was passed over: its S3 copy must follow what it has of our making, and rows that stay
 * are told of */
void relist_changed(struct agent *a, const struct pass_list *list);
/* rows are to be changed: a pass is wanted once nothing more comes */
void relist_wanted(struct agent *a);
int64_t relist_deadline(const struct agent *a);

/* apply.c */
/* the planned item waits for a slot, in the queue of its kind */
void apply_enqueue(struct agent *a, struct item *it);
/* transfers begin: their intents first, then, when those are durable, the transfers themselves */
void apply_ready(struct agent *a);
/* true: those that waited for the journal went, and others may begin */
bool apply_synced(struct agent *a);
void apply_free(struct agent *a);
void apply_outcomes(struct agent *a);
/* the status for a transfer's record, which a failure has only if it tells what became of it */
int apply_status(const struct transfer *t, bool done);
/* what S3 said of a transfer, into its record; puts: the CRC-64 is of what was put */
void apply_told(const struct transfer *t, bool puts, struct journal_record *rec);
void apply_mark_uncertain(struct agent *a, const struct item *it);
void apply_forget_key(struct agent *a, struct mapping *m, const char *key);

/* orphans.c */
/* abort uploads in parts that nobody goes on with, if it is time; one such came back */
void orphans_sweep(struct agent *a);
void orphans_aborted(struct agent *a, const struct transfer *t);
/* every mapping was seen as a whole since the start, so a path without an item has come to rest */
bool orphans_may_judge(const struct agent *a);
/* a transfer left an upload that it may never go on with */
void orphans_left(struct agent *a);
int64_t orphans_deadline(const struct agent *a);

/* doubts.c */
/* an upload of the transfer's may have been begun without our hearing of it: remembered, to be made
 * durable by the caller */
void doubts_note(struct agent *a, const struct transfer *t);
/* look for such uploads, if it is time; one such transfer came back */
void doubts_sweep(struct agent *a);
void doubts_looked(struct agent *a, const struct transfer *t);
int64_t doubts_deadline(const struct agent *a);
/* a crash or a stop came between the intent (its time) of the key and the outcome; the file that
 * was to go. To be committed. */
int doubts_interrupted(struct agent *a, const char *key, const struct file_stat *st,
                       int64_t since_us) __attribute__((warn_unused_result));

/* recover.c */
int recover(struct agent *a, uint64_t next_seq, struct err *e);
int recover_seq_put(struct agent *a);
/* recover_seq_from(a): the first record that a recovery would read, were all committed now. */
uint64_t recover_seq_from(struct agent *a);

/* dry.c */
void dry_change(struct agent *a, struct item *it);
void dry_removals(struct agent *a, struct mapping *m, const struct item_queue *gone);
void dry_held(struct agent *a, const struct mapping *m, uint64_t count);
void dry_lists(struct agent *a, struct job *job);
bool dry_found(const struct agent_totals *t);

/* sight.c */
/* events were lost, all is seen again, watches are short */
void sight_hint(struct agent *a, const struct hint *h);
/* How blind we are: what no event told of since the last scan that saw everything is not known. */
struct blindness {
    bool others;                /* other hosts' changes are found by scans only */
    bool all;                   /* so are all changes */
    bool partly;                /* so are all changes in some directories, which have no watch */
    bool scanned;               /* there was a scan that saw everything: */
    int64_t began_ms, ended_ms; /* so long ago */
    int64_t blind_ms;           /* 0: events tell of everything */
    int64_t rescan_ms;          /* 0: only when asked */
};
struct blindness sight_blindness(const struct agent *a, const struct mapping *m,
                                 const struct watch_stats *stats);
/* sight_is_whole(a, m): events tell of whatever becomes of the mapping's files from now on,
 * wherever they are. Not while a scan is under way: a directory may get its watch only then. */
bool sight_is_whole(struct agent *a, const struct mapping *m);
/* what is not seen, as JSON within a mapping's object and as lines of text */
void sight_json(struct json_writer *w, const struct mapping *m, const struct watch_stats *stats);
int sight_text(struct buf *out, const struct mapping *m, const struct watch_stats *stats);
/* the alarm where there are more directories than watches */
void sight_budget_json(struct json_writer *w, struct agent *a);
int sight_budget_text(struct buf *out, struct agent *a);

/* troubles.c */
/* the item failed so; decide_failed follows */
void troubles_failed(struct agent *a, struct item *it, enum trouble_kind kind,
                     enum transfer_kind transfer, const char *code, const char *message);
/* the item's transfer succeeded; gated: it was one that a closed gate holds back */
void troubles_passed(struct agent *a, struct item *it, bool gated);
/* its gate is closed: it is put aside */
bool troubles_shelve(struct agent *a, struct item *it);
/* one that is to be tried in spite of a closed gate, or NULL; when there may be the next */
struct item *troubles_probe(struct agent *a);
int64_t troubles_deadline(const struct agent *a);
void troubles_tick(struct agent *a); /* groups that ended are told */
void troubles_json(struct json_writer *w, const struct agent *a);
int troubles_text(struct buf *out, const struct agent *a);

/* limits.c */
/* those of the hour are put in force, if it is time; at once, since they may be others now */
void limits_tick(struct agent *a);
void limits_again(struct agent *a);
void limits_json(struct json_writer *w, const struct agent *a);
int limits_text(struct buf *out, const struct agent *a);

/* report.c */
int report_status(struct agent *a, bool json, struct buf *out);
bool report_in_step(const struct agent *a);
/* nothing but open changes keeps it from being in step */
bool report_mapping_clear(const struct mapping *m);

/* control.c */
int control_new(struct agent *a, const char *path, struct control **ret, struct err *e);
void control_free(struct control *c);

#endif
