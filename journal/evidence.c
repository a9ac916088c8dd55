/* Checkpoints, held against the tree as the audit builds it. Pure. */
#include "journal/evidence.h"

#include "base/err.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define OP_FAR 96 /* bytes from the line's begin within which a record's operation stands */

/* Room for one more. NULL without memory. */
static struct evidence_point *points_add(struct evidence_points *p)
{
    if (p->count == p->room) {
        size_t more = p->room ? p->room * 2 : 64;
        struct evidence_point *items = reallocarray(p->items, more, sizeof(*items));

        if (!items)
            return NULL;
        p->items = items;
        p->room = more;
    }
    return &p->items[p->count++];
}

static void points_release(struct evidence_points *p)
{
    free(p->items);
    *p = (struct evidence_points){NULL, 0, 0, 0};
}

int evidence_key(struct evidence *ev, const struct journal_key *key)
{
    struct journal_key *keys;

    for (size_t i = 0; i < ev->key_count; i++)
        if (journal_key_equal(&ev->keys[i], key))
            return 0;
    keys = reallocarray(ev->keys, ev->key_count + 1, sizeof(*keys));
    if (!keys)
        return -ENOMEM;
    ev->keys = keys;
    ev->keys[ev->key_count++] = *key;
    return 0;
}

/* A line that may_name_key: if it does, that key's signatures count from now on. 0 or -ENOMEM. */
static int take_key(struct evidence *ev, struct span line)
{
    struct journal_record rec;
    struct journal_key key;
    int rc = journal_record_decode(line, &ev->store, &rec);

    if (rc == 0 && rec.after && journal_key_parse(span_of(rec.after), &key) == 0)
        rc = evidence_key(ev, &key);
    return rc == -ENOMEM ? rc : 0;
}

/* What the file is called in words. */
static const char *where(const struct evidence_point *p)
{
    return p->kept ? p->kept : p->file;
}

/* Whether one of our keys has signed it and says so of its own log; a fault where not. */
static bool is_signed(struct evidence *ev, const struct evidence_point *p)
{
    char signer[JOURNAL_SIGNER_MAX];
    const struct journal_key *key = NULL;
    int rc = journal_note_verify(&p->note, ev->keys, ev->key_count, &key);

    /* The record that named its key went with the journal's beginning. */
    if (rc == ERR_REFUSED && ev->audit->late.is && !ev->keys_given && ev->key_count == 0)
        return false;

    if (rc == -ENOMEM)
        ev->rc = rc;
    else if (rc == ERR_CORRUPT)
        journal_audit_tell(ev->audit, where(p), p->offset, "signature",
                           "the checkpoint over %" PRIu64 " lines was changed after it was signed "
                           "by %s, or was signed by someone else in that name",
                           p->size, journal_note_signer(&p->note, signer));
    else if (rc == ERR_REFUSED)
        journal_audit_tell(ev->audit, where(p), p->offset, "wrong key",
                           "the checkpoint over %" PRIu64 " lines is signed by %s, which is none "
                           "of the keys %s",
                           p->size, journal_note_signer(&p->note, signer),
                           ev->keys_given ? "that were given"
                                          : "that the journal has named so far");
    else if (!span_equal(p->origin, span_of(key->name)))
        journal_audit_tell(ev->audit, where(p), p->offset, "wrong key",
                           "the checkpoint over %" PRIu64 " lines is of the log \"%.*s\", but "
                           "signed by the key of \"%s\"",
                           p->size, p->origin.n < 128 ? (int)p->origin.n : 128, p->origin.p,
                           key->name);
    else
        return true;
    return false;
}

/* Hold a checkpoint against the root of a tree that has its size. */
static void check_point(struct evidence *ev, const struct evidence_point *p,
                        const uint8_t root[SHA256_BYTES])
{
    const struct journal_verdict *v = &ev->audit->verdict;

    if (!is_signed(ev, p))
        return;
    if (memcmp(root, p->root, SHA256_BYTES) == 0) {
        ev->audit->verdict.checkpoints += p->kept == NULL;
        ev->audit->verdict.anchors += p->kept != NULL && !p->ours;
        if (p->size > v->signed_leaves)
            ev->audit->verdict.signed_leaves = p->size;
        return;
    }
    if (!ev->forked || p->kept)
        journal_audit_tell(ev->audit, where(p), p->offset, "forked",
                           "the first %" PRIu64 " lines are not those that were signed; the last "
                           "checkpoint that fits was over %" PRIu64,
                           p->size, v->signed_leaves);
    ev->forked = true;
}

