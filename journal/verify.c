/* The verifier: every segment of a directory against the audit, every checkpoint against the tree.
 * Shell. */
#include "base/err.h"
#include "journal/evidence.h"
#include "journal/walk.h"

#include <unistd.h>

/* What one verification has open. */
struct verification {
    int dir_fd;
    struct journal_list list; /* segments */
    struct journal_audit audit;
    struct evidence evidence;
    struct buf newest;
    char file[JOURNAL_FILE_SIZE]; /* at hand */
};

/* What others have kept, and the newest checkpoint. 0 or a negative code. */
static int take_anchors(struct verification *v, const struct journal_trust *trust)
{
    int rc = journal_checkpoints_read(v->dir_fd, JOURNAL_CHECKPOINT_FILE, &v->newest);

    if (rc == 0 && v->newest.len)
        rc = evidence_anchor(&v->evidence, JOURNAL_CHECKPOINT_FILE, true,
                             (struct span){v->newest.data, v->newest.len});
    for (size_t i = 0; rc == 0 && trust && i < trust->anchor_count; i++)
        rc = evidence_anchor(&v->evidence, trust->anchors[i].name, false, trust->anchors[i].note);
    return rc;
}

/* The segments, and files of checkpoints without one. A writer that is writing now makes the
 * segment first, so it is looked for last. 0 or -errno. */
static int list_files(struct verification *v)
{
    struct journal_list found = {NULL, 0};
    size_t at = 0;
    int rc = journal_list_checkpoints(v->dir_fd, &found);

    if (rc == 0)
        rc = journal_list_read(v->dir_fd, &v->list);

    for (size_t i = 0; rc == 0 && i < found.count; i++) {
        while (at < v->list.count && journal_name_compare(v->list.names[at], found.names[i]) < 0)
            at++;
        if (at == v->list.count || journal_name_compare(v->list.names[at], found.names[i]) != 0)
            evidence_orphan(&v->evidence, found.names[i]);
    }
    journal_list_release(&found);
    return rc;
}

/* The i-th segment. 0 or a negative code. */
static int verify_segment(struct verification *v, size_t i)
{
    const struct journal_name *next = i + 1 < v->list.count ? &v->list.names[i + 1] : NULL;
    uint64_t size;
    int rc;

    buf_reset(&v->evidence.file);
    rc = journal_checkpoints_read(v->dir_fd, journal_checkpoints_name(v->list.names[i], v->file),
                                  &v->evidence.file);
    if (rc == 0)
        rc = evidence_segment(&v->evidence, v->list.names[i]);
    journal_name_format(v->list.names[i], v->file);
    if (rc == 0)
        rc = journal_walk_audit(v->dir_fd, v->list.names[i], next, &v->audit, &size);
    return rc ? rc : evidence_segment_end(&v->evidence);
}

int journal_verify(const char *dir, const struct journal_trust *trust,
                   void (*on_fault)(void *arg, const struct journal_fault *f), void *arg,
                   struct journal_verdict *ret, struct err *e)
{
    struct verification v = {.dir_fd = -1};
    int rc = journal_dir_open(dir, &v.dir_fd, e);

    if (rc)
        return rc;
    journal_audit_init(&v.audit, on_fault, arg);
    buf_init(&v.newest, JOURNAL_CHECKPOINTS_MAX);
    rc = evidence_init(&v.evidence, &v.audit, trust ? trust->keys : NULL,
                       trust ? trust->key_count : 0);
    if (rc == 0)
        rc = take_anchors(&v, trust);
    if (rc == 0)
        rc = list_files(&v);
    for (size_t i = 0; rc == 0 && i < v.list.count; i++)
        rc = verify_segment(&v, i);
    if (rc == 0)
        rc = evidence_end(&v.evidence);
    if (rc)
        (void)err_set(e, rc, dir, "", "cannot read %s: %s", v.file[0] ? v.file : "the directory",
                      err_name(rc));
    else
        *ret = v.audit.verdict;
    evidence_release(&v.evidence);
    journal_audit_release(&v.audit);
    journal_list_release(&v.list);
    buf_release(&v.newest);
    close(v.dir_fd);
    return rc;
}
