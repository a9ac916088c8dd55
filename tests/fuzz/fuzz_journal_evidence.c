/*
 * Checkpoints against the lines that they are about: no bytes crash what holds them against each
 * other, those of the key over these lines all fit, and with one byte changed, or over one line
 * more, they never do.
 *
 * An input is what is done (flags), the place of the byte to change (two bytes) and what is turned
 * over in it, how many checkpoints there are and, of each, a byte that gives its size; then the
 * lines behind the header of a segment. With FLAG_RAW the file of checkpoints is the bytes up to a
 * vertical tab instead.
 */
#include "journal/evidence.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHOICES   5  /* bytes before the sizes */
#define NOTES_MAX 16 /* checkpoints */
#define LINES_MAX 64

enum { FLAG_KEY = 1, FLAG_KEPT = 2, FLAG_RAW = 4, FLAG_AHEAD = 8 };

/* What is verified. */
struct log {
    unsigned flags;
    struct journal_secret secret;
    struct buf segment;
    struct buf notes;
    struct span line[LINES_MAX]; /* the leaves, in `segment` */
    size_t line_count;
    size_t note_count;
};

/* File names: one that is taken is the one that is written. */
static void try_names(struct span in)
{
    char file[JOURNAL_FILE_SIZE], again[JOURNAL_FILE_SIZE];
    struct journal_name name;

    if (in.n >= sizeof file)
        return;
    memcpy(file, in.p, in.n);
    file[in.n] = '\0';
    if (journal_name_parse(file, &name) && strcmp(journal_name_format(name, again), file) != 0)
        abort();
    if (journal_checkpoints_name_parse(file, &name) &&
        strcmp(journal_checkpoints_name(name, again), file) != 0)
        abort();
}

/* The segment: a header, and one batch of the whole lines of `in`. */
static void make_segment(struct log *log, struct span in)
{
    const struct journal_header header = {.uuid = "fbb3167f-0812-4352-a059-985d959ce786",
                                          .first = 1,
                                          .previous = "",
                                          .host = "h",
                                          .boot = "b",
                                          .version = "1"};
    struct journal_head head = {.next_seq = 1};
    struct span line, rest;
    uint64_t records = 0, seq;
    size_t from;

    if (journal_header_encode(&header, &log->segment) ||
        journal_batch_close(&head, &log->segment, 0, 0))
        abort();
    from = log->segment.len;
    for (size_t i = 1; i < LINES_MAX && journal_line_next(&in, &line); i++) {
        if (journal_line_seq(line, &seq) == 0) {
            records++;
            head.next_seq = seq + 1;
        }
        if (buf_append_span(&log->segment, line) || buf_append_byte(&log->segment, '\n'))
            abort();
    }
    if (log->segment.len > from && journal_batch_close(&head, &log->segment, from, records))
        abort();
    rest = (struct span){log->segment.data, log->segment.len};
    while (journal_line_next(&rest, &line) && log->line_count < LINES_MAX)
        if (journal_kind_of(line) != JOURNAL_KIND_COMMIT)
            log->line[log->line_count++] = line;
}

/* A checkpoint over the first lines; over one more than there are, if so many are asked for. */
static void add_note(struct log *log, size_t lines)
{
    struct journal_tree tree = {.count = 0};

    for (size_t i = 0; i < lines; i++)
        journal_tree_push(&tree, i < log->line_count ? log->line[i] : SPAN("more"));
    if (journal_checkpoint_sign(&tree, &log->secret, &log->notes) ||
        buf_append_byte(&log->notes, '\n'))
        abort();
    log->note_count++;
}

/* For qsort. */
static int compare_sizes(const void *a, const void *b)
{
    return (int)*(const uint8_t *)a - (int)*(const uint8_t *)b;
}

/* Checkpoints as they are made: of sizes that rise. */
static void make_notes(struct log *log, const uint8_t *choice, size_t count)
{
    uint8_t sizes[NOTES_MAX] = {0};

    for (size_t i = 0; i < count; i++)
        sizes[i] = (uint8_t)(1 + choice[i] % log->line_count);
    qsort(sizes, count, 1, compare_sizes);
    for (size_t i = 0; i < count; i++)
        add_note(log, sizes[i]);
    if (log->flags & FLAG_AHEAD)
        add_note(log, log->line_count + 1);
}

