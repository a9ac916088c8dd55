/* Making a proof: the record, and the first checkpoint that covers it. Shell. */
#include "journal/proof.h"
#include "journal/walk.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* One proof being made. */
struct prover {
    int dir_fd;
    struct journal_list list;
    uint64_t seq;
    struct journal_tree tree; /* before the record; while it was not met */
    struct proof_path path;   /* from it on */
    bool met;
    bool through;     /* the path has the size of the checkpoint */
    struct buf line;  /* of the record */
    struct buf store; /* of headers */
    struct buf notes; /* the checkpoints of the segment at hand */
    struct span note; /* the checkpoint that covers it; p NULL: none yet */
    struct journal_checkpoint checkpoint;
};

/* The first checkpoint of the segment at hand that covers what the path has. */
static void choose(struct prover *p)
{
    struct span rest = {p->notes.data, p->notes.len}, text;
    struct journal_checkpoint c;
    struct journal_note note;

    while (!p->note.p && rest.n && journal_checkpoints_next(&rest, &text)) {
        if (journal_note_parse(text, &note) || journal_checkpoint_parse(note.text, &c) ||
            c.size < proof_path_size(&p->path))
            continue;
        p->note = text;
        p->checkpoint = c;
    }
}

/* The next line of the journal. 0 or a negative code. */
static int take_line(struct prover *p, struct span line)
{
    uint64_t seq;
    int rc = 0;

    if (p->through)
        return 0;
    if (p->met) {
        proof_path_push(&p->path, line);
    } else if (journal_kind_of(line) != JOURNAL_KIND_RECORD || journal_line_seq(line, &seq) ||
               seq != p->seq) {
        journal_tree_push(&p->tree, line);
        return 0;
    } else {
        proof_path_init(&p->path, &p->tree);
        proof_path_push(&p->path, line);
        p->met = true;
        rc = buf_append_span(&p->line, line);
        choose(p);
    }
    p->through = p->note.p && proof_path_size(&p->path) == p->checkpoint.size;
    return rc;
}

/* All lines of a segment, or as many as are needed. 0, ERR_CORRUPT, -errno. */
static int take_segment(struct prover *p, struct journal_walk *w)
{
    struct journal_batch batch;
    enum journal_step step;
    uint64_t offset;
    struct span line;
    int rc = 0;

    while (rc == 0 && !p->through) {
        rc = journal_walk_next(w, &step, &batch, &offset);
        if (rc || step == JOURNAL_STEP_MORE)
            break;
        if (step == JOURNAL_STEP_BROKEN || batch.skipped)
            rc = ERR_CORRUPT;
        while (rc == 0 && journal_line_next(&batch.body, &line))
            rc = take_line(p, line);
    }
    return rc;
}

/* The i-th segment. 0, ERR_CORRUPT, -errno. */
static int prove_segment(struct prover *p, size_t i)
{
    char file[JOURNAL_FILE_SIZE];
    struct journal_header header;
    struct journal_walk w;
    int rc;

    buf_reset(&p->notes);
    rc = journal_checkpoints_read(p->dir_fd, journal_checkpoints_name(p->list.names[i], file),
                                  &p->notes);
    if (rc == 0)
        rc = journal_walk_header(p->dir_fd, p->list.names[i], &p->store, &header);
    if (rc == 0)
        rc = journal_walk_open(&w, p->dir_fd, p->list.names[i]);
    if (rc)
        return rc;
    if (p->met && (header.tree.count != proof_path_size(&p->path)))
        rc = ERR_CORRUPT;
    if (!p->met)
        p->tree = header.tree;
    else
        choose(p);
    if (rc == 0 && i + 1 < p->list.count)
        rc = journal_walk_counted(p->dir_fd, p->list.names[i], p->list.names[i + 1], &w.limit);
    if (rc == 0 || rc == -ENODATA)
        rc = take_segment(p, &w);
    journal_walk_close(&w);
    if (rc == 0 && p->note.p && !p->through)
        rc = ERR_CORRUPT; /* a checkpoint speaks of more than there is */
    return rc;
}

/* The segment that the record must be in; list.count where there is none. */
static size_t segment_of(const struct journal_list *list, uint64_t seq)
{
    size_t i = list->count;

    while (i > 0 && list->names[i - 1].first > seq)
        i--;
    return i > 0 ? i - 1 : list->count;
}

/* What was found, as text; the checkpoint must fit. 0 or a negative code. */
static int finish(const struct prover *p, const char *dir, struct buf *out, struct err *e)
{
    struct journal_proof proof = {.line = {p->line.data, p->line.len}, .checkpoint = p->note};
    uint8_t root[SHA256_BYTES];
    int rc;

    if (!p->met)
        return err_set(e, -ENOENT, dir, NULL, "there is no record %" PRIu64, p->seq);
    if (!p->through)
        return err_set(e, -ENODATA, dir,
                       "an agent that signs makes one every minute, and when it stops",
                       "no checkpoint covers record %" PRIu64 " yet", p->seq);
    proof_path_end(&p->path, &proof);
    if (journal_proof_root(&proof, p->checkpoint.size, root) ||
        memcmp(root, p->checkpoint.root, SHA256_BYTES) != 0)
        return err_set(e, ERR_CORRUPT, dir, "see \"lockstep journal verify\"",
                       "the checkpoint over %" PRIu64 " lines was signed over other lines",
                       p->checkpoint.size);
    rc = journal_proof_render(&proof, out);
    return rc ? err_set(e, rc, dir, NULL, "%s", err_name(rc)) : 0;
}

int journal_prove(const char *dir, uint64_t seq, struct buf *out, struct err *e)
{
    struct prover p = {.dir_fd = -1, .seq = seq};
    int rc = journal_dir_open(dir, &p.dir_fd, e);

    if (rc)
        return rc;
    buf_init(&p.line, JOURNAL_LINE_MAX);
    buf_init(&p.store, JOURNAL_LINE_MAX);
    buf_init(&p.notes, JOURNAL_CHECKPOINTS_MAX);
    rc = journal_list_read(p.dir_fd, &p.list);
    for (size_t i = segment_of(&p.list, seq); rc == 0 && !p.through && i < p.list.count; i++) {
        rc = prove_segment(&p, i);
        if (!p.met)
            break;
    }
    if (rc == 0 || rc == -ENODATA)
        rc = finish(&p, dir, out, e);
    else
        (void)err_set(e, rc, dir, rc == ERR_CORRUPT ? "see \"lockstep journal verify\"" : NULL,
                      "the journal cannot be read there: %s", err_name(rc));
    buf_release(&p.line);
    buf_release(&p.store);
    buf_release(&p.notes);
    journal_list_release(&p.list);
    close(p.dir_fd);
    return rc;
}
