/*
 * What writer.c, syncing.c, growing.c, rollover.c and recover.c share. Private to journal/.
 */
#ifndef LOCKSTEP_JOURNAL_WRITER_H
#define LOCKSTEP_JOURNAL_WRITER_H

#include "journal/journal.h"
#include "journal/segment.h"

#define JOURNAL_MARKS_MAX 1024 /* batches that may wait for one fdatasync */

/* A batch that the kernel or the thread has and the disk may not. */
struct journal_mark {
    size_t from; /* of its body in `held` */
    size_t n;    /* bytes of its body */
    uint64_t records;
    uint64_t next_seq; /* after it */
};

struct journal {
    struct journal_options opt; /* all defaults filled in; the strings are those below */
    char host[JOURNAL_NAME_MAX + 1];
    char boot[JOURNAL_NAME_MAX + 1];
    char version[JOURNAL_NAME_MAX + 1];
    char uuid[JOURNAL_UUID_SIZE];
    int dir_fd;
    int lock_fd;
    struct journal_segment segment;
    struct journal_syncer *syncer; /* NULL: journal_sync_begin is journal_sync */
    struct journal_grower *grower; /* NULL: the tree never lags */

    uint64_t next_seq;           /* of the next record */
    struct journal_head head;    /* after what was flushed; its tree is not kept */
    struct journal_head durable; /* after what is durable; its tree is journal_grown's */
    uint64_t durable_size;       /* bytes of the open segment that are */
    uint64_t lines;              /* all leaves, with those of the open batch */
    uint64_t durable_lines;      /* those that are durable: what the tree has or will have */
    struct buf held;             /* batches since the last fdatasync, then the open batch */
    struct journal_mark marks[JOURNAL_MARKS_MAX];
    size_t mark_count;
    size_t open_from; /* of the open batch in `held` */
    uint64_t open_records;
    uint64_t open_lines; /* records and others */

    int64_t now_us;            /* the caller's last word */
    int64_t open_since_us;     /* first record of the open batch */
    int64_t unsynced_since_us; /* first record of the batches in `marks` */
    int64_t rotate_failed_us;  /* last attempt to make the next segment that failed */
    int64_t degraded_us;       /* last time that space was found missing */
    uint64_t reserve_chunk;    /* bytes of the segment reserved at a time */
    bool rotate_held;          /* rotate_failed_us is set */
    bool stuck;                /* the open batch did not fit on the disk */
    bool degraded;
    bool failed;
    uint64_t failovers;
    uint64_t closed; /* segments */

    bool signing; /* by this key */
    struct journal_secret secret;
    uint64_t key_seq;     /* the record that names it */
    uint64_t signed_size; /* lines that the last checkpoint covers */
    int64_t signed_us;    /* when that, or the last attempt, was */
    int64_t made_us;      /* when the last one was made, if by this run */
    int signing_code;     /* how it ended */
    bool signing_doubt;   /* it failed: nobody knows what the disk has */
};

#define JOURNAL_RETRY_MS 10000 /* between attempts to rotate or to leave the degraded state */

/* journal_is_full(rc): no space. journal_has_passed(now, since, ms): so many milliseconds have gone
 * by since; a clock that was set back counts as passed. journal_open_bytes(j): of the open batch.
 */
bool journal_is_full(int rc);
bool journal_has_passed(int64_t now_us, int64_t since_us, int64_t ms);
size_t journal_open_bytes(const struct journal *j);

/* journal_header_of(j, head, previous, previous_size, ret): the header of a segment that goes on
 * from `head`; previous is a name or "". Strings are borrowed from j and previous. */
void journal_header_of(const struct journal *j, const struct journal_head *head,
                       const char *previous, uint64_t previous_size, struct journal_header *ret);

/* journal_degrade(j): space is short: let the ballast go, take no more intents. */
void journal_degrade(struct journal *j);

/* journal_fail_over(j): the open segment has failed: all that is in memory goes into a new one,
 * durable, from what is known to be durable. 0, or -EIO for ever. */
int journal_fail_over(struct journal *j) __attribute__((warn_unused_result));

/* journal_sync_flushed(j): fdatasync what was flushed; fails over. journal_settle(j, wait): take
 * what the thread has said of what it was asked, if anything; without `wait` only of what is over.
 * What did not fit on the disk is in the open batch again then, and the journal degraded.
 * journal_is_syncing(j): it has not said all; only the thread may write to the segment. 0 or -EIO.
 */
int journal_sync_flushed(struct journal *j) __attribute__((warn_unused_result));
int journal_settle(struct journal *j, bool wait) __attribute__((warn_unused_result));
bool journal_is_syncing(const struct journal *j);

/* journal_sync_room(j): wait until the thread can take the open batch, or has nothing to do: in
 * both cases what was flushed may have moved on meanwhile. 0 or -EIO. journal_sync_queue(j, head):
 * where it is syncing: have it write the open batch, which is sealed up to `head`, and make it
 * durable, when it is through with what it has. 0 or -ENOMEM. */
int journal_sync_room(struct journal *j) __attribute__((warn_unused_result));
int journal_sync_queue(struct journal *j, const struct journal_head *head)
    __attribute__((warn_unused_result));

/* journal_sync_drop(j): wait until the thread has let go of the segment, whatever it says.
 * journal_sync_stop(j): and end it. journal_set_durable(j): everything flushed is on disk.
 * journal_set_flushed(j, head, n): the open batch, with n bytes of lines, sealed up to `head`, is
 * the kernel's or the thread's. */
void journal_sync_drop(struct journal *j);
void journal_sync_stop(struct journal *j);
void journal_set_durable(struct journal *j);
void journal_set_flushed(struct journal *j, const struct journal_head *head, size_t n);

/* journal_grow(j, n): the tree takes the first n bytes of `held`, which are durable batches; the
 * rest stays there.
 * journal_grow_apart(j): from now on by a thread. 0, -ENOMEM, -errno. journal_grown(j): wait for
 * that: the tree over all that is durable. journal_grow_stop(j): and end the thread. */
void journal_grow(struct journal *j, size_t n);
int journal_grow_apart(struct journal *j) __attribute__((warn_unused_result));
const struct journal_tree *journal_grown(struct journal *j);
void journal_grow_stop(struct journal *j);

/* journal_is_rotation_due(j): the segment is big or old enough, and holds a record.
 * journal_rotate(j): close it and begin the next; where that cannot be made the old one is used on,
 * and it is due again after JOURNAL_RETRY_MS. 0 or -EIO. */
bool journal_is_rotation_due(const struct journal *j);
int journal_rotate(struct journal *j) __attribute__((warn_unused_result));

/* journal_signing_wait(j, ret_ms): true where a checkpoint, or the line of an hour without anything
 * else, is due so long after signed_us. journal_signing_tick(j): do what has come due; what fails
 * is tried again later. journal_signing_finish(j): sign what is durable and not signed yet. */
bool journal_signing_wait(const struct journal *j, int64_t *ret_ms);
void journal_signing_tick(struct journal *j);
void journal_signing_finish(struct journal *j);

/* journal_put_line(j, line): add a whole line that is not a record to the open batch. */
int journal_put_line(struct journal *j, struct span line) __attribute__((warn_unused_result));

#endif
