/*
 * The rules that tie batches and segments together, held against one batch after the other. Pure.
 * Private to journal/. The verifier reports what it finds; recovery takes its state from it.
 *
 *   audit_init -> { audit_segment -> audit_batch ... -> audit_segment_end } ...
 *
 * After a fault the audit goes on from what is written (chain values, segment headers), so that one
 * flipped byte is one fault.
 */
#ifndef LOCKSTEP_JOURNAL_AUDIT_H
#define LOCKSTEP_JOURNAL_AUDIT_H

#include "journal/batch.h"
#include "journal/packed.h"

/* The first segment, where it does not begin a journal: what stood before it. */
struct journal_late {
    bool is;
    char file[JOURNAL_FILE_SIZE]; /* the segment */
    uint64_t first;               /* its first record */
    uint64_t leaves;
    uint8_t chain[SHA256_BYTES];
    uint8_t root[SHA256_BYTES];
    uint64_t said_by;     /* the record that says that retention did it; 0 none yet */
    uint64_t said_leaves; /* lines of the tree with it */
};

/* Who looks at the tree while it grows. */
struct journal_onlooker {
    uint64_t (*wants)(void *arg, uint64_t count); /* the next size above `count` to look at */
    void (*on_leaves)(void *arg, const struct span *lines, size_t n); /* the tree has taken them */
};

struct journal_audit {
    void (*on_fault)(void *arg, const struct journal_fault *f); /* may be NULL */
    void *arg;
    const struct journal_onlooker *onlooker; /* NULL: nobody looks at the tree */
    void *onlooker_arg;
    struct journal_verdict verdict;
    struct buf store; /* decoded lines */

    struct journal_head head;          /* where the journal stands */
    uint8_t other_chain[SHA256_BYTES]; /* after a chain fault: what it should have been */
    bool chain_known;
    bool other_known;
    bool seq_known;
    bool tree_known;
    char uuid[JOURNAL_UUID_SIZE];     /* of the last header; "" none yet */
    char previous[JOURNAL_FILE_SIZE]; /* the segment before this one */
    int version; /* 0, or ERR_VERSION once a header is newer than this program */

    char file[JOURNAL_FILE_SIZE]; /* the segment at hand */
    struct journal_name name;
    bool first;            /* nothing of it was seen yet */
    uint64_t good_end;     /* its bytes up to the end of the last good batch */
    uint64_t damage;       /* its faults so far, all of them before good_end */
    const char *held_kind; /* a broken batch at good_end: told once a good one follows */
    const char *held_why;
    uint8_t held_chain[SHA256_BYTES]; /* its chain value as written */
    uint64_t hole_from; /* bytes of the segment at hand that a damaged file has lost, as was told */
    uint64_t hole_to;
    struct journal_late late;
    bool trust_first; /* take the first header's word for what lies before it (set after init) */
};

/* journal_audit_init(a, on_fault, arg). journal_audit_release(a). */
void journal_audit_init(struct journal_audit *a,
                        void (*on_fault)(void *arg, const struct journal_fault *f), void *arg);
void journal_audit_release(struct journal_audit *a);

/* journal_audit_segment(a, name): a segment begins. */
void journal_audit_segment(struct journal_audit *a, struct journal_name name);

/* journal_audit_late(a, name, h): the journal's first segment has this name and this header: does
 * it begin a journal? Else that is noted in a->late, for who looks for the record that explains it.
 */
void journal_audit_late(struct journal_audit *a, struct journal_name name,
                        const struct journal_header *h);

/* journal_audit_batch(a, step, offset, batch): the next GOOD or BROKEN batch; offset is where its
 * bytes begin, those skipped included. 0 or -ENOMEM. */
int journal_audit_batch(struct journal_audit *a, enum journal_step step, uint64_t offset,
                        const struct journal_batch *batch) __attribute__((warn_unused_result));

/* journal_audit_segment_end(a, size, counted, last): the segment has `size` bytes of which
 * `counted` count (the next header's word; size where there is none). last: no segment follows. */
void journal_audit_segment_end(struct journal_audit *a, uint64_t size, uint64_t counted, bool last);

/* journal_audit_damage(a, d): the compressed file of the segment at hand is damaged. It is told;
 * what follows of it for the batches that it has lost is not told again. */
void journal_audit_damage(struct journal_audit *a, const struct journal_damage *d);

/* journal_audit_tell(a, file, offset, kind, fmt, ...): a fault that was found beside the audit. It
 * is counted and told, and does not touch what the audit knows. tell_harmless: what is none. */
void journal_audit_tell(struct journal_audit *a, const char *file, uint64_t offset,
                        const char *kind, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
void journal_audit_tell_harmless(struct journal_audit *a, const char *file, uint64_t offset,
                                 const char *kind, const char *detail);

#endif