/* All that the tree has the size of, or has passed. */
static void reach(struct evidence *ev, struct evidence_points *points, uint64_t count)
{
    const struct journal_late *late = &ev->audit->late;
    uint8_t root[SHA256_BYTES];

    while (points->next < points->count && points->items[points->next].size <= count) {
        const struct evidence_point *p = &points->items[points->next++];

        journal_tree_root(&ev->audit->head.tree, root);
        if (p->size == count && (ev->audit->tree_known || count == 0))
            check_point(ev, p, root);
        else if (late->is && p->size == late->leaves)
            check_point(ev, p, late->root);
        else if (late->is && p->size < late->leaves)
            ev->audit->verdict.passed += p->kept != NULL && !p->ours;
        else if (p->size < count && ev->audit->tree_known)
            journal_audit_tell(ev->audit, where(p), p->offset, "order",
                               "a checkpoint over %" PRIu64 " lines stands where the journal has "
                               "%" PRIu64 " already",
                               p->size, count);
    }
}

/* The audit's hook: where the tree is next held against a checkpoint. One that it has passed is
 * told of at the next line. */
static uint64_t evidence_wants(void *arg, uint64_t count)
{
    const struct evidence *ev = arg;
    const struct evidence_points *lists[] = {&ev->points, &ev->anchors};
    uint64_t least = UINT64_MAX;

    for (size_t i = 0; i < 2; i++) {
        const struct evidence_points *p = lists[i];

        if (p->next < p->count && p->items[p->next].size < least)
            least = p->items[p->next].size;
    }
    return least > count ? least : count + 1;
}

/* May this line name a key? */
static bool may_name_key(struct span line)
{
    return journal_kind_of(line) == JOURNAL_KIND_RECORD &&
           memmem(line.p, line.n < OP_FAR ? line.n : OP_FAR, "\"o\":\"key\",", 10);
}

/* The audit's hook: lines were pushed. */
static void evidence_leaves(void *arg, const struct span *lines, size_t n)
{
    struct evidence *ev = arg;
    uint64_t count = ev->audit->head.tree.count;

    for (size_t i = 0; i < n && !ev->keys_given; i++)
        if (may_name_key(lines[i]) && take_key(ev, lines[i]))
            ev->rc = -ENOMEM;
    reach(ev, &ev->points, count);
    reach(ev, &ev->anchors, count);
}

static const struct journal_onlooker onlooker = {.wants = evidence_wants,
                                                 .on_leaves = evidence_leaves};

int evidence_init(struct evidence *ev, struct journal_audit *audit, const struct journal_key *keys,
                  size_t count)
{
    int rc = 0;

    memset(ev, 0, sizeof(*ev));
    ev->audit = audit;
    ev->keys_given = count != 0;
    buf_init(&ev->store, JOURNAL_LINE_MAX);
    buf_init(&ev->file, JOURNAL_CHECKPOINTS_MAX);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = evidence_key(ev, &keys[i]);
    audit->onlooker = &onlooker;
    audit->onlooker_arg = ev;
    return rc;
}

void evidence_release(struct evidence *ev)
{
    points_release(&ev->points);
    points_release(&ev->anchors);
    buf_release(&ev->store);
    buf_release(&ev->file);
    free(ev->keys);
    ev->keys = NULL;
}

void evidence_pass(struct evidence *ev, uint64_t count)
{
    struct evidence_points *p = &ev->anchors;

    while (p->next < p->count && p->items[p->next].size <= count)
        p->next++;
}

/* One note as a point; a fault where it is none. 0 or -ENOMEM. */
static int add_note(struct evidence *ev, struct evidence_points *to, struct span text,
                    const struct evidence_point *like)
{
    struct evidence_point p = *like, *room;
    struct journal_checkpoint c;

    if (journal_note_parse(text, &p.note) || journal_checkpoint_parse(p.note.text, &c)) {
        journal_audit_tell(ev->audit, where(&p), p.offset, "syntax", "this is no checkpoint");
        return 0;
    }
    p.size = c.size;
    p.origin = c.origin;
    memcpy(p.root, c.root, SHA256_BYTES);
    room = points_add(to);
    if (!room)
        return -ENOMEM;
    *room = p;
    return 0;
}

/* For qsort. */
static int compare_points(const void *a, const void *b)
{
    const struct evidence_point *one = a, *other = b;

    return (one->size > other->size) - (one->size < other->size);
}

