/*
 * Work that reads and writes files at length, on threads of its own: comparing contents, holding a
 * list's rows against the index, rewriting lists. Shell.
 *
 * A job goes in, is done, and comes back through work_next. While a list is being rewritten its
 * thread asks the loop to journal the intent and waits for the answer (JOB_ASK_INTENT), and tells
 * how the rewrite ended (JOB_TELL_END). What a list names that was read as a whole it tells, too
 * (JOB_TELL_NAMES).
 */
#ifndef LOCKSTEP_AGENT_SERVICE_WORK_H
#define LOCKSTEP_AGENT_SERVICE_WORK_H

#include "agent/core/pending.h"
#include "agent/service/index.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/mailbox.h"
#include "base/map.h"
#include "conf/conf.h"
#include "lists/lists.h"
#include "watchers/watchers.h"

#include <semaphore.h>

struct change_set;

enum job_kind {
    JOB_HASH,       /* read a file that is as `expected`: its CRC-64/NVME */
    JOB_CHECK,      /* which images of a list are on disk but not in S3? */
    JOB_NAMED,      /* which images that go are named by lists that hold removals? */
    JOB_MANIFEST,   /* make a manifest of a list that is as `expected` */
    JOB_PASS,       /* rewrite the lists that a batch of changes concerns */
    JOB_ASK_INTENT, /* from the thread: journal this before I go on */
    JOB_TELL_END,   /* from the thread: this rewrite is in place, or was given up */
    JOB_TELL_NAMES  /* from the thread: a list that was read names these images */
};

/* A list of a pass and how it went. */
struct pass_list {
    unsigned mapping;
    char *path;
    char *key; /* by which it is known what it names; NULL: it is read in any case */
    const struct conf_policy *policy; /* the configuration's; or NULL */
    int code;                         /* 0, or why it could not be rewritten */
    bool changed;
    struct file_stat seen; /* where it names nothing that is concerned: as it was then */
    uint64_t rows;         /* that were concerned */
    uint64_t kept;         /* that stay without their images */
    char why[ERR_TEXT_MAX];
};

/* What stands before the name of an image that is neither on disk nor in S3: the directory in which
 * it would be is there; or it is not, either. */
#define CHECK_HOME '+'
#define CHECK_AWAY '-'

struct job {
    struct letter letter;
    enum job_kind kind;
    struct item *item; /* HASH, CHECK, MANIFEST: whom it is for */
    int root_fd;       /* the same: of the file */
    char *path;        /* the same: below root_fd; ASK, TELL: of the list */
    char *key;         /* CHECK: as of pass_list; TELL_NAMES: of the list */
    int code;          /* outcome: 0 or a negative code */

    struct file_stat expected; /* HASH, MANIFEST */
    uint64_t hash;             /* HASH: outcome */

    struct file_stat seen;   /* CHECK, TELL_NAMES: the list's stat, before and after the reading */
    struct mentions *names;  /* TELL_NAMES; owned */
    struct index *index;     /* CHECK, PASS: what is in S3 (as of the last commit) */
    struct index_view *view; /* CHECK: of the thread, while it works */
    int images_fd;           /* CHECK: root of the repository */
    const char *images_prefix;                /* CHECK: of its keys; borrowed */
    const struct watch_filter *images_filter; /* CHECK: borrowed */
    struct map *leaving;                      /* CHECK: keys that go soon; or NULL; owned */
    struct map *ending;  /* CHECK: those of them that wait for lists alone; or NULL; owned */
    struct map *removed; /* CHECK: and of these, whose files are gone; or NULL; owned */
    struct map *held;    /* CHECK: keys whose removal is held, if the list waits for that; owned */
    bool keeps;          /* CHECK: the list keeps rows of images that are gone */
    uint64_t absent;     /* CHECK: outcome: rows of such, where it does */
    char *first_held;    /* CHECK: outcome: an image whose removal is held, or NULL */
    int64_t now_s;       /* CHECK */
    bool amid; /* CHECK: a pass was under way when it began, which may hold what it drops */
    struct lst_changes *old_rows; /* CHECK: outcome: rows that were rewritten before; or NULL */
    uint64_t missing;             /* CHECK: outcome: on disk, not in S3 */
    char *first_missing;          /* CHECK: outcome: one of them, or NULL */
    struct buf last_missing;      /* CHECK: outcome: another; empty: none that is on disk */
    uint64_t dangling;            /* CHECK: outcome: neither on disk nor in S3 */
    uint64_t passed_over;         /* CHECK: so many of these are told by a check before */
    struct buf dangling_names;    /* CHECK: outcome: the first and those after, with NULs; each
                                     behind CHECK_HOME, or CHECK_AWAY: it has no directory, too */
    bool more;                    /* CHECK: outcome: they did not fit, and it stopped there */
    struct buf home_names;        /* CHECK: outcome: on disk, not in S3, as many as fit: of each
                                          its struct file_id (0: that tells nothing), name and NUL */
    bool partly;                  /* CHECK: outcome: it stopped before the end */
    uint64_t begun, written;      /* CHECK: moments (core/ways): it was read then; rows that are new
                                     since it was read before were written from then on */

