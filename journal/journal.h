/*
 * The change journal: an append-only record of what was intended and how it ended.
 *
 * A journal is a directory of segments, `<first sequence number, 20 digits>.jsonl`, each a run of
 * batches; a batch is record lines closed by a commit line that carries their CRC-32C and a SHA-256
 * chained to the batch before (DESIGN.md has the bytes). A record is committed if and only if the
 * commit line of its batch is whole and valid.
 *
 * One writer a journal (a lock keeps a second one out); any number of readers, also while it
 * writes.
 */
#ifndef LOCKSTEP_JOURNAL_JOURNAL_H
#define LOCKSTEP_JOURNAL_JOURNAL_H

#include "base/buf.h"
#include "base/err.h"
#include "journal/key.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define JOURNAL_LINE_MAX 61440 /* bytes of one line without its LF */
#define JOURNAL_NAME_MAX 64
#define JOURNAL_VERSION  1

/* What a record speaks of ("o"). The spelling in the file is the name in lower case. */
enum journal_op {
    JOURNAL_ADD,    /* change: a path that S3 does not have */
    JOURNAL_EDIT,   /* change: other content */
    JOURNAL_META,   /* change: mode, owner or mtime only */
    JOURNAL_RENAME, /* change: p became d; a file, or a directory with all beneath it (n objects) */
    JOURNAL_REMOVE, /* change: p is gone */
    JOURNAL_PUT,    /* transfer */
    JOURNAL_COPY,   /* transfer: p is the new key's path, d the source's */
    JOURNAL_DELETE, /* transfer */
    JOURNAL_LST,    /* a list was rewritten */
    JOURNAL_HOLD,   /* the guard holds n removals of a mapping */
    JOURNAL_RELEASE,  /* an operator let them go; ABORT: wants them never to happen */
    JOURNAL_START,    /* the agent began */
    JOURNAL_STOP,     /* the agent ended in order */
    JOURNAL_IDLE,     /* all that is known is in S3 */
    JOURNAL_OVERFLOW, /* events were lost; a rescan follows */
    JOURNAL_TRASH,    /* transfer: the object of p is copied to the key d, before it is deleted */
    JOURNAL_EXPIRE,   /* n objects of the trash are removed, up to the key p */
    JOURNAL_KEY,      /* from here on the key a signs */
    JOURNAL_RETIRE,   /* retention removes the segment p, which ends with record n; d is the first
                         that   is left; b the chain value, a the root of the tree, before that one */
    JOURNAL_OP_COUNT
};

/* Where in its life ("st"). */
enum journal_state {
    JOURNAL_INTENT,
    JOURNAL_DONE,
    JOURNAL_FAILED,
    JOURNAL_ABORT, /* given up because the disk moved on; what is open is planned anew */
    JOURNAL_NOTE,  /* not part of a transaction */
    JOURNAL_STATE_COUNT
};

/* How it was noticed ("src"). */
enum journal_source {
    JOURNAL_SRC_NONE,
    JOURNAL_SRC_EVENT,
    JOURNAL_SRC_SCAN,
    JOURNAL_SRC_SELF,
    JOURNAL_SRC_OPERATOR,
    JOURNAL_SRC_COUNT
};

#define JOURNAL_HAS_FILE 1u /* ino, size, mtime_ns, mode, uid, gid are set */
#define JOURNAL_HAS_CRC  2u /* crc64 is set */

/*
 * One record. Strings are borrowed and may be NULL (the key is then absent from the line). Paths
 * and names are any bytes; those that are not UTF-8 are written as base64 under "P", "D".
 * Encoding order: q t o st w p|P d|D n src tx i s m md u g b a bk e v c rc at ms why.
 */
struct journal_record {
    uint64_t seq;    /* q: given by the writer */
    int64_t time_us; /* t: given by the writer's caller; microseconds since 1970 */
    enum journal_op op;
    enum journal_state state;
    enum journal_source source;
    uint64_t tx;         /* ties outcomes to their intent: the intent's own seq; 0 none */
    const char *mapping; /* w */
    const char *path;    /* p */
    const char *path2;   /* d */
    uint64_t count;      /* n: objects of a directory rename, removals held, rows changed; 0 none */
    unsigned has;        /* JOURNAL_HAS_* */
    uint64_t ino;        /* i: as a hex string */
    uint64_t size;       /* s: bytes */
    int64_t mtime_ns;    /* m: "seconds.nanoseconds" */
    uint32_t mode;       /* md: st_mode in octal, as a string */
    uint32_t uid;        /* u */
    uint32_t gid;        /* g */
    const char *before;  /* b: hex SHA-256 of a list before its rewrite */
    const char *after;   /* a: and after; or the public form of a key */
    const char *backup;  /* bk: name of the file beside the journal that undoes the rewrite */
    const char *etag;    /* e: without quotes */
    const char *version; /* v */
    uint64_t crc64;      /* c: CRC-64/NVME of the content, base64 as S3 spells it */
    int http_status;     /* rc */
    unsigned attempts;   /* at */
    uint64_t duration_ms; /* ms */
    const char *why;      /* why: reason of a failure, hold or abort; what policies did to a list */
};

