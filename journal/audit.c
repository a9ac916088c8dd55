/* The rules that tie batches and segments together. Pure. */
#include "journal/audit.h"

#include "base/err.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void journal_audit_init(struct journal_audit *a,
                        void (*on_fault)(void *arg, const struct journal_fault *f), void *arg)
{
    memset(a, 0, sizeof(*a));
    a->on_fault = on_fault;
    a->arg = arg;
    a->head.next_seq = 1;
    buf_init(&a->store, JOURNAL_LINE_MAX);
}

void journal_audit_release(struct journal_audit *a)
{
    buf_release(&a->store);
}

/* Tell of a fault, and trust nothing that was counted before it. */
static void fault(struct journal_audit *a, uint64_t offset, const char *kind, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void fault(struct journal_audit *a, uint64_t offset, const char *kind, const char *fmt, ...)
{
    char detail[ERR_TEXT_MAX];
    struct journal_fault f = {.file = a->file,
                              .offset = offset,
                              .seq = a->verdict.last_seq,
                              .kind = kind,
                              .detail = detail};
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(detail, sizeof(detail), fmt, ap);
    va_end(ap);
    a->verdict.faults++;
    a->damage++;
    a->tree_known = false;
    if (a->on_fault)
        a->on_fault(a->arg, &f);
}

void journal_audit_tell(struct journal_audit *a, const char *file, uint64_t offset,
                        const char *kind, const char *fmt, ...)
{
    char detail[ERR_TEXT_MAX];
    struct journal_fault f = {
        .file = file, .offset = offset, .seq = a->verdict.last_seq, .kind = kind, .detail = detail};
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(detail, sizeof(detail), fmt, ap);
    va_end(ap);
    a->verdict.faults++;
    if (a->on_fault)
        a->on_fault(a->arg, &f);
}

void journal_audit_tell_harmless(struct journal_audit *a, const char *file, uint64_t offset,
                                 const char *kind, const char *detail)
{
    struct journal_fault f = {.file = file,
                              .offset = offset,
                              .seq = a->verdict.last_seq,
                              .kind = kind,
                              .detail = detail,
                              .harmless = true};

    a->verdict.torn++;
    if (a->on_fault)
        a->on_fault(a->arg, &f);
}

/* Has a damaged file lost some of these bytes of the segment at hand? That was told. */
static bool is_in_hole(const struct journal_audit *a, uint64_t from, uint64_t to)
{
    return from < a->hole_to && to > a->hole_from;
}

/* Tell of a fault in the framing of these bytes, unless they were lost. */
static void fault_within(struct journal_audit *a, uint64_t from, uint64_t to, const char *kind,
                         const char *fmt, ...) __attribute__((format(printf, 5, 6)));

static void fault_within(struct journal_audit *a, uint64_t from, uint64_t to, const char *kind,
                         const char *fmt, ...)
{
    char detail[ERR_TEXT_MAX];
    va_list ap;

    if (is_in_hole(a, from, to)) {
        a->damage++;
        a->tree_known = false;
        return;
    }
    va_start(ap, fmt);
    vsnprintf(detail, sizeof(detail), fmt, ap);
    va_end(ap);
    fault(a, from, kind, "%s", detail);
}

/* What the damage of a compressed file means, in words. */
static const char *damage_text(const struct journal_damage *d)
{
    if (strcmp(d->kind, "trailing") == 0)
        return "bytes follow the end of the compressed file";
    if (strcmp(d->kind, "truncated") == 0)
        return "the end of the compressed file is missing";
    if (strcmp(d->kind, "table") == 0)
        return "the compressed file's table of frames is damaged; they are found without it";
    return "this frame of the compressed file is damaged";
}

void journal_audit_damage(struct journal_audit *a, const struct journal_damage *d)
{
    char file[JOURNAL_FILE_SIZE];
    char lost[64] = "";

    if (d->from < d->to && d->to == UINT64_MAX)
        snprintf(lost, sizeof(lost), "; lost: what follows byte %" PRIu64, d->from);
    else if (d->from < d->to)
        snprintf(lost, sizeof(lost), "; lost: bytes %" PRIu64 " to %" PRIu64, d->from, d->to - 1);
    journal_audit_tell(a, journal_packed_name(a->name, file), d->offset, d->kind,
                       "%s (%" PRIu64 " bytes%s%s)", damage_text(d), d->bytes, lost,
                       lost[0] ? " of the segment" : "");
    if (d->from == d->to)
        return;
    a->damage++;
    a->hole_from = d->from < a->hole_from ? d->from : a->hole_from;
    a->hole_to = d->to > a->hole_to ? d->to : a->hole_to;
}

/* Tell of bytes that are no loss. */
static void harmless(struct journal_audit *a, const char *kind, const char *detail)
{
    journal_audit_tell_harmless(a, a->file, a->good_end, kind, detail);
}

void journal_audit_segment(struct journal_audit *a, struct journal_name name)
{
    memcpy(a->previous, a->file, sizeof(a->previous));
    a->name = name;
    journal_name_format(name, a->file);
    a->verdict.segments++;
    a->first = true;
    a->good_end = 0;
    a->damage = 0;
    a->held_kind = NULL;
    a->hole_from = UINT64_MAX;
    a->hole_to = 0;
}

/* From here on the header's word counts. */
static void adopt_header(struct journal_audit *a, const struct journal_header *h)
{
    if (!a->uuid[0])
        snprintf(a->uuid, sizeof(a->uuid), "%s", h->uuid);
    a->head.next_seq = h->first;
    a->head.tree = h->tree;
    memcpy(a->head.chain, h->chain, SHA256_BYTES);
    a->chain_known = true;
    a->other_known = false;
    a->seq_known = true;
    a->tree_known = true;
}

/* Hold a header against what stands before it; at most one fault. */
static void check_header(struct journal_audit *a, const struct journal_header *h)
{
    static const uint8_t zeroes[SHA256_BYTES];
    uint8_t mine[SHA256_BYTES], stated[SHA256_BYTES];

    journal_tree_root(&a->head.tree, mine);
    journal_tree_root(&h->tree, stated);
    if (h->first == a->name.first && a->late.is && !a->previous[0])
        return; /* what it should go on from is gone; why, is told in the end */
    if (h->first != a->name.first)
        fault(a, 0, "header", "begins with record %" PRIu64 ", which is not its name", h->first);
    else if (a->uuid[0] && strcmp(a->uuid, h->uuid) != 0)
        fault(a, 0, "header", "belongs to the journal %s, not to %s", h->uuid, a->uuid);
    else if (strcmp(h->previous, a->previous) != 0)
        fault(a, 0, "header", "follows %s, but %s stands before it",
              h->previous[0] ? h->previous : "nothing", a->previous[0] ? a->previous : "nothing");
    else if (!a->previous[0] && (h->first != 1 || h->tree.count != 0 || h->previous_size != 0 ||
                                 memcmp(h->chain, zeroes, SHA256_BYTES) != 0))
        fault(a, 0, "header", "is the first segment, but does not begin a journal");
    else if (a->seq_known && h->first != a->head.next_seq)
        fault(a, 0, "sequence", "begins with record %" PRIu64 "; %" PRIu64 " is due", h->first,
              a->head.next_seq);
    else if (a->chain_known && memcmp(h->chain, a->head.chain, SHA256_BYTES) != 0 &&
             !(a->other_known && memcmp(h->chain, a->other_chain, SHA256_BYTES) == 0))
        fault(a, 0, "chain", "the segment before it does not end with the chain value it names");
    else if (a->tree_known &&
             (h->tree.count != a->head.tree.count || memcmp(mine, stated, SHA256_BYTES) != 0))
        fault(a, 0, "root", "the Merkle root over the %" PRIu64 " lines before it is another",
              a->head.tree.count);
}

void journal_audit_late(struct journal_audit *a, struct journal_name name,
                        const struct journal_header *h)
{
    struct journal_late *late = &a->late;

    late->is = h->first == name.first && h->previous[0];
    if (!late->is)
        return;
    journal_name_format(name, late->file);
    late->first = h->first;
    late->leaves = h->tree.count;
    memcpy(late->chain, h->chain, SHA256_BYTES);
    journal_tree_root(&h->tree, late->root);
}

/* A record of retention: does it speak of what is missing here? */
static void take_retire(struct journal_audit *a, const struct journal_record *rec)
{
    char chain[2 * SHA256_BYTES + 1], root[2 * SHA256_BYTES + 1];
    struct journal_late *late = &a->late;

    if (!late->is || late->said_by || rec->count + 1 != late->first || !rec->path2 ||
        !rec->before || !rec->after)
        return;
    hex_encode(late->chain, SHA256_BYTES, chain);
    hex_encode(late->root, SHA256_BYTES, root);
    if (strcmp(rec->path2, late->file) == 0 && strcmp(rec->before, chain) == 0 &&
        strcmp(rec->after, root) == 0)
        late->said_by = rec->seq;
}

/* The first line of a segment's first batch. -ENOMEM or 0. */
static int take_header(struct journal_audit *a, struct span line)
{
    struct journal_header h;
    int rc = journal_header_decode(line, &a->store, &h);

    if (rc == -ENOMEM)
        return rc;
    if (rc == 0) {
        if (!a->previous[0] && !a->trust_first)
            journal_audit_late(a, a->name, &h);
        if (!a->trust_first || a->uuid[0])
            check_header(a, &h);
        adopt_header(a, &h);
    } else if (rc == ERR_VERSION) {
        a->version = ERR_VERSION;
        fault(a, 0, "header", "the segment's format is newer than this program");
    } else if (rc == ERR_CORRUPT) {
        fault(a, 0, "root", "the header's Merkle root is not that of its frontier");
    } else {
        fault(a, 0, "header", "the segment does not begin with a header");
    }
    return 0;
}

/* What is wrong with one line of a batch that is not its header; NULL nothing. *seq is the number
 * that a record has to have, 0 for the first, whose number is looked at elsewhere. */
static int check_line(struct journal_audit *a, struct span line, uint64_t *seq,
                      const char **ret_wrong)
{
    struct journal_record rec;
    struct journal_repair repair;
    int rc = 0;

    switch (journal_kind_of(line)) {
    case JOURNAL_KIND_RECORD:
        rc = journal_record_decode(line, &a->store, &rec);
        if (rc == -ENOMEM)
            return rc;
        if (rc == 0 && *seq != 0 && rec.seq != *seq)
            *ret_wrong = "the records of a batch are not numbered one after the other";
        if (rc == 0)
            *seq = rec.seq + 1;
        if (rc == 0 && rec.op == JOURNAL_RETIRE)
            take_retire(a, &rec);
        break;
    case JOURNAL_KIND_REPAIR:
        rc = journal_repair_decode(line, &repair);
        break;
    case JOURNAL_KIND_SIGNATURE:
        break;
    case JOURNAL_KIND_HEADER:
    case JOURNAL_KIND_COMMIT:
    case JOURNAL_KIND_OTHER:
        rc = ERR_SYNTAX;
        break;
    }
    if (rc)
        *ret_wrong = "a line is not one that this journal's writer writes";
    return 0;
}

/* All lines of a good batch. *ret_wrong says what is wrong with the first that is. */
static int check_lines(struct journal_audit *a, uint64_t offset, struct span body,
                       const char **ret_wrong)
{
    struct span line;
    uint64_t seq = 0;
    bool header = a->first && offset == 0;
    int rc = 0;

    *ret_wrong = NULL;
    while (rc == 0 && !*ret_wrong && journal_line_next(&body, &line)) {
        if (header)
            rc = take_header(a, line);
        else
            rc = check_line(a, line, &seq, ret_wrong);
        header = false;
    }
    return rc;
}

/* The chain value of a batch whose numbers are in order. */
static void check_chain(struct journal_audit *a, uint64_t offset, const struct journal_batch *b)
{
    uint8_t due[SHA256_BYTES], other[SHA256_BYTES];
    bool known = a->chain_known;
    bool good;

    journal_chain_next(a->head.chain, b->body, due);
    good = memcmp(due, b->commit.chain, SHA256_BYTES) == 0;
    if (!good && a->other_known) {
        journal_chain_next(a->other_chain, b->body, other);
        good = memcmp(other, b->commit.chain, SHA256_BYTES) == 0;
    }
    a->other_known = known && !good;
    if (a->other_known) {
        memcpy(a->other_chain, due, SHA256_BYTES);
        fault(a, offset, "chain",
              "the batch up to record %" PRIu64 " does not follow from the one "
              "before it",
              b->commit.last);
    }
    memcpy(a->head.chain, b->commit.chain, SHA256_BYTES);
    a->chain_known = true;
}

/* Hold a batch's numbers against what is due; false for a batch that is to be left out. */
static bool check_sequence(struct journal_audit *a, uint64_t offset, const struct journal_batch *b)
{
    uint64_t due = a->head.next_seq;
    uint64_t from = b->commit.last - b->commit.records + 1;

    if (from == due || (!a->seq_known && from > due))
        return true;
    if (b->commit.records == 0) {
        fault(a, offset, "commit", "the commit line says record %" PRIu64 "; %" PRIu64 " is due",
              from - 1, due - 1);
        return true;
    }
    if (from < due) {
        fault(a, offset, "sequence",
              "records %" PRIu64 " to %" PRIu64 " stand here again or out of "
              "order; %" PRIu64 " is due",
              from, b->commit.last, due);
        return false;
    }
    fault(a, offset, "sequence", "records %" PRIu64 " to %" PRIu64 " are missing", due, from - 1);
    a->chain_known = false;
    return true;
}

/* How many lines the tree may take at once: none past a size that somebody wants to look at. */
static size_t leaves_at_once(const struct journal_audit *a)
{
    const uint64_t count = a->head.tree.count;
    uint64_t left = JOURNAL_TREE_EACH;

    if (a->onlooker)
        left = a->onlooker->wants(a->onlooker_arg, count) - count;
    return left < JOURNAL_TREE_EACH ? (size_t)left : JOURNAL_TREE_EACH;
}

/* The tree takes lines, and who looks at it is told. */
static void push_lines(struct journal_audit *a, struct span rest)
{
    struct span lines[JOURNAL_TREE_EACH];
    bool more = true;

    while (more) {
        const size_t most = leaves_at_once(a);
        size_t n = 0;

        while (n < most && (more = journal_line_next(&rest, &lines[n])))
            n++;
        journal_tree_push_each(&a->head.tree, lines, n);
        if (a->onlooker && n > 0)
            a->onlooker->on_leaves(a->onlooker_arg, lines, n);
    }
}

/* Count a batch and push its lines. */
static void take_batch(struct journal_audit *a, const struct journal_batch *b)
{
    struct journal_verdict *v = &a->verdict;

    push_lines(a, b->body);
    if (b->commit.records) {
        if (v->records == 0)
            v->first_seq = b->commit.last - b->commit.records + 1;
        v->last_seq = b->commit.last;
        a->head.next_seq = b->commit.last + 1;
    }
    if (a->late.said_by && !a->late.said_leaves)
        a->late.said_leaves = a->head.tree.count;
    v->batches++;
    v->records += b->commit.records;
    a->seq_known = true;
}

/* Tell of what lies between the last good batch and the one that begins now. */
static void tell_held(struct journal_audit *a, uint64_t offset, const struct journal_batch *b)
{
    if (b->skipped) {
        fault_within(a, a->good_end, offset + b->skipped, a->held_kind ? a->held_kind : "commit",
                     "%" PRIu64 " bytes belong to no batch: a commit line is missing or damaged",
                     offset + b->skipped - a->good_end);
        a->chain_known = false;
    } else if (a->held_kind) {
        fault_within(a, a->good_end, offset, a->held_kind, "%s (%" PRIu64 " bytes)", a->held_why,
                     offset - a->good_end);
        memcpy(a->head.chain, a->held_chain, SHA256_BYTES);
        a->chain_known = true;
    } else {
        return;
    }
    a->other_known = false;
    a->seq_known = false;
    a->held_kind = NULL;
}

/* A batch whose commit line describes it. */
static int audit_good(struct journal_audit *a, uint64_t offset, const struct journal_batch *b)
{
    const char *wrong;
    int rc;

    tell_held(a, offset, b);
    offset += b->skipped;
    rc = check_lines(a, offset, b->body, &wrong);
    if (rc)
        return rc;
    if (wrong)
        fault(a, offset, "syntax", "%s", wrong);
    if (check_sequence(a, offset, b)) {
        check_chain(a, offset, b);
        take_batch(a, b);
    }
    a->first = false;
    a->good_end = offset - b->skipped + b->size;
    return 0;
}

int journal_audit_batch(struct journal_audit *a, enum journal_step step, uint64_t offset,
                        const struct journal_batch *batch)
{
    if (step == JOURNAL_STEP_GOOD)
        return audit_good(a, offset, batch);
    if (!a->held_kind) {
        a->held_kind = batch->kind;
        a->held_why = batch->why;
    }
    a->first = false;
    memcpy(a->held_chain, batch->commit.chain, SHA256_BYTES);
    return 0;
}

void journal_audit_segment_end(struct journal_audit *a, uint64_t size, uint64_t counted, bool last)
{
    a->verdict.bytes += size;
    hex_encode(a->head.chain, SHA256_BYTES, a->verdict.chain);
    if (size < counted)
        fault_within(a, size, counted, "truncated", "%" PRIu64 " bytes are missing at the end",
                     counted - size);
    else if (a->good_end < counted && last && !is_in_hole(a, a->good_end, counted))
        harmless(a, "torn tail",
                 "the last bytes have no commit line: the writer died there, or is "
                 "writing now");
    else if (a->good_end < counted)
        fault_within(a, a->good_end, counted, a->held_kind ? a->held_kind : "commit", "%s",
                     a->held_kind ? a->held_why
                                  : "bytes without a commit line in a closed segment");
    else if (counted < size)
        harmless(a, "superseded",
                 "the bytes from here on did not become durable, or follow damage; "
                 "the next segment goes on");
    if (a->good_end < counted) {
        a->seq_known = false;
        a->chain_known = false;
    }
}