    struct map *candidates; /* NAMED, PASS: path -> key of its item (malloc); owned; or NULL */
    struct map *named;      /* the same: outcome: key -> the list that names it; owned; or NULL */
    struct manifest_order *manifest; /* MANIFEST; owned */

    struct lst_changes *changes; /* PASS; the set's */
    struct change_set *set;      /* PASS: what holds the changes; the job is a holder */
    bool retry;                  /* PASS: of one list that could not be rewritten before */
    struct pass_list *lists;     /* PASS, NAMED; the job's own */
    size_t list_count;
    const int *root_fds; /* PASS, NAMED: by mapping; borrowed */
    bool dry_run;        /* PASS: count rows, change nothing */

    unsigned mapping; /* ASK, TELL: of the list; NAMED, PASS: of the images */
    uint64_t tx;      /* ASK: answer; TELL: of the intent */
    char before[SHA256_HEX], after[SHA256_HEX]; /* ASK, TELL */
    char undo[SHA256_HEX + 8];                  /* ASK: name of the undo file */
    struct buf old_names; /* ASK: paths in rows that go or get another one, each with a NUL */
    uint64_t rows;        /* ASK, TELL: rows renamed and dropped */
    char *by;             /* ASK, TELL: what the list's policies did, in words; or NULL */
    char *stranger;       /* TELL: a path whose row kept its label for want of a class; or NULL */
    bool done;            /* TELL */
    sem_t answered;       /* ASK */
};

struct work;

/* work_new(undo_dir, ret): three threads: for lists, for contents,
 * for large contents. undo_dir is where the undo
 * texts of rewrites go (made if missing; borrowed for the life of it). 0 or -errno. */
int work_new(const char *undo_dir, struct work **ret) __attribute__((warn_unused_result));

/* work_free(w): ends the threads after the jobs that they are at; a rewrite that waits for its
 * intent is refused. Jobs inside are freed. NULL is allowed. */
void work_free(struct work *w);

/* work_submit(w, job): hand over. work_fd, work_next: what came back, the caller's. A
 * JOB_ASK_INTENT is answered by work_answer and not freed; all others are freed by job_free. */
void work_submit(struct work *w, struct job *job);
int work_fd(const struct work *w);
struct job *work_next(struct work *w);
void work_answer(struct job *ask, int code, uint64_t tx);

/* work_hash_pieces(fd, size, ret_crc): CRC-64/NVME of the open file's next `size` bytes, read in
 * pieces by the caller's thread. 0 or a negative code. */
int work_hash_pieces(int fd, uint64_t size, uint64_t *ret_crc) __attribute__((warn_unused_result));

/* job_new(kind): zeroed; NULL without memory. job_free: all that the job owns; NULL is allowed. */
struct job *job_new(enum job_kind kind);
void job_free(struct job *job);

/* job_add_list(job, mapping, path, key, policy): one more list for a pass; key may be NULL
 * (pass_list). 0 or -ENOMEM. */
int job_add_list(struct job *job, unsigned mapping, const char *path, const char *key,
                 const struct conf_policy *policy) __attribute__((warn_unused_result));

#endif