const char *journal_op_name(enum journal_op op);
/* journal_op_parse(text, &op): 0 or ERR_SYNTAX. */
int journal_op_parse(const char *text, enum journal_op *ret) __attribute__((warn_unused_result));
const char *journal_state_name(enum journal_state state);
const char *journal_source_name(enum journal_source source);

/*
 * Codec. Pure.
 *
 * journal_record_encode(rec, out): append the record's line with its LF. 0, -ENOMEM, -EINVAL for an
 * op, state or source that is none, or ERR_LIMIT past JOURNAL_LINE_MAX (out unchanged). Strings
 * other than paths should be UTF-8; what is not becomes U+FFFD.
 *
 * journal_record_decode(line, store, ret): the record of one line without LF. Strings point into
 * `store`, which is reset first and must live as long as the record; JOURNAL_LINE_MAX is ceiling
 * enough for it. 0, -ENOMEM, ERR_LIMIT past store's ceiling, or ERR_SYNTAX: unknown keys, keys out
 * of order, a value out of range and anything that encode would not have written are refused (ret
 * unchanged).
 */
int journal_record_encode(const struct journal_record *rec, struct buf *out)
    __attribute__((warn_unused_result));
int journal_record_decode(struct span line, struct buf *store, struct journal_record *ret)
    __attribute__((warn_unused_result));

#define JOURNAL_NO_BALLAST UINT64_MAX

/*
 * Writer. One thread.
 *
 *   journal_open -> { journal_append ... journal_sync | journal_tick } ... -> journal_close
 *
 * An appended record is in memory; journal_flush writes it with its commit line, journal_sync also
 * makes it durable. THE CALLER MUST NOT ACT ON AN INTENT BEFORE journal_sync RETURNED 0
 * (or journal_durable_seq is not below it).
 */
struct journal_options {
    uint64_t segment_bytes; /* a segment is closed past this; 0: 64 MiB */
    int64_t segment_age_ms; /* or at this age; 0: 24 h */
    uint64_t batch_bytes;   /* flush past this; 0: 1 MiB */
    int64_t flush_ms;       /* flush within; 0: 5 */
    int64_t sync_ms;        /* fdatasync within; 0: 1000 */
    uint64_t ballast_bytes; /* let go when the disk is full; 0: 16 MiB; JOURNAL_NO_BALLAST: none */
    int64_t checkpoint_ms;  /* from one checkpoint to the next, where something is new; 0: 1 min */
    int64_t rest_ms;        /* where nothing is; 0: 1 h */
    const char *host;       /* for the segment header; borrowed during open only */
    const char *boot;       /* boot id */
    const char *version;    /* program version */
};

/* What recovery found and did; counts are 0 when all was well. */
struct journal_recovery {
    uint64_t next_seq;         /* of the next record */
    uint64_t torn_bytes;       /* cut from the last segment's tail, saved beside it as .torn */
    uint64_t corrupt_segments; /* left as they are, set aside; never truncated */
    bool fresh;                /* there was no journal here */
};

struct journal;

/* journal_open(dir, opt, now_us, ret, ret_rec, e): create or recover the journal in `dir` (made
 * with 0700 if missing) and lock it. -EBUSY if another writer holds the lock, ERR_VERSION for a
 * journal of a newer program. All that a reader finds afterwards is durable. */
int journal_open(const char *dir, const struct journal_options *opt, int64_t now_us,
                 struct journal **ret, struct journal_recovery *ret_recovery, struct err *e)
    __attribute__((warn_unused_result));

/* journal_append(j, rec, now_us, ret_seq): take the record into the open batch. seq and time are
 * set here; a tx of JOURNAL_TX_SELF becomes the record's own seq; ret_seq may be NULL. 0, -ENOMEM,
 * ERR_LIMIT (a line too long), -ENOSPC while the disk is full (intents are refused at once,
 * outcomes only when they do not fit in memory any more: keep them and come again), or -EIO when
 * the journal has failed for good (then nothing may be mutated any more). On error the record was
 * not taken. */
#define JOURNAL_TX_SELF UINT64_MAX
int journal_append(struct journal *j, const struct journal_record *rec, int64_t now_us,
                   uint64_t *ret_seq) __attribute__((warn_unused_result));

