/*
 * Checkpoints, held against the tree as the audit builds it. Pure. Private to journal/.
 *
 *   evidence_init -> evidence_anchor ... ->
 *     { evidence_segment -> (the audit calls evidence_leaf) ... -> evidence_segment_end } ... ->
 *     evidence_end -> evidence_release
 *
 * Behind a fault in the framing the tree is not known until the next segment's header tells it
 * again; checkpoints in between cannot be held against anything and are passed over: the fault was
 * told. Of checkpoints that do not fit, the first is told: what follows it cannot fit either.
 */
#ifndef LOCKSTEP_JOURNAL_EVIDENCE_H
#define LOCKSTEP_JOURNAL_EVIDENCE_H

#include "journal/audit.h"
#include "journal/checkpoint.h"

/* A checkpoint that is to be held against the tree of its size. */
struct evidence_point {
    uint64_t size;
    uint8_t root[SHA256_BYTES];
    struct span origin;
    struct journal_note note;
    const char *file;
    uint64_t offset;  /* in the file */
    const char *kept; /* NULL: of a segment's file; else what to call it */
    bool ours;        /* it lies in the journal's directory */
};

struct evidence_points {
    struct evidence_point *items;
    size_t count;
    size_t next; /* the first that was not reached yet */
    size_t room;
};

struct evidence {
    struct journal_audit *audit;
    struct journal_key *keys; /* whose signatures count */
    size_t key_count;
    bool keys_given;  /* by the auditor; else those that the journal names are added */
    struct buf store; /* decoded records */
    struct buf file;  /* the segment's checkpoints */
    char name[JOURNAL_FILE_SIZE];
    struct evidence_points points;  /* of the segment, in the order of the file */
    struct evidence_points anchors; /* by size */
    uint64_t leaves;
    bool forked; /* told already */
    int rc;      /* -ENOMEM once memory was short */
};

/* evidence_init(ev, audit, keys, count): with the keys whose signatures count; none: those that the
 * journal itself names. Puts itself into the audit. 0 or -ENOMEM. */
int evidence_init(struct evidence *ev, struct journal_audit *audit, const struct journal_key *keys,
                  size_t count) __attribute__((warn_unused_result));
void evidence_release(struct evidence *ev);

/* evidence_key(ev, key): one more whose signatures count, as if the journal had named it. 0 or
 * -ENOMEM. evidence_pass(ev, count): what was kept of trees of at most so many lines is held
 * against them elsewhere. */
int evidence_key(struct evidence *ev, const struct journal_key *key)
    __attribute__((warn_unused_result));
void evidence_pass(struct evidence *ev, uint64_t count);

/* evidence_anchor(ev, name, ours, text): one checkpoint that was kept elsewhere, or the journal's
 * newest (ours); name and text borrowed until the end. Before the first segment. 0 or -ENOMEM. */
int evidence_anchor(struct evidence *ev, const char *name, bool ours, struct span text)
    __attribute__((warn_unused_result));

/* evidence_segment(ev, name): the segment's checkpoints are in ev->file. evidence_segment_end(ev):
 * the segment was audited. 0 or -ENOMEM. */
int evidence_segment(struct evidence *ev, struct journal_name name)
    __attribute__((warn_unused_result));
int evidence_segment_end(struct evidence *ev) __attribute__((warn_unused_result));

/* evidence_orphan(ev, name): the checkpoints of a segment that is not there. */
void evidence_orphan(struct evidence *ev, struct journal_name name);

/* evidence_end(ev): all segments were audited. 0 or -ENOMEM. */
int evidence_end(struct evidence *ev) __attribute__((warn_unused_result));

#endif
