/* The verifier: every segment of a directory against the audit, every checkpoint against the tree.
 * Shell. */
#include "journal/verify.h"

#include "base/err.h"

#include <unistd.h>

int verification_anchors(struct verification *v, struct evidence *ev)
{
    int rc = 0;

    if (v->newest.len)
        rc = evidence_anchor(ev, JOURNAL_CHECKPOINT_FILE, true,
                             (struct span){v->newest.data, v->newest.len});
    for (size_t i = 0; rc == 0 && v->trust && i < v->trust->anchor_count; i++)
        rc = evidence_anchor(ev, v->trust->anchors[i].name, false, v->trust->anchors[i].note);
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

int verification_begin(struct verification *v, int dir_fd, const struct journal_trust *trust,
                       void (*on_fault)(void *arg, const struct journal_fault *f), void *arg)
{
    int rc;

    *v = (struct verification){.dir_fd = dir_fd, .trust = trust};
    journal_audit_init(&v->audit, on_fault, arg);
    buf_init(&v->newest, JOURNAL_CHECKPOINTS_MAX);
    rc = evidence_init(&v->evidence, &v->audit, trust ? trust->keys : NULL,
                       trust ? trust->key_count : 0);
    if (rc == 0)
        rc = journal_checkpoints_read(dir_fd, JOURNAL_CHECKPOINT_FILE, &v->newest);
    if (rc == 0)
        rc = verification_anchors(v, &v->evidence);
    return rc ? rc : list_files(v);
}

void verification_end(struct verification *v)
{
    evidence_release(&v->evidence);
    journal_audit_release(&v->audit);
    journal_list_release(&v->list);
    buf_release(&v->newest);
}

int verification_segment(const struct verification *v, size_t i, struct journal_audit *audit,
                         struct evidence *ev, char file[JOURNAL_FILE_SIZE])
{
    const struct journal_name *next = i + 1 < v->list.count ? &v->list.names[i + 1] : NULL;
    uint64_t size;
    int rc;

    buf_reset(&ev->file);
    rc = journal_checkpoints_read(v->dir_fd, journal_checkpoints_name(v->list.names[i], file),
                                  &ev->file);
    if (rc == 0)
        rc = evidence_segment(ev, v->list.names[i]);
    if (rc == 0) {
        journal_name_format(v->list.names[i], file);
        rc = journal_walk_audit(v->dir_fd, v->list.names[i], next, audit, &size);
    }
    return rc ? rc : evidence_segment_end(ev);
}

/* All segments, one after the other. 0 or a negative code; v->file names where. */
static int verify_in_order(struct verification *v)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < v->list.count; i++)
        rc = verification_segment(v, i, &v->audit, &v->evidence, v->file);
    return rc;
}

/* All of it by several threads, if that comes to an end: then true, and what it came to. */
static bool verify_at_once(int dir_fd, const struct journal_trust *trust, unsigned threads,
                           void (*on_fault)(void *arg, const struct journal_fault *f), void *arg,
                           struct journal_verdict *ret, int *ret_code)
{
    struct verification v;
    bool ended = verification_begin(&v, dir_fd, trust, NULL, NULL) == 0;

    v.audit.on_fault = on_fault;
    v.audit.arg = arg;
    ended = ended && v.audit.verdict.faults == 0 && verification_in_parts(&v, threads);
    if (ended) {
        *ret_code = evidence_end(&v.evidence);
        *ret = v.audit.verdict;
    }
    verification_end(&v);
    return ended;
}

/* All of it by one thread. 0 or a negative code, with e. */
static int verify_by_one(const char *dir, int dir_fd, const struct journal_trust *trust,
                         void (*on_fault)(void *arg, const struct journal_fault *f), void *arg,
                         struct journal_verdict *ret, struct err *e)
{
    struct verification v;
    int rc = verification_begin(&v, dir_fd, trust, on_fault, arg);

    if (rc == 0)
        rc = verify_in_order(&v);
    if (rc == 0)
        rc = evidence_end(&v.evidence);
    if (rc)
        (void)err_set(e, rc, dir, "", "cannot read %s: %s", v.file[0] ? v.file : "the directory",
                      err_name(rc));
    else
        *ret = v.audit.verdict;
    verification_end(&v);
    return rc;
}

int journal_verify_with(const char *dir, const struct journal_trust *trust, unsigned threads,
                        void (*on_fault)(void *arg, const struct journal_fault *f), void *arg,
                        struct journal_verdict *ret, struct err *e)
{
    struct journal_verdict verdict;
    int dir_fd, code, rc = journal_dir_open(dir, &dir_fd, e);

    if (rc)
        return rc;
    if (threads < 2 || !verify_at_once(dir_fd, trust, threads, on_fault, arg, &verdict, &code))
        rc = verify_by_one(dir, dir_fd, trust, on_fault, arg, ret, e);
    else if (code)
        rc = err_set(e, code, dir, "", "cannot read the directory: %s", err_name(code));
    else
        *ret = verdict;
    close(dir_fd);
    return rc;
}

int journal_verify(const char *dir, const struct journal_trust *trust,
                   void (*on_fault)(void *arg, const struct journal_fault *f), void *arg,
                   struct journal_verdict *ret, struct err *e)
{
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    const unsigned threads = processors < 1                        ? 1
                             : processors > JOURNAL_VERIFY_THREADS ? JOURNAL_VERIFY_THREADS
                                                                   : (unsigned)processors;

    return journal_verify_with(dir, trust, threads, on_fault, arg, ret, e);
}