/* journal_flush(j): hand the open batch to the kernel, or to the thread that is waiting for the
 * disk and writes it then. journal_sync(j): and make all durable. A failed fdatasync is never
 * retried on its file: a new segment gets the batches again; if that fails too, -EIO for ever.
 * -ENOSPC: the disk is full; what was appended is still in memory, and a later call writes it;
 * nothing may be acted on until then. -ENOMEM likewise. */
int journal_flush(struct journal *j) __attribute__((warn_unused_result));
int journal_sync(struct journal *j) __attribute__((warn_unused_result));

/* journal_sync_apart(j, ret_fd): start a thread for journal_sync_begin, and one that grows the tree
 * of what is durable; ret_fd, which is the journal's, becomes readable when journal_sync_end has
 * something to take. 0, -ENOMEM, -errno.
 * journal_sync_begin(j): begin to make durable what was appended; the caller may append meanwhile.
 * Those that come while the disk is busy share the next fdatasync; where four are under way the
 * oldest is waited for. Without the thread, or where nothing is to be done, it is journal_sync.
 * journal_sync_end(j): take the answers that have come; a failure is dealt with as by journal_sync.
 * Both: 0 or as journal_sync, WHICH DOES NOT SAY THAT ANYTHING IS DURABLE YET: an intent is once
 * its number is not above journal_durable_seq(j), that of the last record that is.
 */
int journal_sync_apart(struct journal *j, int *ret_fd) __attribute__((warn_unused_result));
int journal_sync_begin(struct journal *j) __attribute__((warn_unused_result));
int journal_sync_end(struct journal *j) __attribute__((warn_unused_result));
uint64_t journal_durable_seq(const struct journal *j);

/* journal_deadline_ms(j, now_us): milliseconds until journal_tick is wanted; -1: never,
 * or not before the fd of journal_sync_apart says so. journal_tick(j, now_us): do what has come due
 * (flush, sync, rotate). 0, or as journal_sync. */
int64_t journal_deadline_ms(const struct journal *j, int64_t now_us);
int journal_tick(struct journal *j, int64_t now_us) __attribute__((warn_unused_result));

/* journal_sign(j, secret, now_us, e): this key signs from now on, and a record says so.
 * journal_tick makes the checkpoints, as do a new segment and journal_close; one that cannot be
 * written does not stop the journal (journal_health tells). The secret is copied; the copy is wiped
 * when the journal is closed. 0; ERR_CORRUPT: this key has signed what is not in the journal any
 * more, so that nothing is signed; or as journal_append. */
int journal_sign(struct journal *j, const struct journal_secret *secret, int64_t now_us,
                 struct err *e) __attribute__((warn_unused_result));

/* journal_next_seq(j): the number that the next record gets. */
uint64_t journal_next_seq(const struct journal *j);

struct journal_health {
    bool failed;        /* -EIO for ever: start anew */
    bool degraded;      /* the disk is full: no intents are taken */
    uint64_t failovers; /* segments given up because a write or fdatasync failed */
    int signing;        /* 0, or why the last checkpoint could not be made */
};
void journal_health(const struct journal *j, struct journal_health *ret);

/* How the journal is signed, and what of it leaves this host: closed segments, which never change
 * again, and checkpoints. */
struct journal_standing {
    const char *key;       /* name of the key that signs; NULL: nothing is signed; the journal's */
    const char *uuid;      /* which journal it is; the journal's */
    uint64_t lines;        /* that are durable */
    uint64_t signed_lines; /* of these, that the key's newest checkpoint covers; 0: none */
    int64_t signed_us;     /* when it was made, if by this run; else 0 */
    uint64_t closed;       /* segments closed by this run: rises when there is one more */
};
void journal_standing(const struct journal *j, struct journal_standing *ret);

/* journal_checkpoint(j, now_us): make all durable and sign it, where something is not signed yet.
 * 0, or as journal_sync; that it could not be signed is told by journal_health. */
int journal_checkpoint(struct journal *j, int64_t now_us) __attribute__((warn_unused_result));

/* journal_closed_next(j, after, ret): the name of the file, as it is now, of the first closed
 * segment behind the one named `after` (NULL: of all). 0, -ENOENT where there is none, -ENOMEM,
 * -errno. */
int journal_closed_next(const struct journal *j, const char *after, char ret[JOURNAL_NAME_MAX])
    __attribute__((warn_unused_result));

/* The oldest segment, where it is closed. */
struct journal_oldest {
    char file[JOURNAL_NAME_MAX]; /* its file, as it is now */
    uint64_t last_seq;           /* its last record */
    int64_t closed_us;           /* when the next one began */
};
/* journal_oldest(j, ret): 0; -ENOENT where the oldest is the open one; ERR_CORRUPT where the next
 * one does not say what came before it, so that the oldest has to stay; -errno. */