/* The segment through the audit. */
static void audit_segment(struct journal_audit *audit, struct span in)
{
    struct journal_batch batch;
    enum journal_step step;
    size_t at = 0;

    journal_audit_segment(audit, (struct journal_name){.first = 1});
    while ((step = journal_batch_next((struct span){in.p + at, in.n - at}, &batch)) !=
               JOURNAL_STEP_MORE &&
           journal_audit_batch(audit, step, at, &batch) == 0)
        at += batch.size;
    journal_audit_segment_end(audit, in.n, in.n, true);
}

/* All of it, with these checkpoints; with `kept` they were kept elsewhere, too. */
static struct journal_verdict verify(const struct log *log, struct span notes, bool kept)
{
    struct journal_verdict verdict;
    struct journal_audit audit;
    struct evidence ev;
    struct span rest = notes, note;
    int rc;

    journal_audit_init(&audit, NULL, NULL);
    rc = evidence_init(&ev, &audit, &log->secret.key, log->flags & FLAG_KEY ? 1 : 0);
    while (rc == 0 && kept && journal_checkpoints_next(&rest, &note))
        rc = evidence_anchor(&ev, "kept", false, note);
    if (rc == 0)
        rc = buf_append_span(&ev.file, notes);
    if (rc == 0)
        rc = evidence_segment(&ev, (struct journal_name){.first = 1});
    audit_segment(&audit, (struct span){log->segment.data, log->segment.len});
    if (rc || evidence_segment_end(&ev) || evidence_end(&ev))
        abort();
    verdict = audit.verdict;
    evidence_release(&ev);
    journal_audit_release(&audit);
    return verdict;
}

/* Is the segment good to its end, whatever was signed? */
static bool is_good(struct log *log)
{
    const unsigned flags = log->flags;
    struct journal_verdict v;

    log->flags = 0;
    v = verify(log, SPAN(""), false);
    log->flags = flags;
    return v.faults + v.torn == 0;
}

/* What must be said of checkpoints by the key over the lines of a good segment. */
static void check(struct log *log, size_t place, uint8_t turn)
{
    const bool kept = log->flags & FLAG_KEPT, ahead = log->flags & FLAG_AHEAD;
    struct span notes = {log->notes.data, log->notes.len};
    struct journal_verdict v = verify(log, notes, kept);

    if (!(log->flags & FLAG_KEY) || log->note_count == 0 || !is_good(log))
        return;
    if (ahead ? v.faults == 0
              : v.faults || v.checkpoints != log->note_count ||
                    v.anchors != (kept ? log->note_count : 0))
        abort();
    if (turn == 0)
        return;
    log->notes.data[place % notes.n] = (char)((uint8_t)log->notes.data[place % notes.n] ^ turn);
    v = verify(log, notes, false);
    if (v.faults + v.torn == 0 || v.checkpoints >= log->note_count)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = {(const char *)data, size};
    static const uint8_t seed[ED25519_SEED_BYTES];
    struct log log = {.flags = size ? data[0] : 0};
    size_t count, raw;

    try_names(in);
    if (size < CHOICES || size < CHOICES + data[4] % NOTES_MAX)
        return 0;
    if (journal_secret_init(&log.secret, SPAN("a.example/log"), seed))
        abort();
    count = data[4] % NOTES_MAX;
    in = (struct span){in.p + CHOICES + count, size - CHOICES - count};
    buf_init(&log.segment, 1u << 20);
    buf_init(&log.notes, 1u << 20);
    if (log.flags & FLAG_RAW) {
        const char *end = in.n ? memchr(in.p, '\v', in.n) : NULL;

        raw = end ? (size_t)(end - in.p) : in.n;
        if (buf_append(&log.notes, in.p, raw))
            abort();
        raw += end ? 1 : 0;
        in = (struct span){in.p + raw, in.n - raw};
    }
    make_segment(&log, in);
    if (!(log.flags & FLAG_RAW))
        make_notes(&log, data + CHOICES, count);
    check(&log, (size_t)data[1] << 8 | data[2], data[3]);
    buf_release(&log.segment);
    buf_release(&log.notes);
    return 0;
}