int evidence_anchor(struct evidence *ev, const char *name, bool ours, struct span text)
{
    const struct evidence_point like = {.file = name, .kept = name, .ours = ours};
    int rc = add_note(ev, &ev->anchors, text, &like);

    if (ev->anchors.count)
        qsort(ev->anchors.items, ev->anchors.count, sizeof(*ev->anchors.items), compare_points);
    return rc;
}

int evidence_segment(struct evidence *ev, struct journal_name name)
{
    struct span rest = {ev->file.data, ev->file.len}, text;
    struct evidence_point like = {.file = journal_checkpoints_name(name, ev->name)};
    int rc = 0;

    ev->points.count = ev->points.next = 0;
    if (ev->audit->verdict.segments == 0)
        reach(ev, &ev->anchors, 0);
    while (rc == 0 && rest.n && journal_checkpoints_next(&rest, &text)) {
        like.offset = (uint64_t)(text.p - ev->file.data);
        rc = add_note(ev, &ev->points, text, &like);
    }
    if (rc == 0 && rest.n)
        journal_audit_tell_harmless(ev->audit, ev->name, ev->file.len - rest.n, "torn tail",
                                    "the last checkpoint is not whole: the writer died there, or "
                                    "is writing now");
    return rc;
}

/* The biggest of those that were not reached; and none of them is waited for any more. */
static const struct evidence_point *left_over(struct evidence_points *p)
{
    const struct evidence_point *most = NULL;

    for (; p->next < p->count; p->next++)
        if (!most || p->items[p->next].size > most->size)
            most = &p->items[p->next];
    return most;
}

int evidence_segment_end(struct evidence *ev)
{
    const struct evidence_point *p = left_over(&ev->points);

    if (p && ev->audit->damage == 0 && is_signed(ev, p))
        journal_audit_tell(ev->audit, where(p), p->offset, "truncated",
                           "a checkpoint was signed over %" PRIu64 " lines, but the segment ends "
                           "after %" PRIu64,
                           p->size, ev->audit->head.tree.count);
    return ev->rc;
}

void evidence_orphan(struct evidence *ev, struct journal_name name)
{
    char file[JOURNAL_FILE_SIZE];

    journal_audit_tell(ev->audit, journal_checkpoints_name(name, file), 0, "truncated",
                       "these are the checkpoints of a segment that is not there");
}

/* The first segment does not begin a journal: retention must have said so, in a record that is
 * signed where anything is. */
static void judge_beginning(struct evidence *ev)
{
    const struct journal_late *late = &ev->audit->late;
    struct journal_verdict *v = &ev->audit->verdict;

    if (!late->is)
        return;
    if (!late->said_by) {
        journal_audit_tell(ev->audit, late->file, 0, "header",
                           "is the first segment, but does not begin a journal: records 1 to "
                           "%" PRIu64
                           " are missing, and no record says that retention removed them",
                           late->first - 1);
        return;
    }
    if (late->said_leaves > v->signed_leaves && (ev->keys_given || v->checkpoints)) {
        journal_audit_tell(ev->audit, late->file, 0, "unsigned",
                           "records 1 to %" PRIu64 " are missing; no checkpoint covers record "
                           "%" PRIu64 ", which says that retention removed them",
                           late->first - 1, late->said_by);
        return;
    }
    v->removed = late->first - 1;
    v->removed_by = late->said_by;
    v->removed_leaves = late->leaves;
    hex_encode(late->chain, SHA256_BYTES, v->removed_chain);
}

int evidence_end(struct evidence *ev)
{
    const struct journal_verdict *v = &ev->audit->verdict;

    reach(ev, &ev->anchors, 0);
    for (; ev->anchors.next < ev->anchors.count; ev->anchors.next++) {
        const struct evidence_point *p = &ev->anchors.items[ev->anchors.next];

        if (is_signed(ev, p))
            journal_audit_tell(ev->audit, where(p), p->offset, "truncated",
                               "the journal had at least %" PRIu64 " lines when this was signed, "
                               "and has %" PRIu64 " now",
                               p->size, ev->audit->head.tree.count);
    }
    if (ev->keys_given && v->checkpoints == 0 && v->faults == 0)
        journal_audit_tell(ev->audit, JOURNAL_CHECKPOINT_FILE, 0, "unsigned",
                           "no checkpoint vouches for this journal");
    judge_beginning(ev);
    ev->audit->verdict.leaves = ev->audit->head.tree.count;
    return ev->rc;
}