int journal_oldest(const struct journal *j, struct journal_oldest *ret)
    __attribute__((warn_unused_result));

/* journal_retire(j, oldest, now_us): write down that retention removes it, make that durable, sign
 * it if anything is signed; then remove its files. 0, -EAGAIN while it cannot be signed, as
 * journal_oldest, as journal_append, -errno. */
int journal_retire(struct journal *j, const struct journal_oldest *oldest, int64_t now_us)
    __attribute__((warn_unused_result));

/* journal_first_seq(dir, ret): the number of the first record that a journal has or will have. 0,
 * -ENOENT without a segment, -ENOMEM, -errno. */
int journal_first_seq(const char *dir, uint64_t *ret) __attribute__((warn_unused_result));

/* journal_close(j): sync and unlock; NULL is allowed. 0 or -EIO (closed all the same). */
int journal_close(struct journal *j);

/*
 * Reader. One thread each. Only committed records are seen.
 */
struct journal_reader;

enum journal_read { JOURNAL_READ_RECORD, JOURNAL_READ_END, JOURNAL_READ_ERROR };

/* journal_reader_open(dir, from_seq, ret, e): positioned before the first record >= from_seq. 0,
 * -ENOMEM, -errno. A directory without segments is a journal that has not begun. */
int journal_reader_open(const char *dir, uint64_t from_seq, struct journal_reader **ret,
                        struct err *e) __attribute__((warn_unused_result));

/* journal_read(r, ret, ret_line, e): the next committed record and its raw line without LF (either
 * may be NULL), valid until the next call. END: no more for now; a later call may find more
 * (follow). ERROR: e says where; after ERR_CORRUPT the next call goes on behind the damage. After
 * any other code (-EIO, -ENOMEM...) nothing was passed over: the next call is END, so that a loop
 * to the end ends, and the one after it tries again. */
enum journal_read journal_read(struct journal_reader *r, struct journal_record *ret,
                               struct span *ret_line, struct err *e);
void journal_reader_close(struct journal_reader *r);

/*
 * Verifier: framing, sequence, CRC, chain, segment headers. Reports each fault and goes on from the
 * stored chain value, so one flipped byte is one fault.
 */
struct journal_fault {
    const char *file;   /* segment's name */
    uint64_t offset;    /* of the batch or line, bytes */
    uint64_t seq;       /* last good record before it; 0 none */
    const char *kind;   /* "torn tail", "crc", "chain", "sequence", "header", "syntax", ... */
    const char *detail; /* in words */
    bool harmless;      /* a torn tail: a writer died there; recovery will cut it */
};

struct journal_verdict {
    uint64_t segments;
    uint64_t records;
    uint64_t batches;
    uint64_t bytes;
    uint64_t faults; /* without the harmless ones */
    uint64_t torn;   /* harmless ones */
    uint64_t first_seq;
    uint64_t last_seq;
    char chain[65];         /* hex, at the end */
    uint64_t leaves;        /* lines of the tree */
    uint64_t checkpoints;   /* beside the segments, that are signed and fit */
    uint64_t anchors;       /* the same for those kept elsewhere */
    uint64_t signed_leaves; /* lines that the largest of these covers */
    uint64_t
        removed; /* records 1 to this retention has removed, as the journal says itself; 0 none */
    uint64_t removed_by;     /* the record that says so */
    uint64_t removed_leaves; /* lines that went */
    char removed_chain[65];  /* hex, where they ended */
    uint64_t passed; /* kept checkpoints over fewer lines: nothing here to hold them against */
};

/* What an auditor trusts, and has kept. */
struct journal_trust {
    const struct journal_key *keys; /* whose signatures count; none: those that the journal names,
                                       which shows damage and not that it was made anew */
    size_t key_count;
    const struct journal_anchor {
        const char *name; /* what to call it */
        struct span note; /* a checkpoint of any time */
    } * anchors;
    size_t anchor_count;
};

/* journal_verify(dir, trust, on_fault, arg, ret, e): 0 when it could be read (ret->faults tells),
 * else -errno. Needs no lock, no state but the directory. trust may be NULL. Segments are verified
 * at the same time, by a thread for each processor; on_fault is called by the caller's alone.
 * journal_verify_with: by so many threads; the answers are the same. */
#define JOURNAL_VERIFY_THREADS 64
int journal_verify(const char *dir, const struct journal_trust *trust,
                   void (*on_fault)(void *arg, const struct journal_fault *f), void *arg,
                   struct journal_verdict *ret, struct err *e) __attribute__((warn_unused_result));
int journal_verify_with(const char *dir, const struct journal_trust *trust, unsigned threads,
                        void (*on_fault)(void *arg, const struct journal_fault *f), void *arg,
                        struct journal_verdict *ret, struct err *e)
    __attribute__((warn_unused_result));

#endif
